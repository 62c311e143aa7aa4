"""What the server answers, as it stands in its OpenAPI description. In: pictures and their faces. Out: JSON."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class Place(BaseModel):
    """A rectangle in pixels of the upright picture."""

    left: int = Field(ge=0)
    top: int = Field(ge=0)
    width: int = Field(ge=1)
    height: int = Field(ge=1)


class CropAnswer(BaseModel):
    """The square that the network was shown, in pixels of the upright picture; it may reach beyond the picture."""

    left: int
    top: int
    side: int = Field(ge=1)
    turn: float = Field(description="Degrees by which what is seen leans clockwise, and was turned back.")


class FaceAnswer(BaseModel):
    """One face: where it is (null where the whole picture was taken as the face) and what it shows."""

    box: Place | None
    expression: str | None = Field(description="The most probable one; null where it is not readable.")
    confidence: float = Field(ge=0, le=1, description="Probability of the expression; 0 where there is none.")
    probabilities: dict[str, float] = Field(
        description="Of every expression; they sum to 1. Empty where it is not readable."
    )
    detection: float | None = Field(description="How sure the face detector is, 0 to 1.")
    expressions: list[str] = Field(
        default_factory=list,
        description="Those that it may show: the true one is among them as often as the server was told to see to.",
    )
    roll: float | None = Field(default=None, description="Degrees by which the face leans clockwise in the picture.")
    crop: CropAnswer | None = Field(default=None, description="What the network was shown; null: the whole picture.")
    sharpness: float | None = Field(
        default=None, description="About 1 for a sharp photograph, lower for a blurred one."
    )
    is_clear: bool = Field(default=True, description="Large and sharp enough to be named.")
    readable: bool | None = Field(
        default=None, description="Whether it is a face, and one that can be read; null: the network does not tell."
    )
    readability: float | None = Field(
        default=None, ge=0, le=1, description="The score for it; readable from the server's limit on, 0.5 by itself."
    )


class Timings(BaseModel):
    """Seconds that the stages took, waiting included."""

    read: float = Field(ge=0, description="Decoding the picture.")
    find: float = Field(ge=0, description="Looking for faces, and cutting them out.")
    recognise: float = Field(ge=0, description="The network, together with the faces of other requests.")


class PictureAnswer(BaseModel):
    """One picture; no face is an empty list."""

    name: str
    width: int = Field(ge=1, description="Of the upright picture.")
    height: int = Field(ge=1)
    faces: list[FaceAnswer] = Field(description="The largest first.")
    remarks: list[str] = Field(description="For example, that only the first of several frames was looked at.")
    seconds: Timings


class Answer(BaseModel):
    """What /v1/recognise answers: the pictures in the order in which they came."""

    pictures: list[PictureAnswer]
    seconds: float = Field(ge=0, description="From the end of the request's body to the answer.")


class Refusal(BaseModel):
    """Why a request was refused, in one line."""

    detail: str


class Health(BaseModel):
    """The state of the server in one word."""

    status: str


REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Refusal, "description": "A form or JSON that cannot be read"},
    401: {"model": Refusal, "description": "The server wants its token"},
    403: {"model": Refusal, "description": "A page of another origin asks"},
    421: {"model": Refusal, "description": "The server is not known under this host name"},
    408: {"model": Refusal, "description": "The body came too slowly"},
    413: {"model": Refusal, "description": "Too many bytes or pixels"},
    415: {"model": Refusal, "description": "Not a picture"},
    422: {"model": Refusal, "description": "A broken picture, none at all, or an impossible option"},
    503: {"model": Refusal, "description": "Too many requests are waiting: try again after Retry-After seconds"},
}
"""Every status other than 200 that recognition answers with."""

FILES = {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {"files": FILES},
                },
                "encoding": {"files": {"contentType": "image/*"}},
            },
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "image": {"type": "string", "description": "base64 or a data URL"},
                        "images": {"type": "array", "items": {"type": "string"}},
                        "detect": {"type": "boolean"},
                        "prior": {"type": "string", "description": "training, uniform or happy=0.4,…"},
                    },
                }
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}
"""The three forms of a request: one or several files of a form, JSON, or the bytes of one picture."""

ANALYZE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "img": {"type": "string", "description": "base64 or a data URL; img_path likewise"},
                        "actions": {"type": "array", "items": {"enum": ["emotion"]}},
                        "enforce_detection": {"type": "boolean"},
                        "detector_backend": {"type": "string", "description": "skip: the whole picture is the face"},
                    },
                }
            }
        },
    }
}
"""The request of /analyze."""

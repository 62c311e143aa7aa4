"""DeepFace's /analyze, so that its clients can move over. In: `{"img": …, "actions": ["emotion"]}`. Out: its answer.

Only expressions are told; whoever asks for age, gender or race is refused in words. What DeepFace's other options
choose (detectors, alignment) is this server's own business, and they are passed over.
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import HTTPException
from pydantic import BaseModel, Field

from mien.errors import shorten
from mien.server.answers import FaceAnswer, PictureAnswer
from mien.server.pipeline import Pipeline
from mien.server.uploads import Asked

ACTION = "emotion"
NO_DETECTOR = "skip"
"""The `detector_backend` that takes the whole picture as the face."""


class Region(BaseModel):
    """Where a face is, in pixels of the upright picture."""

    x: int
    y: int
    w: int
    h: int


class Analysis(BaseModel):
    """One face, as DeepFace tells it."""

    emotion: dict[str, float] = Field(description="Percent of each expression; empty where it is not readable.")
    dominant_emotion: str | None = Field(description="Null where it is not readable.")
    region: Region
    face_confidence: float = Field(description="How sure the face detector is; 0 where none looked.")


class Analyses(BaseModel):
    """What /analyze answers."""

    results: list[Analysis]


async def analyze_picture(pipeline: Pipeline, asked: Asked) -> Analyses:
    """Return the faces of the one picture of a request.

    Raises:
        HTTPException: 400 where no face is found that can be read and one was insisted on, 422 for other actions or
            several pictures; and as `Pipeline.recognise`.
    """
    _check_actions(asked.options.get("actions", [ACTION]))
    if len(asked.uploads) != 1:
        raise HTTPException(422, f"expected one picture, found {len(asked.uploads)}")
    upload = asked.uploads[0]
    pipeline.backlog.check()
    insists = asked.tell("enforce_detection", True)
    looks = asked.options.get("detector_backend") != NO_DETECTOR
    answer = await pipeline.recognise(upload, detect=looks)
    if not answer.faces:
        if insists:
            advice = "enforce_detection false takes the whole picture as one"
            raise HTTPException(400, f"{upload.name}: expected a face, found none: {advice}")
        answer = await pipeline.recognise(upload, detect=False)
    elif insists and looks and all(face.expression is None for face in answer.faces):
        advice = "enforce_detection false answers without an expression"
        raise HTTPException(400, f"{upload.name}: expected a face, found nothing that can be read as one: {advice}")
    return Analyses(results=[_convert(face, answer) for face in answer.faces])


def _check_actions(given: Any) -> None:
    actions = given
    if isinstance(given, str):  # of a form
        try:
            actions = json.loads(given)
        except ValueError:
            actions = [given]
    if isinstance(actions, str):
        actions = [actions]
    if not isinstance(actions, list) or set(map(str, actions)) != {ACTION}:
        found = shorten(json.dumps(actions), 60)
        raise HTTPException(422, f'actions: expected ["{ACTION}"], found {found}: this server tells expressions alone')


def _convert(face: FaceAnswer, picture: PictureAnswer) -> Analysis:
    box = face.box
    region = (
        Region(x=0, y=0, w=picture.width, h=picture.height)
        if box is None
        else Region(x=box.left, y=box.top, w=box.width, h=box.height)
    )
    return Analysis(
        emotion={name: 100 * value for name, value in face.probabilities.items()},
        dominant_emotion=face.expression,
        region=region,
        face_confidence=face.detection or 0.0,
    )

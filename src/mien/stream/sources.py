"""Which files to look at. In: names as a user gives them: files, folders, globs. Out: paths, one after the other.

Nothing is kept, so a million files take no more memory than the largest of their folders.
"""

# ruff: noqa: PTH100, PTH112, PTH110, PTH118, PTH119, PTH207 (names are kept as given, and a Path costs ten times as much)
from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from urllib.parse import urlsplit

from mien.data.formats import PICTURE_SUFFIXES, UNREAD_SUFFIXES
from mien.errors import DataError
from mien.recognition.inputs import is_address, refuse_address
from mien.recognition.videos.formats import SHARED_SUFFIXES, VIDEO_SUFFIXES, is_stream, sniff

_SUFFIXES = PICTURE_SUFFIXES + UNREAD_SUFFIXES + VIDEO_SUFFIXES
"""Raw photographs and the like are looked at, too: each is then told as one that cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What to look at.

    Attributes:
        names: files, folders, globs and addresses of streams. A file that is named is looked at whatever its suffix; in
            folders, and among what a glob finds, those with the suffix of a picture or video count, and videos without
            one. Hidden ones do not.
        left_out: a folder to leave out, such as the one that drawings are written to.
    """

    names: Sequence[str]
    left_out: Path | None = None

    def walk(self) -> Iterator[str]:
        """Yield each file once, names in their order, folders sorted.

        Raises:
            DataError: a name that leads nowhere, or a folder without pictures.
        """
        files: set[str] = set()
        folders: tuple[str, ...] = ()
        for name in self.names:
            is_folder = os.path.isdir(name)
            for file in self._walk_name(name):
                absolute = os.path.abspath(file)
                if absolute not in files and not absolute.startswith(folders):
                    yield file
                    if not is_folder:
                        files.add(absolute)
            if is_folder:
                folders = (*folders, os.path.join(os.path.abspath(name), ""))

    def count(self) -> tuple[int, int]:
        """Return how many pictures and how many videos `walk` will yield."""
        videos = total = 0
        for file in self.walk():
            total += 1
            videos += is_video(file)
        return total - videos, videos

    def _walk_name(self, name: str) -> Iterator[str]:
        if os.path.isdir(name):
            yield from _insist(self._walk_folder(name), name, "expected pictures or videos in this folder, found none")
        elif os.path.exists(name):
            yield name
        elif glob.has_magic(name):
            yield from _insist(self._walk_glob(name), name, "expected pictures or videos of this pattern, found none")
        elif is_stream(name) and not urlsplit(name).path.lower().endswith(PICTURE_SUFFIXES):
            yield name
        elif is_address(name):
            raise refuse_address(name)
        else:
            raise DataError(name or "an empty name", "expected a picture, a video or a folder, found nothing there")

    def _walk_glob(self, pattern: str) -> Iterator[str]:
        for name in sorted(glob.iglob(pattern, recursive=True)):
            if os.path.isdir(name) and "**" not in pattern:  # which names what is inside, too
                yield from self._walk_folder(name)
            elif _is_wanted(name) and not os.path.isdir(name):
                yield name

    def _walk_folder(self, folder: str) -> Iterator[str]:
        """Yield the files of a folder, then those of the folders in it; links to folders are not followed."""
        if self.left_out is not None and Path(folder).absolute() == self.left_out.absolute():
            return
        try:
            with os.scandir(folder) as entries:
                here = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        except OSError as error:
            raise DataError(folder, f"the folder cannot be read ({error.strerror or error})") from error
        here.sort()
        for name, is_folder in here:
            if not is_folder and _is_wanted(file := os.path.join(folder, name)):
                yield file
        for name, is_folder in here:
            if is_folder and not name.startswith("."):
                yield from self._walk_folder(os.path.join(folder, name))


def is_video(file: str) -> bool:
    """Tell whether a file is a video: by its suffix, or by its content where that says nothing; so is a stream.

    >>> is_video("holiday.MP4"), is_video("holiday.jpg"), is_video("rtsp://camera.example/1")
    (True, False, True)
    """
    name = file.lower()
    if name.endswith(VIDEO_SUFFIXES) or is_stream(file):
        return True
    if name.endswith(PICTURE_SUFFIXES + UNREAD_SUFFIXES) and not name.endswith(SHARED_SUFFIXES):
        return False
    return sniff(file)


def _is_wanted(file: str) -> bool:
    """Tell whether a file of a folder is looked at: by its suffix; where others have the same, or none, by content."""
    name = os.path.basename(file).lower()
    if name.startswith("."):
        return False
    if "." not in name or (name.endswith(SHARED_SUFFIXES) and not name.endswith(PICTURE_SUFFIXES)):
        return sniff(file)
    return name.endswith(_SUFFIXES)


def _insist(files: Iterator[str], where: str, problem: str) -> Iterator[str]:
    first = next(files, None)
    if first is None:
        raise DataError(where, problem)
    return chain((first,), files)

"""Folders and archives seen alike: a path goes in, a `Tree` of named entries that can be opened comes out.

Nothing is ever unpacked: entries are read where they are, so that no entry can write outside of the archive.
"""

from __future__ import annotations

import gzip
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mien.data.bad import BadInputs
from mien.errors import DataError

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
TABLE_SUFFIXES = (".csv",)
SYNTHETIC_MARK = "synthetic.txt"
"""A file of this name, beside the splits, says that the faces are drawn."""
MAX_ENTRY_BYTES = 1 << 32
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, NotImplementedError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The entries of a folder or an archive that a reader of faces can use.

    Attributes:
        name: of the folder or archive, for messages.
        files: pictures, tables and the synthetic mark, as paths with "/" inside the tree, sorted.
        folders: every folder, likewise.
        container: what it is: "folder", "file", "gzip file", "zip archive" or "tar archive".
        open: gives the bytes of a file.
    """

    name: str
    files: tuple[str, ...]
    folders: tuple[str, ...]
    container: str
    open: Callable[[str], BinaryIO]

    @property
    def pictures(self) -> tuple[str, ...]:
        """The pictures among the files."""
        return tuple(file for file in self.files if file.lower().endswith(PICTURE_SUFFIXES))

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables among the files."""
        return tuple(file for file in self.files if file.lower().endswith(TABLE_SUFFIXES))

    def locate(self, file: str) -> str:
        """Return where an entry is, for messages: `faces/train/1.jpg`, or `faces.zip: train/1.jpg` in an archive."""
        return self.name if file == self.name else f"{self.name}{'/' if self.container == 'folder' else ': '}{file}"


def is_wanted(file: str) -> bool:
    """Tell whether a reader of faces has a use for the file called so.

    >>> is_wanted("train/happy/1.JPG"), is_wanted("__MACOSX/train/._1.jpg"), is_wanted("notes.txt")
    (True, False, False)
    """
    parts = file.split("/")
    if any(part.startswith(".") and part != ".." for part in parts) or "__MACOSX" in parts:
        return False
    return parts[-1].lower().endswith((*PICTURE_SUFFIXES, *TABLE_SUFFIXES)) or parts[-1] == SYNTHETIC_MARK


@contextmanager
def name_damage(where: str, kind: str = "file") -> Iterator[None]:
    """Turn what the standard library says of a broken archive or an unreadable file into one line.

    Raises:
        DataError: the code inside met such a thing.
    """
    try:
        yield
    except _DAMAGE as error:
        found = f"a truncated or damaged one ({str(error) or type(error).__name__})"
        raise DataError(where, f"expected a whole {kind}, found {found}") from error
    except RuntimeError as error:  # what zipfile says of a password
        raise DataError(where, f"expected a readable entry, found {error}") from error
    except OSError as error:
        raise DataError(where, f"cannot be read ({error.strerror or error})") from error


@contextmanager
def open_tree(path: Path, bad: BadInputs) -> Iterator[Tree]:
    """Yield the folder or archive at `path`, closed again afterwards.

    Raises:
        DataError: it cannot be read, or is damaged; or an entry points outside, unless it may be skipped.
    """
    if path.is_dir():
        yield _see_folder(path)
        return
    with name_damage(path.name, "archive"), path.open("rb") as file:
        magic = file.read(4)
        file.seek(0)
        if magic.startswith(b"PK"):
            with zipfile.ZipFile(file) as archive:
                yield _see_zip(path.name, archive, bad)
        elif is_tar(path.name):
            with tarfile.open(fileobj=file) as archive:
                yield _see_tar(path.name, archive, bad)
        elif magic.startswith(b"\x1f\x8b"):
            yield _see_single(path, "gzip file", lambda _: gzip.open(path))  # type: ignore[arg-type,return-value]  # noqa: SIM115
        else:
            yield _see_single(path, "file", lambda _: path.open("rb"))


def is_tar(name: str) -> bool:
    """Tell whether a file called so is a tar archive, packed or not."""
    return name.lower().endswith((".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"))


def list_folder(path: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield (path inside with "/", entry) of all folders and all wanted files below `path`; links are followed."""
    waiting, seen = [("", path)], set()
    while waiting:
        inside, folder = waiting.pop()
        with name_damage(str(folder)), os.scandir(folder) as entries:
            for entry in entries:
                name = f"{inside}{entry.name}"
                if entry.is_dir():
                    real = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
                    if real not in seen and not entry.name.startswith("."):  # a link may lead back up
                        seen.add(real)
                        waiting.append((f"{name}/", Path(entry.path)))
                        yield name, entry
                elif is_wanted(entry.name):
                    yield name, entry


def _see_folder(path: Path) -> Tree:
    entries = sorted((name, entry.is_dir()) for name, entry in list_folder(path))
    return Tree(
        name=path.resolve().name,
        files=tuple(name for name, is_folder in entries if not is_folder),
        folders=tuple(name for name, is_folder in entries if is_folder),
        container="folder",
        open=lambda file: (path / file).open("rb"),
    )


def _see_zip(name: str, archive: zipfile.ZipFile, bad: BadInputs) -> Tree:
    entries = {info.filename.replace("\\", "/"): info for info in archive.infolist()}
    files = _check_names(name, [file for file, info in entries.items() if not info.is_dir()], bad)
    return Tree(
        name=name,
        files=files,
        folders=_list_folders(entries),
        container="zip archive",
        open=lambda file: _open_limited(archive, entries[file], f"{name}: {file}"),
    )


def _open_limited(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> BinaryIO:
    if info.file_size > MAX_ENTRY_BYTES:
        raise DataError(where, f"expected at most {MAX_ENTRY_BYTES:,} bytes, found {info.file_size:,}")
    return archive.open(info)  # type: ignore[return-value]  # it reads like any other


def _see_tar(name: str, archive: tarfile.TarFile, bad: BadInputs) -> Tree:
    members = {member.name.removeprefix("./"): member for member in archive}
    files = _check_names(name, [file for file, member in members.items() if member.isreg()], bad)

    def open_member(file: str) -> BinaryIO:
        stream = archive.extractfile(members[file])
        assert stream is not None  # a regular file
        return stream  # type: ignore[return-value]

    folders = _list_folders(f"{file}/" if member.isdir() else file for file, member in members.items())
    return Tree(name=name, files=files, folders=folders, container="tar archive", open=open_member)


def _see_single(path: Path, container: str, opener: Callable[[str], BinaryIO]) -> Tree:
    name = path.name
    return Tree(name=name, files=(name,), folders=(), container=container, open=opener)


def _check_names(name: str, files: list[str], bad: BadInputs) -> tuple[str, ...]:
    """Return the wanted files, sorted, less those that point outside of the archive."""
    sound = []
    for file in filter(is_wanted, files):
        parts = file.split("/")
        if not parts[0] or ".." in parts or ":" in parts[0]:
            bad.add(DataError(f"{name}: {file}", "expected an entry inside the archive, found one that points outside"))
        else:
            sound.append(file)
    return tuple(sorted(sound))


def _list_folders(entries: Iterable[str]) -> tuple[str, ...]:
    """Return every folder that the entries name or imply; a folder's own entry ends with "/"."""
    folders = name_outer({entry.rpartition("/")[0] for entry in entries})
    return tuple(sorted(folder for folder in folders if ".." not in folder and "__MACOSX" not in folder))


def name_outer(folders: Iterable[str]) -> set[str]:
    """Return the folders and all folders around them.

    >>> sorted(name_outer(["a/b/c", ""]))
    ['a', 'a/b', 'a/b/c']
    """
    return {folder[:end] for folder in folders if folder for end in _ends(folder)}


def _ends(folder: str) -> Iterator[int]:
    yield from (position for position, sign in enumerate(folder) if sign == "/" and position)
    yield len(folder)

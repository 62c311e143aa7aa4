"""Folders and archives seen alike: a path goes in, a `Tree` of named entries that can be opened comes out.

Nothing is ever unpacked: entries are read where they are, so that no entry can write outside of the archive.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from mien.data.bad import BadInputs
from mien.data.formats import PICTURE_SUFFIXES
from mien.data.limits import check_size, limit_stream, list_members, open_member
from mien.errors import DataError

TABLE_SUFFIXES = (".csv", ".tsv", ".tab")
BESIDE_SUFFIXES = (
    *(".txt", ".lst", ".list", ".json", ".jsonl", ".ndjson", ".cls", ".yaml", ".yml", ".names"),
    *("_exp.npy", ".npy", ".npz", ".parquet", ".arrow", ".tar"),
)
"""Files that may say something of the pictures beside them, or hold faces themselves."""

_SILENT_SUFFIXES = (
    *(".md", ".rst", ".pdf", ".html", ".htm", ".py", ".ipynb", ".m", ".sh", ".lock", ".crc", ".sha256", ".md5"),
    *(".url", ".bib", ".cfg", ".toml", ".ini", ".db", ".log"),
)
"""Files that nobody expects to be read as faces."""

HIDDEN_FOLDERS = frozenset({"__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information"})
"""What macOS, Synology and Windows put beside people's files; so do Jupyter and others, under names with a dot."""

_FOREIGN = {
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x89HDF": "an HDF5 file",
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
}
SYNTHETIC_MARK = "synthetic.txt"
"""A file of this name, beside the splits, says that the faces are drawn."""
MAX_KEPT_BYTES = 1 << 24
"""Of a tar archive's entry: smaller ones, pictures, are kept in memory, because they can be read in order alone."""

_TAR_MARK, _TAR_MARK_AT = b"ustar", 257
_DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, lzma.LZMAError),
    *(EOFError, NotImplementedError),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The entries of a folder or an archive that a reader of faces can use.

    Attributes:
        name: of the folder or archive, for messages.
        files: pictures, tables and the synthetic mark, as paths with "/" inside the tree, sorted.
        folders: every folder, likewise.
        container: what it is: "folder", "file", "gzip file", "zip archive" or "tar archive".
        open: gives the bytes of a file.
        beside: other files that may say something of the pictures, with `BESIDE_SUFFIXES`, sorted.
        unread: suffix -> number of the files that no reader knows.
    """

    name: str
    files: tuple[str, ...]
    folders: tuple[str, ...]
    container: str
    open: Callable[[str], BinaryIO]
    beside: tuple[str, ...] = ()
    unread: Mapping[str, int] = field(default_factory=dict)

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
    name = file.rsplit("/", 1)[-1]
    return not is_hidden(file) and (
        name.lower().endswith((*PICTURE_SUFFIXES, *TABLE_SUFFIXES)) or name == SYNTHETIC_MARK
    )


def is_hidden(file: str) -> bool:
    """Tell whether a system or a program, not a person, has put the file there.

    >>> is_hidden("@eaDir/1.jpg/THUMB_M.jpg"), is_hidden("train/.ipynb_checkpoints/1.jpg"), is_hidden("train/1.jpg")
    (True, True, False)
    """
    parts = file.split("/")
    return any((part.startswith(".") and part not in (".", "..")) or part in HIDDEN_FOLDERS for part in parts)


def is_beside(file: str) -> bool:
    """Tell whether the file may say something of pictures, without being one."""
    return file.lower().endswith(BESIDE_SUFFIXES) and not is_hidden(file) and not is_wanted(file)


def count_unread(files: Iterable[str]) -> dict[str, int]:
    """Return suffix -> number of the files that no reader knows, the usual documents left out.

    >>> count_unread(["a.cr2", "b.CR2", "README", "notes.md", "c.png"])
    {'.cr2': 2}
    """
    suffixes: Counter[str] = Counter()
    for file in files:
        name = file.rsplit("/", 1)[-1].lower()
        if name.endswith(PICTURE_SUFFIXES):
            continue
        suffix = name[name.rfind(".") :] if "." in name else ""
        if (
            suffix
            and suffix not in _SILENT_SUFFIXES
            and not is_hidden(file)
            and not (is_wanted(file) or is_beside(file))
        ):
            suffixes[suffix] += 1
    return dict(suffixes.most_common())


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
        foreign = next((name for start, name in _FOREIGN.items() if magic.startswith(start)), None)
        if foreign is not None:
            advice = "it may run code: write the faces in another form" if foreign == "a pickle" else "unpack it first"
            raise DataError(path.name, f"expected faces in a form that is read, found {foreign}: {advice}")
        if magic.startswith(b"PK"):
            with zipfile.ZipFile(file) as archive:
                yield _see_zip(path.name, archive, bad)
        elif is_tar(path):
            with tarfile.open(fileobj=file) as archive:
                yield see_tar(path.name, archive, bad)
        elif magic.startswith(b"\x1f\x8b"):
            yield _see_single(path, "gzip file", lambda _: limit_stream(gzip.open(path), path.name))  # noqa: SIM115
        else:
            yield _see_single(path, "file", lambda _: path.open("rb"))


def is_tar(path: Path) -> bool:
    """Tell whether a file is a tar archive, packed or not: by what it holds, and by its name where it is damaged."""
    if path.name.lower().endswith((".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")):
        return True
    openers: dict[bytes, Callable[[Path], BinaryIO]] = {
        b"\x1f\x8b": gzip.open,  # type: ignore[dict-item]
        b"BZ": bz2.open,  # type: ignore[dict-item]
        b"\xfd7": lzma.open,  # type: ignore[dict-item]
    }
    with path.open("rb") as file:
        magic = file.read(2)
    try:
        with openers.get(magic, _open_plainly)(path) as stream:
            return stream.read(_TAR_MARK_AT + len(_TAR_MARK))[_TAR_MARK_AT:] == _TAR_MARK
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        return False  # whoever reads it says what is wrong with it


def _open_plainly(path: Path) -> BinaryIO:
    return path.open("rb")


def list_folder(path: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield (path inside with "/", entry) of what is below `path`, but for what is hidden; links are followed."""
    waiting, seen = [("", path)], set()
    while waiting:
        inside, folder = waiting.pop()
        with name_damage(str(folder)), os.scandir(folder) as entries:
            for entry in entries:
                name = f"{inside}{entry.name}"
                if is_hidden(entry.name):
                    continue
                if entry.is_dir():
                    real = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
                    if real not in seen:  # a link may lead back up
                        seen.add(real)
                        waiting.append((f"{name}/", Path(entry.path)))
                        yield name, entry
                else:
                    yield name, entry


def _see_folder(path: Path) -> Tree:
    entries = sorted((name, entry.is_dir()) for name, entry in list_folder(path))
    files = [name for name, is_folder in entries if not is_folder]
    return Tree(
        name=path.resolve().name,
        files=tuple(filter(is_wanted, files)),
        folders=tuple(name for name, is_folder in entries if is_folder),
        container="folder",
        open=lambda file: _open_file(path / file),
        beside=tuple(filter(is_beside, files)),
        unread=count_unread(files),
    )


def _open_file(path: Path) -> BinaryIO:
    if path.is_symlink() and not path.exists():
        raise OSError(f"a link to {path.readlink()}, which does not exist")
    return path.open("rb")


def _see_zip(name: str, archive: zipfile.ZipFile, bad: BadInputs) -> Tree:
    entries = {info.filename.replace("\\", "/"): info for info in archive.infolist()}
    files = _check_names(name, [file for file, info in entries.items() if not info.is_dir()], bad)
    return Tree(
        name=name,
        files=tuple(filter(is_wanted, files)),
        folders=_list_folders(entries),
        container="zip archive",
        open=lambda file: _open_limited(archive, entries[file], f"{name}: {file}"),
        beside=tuple(filter(is_beside, files)),
        unread=count_unread(files),
    )


def _open_limited(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> BinaryIO:
    check_size(info.file_size, where)
    return archive.open(info)  # type: ignore[return-value]  # it reads like any other


def see_tar(name: str, archive: tarfile.TarFile, bad: BadInputs) -> Tree:
    """Return the entries of a tar archive; small ones are read at once, and stay when the archive is closed."""
    members: dict[str, tarfile.TarInfo] = {}
    kept: dict[str, bytes] = {}
    for member in list_members(archive, name):
        file = member.name.removeprefix("./")
        members[file] = member
        if member.isreg() and member.size <= MAX_KEPT_BYTES and (is_wanted(file) or is_beside(file)):
            kept[file] = open_member(archive, member, name).read()
    files = _check_names(name, [file for file, member in members.items() if member.isreg()], bad)

    def open_file(file: str) -> BinaryIO:
        return BytesIO(kept[file]) if file in kept else open_member(archive, members[file], name)

    folders = _list_folders(f"{file}/" if member.isdir() else file for file, member in members.items())
    return Tree(
        name=name,
        files=tuple(filter(is_wanted, files)),
        folders=folders,
        container="tar archive",
        open=open_file,
        beside=tuple(filter(is_beside, files)),
        unread=count_unread(files),
    )


def _see_single(path: Path, container: str, opener: Callable[[str], BinaryIO]) -> Tree:
    name = path.name
    return Tree(name=name, files=(name,), folders=(), container=container, open=opener)


def _check_names(name: str, files: list[str], bad: BadInputs) -> tuple[str, ...]:
    """Return the files, sorted, less hidden ones and those that point outside of the archive."""
    sound = []
    for file in files:
        if is_hidden(file):
            continue
        parts = file.split("/")
        is_outside = not parts[0] or ".." in parts or ":" in parts[0]
        if is_outside and (is_wanted(file) or is_beside(file)):
            bad.add(DataError(f"{name}: {file}", "expected an entry inside the archive, found one that points outside"))
        elif not is_outside:
            sound.append(file)
    return tuple(sorted(sound))


def _list_folders(entries: Iterable[str]) -> tuple[str, ...]:
    """Return every folder that the entries name or imply; a folder's own entry ends with "/"."""
    folders = name_outer({entry.rpartition("/")[0] for entry in entries})
    return tuple(sorted(folder for folder in folders if ".." not in folder and not is_hidden(folder)))


def name_outer(folders: Iterable[str]) -> set[str]:
    """Return the folders and all folders around them.

    >>> sorted(name_outer(["a/b/c", ""]))
    ['a', 'a/b', 'a/b/c']
    """
    return {folder[:end] for folder in folders if folder for end in _ends(folder)}


def _ends(folder: str) -> Iterator[int]:
    yield from (position for position, sign in enumerate(folder) if sign == "/" and position)
    yield len(folder)

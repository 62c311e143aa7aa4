"""No container may hold a file that is larger than the limit, whatever it states of it."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mien.data import limits, load
from mien.data.archives import open_tree
from mien.data.bad import BadInputs
from mien.data.limits import limit_stream
from mien.errors import DataError

LIMIT = 100_000
ROWS = "".join(f"{label}," + " ".join(["7"] * 2304) + ",Training\n" for label in (0, 3))
TABLE = ("emotion,pixels,Usage\n" + 20 * ROWS).encode()


def write_gzip(folder: Path, content: bytes) -> Path:
    """Write a packed table."""
    with gzip.open(folder / "faces.csv.gz", "wb") as file:
        file.write(content)
    return folder / "faces.csv.gz"


def write_zip(folder: Path, content: bytes) -> Path:
    """Write the same into a zip."""
    with zipfile.ZipFile(folder / "faces.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("faces.csv", content)
    return folder / "faces.zip"


def write_tar(folder: Path, content: bytes, *, packing: str = "", name: str = "faces.csv") -> Path:
    """Write the same into a tar archive, packed or not."""
    path = folder / f"faces.tar{packing and '.'}{packing}"
    with tarfile.open(path, f"w:{packing}") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return path


def write_packed_tar(folder: Path, content: bytes) -> Path:
    """Write the same into a packed tar archive."""
    return write_tar(folder, content, packing="gz")


@pytest.fixture
def low_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower the limit: four gigabytes take a while to write."""
    monkeypatch.setattr(limits, "MAX_ENTRY_BYTES", LIMIT)


@pytest.mark.usefixtures("low_limit")
@pytest.mark.parametrize("write", [write_gzip, write_zip, write_tar, write_packed_tar])
def test_a_file_beyond_the_limit_is_refused_in_every_container(
    write: Callable[[Path, bytes], Path], tmp_path: Path
) -> None:
    """With the limit, and with its size where the container states one."""
    path = write(tmp_path, TABLE)
    with pytest.raises(DataError, match=rf"faces.*: expected at most 100,000 bytes, found ({len(TABLE):,}|more)$"):
        load(path, cache=False)


@pytest.mark.usefixtures("low_limit")
@pytest.mark.parametrize("write", [write_gzip, write_zip, write_tar, write_packed_tar])
def test_a_file_within_the_limit_is_read(write: Callable[[Path, bytes], Path], tmp_path: Path) -> None:
    """All of it."""
    faces = load(write(tmp_path, TABLE[: TABLE.index(b"\n") + 1 + 10 * len(ROWS)]), cache=False).train
    assert faces is not None
    assert 20 == len(faces)


@pytest.mark.usefixtures("low_limit")
def test_a_large_entry_that_nobody_wants_is_no_matter_unless_it_has_to_be_unpacked(tmp_path: Path) -> None:
    """A film beside the faces is passed over; of a packed archive it would be unpacked to find what follows."""
    with open_tree(write_tar(tmp_path, TABLE, name="film.mp4"), BadInputs()) as tree:
        assert () == tree.tables
    packed = write_tar(tmp_path, TABLE, packing="gz", name="film.mp4")
    with pytest.raises(DataError, match="expected at most 100,000 bytes"), open_tree(packed, BadInputs()):
        pytest.fail("the archive was opened")


@pytest.mark.usefixtures("low_limit")
def test_a_limited_stream_gives_the_same_bytes(tmp_path: Path) -> None:
    """In lines, in pieces, from the beginning again; up to the very limit."""
    path = write_gzip(tmp_path, TABLE[:LIMIT])
    with limit_stream(gzip.open(path), "faces.csv.gz") as stream:
        assert TABLE[: TABLE.index(b"\n") + 1] == stream.readline()
        assert 0 == stream.seek(0)
        assert TABLE[:LIMIT] == stream.read()
        assert LIMIT == stream.tell()
        assert path.stat().st_ino == os.fstat(stream.fileno()).st_ino

"""Faces that memory does not hold while they are read: where they lie, and how a reading goes on that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks.bad_files import draw_face, encode_face

import mien.data.csv
import mien.data.pictures
import mien.data.space
import mien.faces
from mien.data import load
from mien.data.arrays import read_arrays
from mien.data.bad import BadInputs
from mien.data.cache_entries import list_entries, remove_entries
from mien.data.listing import Reading
from mien.data.space import Space
from mien.errors import DataError, MienError
from mien.faces import Faces, Picked
from mien.files import find_cache

KILLED = """
import os, signal, sys
import mien.data.csv, mien.data.pictures, mien.data.space, mien.faces
from mien.data import load
mien.faces.RESIDENT_BYTES, mien.data.space.NOTE_BYTES, mien.data.csv.BLOCK_BYTES = 0, 1, 1 << 14
mien.data.pictures._PICTURES_A_TASK = 8
sync, left = os.fsync, iter(range(int(sys.argv[2])))

def sync_or_die(file):
    if next(left, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)
    sync(file)

os.fsync = sync_or_die
load(sys.argv[1], skip_bad=True)
"""
"""Reads a data set, and dies when it is about to flush a file once more than so many times."""


@pytest.fixture(autouse=True)
def small_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no face fit into memory, note every block, and keep a cache of this test's own."""
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(mien.faces, "RESIDENT_BYTES", 0)
    monkeypatch.setattr(mien.data.space, "NOTE_BYTES", 1)
    monkeypatch.setattr(mien.data.csv, "BLOCK_BYTES", 1 << 14)
    monkeypatch.setattr(mien.data.pictures, "_PICTURES_A_TASK", 8)


def write_table(path: Path, rows: int, *, bad: tuple[int, ...] = ()) -> Path:
    """Write a table of pixels, 16 × 16 each, some rows of which cannot be read; return its path."""
    rng = np.random.default_rng(0)
    lines = ["emotion,pixels,Usage"]
    for row in range(rows):
        pixels = " ".join(map(str, rng.integers(0, 256, 256)))
        lines.append(f"{row % 7},{pixels.replace(' ', ' x', 1) if row in bad else pixels},{USAGES[row % 5 // 3]}")
    path.write_text("\n".join(lines) + "\n")
    return path


USAGES = ("Training", "PublicTest")


def write_pictures(folder: Path, count: int, *, bad: tuple[int, ...] = ()) -> Path:
    """Write so many PNG files to two class folders, some of which are cut off; return the folder."""
    for number in range(count):
        path = folder / ("happy", "sad")[number % 2] / f"{number:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        data = encode_face(draw_face(number), "PNG")
        path.write_bytes(data[:40] if number in bad else data)
    return folder


def read_at_once(source: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Faces]:
    """Return what a reading in memory gives, without a cache."""
    with monkeypatch.context() as patch:
        patch.setattr(mien.faces, "RESIDENT_BYTES", 1 << 30)
        return load(source, skip_bad=True, cache=False).named()


def assert_same(first: dict[str, Faces], second: dict[str, Faces]) -> None:
    """Hold all faces against each other."""
    assert first.keys() == second.keys()
    for name, faces in first.items():
        for column in ("images", "labels", "ids"):
            expected, found = (getattr(one, column) for one in (faces, second[name]))
            np.testing.assert_array_equal(np.asarray(expected), np.asarray(found))
            assert expected.dtype == found.dtype


def unfinished() -> list[str]:
    """Return the endings of the files that a later reading would go on with."""
    return sorted(path.suffix for path in (find_cache() / "reading").iterdir())


@pytest.mark.parametrize("bad", [(), (9, 100)], ids=["sound", "with bad rows"])
def test_a_table_that_memory_does_not_hold_is_read_as_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: tuple[int, ...]
) -> None:
    """Faces, labels and ids; nothing is left of the reading but its entry, which is mapped."""
    table = write_table(tmp_path / "faces.csv", 120, bad=bad)
    splits = load(table, skip_bad=True)
    assert_same(read_at_once(table, monkeypatch), splits.named())
    assert len(bad) == len(splits.skipped)
    assert [] == unfinished()
    assert splits.train is not None
    assert not splits.train.images.flags.owndata
    assert_same(splits.named(), load(table, skip_bad=True).named())


@pytest.mark.parametrize("bad", [(), (3, 29)], ids=["sound", "with bad pictures"])
def test_pictures_that_memory_does_not_hold_are_read_as_any_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: tuple[int, ...]
) -> None:
    """A folder of classes, and the same resized."""
    folder = write_pictures(tmp_path / "faces", 30, bad=bad)
    assert_same(read_at_once(folder, monkeypatch), load(folder, skip_bad=True).named())
    assert (30 - len(bad), 24, 24) == load(folder, skip_bad=True, size=24).named()["train"].images.shape


def kill_reading(source: Path, syncs: int) -> None:
    """Read a data set in a process that is killed on the way."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(source), str(syncs)], check=False, capture_output=True)
    assert -signal.SIGKILL == done.returncode, done.stderr
    assert ".u8" in unfinished()


def test_a_killed_reading_of_pictures_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were noted are not decoded again, but for bad ones; the faces are those of an undisturbed reading."""
    folder = write_pictures(tmp_path / "faces", 60, bad=(5,))
    expected = read_at_once(folder, monkeypatch)
    order = [f"{number:04}.png" for first in (0, 1) for number in range(first, 60, 2)]  # class by class
    kill_reading(folder, 7)  # the faces and the note of them are flushed by turns: three blocks of 8 are noted
    decoded: list[str] = []
    decode = mien.data.pictures.decode_face
    monkeypatch.setattr(
        mien.data.pictures,
        "decode_face",
        lambda data, where, **more: (decoded.append(where), decode(data, where, **more))[1],
    )
    found = load(folder, skip_bad=True)
    assert_same(expected, found.named())
    assert 1 == len(found.skipped)
    # the first block is decoded anyway, before it is known how large the faces are
    assert sorted([*order[:8], *order[24:]]) == sorted(Path(where).name for where in decoded)
    assert [] == unfinished()


def test_a_killed_reading_of_a_table_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pixels that were noted are not parsed again, but for those of blocks with a bad row."""
    table = write_table(tmp_path / "faces.csv", 200, bad=(2,))
    expected = read_at_once(table, monkeypatch)
    kill_reading(table, 9)
    parsed: list[int] = []
    parse = mien.data.csv.parse_fields

    def count(text: bytes, starts: list[int], ends: list[int], out: np.ndarray) -> bool:
        parsed.append(len(starts))
        return parse(text, starts, ends, out)

    monkeypatch.setattr(mien.data.csv, "parse_fields", count)
    found = load(table, skip_bad=True)
    assert_same(expected, found.named())
    assert 1 == len(found.skipped)
    assert 0 < sum(parsed) < 200 - 3 * 10
    assert [] == unfinished()


def test_a_note_without_its_faces_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the cache was cleaned by hand: everything is read again, nothing is black."""
    table = write_table(tmp_path / "faces.csv", 200)
    expected = read_at_once(table, monkeypatch)
    kill_reading(table, 9)
    next((find_cache() / "reading").glob("*.u8")).unlink()
    assert_same(expected, load(table).named())


def test_a_reading_that_nobody_went_on_with_is_an_entry_of_the_cache(tmp_path: Path) -> None:
    """`mien cache` lists it, and clears it away with its note."""
    kill_reading(write_table(tmp_path / "faces.csv", 200), 9)
    entries = list_entries(find_cache())
    assert ["faces of a reading that was cut off"] == [entry.about for entry in entries]
    assert (entries, []) == remove_entries(find_cache(), entries)
    assert [] == unfinished()


def test_a_source_that_has_changed_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stamp is another one."""
    table = write_table(tmp_path / "faces.csv", 200)
    kill_reading(table, 9)
    table.write_text(table.read_text().replace(" 1 ", " 2 "))
    assert_same(read_at_once(table, monkeypatch), load(table).named())


def test_a_bad_row_ends_the_reading_and_leaves_nothing(tmp_path: Path) -> None:
    """The source has to be mended, and is another one then."""
    table = write_table(tmp_path / "faces.csv", 200, bad=(150,))
    with pytest.raises(DataError, match="line 152"):
        load(table)
    assert [] == unfinished()


def test_a_second_process_reads_for_itself(tmp_path: Path) -> None:
    """The files of a reading belong to one process at a time."""
    spaces = [Space(tmp_path, "key"), Space(tmp_path, "key")]
    first, second = (space.make((4, 8, 8), "faces") for space in spaces)
    first.images[:], second.images[:] = 1, 2
    assert (1, 2) == (first.images.max(), second.images.max())
    assert 1 == len(list(tmp_path.glob("*.u8")))


@pytest.mark.parametrize("limit", [0, 1 << 30], ids=["in a file", "in memory"])
def test_a_room_grows_without_losing_what_it_holds(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a table has more rows than its first ones let expect."""
    monkeypatch.setattr(mien.faces, "RESIDENT_BYTES", limit)
    room = Space().make((2, 8, 8), "faces")
    room.images[:] = 7
    room.grow(5)
    assert [7, 7] == room.images[:2, 0, 0].tolist()
    assert (5, 8, 8) == room.images.shape


def test_a_full_disk_is_told_before_anything_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hole in a file that is mapped would end the process without a word."""

    def refuse(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(MienError, match=r"16,384 bytes on the disk .* No space left on device"):
        Space(tmp_path, "key").make((256, 8, 8), "faces")


def test_a_large_array_is_mapped_and_never_read_whole(tmp_path: Path) -> None:
    """X_train.npy of grey bytes serves as it is; that of test beside it stays apart."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 30), ("test", 12)):
        np.save(tmp_path / f"X_{split}.npy", rng.integers(0, 256, (count, 16, 16), dtype=np.uint8))
        np.save(tmp_path / f"y_{split}.npy", np.arange(count) % 3)
    names = [f"{kind}_{split}.npy" for split in ("train", "test") for kind in "Xy"]
    found = read_arrays(names, lambda name: (tmp_path / name).open("rb"), Reading(), BadInputs(), "faces")
    assert isinstance(found.images, Picked)
    assert 2 == len(found.images.parts)
    assert all(not part.flags.owndata and not part.flags.writeable for part in found.images.parts)
    np.testing.assert_array_equal(np.load(tmp_path / "X_test.npy"), found.images[30:])
    assert ["train/0", "train/29", "test/0"] == found.ids[[0, 29, 30]].tolist()
    assert [0, 1, 2, 0] == found.labels[:4].tolist()

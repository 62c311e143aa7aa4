"""What is decoded once is mapped from then on, and never shows the wrong faces."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchmarks.bad_files import draw_face, encode_face, write_table

from conftest import SHAPES, write_shapes
from mien.data import load
from mien.data.entry import read_entry, write_entry
from mien.errors import DataError
from mien.files import find_cache


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a cache of this test's own."""
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a sound table that has not changed for a while."""
    path = tmp_path / "fer2013.csv"
    path.write_text(write_table())
    return path


def entries(cache: Path) -> list[Path]:
    """Return the files that hold decoded faces."""
    return sorted(path for path in cache.iterdir() if path.is_file())


def settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let so much time pass that a change of the files would show in theirs."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 3_000_000_000)


def is_mapped(images: np.ndarray) -> bool:
    """Tell whether an array lies in a file."""
    base = images
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base  # type: ignore[assignment]
    return isinstance(base, np.memmap)


def assert_same(first: object, second: object) -> None:
    """Hold two data sets against each other, all of them."""
    for name in ("expressions", "source", "kind", "synthetic", "skipped", "warnings"):
        assert getattr(first, name) == getattr(second, name)
    for name, faces in first.named().items():  # type: ignore[attr-defined]
        for array in ("images", "labels", "ids"):
            np.testing.assert_array_equal(getattr(faces, array), getattr(second.named()[name], array))  # type: ignore[attr-defined]


def test_the_second_load_is_a_map_of_the_same_faces(cache: Path, table: Path) -> None:
    """All of them, with everything that is known of them; nobody can write into the map."""
    first, second = load(table), load(table)
    assert_same(first, second)
    assert (False, True) == (is_mapped(first.named()["train"].images), is_mapped(second.named()["train"].images))
    with pytest.raises(ValueError, match="read-only"):
        second.named()["train"].images[0] = 0


def test_a_settled_source_is_found_by_its_stamp_and_a_moved_one_by_its_contents(
    cache: Path, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One entry serves both."""
    settle(monkeypatch)
    load(table)
    assert 1 == len(list((cache / "stamps").iterdir()))
    moved = table.with_name("elsewhere") / table.name
    moved.parent.mkdir()
    shutil.move(table, moved)
    assert is_mapped(load(moved).named()["train"].images)
    assert 1 == len(entries(cache))


def test_a_changed_file_is_read_again_even_if_size_and_time_stay(cache: Path, table: Path) -> None:
    """Also right after the first load."""
    load(table)
    status = table.stat()
    emotion, pixels, usage = (lines := write_table().splitlines())[1].split(",")
    lines[1] = ",".join((emotion, " ".join(reversed(pixels.split())), usage))
    table.write_text("\n".join(lines) + "\n")
    os.utime(table, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (status.st_size, status.st_mtime_ns) == (table.stat().st_size, table.stat().st_mtime_ns)
    np.testing.assert_array_equal(draw_face(0)[::-1, ::-1], load(table).named()["train"].images[0])


@pytest.mark.parametrize("change", ["add", "remove", "rename", "rewrite"])
def test_any_change_in_a_folder_shows(change: str, cache: Path, tmp_path: Path) -> None:
    """A picture more, a picture less, another class, other pixels."""
    folder = write_shapes(tmp_path / "shapes", 3, splits=("train",))
    first = load(folder, size=16).named()["train"]
    victim = folder / "train" / str(first.ids[0]).split("/", 1)[1]
    if change == "add":
        (victim.parent / "new.png").write_bytes(encode_face(1, "png"))
    elif change == "remove":
        victim.unlink()
    elif change == "rename":
        victim.rename(folder / "train" / SHAPES[0] / "renamed.png")
    else:
        victim.write_bytes(encode_face(1, "png"))
    second = load(folder, size=16).named()["train"]
    assert {"add": 10, "remove": 8}.get(change, 9) == len(second)
    same = first.images.shape == second.images.shape and np.array_equal(first.images, second.images)
    assert not (same and np.array_equal(first.labels, second.labels))


def test_each_way_of_reading_has_an_entry_of_its_own(cache: Path, table: Path) -> None:
    """Size and skip_bad change the faces; without cache nothing is kept."""
    for options in ({}, {"size": 24}, {"skip_bad": True}, {"cache": False}, {}):
        load(table, **options)  # type: ignore[arg-type]
    assert 3 == len(entries(cache))
    assert (24, 24) == load(table, size=24).named()["test"].images.shape[1:]


def test_a_table_beside_pictures_notices_a_changed_picture(cache: Path, tmp_path: Path) -> None:
    """The table alone does not tell the faces."""
    for number in range(2):
        (tmp_path / f"{number}.png").write_bytes(encode_face(number, "png"))
    (tmp_path / "labels.csv").write_text("id,label\n0,happy\n1,sad\n")
    load(tmp_path / "labels.csv")
    (tmp_path / "1.png").write_bytes(encode_face(7, "png"))
    np.testing.assert_array_equal(draw_face(7), load(tmp_path / "labels.csv").named()["train"].images[1])


@pytest.mark.parametrize("damage", ["empty", "cut", "head", "tail", "text"])
def test_a_damaged_entry_is_made_anew(damage: str, cache: Path, table: Path) -> None:
    """Nobody notices, and afterwards it is sound."""
    first = load(table)
    (entry,) = entries(cache)
    data = entry.read_bytes()
    broken = {"empty": b"", "cut": data[: len(data) // 2], "head": b"x" + data[1:], "text": b"Dear diary"}
    entry.write_bytes(broken.get(damage, data[:-60] + bytes(60)))
    assert_same(first, load(table))
    assert read_entry(entry) is not None


def test_a_changed_label_in_an_entry_is_noticed(cache: Path, table: Path) -> None:
    """The checksum covers all but the pixels."""
    load(table)
    (entry,) = entries(cache)
    data = entry.read_bytes()
    place = data.rindex((6).to_bytes(8, "little"))
    entry.write_bytes(data[:place] + (5).to_bytes(8, "little") + data[place + 8 :])
    assert None is read_entry(entry)


def test_a_damaged_stamp_leads_nowhere(cache: Path, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The contents decide."""
    settle(monkeypatch)
    first = load(table)
    (stamp,) = (cache / "stamps").iterdir()
    for text in ("", "nothing-here", "../../etc/passwd", "\0"):
        stamp.write_text(text)
        assert_same(first, load(table))


def test_a_cache_that_cannot_be_written_is_a_warning(tmp_path: Path, table: Path, monkeypatch: object) -> None:
    """The faces are there all the same."""
    (tmp_path / "taken").write_text("a file")
    assert isinstance(monkeypatch, pytest.MonkeyPatch)
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "taken"))
    splits = load(table)
    assert 7 == len(splits.named()["train"])
    assert "not kept for the next time" in splits.warnings[0]


def test_bad_input_is_never_remembered(cache: Path, table: Path) -> None:
    """Mended, it is read."""
    table.write_text(write_table().replace("PrivateTest", "Holdout", 1))
    with pytest.raises(DataError, match="found 'Holdout'"):
        load(table)
    table.write_text(write_table())
    assert 7 == len(load(table).named()["test"])


def test_processes_that_start_at_once_come_to_the_same(cache: Path, table: Path) -> None:
    """Four of them, with an empty cache: all read right, one sound entry is left, nothing half-written."""
    code = "import sys; from mien.data import load; s = load(sys.argv[1]); print(s.train.images.sum(), len(s.test))"
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(table)], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    printed = {process.communicate()[0] for process in running}
    assert {0} == {process.returncode for process in running}
    expected = load(table, cache=False)
    assert {f"{expected.named()['train'].images.sum()} 7\n"} == printed
    (entry,) = entries(cache)
    kept = read_entry(entry)
    assert kept is not None
    assert_same(expected, replace(kept, source=str(table)))
    assert [] == list(cache.glob(".*"))


def test_the_folder_is_the_users_own_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """$MIEN_CACHE, or the place that the platform has for such things."""
    monkeypatch.setenv("MIEN_CACHE", "/data/faces")
    assert Path("/data/faces") == find_cache()
    monkeypatch.delenv("MIEN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/home/me/.cache")
    monkeypatch.setattr(sys, "platform", "linux")
    assert Path("/home/me/.cache/mien") == find_cache()


def test_an_entry_keeps_every_split(tmp_path: Path, table: Path) -> None:
    """Written and read back, without anything around it."""
    splits = load(table, cache=False)
    write_entry(tmp_path / "entry", splits)
    assert_same(splits, read_entry(tmp_path / "entry"))
    assert None is read_entry(tmp_path / "none")

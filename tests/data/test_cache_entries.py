"""The cache stays small, believes nobody else, and takes nothing away from a process that uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from benchmarks.bad_files import encode_face, write_table

from conftest import write_shapes
from mien.data import load
from mien.data.cache_entries import hold_limit, list_entries, parse_size, remove_entries
from mien.errors import ConfigError

HOLDER = """
import sys
from mien.data import load
faces = load(sys.argv[1]).train
print(faces.images.sum(), flush=True)
sys.stdin.readline()
print(faces.images.sum(), flush=True)
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a cache of this test's own."""
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a sound table."""
    path = tmp_path / "fer2013.csv"
    path.write_text(write_table())
    return path


def age(path: Path, seconds: int = 3600) -> None:
    """Let a file look as if it had not been changed, or used, for a while."""
    moment = time.time() - seconds
    os.utime(path, (moment, moment))


def is_kept(source: Path) -> bool:
    """Tell whether the faces of a source come from the cache, which are a map that cannot be written."""
    faces = load(source).train
    assert faces is not None
    return not faces.images.flags.writeable


def test_a_folder_that_grows_has_one_entry_a_size(cache: Path, tmp_path: Path) -> None:
    """Three sizes, then a picture more, three times: what showed earlier states is gone, and the notes with it."""
    folder = write_shapes(tmp_path / "shapes", 3, splits=("train",))
    for size in (16, 24, 32):
        load(folder, size=size)
    assert 3 == len(list_entries(cache))
    for number in range(3):
        (folder / "train" / "top" / f"new-{number}.png").write_bytes(encode_face(number, "png"))
        load(folder, size=16)
    (entry,) = list_entries(cache)
    assert (str(folder.resolve()),) == entry.sources
    assert "12 faces of 16×16 pixels" == entry.about
    assert 1 == len(list((cache / "sources").iterdir()))


def test_an_entry_that_a_copy_of_the_data_needs_stays(cache: Path, table: Path) -> None:
    """Two files of the same contents share one; when one changes, the other still has it."""
    copy = table.parent / "copy" / table.name
    copy.parent.mkdir()
    copy.write_bytes(table.read_bytes())
    load(table)
    load(copy)
    (entry,) = list_entries(cache)
    assert {str(table), str(copy)} == set(entry.sources)
    table.write_text(write_table().replace(" 0 ", " 1 ", 1))
    load(table)
    assert 2 == len(list_entries(cache))
    assert is_kept(copy)
    copy.write_bytes(table.read_bytes())
    load(copy)
    assert 1 == len(list_entries(cache))


def test_what_was_not_used_for_longest_goes_beyond_the_limit(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is room for two of three; to be loaded again counts as use, and the newest stays."""
    tables = [tmp_path / f"{name}.csv" for name in ("first", "second", "third")]
    for path in tables:
        path.write_text(write_table())
    load(tables[0])
    size = list_entries(cache)[0].size_bytes
    monkeypatch.setenv("MIEN_CACHE_LIMIT", str(2 * size + size // 2))
    load(tables[1])
    for seconds, entry in zip((200, 100), sorted(list_entries(cache), key=lambda entry: entry.sources), strict=True):
        age(entry.path, seconds)
    assert is_kept(tables[0])  # the first is now the one that was used last
    load(tables[2])
    assert {str(tables[0]), str(tables[2])} == {entry.sources[0] for entry in list_entries(cache)}


def test_data_larger_than_the_limit_is_not_kept(cache: Path, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning says so; the faces are there, and so is what was kept before."""
    load(table, size=8)
    monkeypatch.setenv("MIEN_CACHE_LIMIT", "10kB")
    splits = load(table)
    assert splits.train is not None
    assert 7 == len(splits.train)
    (warning,) = splits.warnings
    assert "not kept for the next time: 48.4 kB are more than MIEN_CACHE_LIMIT (10.0 kB)" == warning
    assert 1 == len(list_entries(cache))


def test_an_entry_in_use_stays_until_its_process_ends(cache: Path, table: Path) -> None:
    """Whoever clears the cache meanwhile; the process sees its faces to the end, even if the file is gone."""
    load(table)
    command = [sys.executable, "-c", HOLDER, str(table)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        first = holder.stdout.readline()
        entries = list_entries(cache)
        assert ([], entries) == remove_entries(cache, entries)
        assert ([], entries) == hold_limit(cache, 0)
        entries[0].path.unlink()
        holder.stdin.write("\n")
        holder.stdin.flush()
        assert first == holder.stdout.readline()
    assert 0 == holder.returncode
    load(table)
    entries = list_entries(cache)
    assert (entries, []) == remove_entries(cache, entries)
    assert [] == list_entries(cache)


def test_a_map_that_is_let_go_is_in_use_no_more(cache: Path, table: Path) -> None:
    """Within one process, too."""
    load(table)
    mapped = load(table)
    entries = list_entries(cache)
    assert ([], entries) == remove_entries(cache, entries)
    del mapped
    assert (entries, []) == remove_entries(cache, entries)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no such permissions on this system")
@pytest.mark.parametrize("which", ["entry", "stamp", "note"])
def test_what_others_may_have_written_is_not_believed(
    which: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pixels, or the way to them: whoever may write to the file could choose what is trained on."""
    table = tmp_path / "fer2013.csv"
    table.write_text(write_table())
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 3_000_000_000)  # when a change would show in the times
    load(table)
    (entry,) = list_entries(cache)
    (stamp,), (note,) = ((path for path in (cache / name).iterdir()) for name in ("stamps", "sources"))
    assert {0o600} == {path.stat().st_mode & 0o777 for path in (entry.path, stamp, note)}
    path = {"entry": entry.path, "stamp": stamp, "note": note}[which]
    path.chmod(0o666)
    if which == "entry":
        assert not is_kept(table)
        assert 0o600 == entry.path.stat().st_mode & 0o777
    elif which == "stamp":
        stamp.write_text("0" * 12 + "-" + "0" * 32)
        assert is_kept(table)  # by its contents, which are hashed
        assert (0o600, entry.path.name) == (stamp.stat().st_mode & 0o777, stamp.read_text())
    else:
        assert () == list_entries(cache)[0].sources


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give files away")
def test_an_entry_of_another_user_is_not_believed(cache: Path, table: Path) -> None:
    """In a folder that several share, each has entries of their own."""
    load(table)
    (entry,) = list_entries(cache)
    os.chown(entry.path, 12345, 12345)
    assert not is_kept(table)
    assert 0 == entry.path.stat().st_uid
    assert is_kept(table)


def test_a_new_cache_is_for_its_user_alone(cache: Path, table: Path) -> None:
    """Whatever the umask."""
    load(table)
    assert 0o700 == cache.stat().st_mode & 0o777


def test_other_files_in_the_folder_stay(cache: Path, table: Path) -> None:
    """They are somebody's; what a killed process left half-written goes."""
    load(table)
    for name in ("notes.txt", "native/README", "stamps.bak"):
        (cache / name).parent.mkdir(exist_ok=True)
        (cache / name).write_text("somebody's")
    (cache / "native" / f"kernels-{'0' * 16}-{'1' * 16}.so").write_bytes(b"loops")
    code = (
        "import os, sys; from pathlib import Path; from mien.files import write_aside\n"
        "with write_aside(Path(sys.argv[1])) as aside: aside.write_text('half'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(cache / "entry")], check=False, timeout=120)
    assert {"compiled loops", "21 faces of 48×48 pixels"} == {entry.about for entry in list_entries(cache)}
    remove_entries(cache, list_entries(cache))
    left = {str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file()}
    assert {"notes.txt", "native/README", "stamps.bak"} == left


def test_an_entry_that_is_damaged_says_so(cache: Path, table: Path) -> None:
    """It is listed all the same: it takes room."""
    load(table)
    (entry,) = list_entries(cache)
    entry.path.write_bytes(b"Dear diary")
    assert ["damaged: nobody can read it"] == [entry.about for entry in list_entries(cache)]


@pytest.mark.parametrize(
    "note", ["", "[]", "{}", '{"path": 1, "entries": []}', '{"path": "x", "entries": [{"key": "../y"}]}']
)
def test_a_damaged_note_leads_nowhere(note: str, cache: Path, table: Path) -> None:
    """It is written anew."""
    load(table)
    (path,) = (cache / "sources").iterdir()
    path.write_text(note)
    assert [()] == [entry.sources for entry in list_entries(cache)]
    table.write_text(write_table().replace(" 0 ", " 1 ", 1))
    load(table)
    assert str(table) == json.loads(path.read_text())["path"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", 0), ("1000", 1000), ("10kB", 10_000), ("1.5G", 1_500_000_000), ("2 MiB", 2 << 20), ("1tb", 10**12)],
)
def test_sizes_are_read_as_people_write_them(text: str, expected: int) -> None:
    """With and without a unit, in powers of 1,000 or, with an i, of 1,024."""
    assert expected == parse_size(text, "--limit")


@pytest.mark.parametrize("text", ["", "lots", "-1", "1e9", "5 parsecs", "iB", "nan", "1 GB 2"])
def test_what_is_no_size_is_refused(text: str) -> None:
    """With an example."""
    with pytest.raises(ConfigError, match=r"--limit .*: expected a size such as 500MB or 4GB"):
        parse_size(text, "--limit")


def test_processes_that_share_a_small_cache_all_see_their_faces(cache: Path, tmp_path: Path) -> None:
    """Four of them load three tables over and over with room for one: none ever sees wrong faces, or fails."""
    for number in range(3):
        (tmp_path / f"{number}.csv").write_text(write_table().replace(" 0 ", f" {number} ", 1))
    expected = [load(tmp_path / f"{number}.csv", cache=False).train for number in range(3)]
    sums = [int(faces.images.sum()) for faces in expected if faces is not None]
    code = (
        "import sys; from mien.data import load\n"
        "for turn in range(12):\n"
        "    number = (turn + int(sys.argv[2])) % 3\n"
        "    print(number, load(f'{sys.argv[1]}/{number}.csv').train.images.sum())"
    )
    environment = {**os.environ, "MIEN_CACHE_LIMIT": "120kB"}
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", code, str(tmp_path), str(number)],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for number in range(4)
    ]
    printed = [process.communicate(timeout=240)[0].split() for process in running]
    assert [0] * 4 == [process.returncode for process in running]
    assert all(str(sums[int(number)]) == found for words in printed for number, found in np.reshape(words, (-1, 2)))

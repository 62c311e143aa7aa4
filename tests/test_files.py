"""Files are written whole or not at all, by any number of writers, and the right thing is blamed."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from conftest import leave_unmeasured
from mien.errors import MienError
from mien.files import make_folder, name_aside, remove_leftovers, write_aside, write_text

LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
from mien.errors import MienError
from mien.files import write_aside
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    with write_aside(Path(sys.argv[1])) as aside:
        if sys.argv[2] == "numpy":
            np.save(aside, np.zeros(100_000, np.uint8))
        elif sys.argv[2] == "pillow":
            from PIL import Image
            Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200), np.uint8)).save(aside)
        else:
            aside.write_bytes(bytes(100_000))
except MienError as error:
    print(error)
"""


def test_many_threads_may_write_one_file_at_once(tmp_path: Path) -> None:
    """Eight threads write it 80 times: none fails, what stands there is one of the texts, nothing is left over."""
    path = tmp_path / "numbers.txt"
    texts = [f"{number} " * 5000 for number in range(80)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: write_text(path, text), texts))
    assert path.read_text() in texts
    assert [path] == list(tmp_path.iterdir())


def test_a_write_within_a_write_of_the_same_file_is_its_own(tmp_path: Path) -> None:
    """The outer one finishes last, so its text stays."""
    path = tmp_path / "numbers.txt"
    with write_aside(path) as aside:
        write_text(path, "inner")
        assert "inner" == path.read_text()
        aside.write_text("outer")
    assert "outer" == path.read_text()


@pytest.mark.parametrize("place", ["taken/numbers.txt", "taken/deeper/numbers.txt", "missing/numbers.txt"])
def test_a_folder_that_is_none_is_told_in_one_line(place: str, tmp_path: Path) -> None:
    """Also where the parent, or a folder above it, is a file."""
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(MienError, match=r"numbers\.txt: cannot be written \((Not a|No such)"):
        write_text(tmp_path / place, "1 2 3")
    assert "a file" == (tmp_path / "taken").read_text()


@pytest.mark.parametrize("place", ["", ".", "/"])
def test_a_name_that_is_a_folder_is_refused(place: str) -> None:
    """It has no place beside it to write to."""
    with pytest.raises(MienError, match="expected the name of a file to write, found a folder"):
        write_text(Path(place), "1 2 3")


def test_a_folder_in_the_place_of_the_file_stays(tmp_path: Path) -> None:
    """It is not replaced, and the reason is told."""
    (tmp_path / "numbers.txt").mkdir()
    with pytest.raises(MienError, match=r"cannot be written \(Is a directory\)"):
        write_text(tmp_path / "numbers.txt", "1 2 3")
    assert (tmp_path / "numbers.txt").is_dir()
    assert ["numbers.txt"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No such file or directory", "the-callers-own.csv"),
        OSError(errno.ENOSPC, "No space left on device", "/elsewhere/big.bin"),
        PermissionError(errno.EACCES, "Permission denied"),
        ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
        TimeoutError(),
        OSError("something of a library"),
        ValueError("no error of files at all"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_the_block_itself_is_not_blamed_on_the_file(error: Exception, tmp_path: Path) -> None:
    """It comes out as it was raised; the file stays as it was, and nothing is left over."""
    path = tmp_path / "numbers.txt"
    path.write_text("before")

    def write_half() -> None:
        with write_aside(path) as aside:
            aside.write_text("half")
            raise error

    with pytest.raises(type(error)) as told:
        write_half()
    assert error is told.value
    assert "before" == path.read_text()
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize("how", ["python", "numpy", "pillow"])
def test_a_disk_that_takes_no_more_is_told_as_such(how: str, tmp_path: Path) -> None:
    """Whoever writes, and whether or not that library passes on why; what stood there before stays."""
    path = tmp_path / ("picture.png" if how == "pillow" else "numbers.npy")
    path.write_text("before")
    command = [sys.executable, "-c", LIMITED, str(path), how]
    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=leave_unmeasured())
    assert ("", 0) == (told.stderr, told.returncode)
    assert f"{path}: cannot be written (File too large); what stood there before stays\n" == told.stdout
    assert [path] == list(tmp_path.iterdir())
    assert "before" == path.read_text()


def test_a_block_that_writes_nothing_is_told(tmp_path: Path) -> None:
    """There is nothing to rename."""
    with pytest.raises(MienError, match="cannot be written"), write_aside(tmp_path / "numbers.txt"):
        pass


def test_a_name_as_long_as_the_system_allows_can_be_written(tmp_path: Path) -> None:
    """The name to write to beside it is no longer than that."""
    path = tmp_path / ("n" * 251 + ".txt")
    write_text(path, "1 2 3")
    assert "1 2 3" == path.read_text()


def test_the_name_beside_ends_like_the_file(tmp_path: Path) -> None:
    """Libraries choose the format by it."""
    with write_aside(tmp_path / "faces.npy") as aside:
        np.save(aside, np.arange(3))
    assert [0, 1, 2] == np.load(tmp_path / "faces.npy").tolist()


def test_leftovers_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    """Only they: files of the user stay, and what somebody writes now."""
    for name in ("numbers.txt", ".hidden", "notes.tmp", ".mien-notes.tmp"):
        (tmp_path / name).write_text("the user's")
    code = (
        "import os, sys; from pathlib import Path; from mien.files import write_aside\n"
        "with write_aside(Path(sys.argv[1])) as aside: aside.write_text('half'); os._exit(9)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "numbers.txt")]
    assert 9 == subprocess.run(command, check=False, timeout=120).returncode
    assert 5 == len(list(tmp_path.iterdir()))
    with write_aside(tmp_path / "more.txt") as aside:
        aside.write_text("whole")
        assert 4 == remove_leftovers(tmp_path)
    assert "whole" == (tmp_path / "more.txt").read_text()
    expected = [".hidden", ".mien-notes.tmp", "more.txt", "notes.tmp", "numbers.txt"]
    assert expected == sorted(path.name for path in tmp_path.iterdir())
    assert "the user's" == (tmp_path / "numbers.txt").read_text()


def test_leftovers_of_another_machine_stay_for_a_day(tmp_path: Path) -> None:
    """Nobody here knows whether their writer is there still."""
    own = name_aside(tmp_path / "numbers.txt").name.split("-")
    young, old = (tmp_path / "-".join((own[0], host * 8, "1", own[3])) for host in "ab")
    for path in (young, old):
        path.write_text("half")
    os.utime(old, (0, 0))
    remove_leftovers(tmp_path)
    assert [young] == list(tmp_path.iterdir())


def test_a_new_file_has_the_mode_of_new_files(tmp_path: Path) -> None:
    """As if it had been written in its place, whatever mode the library gave it."""
    (tmp_path / "plain").touch()
    with write_aside(tmp_path / "numbers.txt") as aside:
        aside.write_text("1 2 3")
        aside.chmod(0o600)
    assert (tmp_path / "plain").stat().st_mode == (tmp_path / "numbers.txt").stat().st_mode


def test_a_folder_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    """One line says so."""
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(MienError, match="the folder cannot be made"):
        make_folder(tmp_path / "taken" / "deeper")

"""The network opens in the background, and however a process ends meanwhile, it ends with the status that it meant."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from conftest import run_mien

ENDINGS = {
    "sys.exit(3)": 3,
    "raise ValueError('no picture')": 1,
    "os.kill(os.getpid(), signal.SIGINT)": -2,
    "recogniser.recognise('nothing.jpg')": 1,
    "threading.Timer(0.001, _thread.interrupt_main).start(); recogniser.expressions; sys.exit(130)": None,
    "pass": 0,
}


def end_program(ending: str) -> int:
    """Return the status of a program that makes a recogniser and ends at once."""
    head = (
        "import _thread, os, signal, sys, threading; "
        "signal.signal(signal.SIGINT, signal.default_int_handler); "  # ignored where the tests run in the background
        "from mien import Recogniser; recogniser = Recogniser(); "
    )
    done = subprocess.run([sys.executable, "-c", head + ending], capture_output=True, check=False, timeout=240)
    return done.returncode


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_program_ends_with_its_own_status_while_the_network_opens(ending: str) -> None:
    """By sys.exit, an exception, Ctrl-C, a refused picture, or simply its end; never by SIGABRT."""
    expected = {ENDINGS[ending]} - {None} or {-2, 1, 130}
    assert expected >= {end_program(ending) for _ in range(3)}


def test_a_second_ctrl_c_at_the_end_waits_for_the_network_too() -> None:
    """Python gives up waiting for its threads then; the network is waited for all the same."""
    script = (
        "import os, signal, threading, time; from mien.recognition.opening import start_opening\n"
        "go, main = threading.Event(), threading.main_thread()\n"
        "def interrupt():\n"
        "    while main.is_alive(): time.sleep(0.001)\n"  # until Python waits for its threads
        "    os.kill(os.getpid(), signal.SIGINT); go.set()\n"
        "start_opening(lambda: (go.wait(), os.write(1, b'whole')))\n"
        "threading.Thread(target=interrupt).start(); raise SystemExit(2)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, timeout=240)
    assert (2, b"whole") == (done.returncode, done.stdout)


def write_refused(folder: Path) -> Path:
    """Write a large picture that is refused by its header, and return its path."""
    path = folder / "large.png"
    Image.new("L", (12_000, 9_000)).save(path)
    return path


@pytest.mark.slow
def test_fifty_refusals_in_a_row_end_with_status_2(tmp_path: Path) -> None:
    """Each while the network is still opening."""
    path = write_refused(tmp_path)
    assert {2} == {run_mien("recognise", path).status for _ in range(50)}


@pytest.mark.slow
def test_fifty_programs_in_a_row_end_with_the_status_of_an_exception() -> None:
    """Each while the network is still opening."""
    assert {1} == {end_program("raise ValueError('no picture')") for _ in range(50)}

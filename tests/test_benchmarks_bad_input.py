"""Scripts that measure end in one line where their input is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    "command",
    [
        "base_rates --data none.csv",
        "beliefs none --data none.csv",
        "bundle none none.onnx",
        "card --data none.csv --votes none.csv",
        "cost none.csv none.svg",
        "csv_read none.csv",
        "detection --data none --model none.onnx",
        "inference --run none",
        "load --run none",
        "pack_faces pack none none.bin",
        "scenes --data none.csv",
        "sets --data none.csv",
        "spread none --run none",
        "table --csv none.csv",
        "tracking none",
        "turned --data none.csv",
    ],
)
def test_a_benchmark_of_a_missing_path_ends_in_one_line_and_status_2(command: str, tmp_path: Path) -> None:
    """No traceback: the line names what is missing."""
    paths = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    name, *arguments = command.split()
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 2 == done.returncode
    [line] = done.stderr.splitlines()
    assert "none" in line

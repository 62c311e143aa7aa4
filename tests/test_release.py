"""What would be released: an sdist and a wheel with everything in them, and one version."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

import mien
from conftest import ROOT

OFFLINE = ("NewConnectionError", "ConnectTimeoutError", "NameResolutionError", "Temporary failure", "ProxyError")
OWN = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
NEEDED = ("weights/mien.onnx", "weights/model.safetensors", "native/kernels.c", "server/page/index.html", "py.typed")


def run(*command: object) -> subprocess.CompletedProcess[str]:
    """Run a program away from the repository's own source; skip where a package index cannot be reached."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, env=OWN, cwd=ROOT)
    if done.returncode and any(words in done.stdout + done.stderr for words in OFFLINE):
        pytest.skip("the package index cannot be reached")
    assert 0 == done.returncode, done.stdout + done.stderr
    return done


def test_every_file_that_names_the_version_names_the_same() -> None:
    """It stands in one module; the citation repeats it."""
    source = (ROOT / "src" / "mien" / "version.py").read_text(encoding="utf-8")
    assert [mien.__version__] == re.findall(r'__version__ = "(.+)"', source)
    assert [mien.__version__] == re.findall(
        r"^version: (.+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE
    )
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'dynamic = ["version"]' in settings
    assert re.search(r'\[tool\.hatch\.version\]\npath = "src/mien/version\.py"', settings)


def test_continuous_integration_runs_every_python_that_is_promised() -> None:
    """The classifiers and the matrix name the same versions, on three systems; lint and release are jobs."""
    promised = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text("utf-8"))
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))["jobs"]
    matrix = jobs["test"]["strategy"]["matrix"]
    assert promised == matrix["python"]
    assert ["ubuntu", "macos", "windows"] == [name.partition("-")[0] for name in matrix["os"]]
    assert {"make lint", "make release-check"} <= {step.get("run") for job in jobs.values() for step in job["steps"]}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the sdist and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT)
    return folder


@pytest.mark.slow
@pytest.mark.release
@pytest.mark.timeout(900)
def test_both_files_are_whole_and_their_description_can_be_shown(built: Path) -> None:
    """Weights, sources of the loops and the page are in the wheel, licence and tests in the sdist; twine is content."""
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert [] == [name for name in NEEDED if f"mien/{name}" not in names]
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "tests/conftest.py", "pyproject.toml"} <= inside
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist)


@pytest.mark.slow
@pytest.mark.release
@pytest.mark.timeout(900)
def test_the_wheel_alone_recognises_a_face_without_torch(built: Path, tmp_path: Path) -> None:
    """In a new environment, with nothing but what the wheel asks for."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    (wheel,) = built.glob("*.whl")
    run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--retries", "1", wheel)
    assert f"mien {mien.__version__}" == run(python, "-m", "mien", "--version").stdout.strip()
    found = run(python, "-m", "mien", "recognise", ROOT / "docs" / "astronaut.jpg").stdout
    assert "happy" in found.splitlines()[0]
    run(python, "-c", "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is not None)")

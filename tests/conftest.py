"""What several tests need: small seeded data, a run trained for real, the command line as a user meets it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

from forking import Forker
from mien.data.entry import read_entry, write_entry
from mien.faces import Faces, Splits
from mien.recipes.named import QUICK
from mien.recipes.schema import Recipe, override
from mien.training import RunFolder, loop, train
from voted import write_data

# A machine that others use, too, may take a second for what takes a millisecond.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

pytest_plugins = ["needs", "lanes"]

ROOT = Path(__file__).resolve().parent.parent
SHAPES = ("bottom", "middle", "top")


def draw_shapes(per_class: int, *, classes: int = 3, seed: int = 0, size: int = 16) -> Faces:
    """Return noisy pictures that any network tells apart: one third of each, from top to bottom, is brighter."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), per_class)
    images = rng.integers(0, 120, (len(labels), size, size))
    third = size // 3
    parts = {"top": slice(third), "middle": slice(third, -third), "bottom": slice(-third, None)}
    for image, label in zip(images, labels, strict=True):
        image[parts[SHAPES[label]]] += 100
    order = rng.permutation(len(labels))
    ids = np.array([f"{index}.png" for index in range(len(labels))])
    return Faces(images=images.astype(np.uint8)[order], labels=labels[order], ids=ids)


def map_faces(path: Path) -> Faces:
    """Return 96 shapes that lie in a file of the cache."""
    write_entry(path, Splits(expressions=("a", "b", "c"), source="shapes", kind="shapes", train=draw_shapes(32)))
    splits = read_entry(path)
    assert splits is not None
    assert splits.train is not None
    return splits.train


def write_shapes(folder: Path, per_class: int = 20, *, splits: tuple[str, ...] = ("train", "valid", "test")) -> Path:
    """Write `draw_shapes` as a folder of splits of class folders, and return it."""
    for seed, split in enumerate(splits):
        faces = draw_shapes(per_class, seed=seed)
        for image, label, name in zip(faces.images, faces.labels, faces.ids, strict=True):
            target = folder / split / SHAPES[label] / str(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(target)
    return folder


def tiny_recipe(*changes: str) -> Recipe:
    """Return a recipe that trains in a second."""
    return override(QUICK, ["train.epochs=3", "train.batch_size=16", "augment.shift=0.1", *changes])


FACTS = {"expressions": list(SHAPES), "source": "shapes", "synthetic": True, "versions": {}}


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run that was trained for three short epochs."""
    folder = RunFolder(tmp_path_factory.mktemp("trained") / "run")
    folder.create()
    train(tiny_recipe(), draw_shapes(32), draw_shapes(8, seed=1), folder=folder, facts=FACTS)
    return folder.path


@pytest.fixture
def no_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the pictures of each training, which cost more than its three epochs; those of `trained` are real."""
    monkeypatch.setattr(loop, "draw_curves", lambda *_, **__: None)


BOTH = ("--labels", "both", "--votes", "fer2013new.csv", "--data", "fer2013.csv", "--recipe", "quick")
TINY = ("--set", "train.batch_size=16", "--set", "train.epochs=2", "--device", "cpu")


@pytest.fixture(scope="session")
def trained_heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two expressions, votes (none for the first face) and `run`, which has three heads."""
    place = tmp_path_factory.mktemp("heads")
    write_data(place)
    result = run_mien("train", *BOTH, "--out", "run", *TINY, cwd=place)
    assert result.status == 0, result.err
    return place


@dataclass(frozen=True)
class Result:
    """What a command printed, and how it ended."""

    status: int
    out: str
    err: str


FORKER = Forker()


@pytest.fixture(scope="session", autouse=True)
def end_forker() -> Iterator[None]:
    """Let no process outlive the tests."""
    yield
    FORKER.close()


def run_mien(*arguments: object, cwd: Path | None = None, **variables: str) -> Result:
    """Run `mien` in a process of its own, as a user does."""
    return _run(["-m", "mien", *map(str, arguments)], cwd, variables)


def run_fresh(*arguments: object, cwd: Path | None = None, **variables: str) -> Result:
    """Run `mien` in an interpreter of its own that has imported nothing yet."""
    return _run_fresh(["-m", "mien", *map(str, arguments)], cwd, {**os.environ, "COLUMNS": "140", **variables})


def stop_mien(number: signal.Signals, point: str, *arguments: object, cwd: Path | None = None) -> Result:
    """Run `mien` in a process of its own that gets a signal at a point of its work; `stopped_at` lists the points."""
    return _run([str(ROOT / "tests" / "stopped_at.py"), number.name, point, *map(str, arguments)], cwd, {})


def _run(command: list[str], cwd: Path | None, variables: dict[str, str]) -> Result:
    environment = {**os.environ, "COLUMNS": "140", **variables}
    if not FORKER.can_take(environment):
        return _run_fresh(command, cwd, environment)
    with tempfile.TemporaryDirectory() as to:
        status = FORKER.run(command, environment=environment, cwd=cwd or Path.cwd(), to=Path(to))
        out, err = (Path(to, name).read_text(encoding="utf-8", errors="replace") for name in ("out", "err"))
    return Result(status, out, err)


def _run_fresh(command: list[str], cwd: Path | None, environment: dict[str, str]) -> Result:
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, cwd=cwd, env=environment, check=False
    )
    return Result(done.returncode, done.stdout, done.stderr)


def leave_unmeasured() -> dict[str, str]:
    """Return the environment of a process whose limits would hit the files of a measured coverage, too."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "COV_"))}


def wait_until(holds: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    """Return as soon as something holds; fail if `process` ends before. What never holds, pytest's timeout ends."""
    while not holds():
        assert process is None or process.poll() is None or holds(), process.communicate()[1]
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep decoded data of tests out of the user's cache, and one worker's from another's."""
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(autouse=True)
def own_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget after each test which networks it has registered."""
    models = sys.modules.get("mien.models")
    if models is not None:
        monkeypatch.setattr(models, "MODELS", dict(models.MODELS))


def find_real(name: str) -> Path:
    """Return a file of the real data, or skip the test."""
    path = Path(os.environ.get("MIEN_TEST_DATA", ROOT.parent / "shared" / "data")) / name
    if not path.exists():
        pytest.skip(f"{name} is not there: set MIEN_TEST_DATA to the folder that holds it")
    return path

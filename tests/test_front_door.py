"""The front door: the whole use in a few names; paths or values go in, values that print come out."""

from __future__ import annotations

import inspect
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import mien
from conftest import SHAPES, draw_shapes, tiny_recipe, write_shapes
from mien.errors import ConfigError, DataError, RunError

NAMES = {
    "verbs": "audit compare evaluate export list_models list_recipes load load_run read_picture recipe recognise "
    "register_model report stress train",
    "values": "Box Evaluation Face Faces Recipe Recogniser Robustness Run Splits",
    "errors": "MienError",
}
SCREEN = (24, 150)
"""Lines and columns that a value may take when it is printed."""


class Own(nn.Module):
    """A network of somebody's own."""

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 7 * 7, classes)
        )

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        assert 0.0 <= float(pictures.min()) <= float(pictures.max()) <= 1.0
        return self.layers(pictures)


def in_memory() -> mien.Splits:
    """Return data that came from no file."""
    parts = {name: draw_shapes(count, seed=seed) for seed, (name, count) in enumerate({"train": 20, "test": 8}.items())}
    return mien.Splits.of(SHAPES, **{name: mien.Faces.of(one.images, one.labels) for name, one in parts.items()})


def quick_recipe() -> mien.Recipe:
    """Return a recipe that trains in a second."""
    return tiny_recipe().set(epochs=2)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> mien.Run:
    """Return a run trained on arrays, from Python."""
    return mien.train(in_memory(), quick_recipe(), out=tmp_path_factory.mktemp("door") / "run", progress=False)


def fits(value: object) -> bool:
    """Tell whether a value prints in one screen."""
    lines = repr(value).split("\n")
    return len(lines) <= SCREEN[0] and max(map(len, lines)) <= SCREEN[1]


def test_the_exported_names_are_these() -> None:
    """No more and no fewer; each has a docstring, and `dir` tells them."""
    names = " ".join(NAMES.values()).split()
    assert sorted([*names, "__version__"]) == sorted(mien.__all__) == dir(mien)
    assert [] == [name for name in names if not inspect.getdoc(getattr(mien, name))]


def test_a_name_that_is_none_is_an_attribute_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        mien.nonsense  # noqa: B018


def test_recipes_are_values_that_are_changed_by_name() -> None:
    """Unknown fields and impossible values are one line with what was probably meant."""
    recipe = mien.recipe("small").set(epochs=20, model="compact", rotation_degrees=5.0)
    assert (20, "compact", 5.0) == (recipe.train.epochs, recipe.model.name, recipe.augment.rotation_degrees)
    assert 36 == mien.recipe("small").train.epochs
    assert {"small", "fast"} <= set(mien.list_recipes())
    with pytest.raises(ConfigError, match="no field learning_rate; did you mean lr"):
        recipe.set(learning_rate=0.1)
    with pytest.raises(ConfigError, match="from 1 to 1000"):
        recipe.set(epochs=0)


def test_a_folder_is_read_trained_on_measured_explained_and_exported(tmp_path: Path) -> None:
    """By paths alone, the way of the README."""
    folder = write_shapes(tmp_path / "shapes")
    splits = mien.load(str(folder))
    run = mien.train(folder, quick_recipe(), out=tmp_path / "run", progress=False)
    evaluation = mien.evaluate(run, split="test")
    low, high = evaluation.interval
    assert low <= evaluation.accuracy <= high
    assert len(splits.test or ()) == len(evaluation) == evaluation.confusion_matrix.sum()
    assert evaluation == mien.evaluate(tmp_path / "run", splits, split="test") or splits.source != run.source
    (page,) = mien.report(run, tmp_path / "report.html")
    assert "<html" in page.read_text(encoding="utf-8")
    model = mien.export(run, tmp_path / "model.onnx")
    assert SHAPES == mien.Recogniser(model).expressions
    with pytest.raises(ConfigError, match="is there already"):
        mien.export(run, model)


def test_arrays_are_trained_on_and_measured(run: mien.Run) -> None:
    """Data in memory is known by its pixels: valid is what was held out, test what it was."""
    splits = in_memory()
    valid = mien.evaluate(run, splits, split="valid")
    assert len(run.seen.valid if run.seen else ()) == len(valid)
    assert 24 == len(mien.evaluate(run, splits, split="test"))
    with pytest.raises(DataError, match="arrays in memory"):
        mien.evaluate(run, split="valid")


def test_training_again_into_the_same_folder_is_refused_and_resuming_a_finished_run_too(run: mien.Run) -> None:
    """Nothing is overwritten."""
    with pytest.raises(RunError, match="a run is here already"):
        mien.train(in_memory(), quick_recipe(), out=run.path, progress=False)
    with pytest.raises(RunError, match="has finished"):
        mien.train(in_memory(), out=run.path, resume=True, progress=False)


def test_a_network_of_ones_own_is_trained_as_a_copy(tmp_path: Path) -> None:
    """It comes back as it was: weights, and the mode of each of its parts; the run needs it again to be loaded."""
    own = Own()
    own.layers[1].eval()
    before = {name: value.clone() for name, value in own.state_dict().items()}
    run = mien.train(in_memory(), quick_recipe(), out=tmp_path / "run", model=own, progress=False)
    assert all(torch.equal(value, own.state_dict()[name]) for name, value in before.items())
    assert (True, False) == (own.training, own.layers[1].training)
    assert mien.evaluate(run, in_memory()).accuracy > 0.5
    assert mien.evaluate(mien.load_run(run.path, model=own), in_memory()) == mien.evaluate(run, in_memory())
    with pytest.raises(RunError, match="give it once more, as model="):
        mien.load_run(run.path)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Own(classes=4), r"expected logits \(N, 3\), found \(2, 4\)"),
        (nn.Linear(3, 3), r"expected a module that takes \(N, 1, 16, 16\)"),
        ("resnet", "expected a torch.nn.Module, found str"),
    ],
)
def test_a_network_that_does_not_fit_is_told_before_anything_is_written(
    model: nn.Module, words: str, tmp_path: Path
) -> None:
    """In one line."""
    with pytest.raises(ConfigError, match=words):
        mien.train(in_memory(), quick_recipe(), out=tmp_path / "run", model=model, progress=False)
    assert [] == list(tmp_path.rglob("*.safetensors"))


def test_a_registered_network_is_a_name_for_recipes(tmp_path: Path) -> None:
    """Built anew for each training, by the seed; mien's own names are not for sale."""
    mien.register_model("mine", lambda *, classes, size: Own(classes))
    assert "mine" in mien.list_models()
    run = mien.train(in_memory(), quick_recipe().set(model="mine"), out=tmp_path / "run", progress=False)
    assert "mine" == mien.load_run(run.path).recipe.model.name
    with pytest.raises(ConfigError, match="is a network of mien"):
        mien.register_model("small", lambda *, classes, size: Own(classes))


def test_no_random_state_of_others_is_touched(tmp_path: Path) -> None:
    """What torch and NumPy would have drawn next, they draw next."""
    torch.manual_seed(1)
    np.random.seed(1)
    expected = torch.rand(3), np.random.rand(3)
    torch.manual_seed(1)
    np.random.seed(1)
    mien.train(in_memory(), quick_recipe().set(epochs=1), out=tmp_path / "run", progress=False)
    assert torch.equal(expected[0], torch.rand(3))
    assert np.array_equal(expected[1], np.random.rand(3))


def test_silence_on_request_and_lines_otherwise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing on either stream, or a line an epoch."""
    mien.train(in_memory(), quick_recipe(), out=tmp_path / "quiet", progress=False)
    assert ("", "") == tuple(capsys.readouterr())
    mien.train(in_memory(), quick_recipe(), out=tmp_path / "told")
    assert 2 == capsys.readouterr().out.count("epoch ")


def test_every_value_prints_in_one_screen_and_shows_itself_in_a_notebook(run: mien.Run) -> None:
    """Data, a run, an evaluation, an audit, and recipes as code."""
    splits = in_memory()
    values = (splits, splits.train, run, mien.evaluate(run, splits), mien.audit(splits), mien.recipe("best"))
    assert [] == [repr(value) for value in values if not fits(value) and not isinstance(value, mien.Recipe)]
    for value in values[:-1]:
        assert value._repr_html_().startswith("<")  # type: ignore[union-attr]
    assert "data:image/png" in splits._repr_html_()
    assert repr(mien.recipe("quick")).startswith("Recipe('quick', ")


def test_an_evaluation_becomes_a_table_and_a_plot(run: mien.Run) -> None:
    """A pandas row a face; scikit-learn's display of the confusion matrix."""
    import matplotlib as mpl

    mpl.use("agg")
    evaluation = mien.evaluate(run, in_memory())
    frame = evaluation.to_frame()
    assert ["id", "label", "predicted", "copy", *SHAPES] == list(frame.columns)
    assert (frame["label"] == frame["predicted"]).mean() == pytest.approx(evaluation.accuracy)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # matplotlib's of fonts
        display = evaluation.plot()
    assert display.confusion_matrix.sum(axis=1) == pytest.approx(np.ones(3))


def test_variants_are_compared_from_python(tmp_path: Path) -> None:
    """The base and its variant, each on its seeds."""
    folder = write_shapes(tmp_path / "shapes")
    recipe = mien.recipe("quick").set(epochs=1, batch_size=16)
    results = mien.compare(recipe, ["augmentation"], data=folder, seeds=1, out=tmp_path / "study", split="valid")
    assert ["base", "augmentation=off"] == [row.name for row in results.rows]


def test_recognise_keeps_its_network() -> None:
    """A picture goes in, its faces come out; the second call opens nothing."""
    from mien.recognition.once import _open

    picture = Path(__file__).resolve().parent.parent / "docs" / "astronaut.jpg"
    assert ["happy"] == [face.expression for face in mien.recognise(picture, detector="none")] or len(
        mien.recognise(picture)
    )
    opened = _open.cache_info().misses
    mien.recognise(picture)
    mien.recognise(picture)
    assert opened + 1 >= _open.cache_info().misses


def test_without_pytorch_a_name_that_needs_it_says_what_to_install() -> None:
    """One line, as an ImportError of Python's own kind."""
    script = (
        "import sys; sys.modules['torch'] = None\nimport mien\n"
        "try:\n    mien.train\nexcept ModuleNotFoundError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "mien.train needs torch: run  pip install 'mien[train]'\n" == done.stdout


def test_whatever_is_wrong_with_what_is_given_is_caught_by_the_front_door_s_own_error() -> None:
    """Data, settings and runs: one `except` for all."""
    for wrong in (lambda: mien.load("nowhere"), lambda: mien.recipe("fas"), lambda: mien.load_run("nowhere")):
        with pytest.raises(mien.MienError, match=r"nowhere|fas"):
            wrong()


def test_two_classes_of_one_name_are_refused() -> None:
    """Counts by name would leave out the faces of one."""
    with pytest.raises(mien.MienError, match="expected each class once, found sad twice"):
        mien.Splits.of(["sad", "happy", "sad"], train=mien.Faces.of(np.zeros((3, 8, 8), np.uint8), [0, 1, 2]))

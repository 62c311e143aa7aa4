"""A run as an ONNX file: what it answers, what it says of itself, when it is refused."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import FACTS, SHAPES, draw_shapes, tiny_recipe
from mien import Recogniser
from mien.errors import MienError, MissingExtraError
from mien.evaluation.predict import predict_probabilities
from mien.exporting import Export, export_run, write_model
from mien.exporting.check import check_difference, run_model
from mien.exporting.graph import describe_run
from mien.exporting.run import shrink_export
from mien.faces import Splits
from mien.recipes.schema import override
from mien.runs.run import Run, load_run
from mien.runs.temperatures import scale_probabilities
from mien.training import RunFolder, train

VIEWS = ("plain", "mirror")


@pytest.fixture(scope="module")
def run(trained: Path) -> Run:
    """Return a trained run with a temperature for two views."""
    return replace(load_run(trained), temperatures={"plain+mirror": 1.7})


@pytest.fixture(scope="module")
def splits() -> Splits:
    """Return faces as the run was trained on them."""
    parts = {"train": draw_shapes(40), "valid": draw_shapes(20, seed=1)}
    return Splits(**parts, expressions=SHAPES, source="shapes", kind="drawn")


@pytest.fixture(scope="module")
def made(run: Run, splits: Splits) -> Export:
    """Return the run as a model with 8 bits left out."""
    return export_run(run, splits, views=VIEWS)


def facts_of(model: Any) -> dict[str, Any]:
    """Return a model's metadata."""
    return {entry.key: json.loads(entry.value) for entry in model.metadata_props}


def test_a_model_answers_as_torch_does_over_a_thousand_faces(made):
    """The data has 180 of them; drawn ones make up the rest."""
    assert 1000 == made.faces
    assert 0.0 <= made.difference <= 1e-5


def test_views_and_temperature_are_inside(made, run):
    """Any number of faces; rows sum to 1; the same as evaluation answers."""
    faces = draw_shapes(3, seed=5).images
    expected = scale_probabilities(predict_probabilities(run.network, faces, views=VIEWS), 1.7)
    for count in (1, 5, len(faces)):
        answers = run_model(made.model, faces[:count], threads=1)
        np.testing.assert_allclose(expected[:count], answers, atol=1e-5)
        np.testing.assert_allclose(1.0, answers.sum(axis=1), atol=1e-6)


def test_metadata_say_what_the_model_is(made, run):
    """Expressions, recipe, views, calibration, versions; of the data its name alone, no path."""
    facts = facts_of(made.model)
    assert list(SHAPES) == facts["mien.expressions"]
    assert (list(VIEWS), 1.7, True, "float32") == tuple(
        facts[f"mien.{name}"] for name in ("views", "temperature", "calibrated", "precision")
    )
    assert run.recipe.to_dict() == facts["mien.recipe"]
    assert (True, "shapes", run.epoch) == (facts["mien.synthetic"], facts["mien.trained_on"], facts["mien.epoch"])


def test_files_and_runs_are_known_by_name_alone(run):
    """Whoever gets the model learns nothing about the disk of whoever made it."""
    paths = (
        "data.only=/home/me/clean.txt",
        "train.start_from=/home/me/first",
        "train.teachers=bundled,/home/me/second",
    )
    facts = describe_run(replace(run, recipe=override(run.recipe, paths)), VIEWS)
    assert "/home" not in json.dumps(facts)
    assert ("clean.txt", "first", "bundled,second") == (
        facts["recipe"]["data"]["only"],
        facts["recipe"]["train"]["start_from"],
        facts["recipe"]["train"]["teachers"],
    )


def test_batch_norms_are_folded_into_convolutions(made):
    """Only the one behind the pooling is left, and only operators that every runtime knows; views share the network."""
    kinds = [node.op_type for node in made.model.graph.node]
    assert 1 >= kinds.count("BatchNormalization")
    assert 7 == kinds.count("Conv")
    assert {""} == {entry.domain for entry in made.model.opset_import}


def test_a_recogniser_takes_the_file(made, tmp_path):
    """It answers, and knows the classes."""
    write_model(made.model, tmp_path / "shapes.onnx")
    recogniser = Recogniser(tmp_path / "shapes.onnx", threads=1)
    faces = draw_shapes(10, seed=6)
    assert SHAPES == recogniser.expressions
    assert np.mean(recogniser.predict(faces.images).argmax(axis=1) == faces.labels) > 0.9


def test_eight_bits_are_measured_on_valid(made, run, splits):
    """A smaller file of the same classes, whose accuracy stands beside that of float32."""
    small = shrink_export(made, run, splits)
    assert small.accuracies is not None
    assert 60 == small.measured
    exact, rounded = small.accuracies
    assert exact > 0.9
    assert rounded == pytest.approx(exact, abs=0.1)
    assert "int8" == facts_of(small.model)["mien.precision"]
    assert "QuantizeLinear" in {node.op_type for node in small.model.graph.node}


def test_eight_bits_need_faces(run):
    """Without the data there is nothing to take ranges from."""
    with pytest.raises(MienError, match="`int8` needs the faces"):
        export_run(run, None, int8=True)


@pytest.mark.parametrize("difference", [1.1e-5, float("nan")])
def test_a_model_that_differs_from_torch_is_refused(difference):
    """A difference that is no number, too."""
    with pytest.raises(MienError, match="differs from torch"):
        check_difference(difference)


def test_a_missing_package_is_named_with_its_install_command(run, monkeypatch):
    """As it is after `pip install 'mien[train]'`."""
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mien\[export\]'"):
        export_run(run, None)


def test_a_run_folder_is_exported_once_when_it_is_used(trained, monkeypatch, tmp_path):
    """The second time neither torch nor an exporter is needed; without either, the first says what to do."""
    import shutil

    shutil.copytree(trained, tmp_path / "run")
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "onnxscript", None)
        with pytest.raises(MienError, match=r"has to be exported first: run  pip install 'mien\[export\]'"):
            Recogniser(tmp_path / "run")
    faces = draw_shapes(2, seed=8).images
    first = Recogniser(tmp_path / "run", threads=1).predict(faces)
    monkeypatch.setitem(sys.modules, "mien.exporting", None)
    np.testing.assert_array_equal(first, Recogniser(tmp_path / "run", threads=1).predict(faces))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "views"),
    [
        (("model.name=report-cnn", "data.size=32"), ("plain", "mirror")),  # its 40 million parameters take their time
        (("model.name=small", "data.size=24"), ("plain", "mirror", "shift", "tencrop")),
    ],
)
def test_every_network_can_be_exported(changes, views, tmp_path):
    """With every view."""
    size = int(changes[1].rpartition("=")[2])
    folder = RunFolder(tmp_path / "run")
    folder.create()
    recipe = tiny_recipe(*changes, "train.epochs=1")
    train(recipe, draw_shapes(8, size=size), draw_shapes(4, seed=1, size=size), folder=folder, facts=FACTS)
    made = export_run(load_run(folder.path), None, views=views)
    assert made.difference <= 1e-5

"""The network that ships with mien: small, complete, and the same in both of its files."""

from __future__ import annotations

import numpy as np
import pytest

import mien
from mien import Recogniser
from mien.data.loading import load
from mien.evaluation.predict import predict_probabilities
from mien.labels import EXPRESSIONS
from mien.recognition.model import BUNDLED
from mien.runs.run import load_run

LARGEST_BYTES = 5_000_000


@pytest.fixture(scope="module")
def recogniser() -> mien.Recogniser:
    """Return the recogniser that a user gets without saying anything."""
    return Recogniser(detector="none")


def test_each_file_of_the_bundled_network_is_at_most_five_megabytes() -> None:
    """The install stays small."""
    sizes = {path.name: path.stat().st_size for path in BUNDLED.parent.iterdir() if path.is_file()}
    assert {"mien.onnx", "model.safetensors", "calibration.json"} <= set(sizes)
    assert max(sizes.values()) <= LARGEST_BYTES


def test_the_bundled_network_says_what_it_is(recogniser: mien.Recogniser) -> None:
    """Seven expressions, calibrated, its recipe, three heads, and no path of the machine that trained it."""
    assert tuple(EXPRESSIONS) == recogniser.expressions
    assert recogniser.card["calibrated"]
    assert "heads" == recogniser.card["recipe"]["name"]
    assert {"people", "fer2013", "ferplus8"} == set(recogniser.card["heads"])
    assert load_run(BUNDLED.parent).source == "fer2013.csv"


def test_kernels_of_the_bundled_network_take_seven_bits() -> None:
    """With eight, processors without VNNI overflow: there it had 51 % of FER2013's valid right instead of 68 %."""
    onnx = pytest.importorskip("onnx")
    kept = [onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(BUNDLED).graph.initializer]
    kernels = [kernel for kernel in kept if kernel.dtype == np.int8 and kernel.ndim > 1]
    assert len(kernels) > 8
    assert max(np.abs(kernel.astype(int)).max() for kernel in kernels) <= 64


def test_both_files_hold_the_same_network(recogniser: mien.Recogniser) -> None:
    """Eight bits and half precision move probabilities a little, answers seldom (drawn faces, 200 of them)."""
    faces = load("synthetic").named()["test"].images[:200]
    run = load_run(BUNDLED.parent).head("people")
    exact = predict_probabilities(run.network, faces, views=tuple(recogniser.card["views"]))
    rounded = recogniser.predict(faces)
    assert (exact.argmax(1) == rounded.argmax(1)).mean() > 0.9
    np.testing.assert_allclose(1.0, rounded.sum(1), atol=1e-5)

"""The network that ships with mien: small, complete, and the same in both of its files."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

import mien
from conftest import ROOT, find_real
from mien import Recogniser
from mien.data.loading import load
from mien.data.votes import NO_FACE, find_majority, find_rows, read_votes
from mien.evaluation.predict import predict_probabilities
from mien.labels import EXPRESSIONS
from mien.recipes.heads import HEADS
from mien.recognition.model import BUNDLED
from mien.runs.run import load_run

LARGEST_BYTES = 5_000_000
LARGEST_RECOGNISER = 1_000_000


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


def read_constants() -> dict[str, npt.NDArray[Any]]:
    """Return the constants of the bundled file by name."""
    onnx = pytest.importorskip("onnx")
    return {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(BUNDLED).graph.initializer}


OUTPUTS = ("people", "fer2013", "ferplus8")
"""The heads in the order of the file that users run."""


def arrange(values: Tensor, temperatures: dict[str, float]) -> Tensor:
    """Return the rows of the last layer as the file that users run has them: by head, divided by its temperature."""
    return torch.cat([values[HEADS[name].columns] / temperatures[f"{name}-plain"] for name in OUTPUTS])


def find_layers(network: nn.Module) -> dict[str, tuple[nn.Module, nn.BatchNorm2d | None]]:
    """Return convolutions with the norms behind them, and dense layers, by their names."""
    found = {}
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d):
            around, _, place = name.rpartition(".")
            found[name] = (layer, network.get_submodule(f"{around}.{int(place) + 1}"))
        elif isinstance(layer, nn.Linear):
            found[name] = (layer, None)
    return found


def test_every_weight_in_eight_bits_is_the_nearest_to_that_of_the_other_file() -> None:
    """Half a step of its scale at most, norms and temperatures folded in: nine layers, kernels and shifts."""
    whole = load_run(BUNDLED.parent).whole
    assert whole is not None
    held, layers = read_constants(), find_layers(whole.network)
    assert 9 == len(layers)
    for name, (layer, norm) in layers.items():
        folded, bias = f"network.{name}.weight", f"network.{name}." + ("weight_bias" if norm else "bias")
        weight, shift = layer.weight, layer.bias
        if norm is None:
            weight, shift = (arrange(value, whole.temperatures) for value in (weight, shift))
        else:
            statistics = (norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias)
            weight, shift = fuse_conv_bn_weights(layer.weight, layer.bias, *statistics)
        places = (-1, *[1] * (weight.ndim - 1))
        steps = held[f"{folded}_scale"].reshape(places)
        assert not held[f"{folded}_zero_point"].any()
        off = np.abs(held[f"{folded}_quantized"] * steps - weight.detach().numpy())
        assert (off <= 0.5 * steps + 1e-6).all(), name
        steps = held[f"{bias}_quantized_scale"]
        off = np.abs(held[f"{bias}_quantized"] * steps - shift.detach().numpy())
        assert (off <= 0.5 * steps + 1e-5).all(), name


def test_both_files_hold_the_same_temperatures(recogniser: mien.Recogniser) -> None:
    """Those of calibration.json, fitted to these very weights, are the heads' of the file that users run."""
    run = load_run(BUNDLED.parent)
    kept = json.loads((BUNDLED.parent / "calibration.json").read_text())
    assert kept["weights"] == run.mark == recogniser.card["weights"]
    told = {f"{name}-plain": head["temperature"] for name, head in recogniser.card["heads"].items()}
    assert told == {name: kept["temperatures"][name] for name in told}
    assert told["people-plain"] == recogniser.card["temperature"]


def test_both_files_give_nearly_the_same_probabilities(recogniser: mien.Recogniser) -> None:
    """Eight bits move one by less than a point in the mean (drawn faces, 200 of them); both are scaled."""
    faces = load("synthetic").named()["test"].images[:200]
    run = load_run(BUNDLED.parent).head("people")
    exact = predict_probabilities(run.network, faces, views=tuple(recogniser.card["views"]))
    exact = exact ** (1.0 / recogniser.card["temperature"])
    exact /= exact.sum(1, keepdims=True)
    rounded = recogniser.predict(faces)
    np.testing.assert_allclose(1.0, rounded.sum(1), atol=1e-5)
    assert np.abs(exact - rounded).mean() < 0.01
    assert np.abs(exact - rounded).max() < 0.15
    assert (exact.argmax(1) == rounded.argmax(1)).mean() > 0.9


def test_the_file_that_recognises_has_at_most_a_megabyte() -> None:
    """With all heads, and with what tells a readable face."""
    assert BUNDLED.stat().st_size <= LARGEST_RECOGNISER


def draw_none() -> dict[str, npt.NDArray[np.uint8]]:
    """Return pictures that are no faces, by name."""
    rows, columns = np.mgrid[:48, :48]
    grey = {f"grey {level}": np.full((48, 48), level) for level in (0, 64, 128, 200, 255)}
    noise = np.random.default_rng(0).integers(0, 256, (48, 48))
    return {
        name: picture.astype(np.uint8)
        for name, picture in {
            **grey,
            "noise": noise,
            "a slope": 5 * rows,
            "stripes": 255 * (columns // 6 % 2),
            "a board": 255 * ((columns // 12 + rows // 12) % 2),
        }.items()
    }


@pytest.mark.parametrize("name", draw_none())
def test_what_is_no_face_has_no_expression(recogniser: mien.Recogniser, name: str) -> None:
    """A black square was "angry, 82 %" to the network before."""
    (face,) = recogniser.recognise(draw_none()[name])
    assert (False, None) == (face.readable, face.expression)


def test_a_portrait_and_drawn_faces_are_readable(recogniser: mien.Recogniser) -> None:
    """Nineteen of twenty drawn ones at least."""
    (portrait,) = Recogniser(threads=1).recognise(ROOT / "docs" / "astronaut.jpg")
    assert (True, "happy") == (portrait.readable, portrait.expression)
    scores = recogniser.answer(load("synthetic").named()["test"].images[:200]).readability
    assert scores is not None
    assert 0.95 <= (scores >= 0.5).mean()


@pytest.mark.slow
@pytest.mark.real_data
def test_of_two_hundred_faces_of_valid_one_is_taken_for_none() -> None:
    """As the limit was set on PublicTest; what FER+'s taggers call no face scores lower."""
    valid = load(find_real("fer2013.csv")).named()["valid"]
    counts = read_votes(find_real("fer2013new.csv")).counts[find_rows(valid)]
    scores = Recogniser(detector="none").answer(valid.images).readability
    assert scores is not None
    none, faces = scores[find_majority(counts) == NO_FACE], scores[counts[:, NO_FACE] < 2]
    assert pytest.approx(0.005, abs=0.001) == (faces < 0.5).mean()
    assert 0.95 <= (faces[:, None] > none[None]).mean()


@pytest.mark.slow
@pytest.mark.real_data
def test_both_files_have_as_many_faces_of_valid_right_as_the_card_says() -> None:
    """Of the 3,589 of PublicTest, by the data's own labels: the 8-bit file, and the float32 network with one view."""
    valid = load(find_real("fer2013-images.zip")).named()["valid"]
    exact = predict_probabilities(load_run(BUNDLED.parent).network, valid.images)
    rounded = Recogniser(detector="none", labels="fer2013").predict(valid.images)
    card = (ROOT / "MODEL_CARD.md").read_text(encoding="utf-8")
    said = re.findall(r"\| `fer2013`, valid \(PublicTest\)[^|]*\| 3,589 \| ([\d.]+) % \|", card)
    found = [100 * float((each.argmax(1) == valid.labels).mean()) for each in (rounded, exact)]
    assert pytest.approx([float(figure) for figure in said], abs=0.05 + 1e-9) == found

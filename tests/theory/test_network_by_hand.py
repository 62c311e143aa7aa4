"""The report's network runs in NumPy from the torch weights, and a small one learns without torch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits
from torch import nn
from torch.nn import functional as F

from mien.models import build_model
from mien.recipes.schema import ModelConfig
from mien.synthetic import load_synthetic
from mien.theory.network import draw_from, forward, start_parameters, teach
from mien.theory.optimisers import Adam, start_memory
from mien.theory.steps import BatchNorm, Convolution, Flatten, Layer, Linear, MaxPool, RandomRelu, Relu
from mien.theory.witnesses.autograd import read_torch, run_torch


def build_report_cnn() -> nn.Sequential:
    """Return mien's own report network in float64, its batch norms away from their tidy start."""
    torch.manual_seed(0)
    network = build_model(ModelConfig(name="report-cnn"), classes=7, size=64).layers.double()
    for module in network:
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.weight, module.bias, module.running_mean, module.running_var):
                nn.init.uniform_(values, 0.5, 1.5)
    return network


@pytest.mark.slow
@pytest.mark.parametrize("is_training", [True, False])
def test_report_cnn_in_numpy_has_the_logits_and_gradients_of_torch(is_training: bool) -> None:
    """A batch of 2: relative error at most 1e-10 for the logits, every one of 26 parameters and every statistic."""
    network, faces = build_report_cnn(), torch.rand(2, 1, 64, 64, dtype=torch.float64)
    labels = np.array([3, 6])
    layers, parameters = read_torch(network)
    parameters = {name: value.copy() for name, value in parameters.items()}
    logits = run_torch(network, faces, draw_from(np.random.default_rng(1)) if is_training else None)
    F.cross_entropy(logits, torch.tensor(labels)).backward()
    noise = draw_from(np.random.default_rng(1)) if is_training else None
    lesson = teach(layers, parameters, faces.numpy(), labels, noise)
    assert measure(logits.detach(), lesson.logits) <= 1e-10
    gradients = {name: value.grad for name, value in network.named_parameters()}
    assert gradients.keys() == lesson.gradients.keys()
    assert sum(value.size for value in lesson.gradients.values()) == 39_569_799
    # In training a batch norm takes away any bias before it: that gradient is 0, up to the rounding of its summands.
    vanishing = {f"{i}.bias" for i, layer in enumerate(layers) if isinstance(layer, Convolution) and is_training}
    for name in gradients.keys() - vanishing:
        assert measure(gradients[name], lesson.gradients[name]) <= 1e-10, name
    for name in vanishing:
        assert np.abs(lesson.gradients[name]).max() <= 1e-12
        assert gradients[name].abs().max() <= 1e-12
    for name, value in lesson.running.items():
        assert measure(network.state_dict()[name], value) <= 1e-12, name


def measure(expected: torch.Tensor, found: np.ndarray) -> float:
    """Return the largest difference relative to the largest expected value."""
    reference = expected.numpy()
    return float(np.abs(found - reference).max() / np.abs(reference).max())


def test_other_layers_than_the_reports_are_refused() -> None:
    """A strided convolution is not what `steps.Convolution` computes, so it is named and refused."""
    with pytest.raises(ValueError, match="found Conv2d"):
        read_torch(nn.Sequential(nn.Conv2d(1, 2, 3, stride=2)))


def test_the_same_seed_draws_the_same_noise_and_evaluation_draws_none() -> None:
    """Two steps from one seed agree; two evaluations do, too; training and evaluation do not."""
    layers: tuple[Layer, ...] = (Linear(inputs=4, outputs=6), RandomRelu())
    parameters, x = start_parameters(layers, np.random.default_rng(0)), np.ones((3, 4))
    drawn = [forward(layers, parameters, x, draw_from(np.random.default_rng(5))).y for _ in range(2)]
    np.testing.assert_array_equal(*drawn)
    np.testing.assert_array_equal(forward(layers, parameters, x).y, forward(layers, parameters, x).y)
    assert (drawn[0] != forward(layers, parameters, x).y).any()


LAYERS: tuple[Layer, ...] = (
    *(Convolution(inputs=1, outputs=8), MaxPool(), BatchNorm(channels=8), RandomRelu()),
    *(Convolution(inputs=8, outputs=16), MaxPool(), BatchNorm(channels=16), Relu()),
    *(Flatten(), Linear(inputs=16 * 36, outputs=64), RandomRelu(), Linear(inputs=64, outputs=7)),
)
EPOCHS, BATCH, RATE = 4, 16, 4e-3


@pytest.mark.slow
def test_a_network_by_hand_learns_the_synthetic_faces() -> None:
    """With NumPy's Adam alone at least 60 % of 700 unseen faces are told right, where chance is 1 in 7."""
    splits = load_synthetic(size=24)
    assert splits.train is not None
    assert splits.test is not None
    with threadpool_limits(1):  # the products are so small that threads would mostly wait for each other
        parameters = learn(prepare(splits.train.images), splits.train.labels, np.random.default_rng(0))
    guesses = forward(LAYERS, parameters, prepare(splits.test.images)).y.argmax(axis=1)
    assert (guesses == splits.test.labels).mean() >= 0.6


def prepare(images: np.ndarray) -> np.ndarray:
    """Return images (N, 1, H, W) around 0."""
    return (images[:, None] / 255 - 0.5) / 0.25


def learn(x: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return the parameters after a few epochs of Adam, whose rate falls to nothing in a straight line."""
    parameters = start_parameters(LAYERS, rng)
    memories = {name: start_memory(value) for name, value in parameters.items()}
    batches = [batch for _ in range(EPOCHS) for batch in np.array_split(rng.permutation(len(x)), len(x) // BATCH)]
    for step, batch in enumerate(batches):
        adam = replace(Adam(), learning_rate=RATE * (1 - step / len(batches)))
        lesson = teach(LAYERS, parameters, x[batch], labels[batch], draw_from(rng))
        for name, gradient in lesson.gradients.items():
            parameters[name], memories[name] = adam.step(parameters[name], gradient, memories[name])
        parameters |= lesson.running
    return parameters

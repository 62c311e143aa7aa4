"""The compiled loops against the mathematics of mien.theory, which knows neither torch nor them, in double precision.

Each rule is held for both widths of vectors; networks of them as training and prediction use them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.native import accelerate, ops, rules
from mien.native.rrelu import RReLU
from mien.theory import batchnorm, convolution
from mien.theory.network import Noise, forward, teach
from mien.theory.steps import Dropout, MaxPool, RandomLayer, RandomRelu
from mien.theory.witnesses.autograd import read_torch

pytestmark = [pytest.mark.compiler, pytest.mark.usefixtures("lanes")]

Array = npt.NDArray[Any]
TOLERANCE = 4e-5
"""Of the largest value: what Winograd's transforms cost at most (3e-5 with 512 channels, see mien.native.ops)."""


def draw(*shape: int, seed: int = 0) -> Array:
    """Return normal numbers that float32 holds exactly."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32).astype(np.float64)


def as_leaf(values: Array) -> Tensor:
    """Return a float32 tensor that takes gradients, channels last in memory."""
    tensor = torch.from_numpy(values.astype(np.float32))
    if tensor.ndim == 4:
        tensor = tensor.contiguous(memory_format=torch.channels_last)
    return tensor.requires_grad_()


def differ(found: Tensor | None, expected: Array) -> float:
    """Return the largest difference, as a part of the largest value."""
    assert found is not None
    assert found.shape == expected.shape
    return float(np.abs(found.detach().double().numpy() - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (4, 4), (5, 7), (6, 6), (9, 12), (20, 20)])
@pytest.mark.parametrize(("channels", "kernels"), [(32, 32), (64, 96), (1, 32), (4, 64)])
def test_a_convolution_by_winograd_is_the_sum_of_its_definition(
    channels: int, kernels: int, height: int, width: int
) -> None:
    """Forward and both gradients: whole tiles, parts of one, both sizes of tiles, and first layers of few channels."""
    x, weight = draw(3, channels, height, width), draw(kernels, channels, 3, 3, seed=1)
    grad_y = draw(3, kernels, height, width, seed=2)
    expected = convolution.convolve(x, weight, np.zeros(kernels), padding=(1, 1))
    by_x, by_weight, _ = convolution.convolve_backward(grad_y, x, weight, padding=(1, 1))
    leaf, kernel = as_leaf(x), as_leaf(weight)
    found = rules.convolve(leaf, kernel.permute(2, 3, 1, 0))
    found.backward(torch.from_numpy(grad_y).float())
    assert differ(found, expected) < TOLERANCE
    assert differ(leaf.grad, by_x) < TOLERANCE
    assert differ(kernel.grad, by_weight) < TOLERANCE


@pytest.mark.parametrize("shift", [0.0, 100.0])
@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_a_norm_and_what_follows_it_are_derived_by_hand(slope: float, pool: bool, shift: float) -> None:
    """Forward and all gradients of norm, rectifier and max-pool; also far from zero."""
    x, gamma, beta = draw(5, 32, 8, 6) + shift, draw(32, seed=1), draw(32, seed=2)
    leaves = [as_leaf(values) for values in (x, gamma, beta)]
    x = leaves[0].detach().double().numpy()  # as float32 has it
    normal = batchnorm.batchnorm(x, gamma, beta)
    layers = (RandomRelu(lower=slope, upper=slope), *([MaxPool()] if pool else []))
    behind = forward(layers, {}, normal.y)
    grad_y = draw(*behind.y.shape, seed=3)
    grads = batchnorm.batchnorm_backward(behind.pull(grad_y)[0], x, gamma)
    seeds = torch.zeros(2, dtype=torch.int64)
    found, mean, variance = rules.norm_train(*leaves, seeds, 1e-5, slope, slope, pool, 0.0)
    found.backward(torch.from_numpy(grad_y).float())
    tolerance = 1e-6 if shift == 0.0 else 5e-5
    assert differ(found, behind.y) < tolerance
    assert differ(mean, normal.mean) < 1e-6
    assert differ(variance, normal.variance) < tolerance
    for leaf, expected in zip(leaves, (grads.x, grads.gamma, grads.beta), strict=True):
        assert differ(leaf.grad, expected) < tolerance


@pytest.mark.parametrize("pool", [False, True])
def test_a_norm_that_is_folded_into_kernels_is_the_frozen_norm(pool: bool) -> None:
    """Evaluation: convolution, norm with running statistics, rectifier and max-pool in one loop."""
    network = nn.Sequential(
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), RReLU(), *([nn.MaxPool2d(2)] if pool else [])
    )
    spread_statistics(network)
    x = draw(2, 32, 10, 12)
    expected = forward(*read_torch(network), x).y
    with torch.no_grad():
        found = accelerate(network.eval(), frozen=True)(torch.from_numpy(x).float())
    assert differ(found, expected) < TOLERANCE


def spread_statistics(network: nn.Module) -> None:
    """Move batch norms away from their tidy start."""
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.weight, module.bias, module.running_mean, module.running_var):
                nn.init.uniform_(values, 0.5, 1.5, generator=generator)


def build_network() -> nn.Sequential:
    """Return a network of every layer that the loops know, random ones included."""
    torch.manual_seed(0)
    network = nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), RReLU(), nn.MaxPool2d(2), nn.Dropout(0.3)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(64 * 16, 7)),
    )
    spread_statistics(network)
    return network


def draw_like_the_loops(seed: int) -> Noise:
    """Return the slopes and zeros that the compiled loops draw from torch's generator with this seed."""
    torch.manual_seed(seed)
    seeds = torch.randint(2**62, (2,))

    def noise(place: int, layer: RandomLayer, shape: tuple[int, ...]) -> Array:
        ones = torch.ones(shape)
        if isinstance(layer, Dropout):
            return ops.draw_epilogue(ones, seeds, 0.0, 0.0, layer.drop_fraction).double().numpy()
        assert isinstance(layer, RandomRelu)
        return -ops.draw_epilogue(-ones, seeds, layer.lower, layer.upper, 0.0).double().numpy()

    return noise


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_a_network_is_taught_as_by_hand(training: bool) -> None:
    """Logits, loss, every gradient and every running statistic, with the slopes and zeros that were drawn."""
    network, faces, labels = build_network(), draw(6, 1, 16, 16, seed=4), np.arange(6)
    lesson = teach(*read_torch(network), faces, labels, draw_like_the_loops(5) if training else None)
    view = accelerate(network).train(training)
    torch.manual_seed(5)
    logits = view(torch.from_numpy(faces).float())
    loss = F.cross_entropy(logits, torch.from_numpy(labels))
    loss.backward()
    assert differ(logits, lesson.logits) < 1e-5
    assert pytest.approx(lesson.loss, rel=1e-5) == loss.item()
    vanishing = {"0.bias", "5.bias"} if training else set()  # the norm behind takes away any bias
    for name, parameter in network.named_parameters():
        if name in vanishing:
            assert parameter.grad is not None
            assert parameter.grad.abs().max() < 1e-6
        else:
            assert differ(parameter.grad, lesson.gradients[name]) < 1e-5, name
    assert training == bool(lesson.running)
    for name, expected in lesson.running.items():
        assert differ(network.state_dict()[name], expected) < 1e-6, name

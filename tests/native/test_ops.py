"""The compiled loops against torch in float64: values, gradients, and the spread of what is random."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.native import ops, rules
from mien.native.blocks import fold_norm
from mien.native.build import build_library

pytestmark = [pytest.mark.compiler, pytest.mark.usefixtures("lanes")]

SIDES = [(1, 1), (2, 3), (4, 4), (5, 7), (6, 6), (9, 12), (20, 20)]
"""Whole tiles of 4×4, parts of one, and sides that differ."""


def draw(*shape: int, seed: int = 0) -> Tensor:
    """Return normal numbers with channels last in memory."""
    numbers = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return numbers.contiguous(memory_format=torch.channels_last) if len(shape) == 4 else numbers


def differ(found: Tensor | None, expected: Tensor | None) -> float:
    """Return the largest difference, as a part of the largest value."""
    assert found is not None
    assert expected is not None
    assert found.shape == expected.shape
    return float((found.double() - expected.double()).abs().max() / expected.double().abs().max())


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return the convolution with a weight and a bias as torch's layer has them."""
    result: Tensor = rules.convolve(x, weight.permute(2, 3, 1, 0))
    return result if bias is None else result + bias.view(1, -1, 1, 1)


def normalise(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    *,
    lower: float = 0.0,
    upper: float = 0.0,
    pool: bool = False,
    dropout: float = 0.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the norm in training with its epilogue, mean and variance, from seeds of the global generator."""
    seeds = torch.randint(2**62, (2,))
    result: tuple[Tensor, Tensor, Tensor] = rules.norm_train(x, weight, bias, seeds, 1e-5, lower, upper, pool, dropout)
    return result


@pytest.mark.parametrize(("height", "width"), SIDES)
@pytest.mark.parametrize(("channels", "kernels"), [(32, 32), (32, 96), (64, 32)])
@pytest.mark.parametrize("count", [1, 13])
def test_a_convolution_and_its_gradients_are_those_of_torch_in_float64(
    count: int, channels: int, kernels: int, height: int, width: int
) -> None:
    """Rounding apart: 4e-5 of the largest value, whatever the shape."""
    maps, weight, bias = (
        draw(count, channels, height, width),
        draw(kernels, channels, 3, 3, seed=1),
        draw(kernels, seed=2),
    )
    grad_output = draw(count, kernels, height, width, seed=3)
    exact = [value.double().requires_grad_() for value in (maps, weight, bias)]
    ours = [value.clone().requires_grad_() for value in (maps, weight, bias)]
    expected, found = F.conv2d(*exact, padding=1), convolve(*ours)
    expected.backward(grad_output.double())
    found.backward(grad_output)
    assert differ(found.detach(), expected.detach()) < 4e-5
    for mine, theirs in zip(ours, exact, strict=True):
        assert differ(mine.grad, theirs.grad) < 4e-5


@pytest.mark.parametrize(("height", "width"), SIDES)
@pytest.mark.parametrize(("channels", "kernels"), [(1, 64), (3, 32), (4, 32), (8, 96)])
def test_a_convolution_of_few_channels_and_its_gradients_are_those_of_torch_in_float64(
    channels: int, kernels: int, height: int, width: int
) -> None:
    """A first layer: the maps need no gradient."""
    maps, weight = draw(5, channels, height, width), draw(kernels, channels, 3, 3, seed=1)
    grad_output = draw(5, kernels, height, width, seed=3)
    exact, ours = weight.double().requires_grad_(), weight.clone().requires_grad_()
    expected, found = F.conv2d(maps.double(), exact, padding=1), convolve(maps, ours, None)
    expected.backward(grad_output.double())
    found.backward(grad_output)
    assert differ(found.detach(), expected.detach()) < 1e-6
    assert differ(ours.grad, exact.grad) < 1e-5


@pytest.mark.parametrize(("height", "width"), [*SIDES, (24, 16), (6, 14)])
@pytest.mark.parametrize("slope", [0.0, 0.2])
@pytest.mark.parametrize(("channels", "has_bias"), [(32, False), (32, True), (4, True), (1, False)])
def test_a_convolution_with_its_norm_folded_in_is_that_of_torch_in_float64(
    height: int, width: int, slope: float, channels: int, has_bias: bool
) -> None:
    """In evaluation: with rectifier, and with max-pool where both sides are even; or with maps to add."""
    convolution, norm = nn.Conv2d(channels, 64, 3, padding=1, bias=has_bias), nn.BatchNorm2d(64).eval()
    assert norm.running_mean is not None
    assert norm.running_var is not None
    with torch.no_grad():
        for value, seed in ((convolution.weight, 1), (norm.weight, 2), (norm.bias, 3), (norm.running_mean, 4)):
            value.copy_(draw(*value.shape, seed=seed))
        norm.running_var.copy_(draw(64, seed=5).square() + 0.1)
    maps = draw(3, channels, height, width)
    for pool in (False, True) if height % 2 == 0 and width % 2 == 0 else (False,):
        found = rules.convolve_epilogue(maps, *fold_norm(convolution, norm), None, slope, pool).detach()
        exact = copy.deepcopy(nn.Sequential(convolution, norm)).double()
        expected = F.leaky_relu(exact(maps.double()), slope)
        expected = F.max_pool2d(expected, 2) if pool else expected
        assert differ(found, expected.detach()) < 4e-5
    plus = draw(3, 64, height, width, seed=6)
    found = rules.convolve_epilogue(maps, *fold_norm(convolution, norm), plus, slope, False).detach()
    expected = F.leaky_relu(exact(maps.double()), slope) + plus
    assert differ(found, expected.detach()) < 4e-5


def test_what_is_no_number_stays_so_where_the_norm_is_folded_in() -> None:
    """A broken network is seen, not hidden by a rectifier or a maximum."""
    convolution, norm = nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32).eval()
    maps = draw(1, 32, 4, 4)
    maps[0, 0, 0, 0] = torch.nan
    found = rules.convolve_epilogue(maps, *fold_norm(convolution, norm), None, 0.0, True)
    assert found[0, :, 0, 0].isnan().all()


def test_other_memory_orders_are_taken() -> None:
    """Maps and slopes with channels first give the same numbers."""
    maps, weight = draw(2, 32, 8, 8), draw(32, 32, 3, 3, seed=1)
    results = []
    for layout in (torch.channels_last, torch.contiguous_format):
        leaf = maps.clone(memory_format=layout).requires_grad_()
        out = convolve(leaf, weight, None)
        out.backward(torch.ones(out.shape).contiguous(memory_format=layout))
        results.append((out.detach(), leaf.grad))
    assert torch.equal(results[0][0], results[1][0])
    assert results[0][1] is not None
    assert torch.equal(results[0][1], results[1][1])


@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize("slope", [0.0, 0.2])
@pytest.mark.parametrize("shift", [0.0, 100.0])
def test_a_norm_with_rectifier_and_pool_and_its_gradients_are_those_of_torch_in_float64(
    pool: bool, slope: float, shift: float
) -> None:
    """Also where the mean is a hundred times the deviation, which naive sums of squares lose."""
    maps, weight, bias = draw(6, 32, 8, 10) + shift, draw(32, seed=1), draw(32, seed=2)
    exact = [value.double().requires_grad_() for value in (maps, weight, bias)]
    ours = [value.clone().requires_grad_() for value in (maps, weight, bias)]
    expected = F.leaky_relu(F.batch_norm(exact[0], None, None, *exact[1:], training=True, eps=1e-5), slope)
    expected = F.max_pool2d(expected, 2) if pool else expected
    found, mean, variance = normalise(*ours, lower=slope, upper=slope, pool=pool)
    grad_output = draw(*expected.shape, seed=3)
    expected.backward(grad_output.double())
    found.backward(grad_output)
    tolerance = 1e-5 if shift == 0.0 else 1e-4
    assert differ(found.detach(), expected.detach()) < tolerance
    assert differ(mean, exact[0].detach().mean((0, 2, 3))) < 1e-6
    assert differ(variance, exact[0].detach().var((0, 2, 3), correction=0)) < 1e-4
    for mine, theirs in zip(ours, exact, strict=True):
        assert differ(mine.grad, theirs.grad) < tolerance


def test_random_slopes_and_zeros_have_torchs_distribution() -> None:
    """Even slopes from 1/8 to 1/3, a tenth of zeros, the rest scaled; neighbours are not alike."""
    torch.manual_seed(0)
    maps = draw(16, 32, 40, 40)
    found, _, _ = normalise(maps, torch.ones(32), torch.zeros(32), lower=1 / 8, upper=1 / 3, dropout=0.1)
    normal = F.batch_norm(maps.detach(), None, None, training=True)
    ratio = (found.detach() / normal)[normal.abs() > 1e-3]
    kept, negative = ratio != 0.0, normal[normal.abs() > 1e-3] < 0
    assert pytest.approx(0.1, abs=2e-3) == 1.0 - kept.float().mean().item()
    assert pytest.approx(1 / 0.9, rel=1e-4) == ratio[kept & ~negative].mean().item()
    slopes = ratio[kept & negative] * 0.9
    assert pytest.approx((1 / 8 + 1 / 3) / 2, abs=1e-3) == slopes.mean().item()
    assert pytest.approx((1 / 3 - 1 / 8) / 12**0.5, abs=1e-3) == slopes.std().item()
    assert slopes.min() > 1 / 8 - 1e-4
    assert slopes.max() < 1 / 3 + 1e-4
    neighbours = torch.stack((slopes[:-1], slopes[1:]))
    assert abs(torch.corrcoef(neighbours)[0, 1].item()) < 0.01


def test_a_random_norm_has_the_gradient_of_its_own_draws() -> None:
    """The directional derivative by differences, with the generator set back, is what backward says."""
    maps, weight, bias = draw(2, 32, 6, 6), draw(32, seed=1), draw(32, seed=2)
    grad_output, direction = draw(2, 32, 3, 3, seed=3), draw(2, 32, 6, 6, seed=4)

    def loss(given: Tensor) -> Tensor:
        torch.manual_seed(5)
        found, _, _ = normalise(given, weight, bias, lower=1 / 8, upper=1 / 3, pool=True, dropout=0.3)
        return (found * grad_output).double().sum()

    leaf = maps.clone().requires_grad_()
    loss(leaf).backward()  # type: ignore[no-untyped-call]
    step = 1e-3
    numeric = (loss(maps + step * direction) - loss(maps - step * direction)) / (2 * step)
    assert leaf.grad is not None
    assert pytest.approx(float((leaf.grad * direction).sum()), rel=0.02) == float(numeric)


def test_seeds_decide_the_random_numbers_and_threads_do_not() -> None:
    """The same seed, the same zeros, on one thread and on two."""
    maps, held, drawn = draw(5, 32, 6, 6), torch.get_num_threads(), []
    for seed, threads in ((1, 1), (1, 2), (2, 1)):
        torch.set_num_threads(threads)
        torch.manual_seed(seed)
        drawn.append(normalise(maps, torch.ones(32), torch.ones(32), dropout=0.5)[0] == 0.0)
    torch.set_num_threads(held)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


@pytest.mark.parametrize("lanes", [8, 16])
@pytest.mark.parametrize("channels", [4, 64])
def test_vectors_of_either_width_give_the_same_numbers(
    lanes: int, channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the processor here has: forward and backward of a convolution and a norm, and the random numbers."""
    maps, weight, bias = draw(3, channels, 12, 10), draw(64, channels, 3, 3, seed=1), draw(64, seed=2)

    def compute() -> list[Tensor]:
        torch.manual_seed(0)
        leaves = [value.clone().requires_grad_() for value in (maps, weight, bias)]
        made = convolve(*leaves)
        found, *_ = normalise(made, leaves[2], leaves[2], lower=1 / 8, upper=1 / 3, pool=True, dropout=0.3)
        found.square().sum().backward()
        return [made, found, *(leaf.grad for leaf in leaves if leaf.grad is not None)]

    expected = compute()
    library = build_library(lanes=lanes)
    monkeypatch.setattr(ops, "load_library", lambda: library)
    for one, other in zip(compute(), expected, strict=True):
        assert differ(one.detach(), other.detach()) < 1e-4


@pytest.mark.parametrize(
    ("x", "kernels"),
    [
        (torch.randn(1, 32, 4, 4).double(), torch.randn(3, 3, 32, 32).double()),
        (torch.randn(32, 4, 4), torch.randn(3, 3, 32, 32)),
        (torch.randn(1, 32, 4, 4), torch.randn(3, 3, 64, 32)),
        (torch.randn(1, 32, 4, 4), torch.randn(3, 3, 32, 31)),
        (torch.randn(1, 16, 4, 4), torch.randn(3, 3, 16, 32)),
        (torch.randn(0, 32, 4, 4), torch.randn(3, 3, 32, 32)),
    ],
)
def test_what_an_operator_does_not_take_is_refused(x: Tensor, kernels: Tensor) -> None:
    """Instead of memory that is not there being read."""
    with pytest.raises(ValueError, match="expected"):
        torch.ops.mien.convolve(x, kernels)

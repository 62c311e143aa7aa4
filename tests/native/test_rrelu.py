"""The randomised rectifier: torch's distribution, torch's gradient, and numbers that follow from the seed alone."""

from __future__ import annotations

import pytest
import torch

from mien.native.rrelu import LOWER, UPPER, RReLU, draw_slopes


@pytest.fixture
def inputs() -> torch.Tensor:
    """Return numbers of both signs, and zero."""
    numbers = torch.randn((4, 3, 10, 10), generator=torch.Generator().manual_seed(0))
    numbers[0, 0, 0, 0] = 0.0
    return numbers


def test_in_evaluation_it_is_torchs(inputs: torch.Tensor) -> None:
    """The slope is the mean of its limits."""
    torch.testing.assert_close(torch.nn.RReLU().eval()(inputs), RReLU().eval()(inputs))


def test_slopes_are_spread_evenly_between_their_limits() -> None:
    """Mean and standard deviation of the uniform distribution, and both ends are approached."""
    slopes = draw_slopes(torch.empty(200_000))
    assert (LOWER + UPPER) / 2 == pytest.approx(slopes.mean().item(), abs=1e-3)
    assert (UPPER - LOWER) / 12**0.5 == pytest.approx(slopes.std().item(), abs=1e-3)
    assert LOWER <= slopes.min() < LOWER + 1e-3
    assert UPPER - 1e-3 < slopes.max() <= UPPER


def test_the_gradient_is_the_slope(inputs: torch.Tensor) -> None:
    """1 where the input is not negative, else what the input was multiplied by, between the limits."""
    leaf = inputs.clone().requires_grad_()
    outputs = RReLU().train()(leaf)
    outputs.sum().backward()
    assert leaf.grad is not None
    torch.testing.assert_close(outputs.detach(), inputs * leaf.grad)
    assert torch.equal(torch.ones_like(inputs)[inputs >= 0], leaf.grad[inputs >= 0])
    assert leaf.grad[inputs < 0].min() >= LOWER
    assert leaf.grad[inputs < 0].max() <= UPPER


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_the_numbers_follow_from_the_seed_whatever_the_threads(
    inputs: torch.Tensor, memory: torch.memory_format
) -> None:
    """The same seed, the same slopes; another seed, others."""
    held, drawn = torch.get_num_threads(), []
    for seed, threads in ((1, 1), (1, 2), (2, 1)):
        torch.set_num_threads(threads)
        torch.manual_seed(seed)
        drawn.append(draw_slopes(inputs.contiguous(memory_format=memory)))
    torch.set_num_threads(held)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_neighbours_are_not_alike() -> None:
    """The streams differ: no slope repeats at the distance of a stream's length."""
    slopes = draw_slopes(torch.empty(80_000)).view(8, -1)
    correlation = torch.corrcoef(slopes)
    assert (correlation - torch.eye(8)).abs().max() < 0.05

"""Muon as training computes it, on Gram matrices, is Muon by singular values, in double precision."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mien.theory.muon import EPSILON, ITERATIONS, QUINTIC, Muon, drive_to_one, orthogonalise
from mien.theory.optimisers import start_memory
from mien.training import optimisers as trained

SHAPES = [(8, 8), (16, 100), (100, 16), (1, 9), (9, 1)]


def draw_matrix(shape: tuple[int, int], *, spread: float = 1.0, seed: int = 0) -> np.ndarray:
    """Return a matrix whose rows fall in size by `spread`."""
    rows = np.geomspace(1.0, 1.0 / spread, shape[0])[:, None]
    return np.random.default_rng(seed).normal(size=shape) * rows


def test_the_coefficients_are_those_of_training() -> None:
    """Of the polynomial, and how often it is applied."""
    assert (QUINTIC, ITERATIONS) == (trained.NEWTON_SCHULZ, trained.ITERATIONS)


def test_singular_values_come_near_to_one() -> None:
    """Within the limits that the derivation gives, from 0.002 on; and 0 stays 0."""
    driven = drive_to_one(np.linspace(0.002, 1.0, 10_001))
    assert 0.68 < driven.min() < driven.max() < 1.21
    assert 0.0 == drive_to_one(np.zeros(1))[0]


@pytest.mark.parametrize("spread", [1.0, 1e3])
@pytest.mark.parametrize("shape", SHAPES)
def test_newton_schulz_acts_on_singular_values_alone(shape: tuple[int, int], spread: float) -> None:
    """Training's products of Gram matrices give U p(Σ) Vᵀ to 1e-12, for tall, wide and nearly singular matrices."""
    matrix = draw_matrix(shape, spread=spread)
    found = trained.orthogonalise(torch.from_numpy(matrix)).numpy()
    np.testing.assert_allclose(found, orthogonalise(matrix), rtol=0, atol=1e-12)


def test_newton_schulz_in_single_precision_stays_near_that_of_double() -> None:
    """As training computes it: within 1e-4 of singular values of 0.7 to 1.2, with one of a thousandth."""
    matrix = draw_matrix((64, 576), spread=1e3)
    found = trained.orthogonalise(torch.from_numpy(matrix).float()).numpy()
    np.testing.assert_allclose(found, orthogonalise(matrix), rtol=0, atol=1e-4)


def test_ten_steps_of_muon_are_those_of_training() -> None:
    """Kernels of a convolution, from gradients of very different sizes, to 1e-12."""
    rng = np.random.default_rng(1)
    w = rng.normal(size=(8, 4, 3, 3))
    kernel = torch.nn.Parameter(torch.from_numpy(w.copy()))
    optimizer = trained.Muon([{"params": [kernel], "momentum": 0.6, "orthogonal": True}], lr=0.04)
    theirs, memory = Muon(learning_rate=0.04, momentum=0.6), start_memory(w)
    for step in range(10):
        gradient = rng.normal(size=w.shape) * 10.0 ** rng.integers(-4, 4)
        kernel.grad = torch.from_numpy(gradient)
        optimizer.step()
        w, memory = theirs.step(w, gradient, memory)
        np.testing.assert_allclose(kernel.detach().numpy(), w, rtol=0, atol=1e-12, err_msg=f"step {step + 1}")


def test_no_gradient_is_no_direction() -> None:
    """Zeros stay zeros: ε keeps the quotient finite."""
    assert EPSILON > 0.0
    assert not orthogonalise(np.zeros((3, 5))).any()
    assert not trained.orthogonalise(torch.zeros(3, 5)).any()

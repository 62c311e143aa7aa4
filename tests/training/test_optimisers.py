"""The optimisers: what moves, how far, and that Muon's shortcut is Muon."""

from __future__ import annotations

import pytest
import torch

from mien.models import build_model
from mien.recipes.schema import ModelConfig, TrainConfig
from mien.training.optimisers import NEWTON_SCHULZ, Muon, build_optimizer, orthogonalise, set_rate


def newton_schulz(matrix: torch.Tensor) -> torch.Tensor:
    """The iteration as it is published: five times X <- aX + (bA + cA²)X with A = XXᵀ."""
    a, b, c = NEWTON_SCHULZ
    X = matrix / matrix.norm()
    for _ in range(5):
        A = X @ X.T
        X = a * X + (b * A + c * A @ A) @ X
    return X


@pytest.mark.parametrize("shape", [(8, 8), (16, 100), (100, 16), (64, 576)])
def test_orthogonalising_on_the_gram_matrix_is_the_published_iteration(shape: tuple[int, int]) -> None:
    """The same polynomial, applied to X in two products instead of fifteen."""
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    wide = matrix if shape[0] <= shape[1] else matrix.T
    expected = newton_schulz(wide) if shape[0] <= shape[1] else newton_schulz(wide).T
    torch.testing.assert_close(expected, orthogonalise(matrix), rtol=1e-5, atol=1e-7)


def test_orthogonalised_matrices_have_singular_values_near_one() -> None:
    """In float32, whatever the spread of the singular values before: within the band that the method promises."""
    generator = torch.Generator().manual_seed(1)
    matrix = torch.randn((32, 288), generator=generator) * torch.logspace(0, -2, 32).view(-1, 1)
    values = torch.linalg.svdvals(orthogonalise(matrix))
    assert 0.6 < values.min()
    assert values.max() < 1.3


def test_muon_moves_a_kernel_by_its_rate_whatever_the_size_of_the_gradient() -> None:
    """The first step has the norm rate · √out within the band of the iteration, for tiny and for huge gradients."""
    for size in (1e-3, 1e3):
        kernel = torch.nn.Parameter(torch.randn((8, 4, 3, 3), generator=torch.Generator().manual_seed(2)))
        kernel.data *= 8**0.5 / kernel.norm()
        before = kernel.detach().clone()
        optimizer = Muon([{"params": [kernel], "momentum": 0.6, "orthogonal": True}], lr=0.1)
        kernel.grad = size * torch.randn(kernel.shape, generator=torch.Generator().manual_seed(3))
        optimizer.step()
        assert (kernel - before).norm().item() == pytest.approx(0.1 * 8**0.5, rel=0.3)


def test_muon_leaves_everything_but_kernels_to_sgd() -> None:
    """Biases, norms and the last layer move exactly as torch's SGD moves them."""
    torch.manual_seed(0)
    config = TrainConfig(optimizer="muon", lr=0.05, momentum=0.6, rest_scale=0.5, weight_decay=0.01)
    network = build_model(ModelConfig(name="small"), classes=7, size=16).train()
    optimizer = build_optimizer(network, config)
    set_rate(optimizer, 0.05)
    last = network.layers[-1].weight
    twin = torch.nn.Parameter(last.detach().clone())
    sgd = torch.optim.SGD([twin], lr=0.025, momentum=0.85, nesterov=True, weight_decay=0.01)
    for _ in range(3):
        network.zero_grad()
        network(torch.rand((4, 1, 16, 16))).square().mean().backward()
        twin.grad = last.grad.clone()
        optimizer.step()
        sgd.step()
    torch.testing.assert_close(twin, last)


def test_kernels_keep_their_norm_under_muon() -> None:
    """Scaled to √out before every step, they cannot grow: weight decay has nothing to do."""
    torch.manual_seed(0)
    network = build_model(ModelConfig(name="small"), classes=7, size=16).train()
    optimizer = build_optimizer(network, TrainConfig(optimizer="muon", lr=0.01, momentum=0.6))
    for _ in range(3):
        network.zero_grad()
        network(torch.rand((8, 1, 16, 16))).logsumexp(1).mean().backward()
        optimizer.step()
    for kernel in (value for value in network.parameters() if value.ndim == 4):
        assert kernel.norm().item() == pytest.approx(len(kernel) ** 0.5, rel=0.05)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon"])
def test_every_optimiser_takes_a_closure(optimizer: str) -> None:
    """As torch defines it: called once with gradients on, its loss handed back, its gradients taken for the step."""
    torch.manual_seed(0)
    network = build_model(ModelConfig(name="small"), classes=7, size=16).train()
    faces = torch.randint(0, 256, (4, 16, 16), dtype=torch.uint8)
    steps = build_optimizer(network, TrainConfig(optimizer=optimizer, lr=0.05))
    before, calls = [value.detach().clone() for value in network.parameters()], []

    def closure() -> torch.Tensor:
        steps.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(faces), torch.arange(4))
        loss.backward()
        calls.append(loss)
        return loss

    assert steps.step(closure) is calls[0]
    assert 1 == len(calls)
    assert any(not torch.equal(old, new) for old, new in zip(before, network.parameters(), strict=True))
    assert steps.step() is None

"""The optimisers. In: a network and its `TrainConfig`. Out: SGD, AdamW, or `Muon` for kernels and SGD for the rest.

A parameter group may carry "scale": its learning rate is that of the schedule times this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, final

import torch
from torch import Tensor, nn

from mien.recipes.schema import TrainConfig

ADAM_BETA2 = 0.999
REST_MOMENTUM = 0.85
"""Nesterov momentum of what Muon leaves to SGD (airbench94)."""

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic a·x + b·x³ + c·x⁵ that drives singular values towards 1 fastest (Jordan et al. 2024)."""
ITERATIONS = 5


def build_optimizer(network: nn.Module, config: TrainConfig, *, fused: bool | None = None) -> torch.optim.Optimizer:
    """Return the optimiser; weight decay acts on matrices and kernels, not on biases and norms.

    Args:
        network: its parameters are moved.
        config: which optimiser, and how.
        fused: whether torch's own optimisers move all in one kernel, which rates held by tensors take (`hold_rates`).
    """
    parameters = [value for value in network.parameters() if value.requires_grad]
    matrices = [value for value in parameters if value.ndim > 1]
    vectors = [value for value in parameters if value.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    if config.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=config.lr, betas=(config.momentum, ADAM_BETA2), fused=fused)
    if config.optimizer == "sgd":
        nesterov = config.nesterov and config.momentum > 0.0
        return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum, nesterov=nesterov, fused=fused)
    kernels = [value for value in matrices if value.ndim == 4]
    rest = {"momentum": REST_MOMENTUM, "scale": config.rest_scale, "orthogonal": False}
    return Muon(
        [
            {"params": kernels, "momentum": config.momentum, "orthogonal": True},
            {**rest, "params": [value for value in matrices if value.ndim != 4], "weight_decay": config.weight_decay},
            {**rest, "params": vectors},
        ],
        lr=config.lr,
    )


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group the learning rate `rate`, times the group's scale."""
    for group in optimizer.param_groups:
        scaled = rate * group.get("scale", 1.0)
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(scaled)
        else:
            group["lr"] = scaled


def hold_rates(optimizer: torch.optim.Optimizer, device: torch.device) -> None:
    """Keep the rate of each group in a tensor on `device`, so that a recorded step reads what it is then."""
    for group in optimizer.param_groups:
        group["lr"] = torch.tensor(float(group["lr"]), device=device)


@torch.no_grad()
def orthogonalise(matrix: Tensor) -> Tensor:
    """Return U·Vᵀ of the singular value decomposition U·S·Vᵀ of `matrix`, nearly: singular values of 0.7 to 1.2.

    Five Newton-Schulz iterations, as Muon makes them, on the Gram matrix: X ← Q(XXᵀ)·X with Q polynomial commutes with
    XXᵀ, so the product of the Qs is formed from small square matrices alone and the wide X is multiplied twice, not
    fifteen times.

    Args:
        matrix: (M, N), any shape; the smaller side makes the Gram matrix.
    """
    if len(matrix) > matrix.shape[1]:
        return orthogonalise(matrix.T).T
    a, b, c = NEWTON_SCHULZ
    matrix = matrix / (torch.linalg.matrix_norm(matrix) + 1e-7)
    gram = matrix @ matrix.T
    identity = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    product = identity
    for _ in range(ITERATIONS):
        factor = a * identity + b * gram + c * (gram @ gram)
        product, gram = factor @ product, factor @ gram @ factor
    return product @ matrix


@final
class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised, for groups with "orthogonal"; Nesterov SGD for the others (Jordan et al. 2024).

    A kernel (out, in, h, w) is the matrix (out, in·h·w). As in airbench94_muon it is first scaled to the norm √out, so
    that the rate is relative to its size, and it needs no weight decay; batch norm makes the scale meaningless anyway.

    Args:
        groups: of parameters, with "momentum", "orthogonal" and, for SGD, "weight_decay".
        lr: learning rate; the update of an orthogonal group has about the norm lr·√out.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], *, lr: float) -> None:
        super().__init__(groups, {"lr": lr, "momentum": 0.0, "orthogonal": False, "weight_decay": 0.0, "scale": 1.0})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient.

        Args:
            closure: computes the loss and its gradients anew, and returns the loss.

        Returns:
            The loss of `closure`, before the step; None without one.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for value in group["params"]:
                if value.grad is not None:
                    self._move(value, value.grad, group)
        return loss

    def _move(self, value: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        gradient = gradient.add(value, alpha=group["weight_decay"]) if group["weight_decay"] else gradient
        state = self.state[value]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(value)
        buffer = state["momentum_buffer"].mul_(group["momentum"]).add_(gradient)
        update = gradient.add(buffer, alpha=group["momentum"])
        if group["orthogonal"]:
            value.mul_(len(value) ** 0.5 / (value.norm() + 1e-7))
            update = orthogonalise(update.flatten(1)).view_as(value)
        if isinstance(group["lr"], Tensor):
            value.addcmul_(update, group["lr"], value=-1.0)
        else:
            value.add_(update, alpha=-group["lr"])

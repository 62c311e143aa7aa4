"""Some outputs of a network as a network. In: a `Network` with several heads. Out: one that answers as one of them."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from mien.models.network import Network


def pick_outputs(network: Network, rows: slice | Tensor) -> Network:
    """Return a copy of `network` whose last linear layer has only some outputs, or sums of outputs.

    Args:
        network: its last linear layer makes the logits (N, K).
        rows: which of the K outputs, or a matrix (M, K) of what each new output sums.
    """
    picked = copy.deepcopy(network)
    name = name_last_layer(picked)
    last = picked.get_submodule(name)
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        weight, bias = (value[rows] if isinstance(rows, slice) else rows @ value for value in (last.weight, last.bias))
    layer = nn.Linear(last.in_features, len(weight), device=weight.device, dtype=weight.dtype)
    layer.load_state_dict({"weight": weight, "bias": bias})
    parent, _, own = name.rpartition(".")
    setattr(picked.get_submodule(parent), own, layer)
    return picked


def name_last_layer(network: nn.Module) -> str:
    """Return the path of the linear layer that makes the logits."""
    names: list[str] = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    return names[-1]

"""All heads of a network in one file. In: a `Run` with heads and views. Out: a module that answers by each, in order.

The head for people comes first: it is what a program gets that asks for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor, nn

from mien.models import Network
from mien.models.network import WHITE
from mien.models.pick import name_last_layer
from mien.models.views import VIEWS
from mien.recipes.heads import HEADS, find_taught
from mien.runs.run import Run
from mien.runs.temperatures import LEAST

DEFAULT = "people"
"""The head that answers where none is asked for: what it learnt from travels best (docs/results.md)."""

ORDER = (DEFAULT, *(head.name for head in find_taught("both") if head.name != DEFAULT))
"""The heads in a file, in the order of its outputs. `ferplus` is read from `ferplus8`."""


def name_outputs() -> list[str]:
    """Return the names of a file's outputs: the first is called as in a file of one answer."""
    return ["probabilities", *ORDER[1:]]


def describe_heads(run: Run, views: tuple[str, ...]) -> dict[str, Any]:
    """Return what the metadata say of each head: output, classes, temperature."""
    outputs = dict(zip(ORDER, name_outputs(), strict=True))
    return {
        name: {
            "output": outputs[name],
            "expressions": list(HEADS[name].expressions),
            "temperature": run.head(name).temperature(views),
            **describe_beliefs(run.head(name), views),
        }
        for name in ORDER
    }


def describe_beliefs(run: Run, views: tuple[str, ...]) -> dict[str, Any]:
    """Return what the metadata say of one answer beside its temperature: the base rates that it assumes, if known."""
    rates, known = run.rates(views), run.beliefs.get(run.name_answer(views))
    return {} if rates is None else {"rates": list(rates), **({} if known is None else known.to_dict())}


@final
class Answers(nn.Module):
    """From uint8 (N, S, S) to the probabilities of each head of `ORDER`: the mean over `views`, scaled.

    Args:
        network: all heads; its last linear layer changes, so it has to be a copy.
        views: at least one.
        temperatures: of every head of `ORDER`.
    """

    def __init__(self, network: Network, views: Sequence[str], temperatures: Mapping[str, float]) -> None:
        super().__init__()
        self.network = network
        self.views = tuple(views)
        self.is_plain = self.views == ("plain",)
        self.temperatures = [temperatures[name] for name in ORDER]
        self.sizes = [len(HEADS[name].expressions) for name in ORDER]
        last = network.get_submodule(name_last_layer(network))
        assert isinstance(last, nn.Linear)
        places = torch.cat([torch.arange(last.out_features)[HEADS[name].columns] for name in ORDER])
        # One view alone takes its temperature within the layer: that saves four passes over each answer.
        scales = torch.cat([torch.full((size,), t) for size, t in zip(self.sizes, self.temperatures, strict=True)])
        with torch.no_grad():
            for value in (last.weight, last.bias):
                divisors = scales if self.is_plain else torch.ones_like(scales)
                value.copy_(value[places] / divisors.view(-1, *[1] * (value.ndim - 1)))

    def forward(self, faces: Tensor) -> tuple[Tensor, ...]:
        """Return the answers, (N, K) each."""
        images = faces.unsqueeze(1).float() / WHITE
        shown = [tuple(VIEWS[view](images)) for view in self.views]
        logits = self.network(torch.cat([picture for view in shown for picture in view])).float()
        parts = logits.split(self.sizes, dim=1)
        if self.is_plain:
            return tuple(part.softmax(dim=1) for part in parts)
        shares = torch.tensor([1 / len(view) / len(shown) for view in shown for _ in view]).view(-1, 1, 1)
        means = [(part.softmax(dim=1).unflatten(0, (len(shares), -1)) * shares).sum(dim=0) for part in parts]
        return tuple(
            (mean.clamp_min(LEAST).log() / temperature).softmax(dim=1)
            for mean, temperature in zip(means, self.temperatures, strict=True)
        )

"""Several networks as one: their probabilities are averaged. In: networks, shares. Out: a `Network` like any other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

from mien.models.network import Network, resize


@final
class Mixture(nn.Module):
    """The weighted mean of the members' probabilities, as logarithms: their softmax is that mean.

    Args:
        members: networks of the same classes; of each, the layers are kept.
        shares: positive weights, one a member, that sum to 1.
    """

    shares: Tensor

    def __init__(self, members: Sequence[Network], shares: Sequence[float]) -> None:
        super().__init__()
        self.members = nn.ModuleList(member.layers for member in members)
        self.sides = tuple(member.size for member in members)
        self.formats = tuple(member.memory_format for member in members)
        self.register_buffer("shares", torch.tensor(shares, dtype=torch.float32))

    def forward(self, pixels: Tensor) -> Tensor:
        """Return log probabilities (N, classes) of normalised `pixels` (N, 1, S, S); resized where a member asks."""
        logs = []
        for layers, side, layout in zip(self.members, self.sides, self.formats, strict=True):
            logs.append(layers(resize(pixels, side).contiguous(memory_format=layout)).float().log_softmax(dim=1))
        weighted = torch.stack(logs) + self.shares.log().view(-1, 1, 1)
        return weighted.logsumexp(dim=0)


def mix_networks(members: Sequence[Network], shares: Sequence[float]) -> Network:
    """Return one network that answers with the weighted mean of the members' probabilities.

    Args:
        members: at least one, of the same classes; it shares their weights.
        shares: positive, one a member, with sum 1.
    """
    channels_last = members[0].memory_format == torch.channels_last
    side = max(member.size for member in members)
    return Network(nn.Sequential(Mixture(members, shares)), size=side, channels_last=channels_last)

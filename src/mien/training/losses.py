"""The training loss. In: logits and targets, hard or soft. Out: a scalar; `mien.theory` derives it by hand."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from mien.recipes.heads import FIRST, Head


def cross_entropy(logits: Tensor, targets: Tensor, *, weights: Tensor | None = None, smoothing: float = 0.0) -> Tensor:
    """Return the mean cross-entropy in nats, computed in float32 whatever the precision of the logits.

    Args:
        logits: (N, K).
        targets: int64 (N,) class indices, or (N, K) probabilities whose rows sum to 1. A row that is certain of one
            class gives what the index of that class gives.
        weights: (K,) weight of each class; the mean divides by the sum of the weights of the targets.
        smoothing: part of the target spread evenly over all classes (Szegedy et al. 2016, section 7).
    """
    scores = logits.float() if logits.element_size() < 4 else logits
    if targets.ndim == 1 or weights is None:
        return F.cross_entropy(scores, targets, weight=weights, label_smoothing=smoothing)
    # For probabilities torch would divide by N, whatever the weights: a batch of rare classes would weigh more.
    total = F.cross_entropy(scores, targets, weight=weights, label_smoothing=smoothing, reduction="sum")
    return total / (targets @ weights).sum()


def teach_heads(logits: Tensor, targets: Tensor, heads: Sequence[Head], *, smoothing: float = 0.0) -> Tensor:
    """Return the sum over `heads` of their cross-entropies in nats, each the mean over all faces of the batch.

    A face whose targets for a head are zeros adds nothing there. Labels are smoothed; votes are soft as they are.

    Args:
        logits: (N, K), the outputs of all heads.
        targets: (N, K), of which those of each head sum to 1 or are zeros.
        heads: which columns belong together.
        smoothing: see `cross_entropy`.
    """
    losses = [
        cross_entropy(
            logits[:, head.columns], targets[:, head.columns], smoothing=smoothing if head.name == FIRST else 0.0
        )
        for head in heads
    ]
    total = losses[0]
    for loss in losses[1:]:
        total = total + loss
    return total

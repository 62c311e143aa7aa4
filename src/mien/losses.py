"""The training loss. In: logits and targets. Out: a scalar; `mien.theory` derives it and its gradient by hand."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def cross_entropy(logits: Tensor, targets: Tensor, *, weights: Tensor | None = None, smoothing: float = 0.0) -> Tensor:
    """Return the mean cross-entropy in nats, computed in float32 whatever the precision of the logits.

    Args:
        logits: (N, K).
        targets: int64 (N,) class indices.
        weights: (K,) weight of each class; the mean divides by the sum of the weights of the targets.
        smoothing: part of the target spread evenly over all classes (Szegedy et al. 2016, section 7).
    """
    scores = logits.float() if logits.element_size() < 4 else logits
    return F.cross_entropy(scores, targets, weight=weights, label_smoothing=smoothing)

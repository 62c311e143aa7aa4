"""How right a network in training is on valid. In: the network, valid, the heads. Out: figures of the history."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from accelerate import Accelerator

from mien.data.votes import pick_head
from mien.evaluation.metrics import rate
from mien.evaluation.predict import predict_probabilities
from mien.faces import Faces, pick
from mien.models import Network
from mien.models.pick import pick_outputs
from mien.recipes.heads import FIRST, Head
from mien.runs.folder import Record
from mien.training.together import collect, deal


def measure_valid(
    network: Network,
    valid: Faces,
    heads: Sequence[Head],
    *,
    accelerator: Accelerator,
    device: torch.device,
    side: int | None = None,
) -> Record:
    """Return loss, accuracy and balanced accuracy on `valid`, by head where the network has several.

    Those of the first head have the names of a network with one answer; the others say whose they are.

    Args:
        network: to measure.
        valid: with the targets of every head, where there are heads.
        heads: those that are taught; none: the network has one answer.
        accelerator: each process measures its share.
        device: of torch.
        side: in pixels, that faces are shown at; None: the network's own.
    """
    if not heads:
        return _measure(network, valid, "", accelerator, device, side)
    figures: Record = {}
    for head in heads:
        of = "" if head.name == FIRST else f"{head.name}_"
        picked, faces = pick_outputs(network, head.columns), pick_head(valid, head.name)
        if len(faces):  # else no votes name an expression there
            figures |= _measure(picked, faces, of, accelerator, device, side)
    return figures


def _measure(
    network: Network, valid: Faces, of: str, accelerator: Accelerator, device: torch.device, side: int | None
) -> Record:
    labels = valid.labels
    part = valid.images if accelerator.num_processes == 1 else pick(valid.images, deal(accelerator, len(labels)))
    probabilities = predict_probabilities(network.eval(), part, device=device, side=side)
    probabilities = collect(accelerator, probabilities, len(labels))
    rates = rate(labels, probabilities.argmax(1), probabilities.shape[1])
    picked = probabilities[np.arange(len(labels)), labels].clip(1e-12)
    return {
        f"valid_{of}loss": float(-np.log(picked, dtype=np.float64).mean()),
        f"valid_{of}accuracy": rates.accuracy,
        f"valid_{of}balanced_accuracy": rates.balanced_accuracy,
    }

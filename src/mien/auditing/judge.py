"""What a trained network says against the labels. In: a `Run` and a `Roll`. Out: findings about faces it never saw."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mien.auditing.doubts import find_doubts
from mien.auditing.finding import Finding, Roll
from mien.data.copies import hash_images
from mien.data.loading import load
from mien.errors import DataError, RunError
from mien.evaluation.known import know_splits
from mien.evaluation.predict import match_labels, predict_probabilities
from mien.faces import UNLABELLED, join
from mien.runs.run import Run


def report_doubts(
    roll: Roll, run: Run, *, skip_bad: bool, columns: str | None = None, device: str = "cpu"
) -> Iterator[Finding]:
    """Yield the faces whose label is in doubt, among those whose pixels the run was not trained on.

    Args:
        roll: the faces.
        run: the network that doubts.
        skip_bad: whether unreadable faces were left out of `roll`.
        columns: which columns of a table they were read by.
        device: of torch.

    Raises:
        RunError: the data that the run was trained on is gone, so nobody knows which faces it has seen.
        DataError: a class that the run does not know, or no face that it has not seen.
    """
    seen = _read_seen(run, skip_bad)
    source = roll.splits.source
    parts = list(load(source, size=run.size, columns=columns, skip_bad=skip_bad).named().values())
    fresh = np.concatenate([~np.isin(hash_images(part.images), seen) for part in parts]) & (roll.labels != UNLABELLED)
    if not fresh.any():
        raise DataError(source, f"expected labelled faces that {run.path} was not trained on, found none")
    numbers = np.flatnonzero(fresh)
    shown = join([part.images for part in parts], numbers)
    probabilities = predict_probabilities(run.network, shown, device=device)
    labels = match_labels(roll.labels[numbers], roll.splits, run.expressions)
    doubts = find_doubts(labels, probabilities)
    for face, seems, margin in zip(doubts.faces, doubts.classes, doubts.margins, strict=True):
        label = labels[face]
        said = f"{run.expressions[seems]} {probabilities[face, seems]:.0%}, {run.expressions[label]}"
        detail = f"{said} {probabilities[face, label]:.0%}"
        yield roll.report("wrong-label", int(numbers[face]), detail=detail, score=float(margin))


def _read_seen(run: Run, skip_bad: bool) -> np.ndarray[tuple[int], np.dtype[np.bytes_]]:
    """Return the digests of the pictures that the run was trained on, whether they are still there or not."""
    if run.seen is not None:
        return run.seen.train
    try:
        known = know_splits(run, skip_bad=skip_bad)
        known.require("train")
    except DataError as error:
        raise RunError(f"{run.path}: expected the data that it was trained on, to leave it out: {error}") from error
    return known.seen.train

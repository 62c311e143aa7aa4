"""When to stop, and which epoch was best: a small value that answers questions."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mien.recipes.schema import TrainConfig
from mien.runs.folder import Record


def score_of(record: Record, config: TrainConfig) -> float | None:
    """Return the chosen metric of an epoch with a sign that makes higher better; None where there is none that counts.

    An epoch whose valid was shown smaller, because faces were still growing, does not count: accuracies of two sides
    cannot be compared, and a threshold is meant for the network that the run will keep.
    """
    if "valid_side" in record:
        return None
    value = record.get(f"valid_{config.metric.replace('-', '_')}")
    return None if value is None else -value if config.metric == "loss" else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """What early stopping has seen so far.

    Attributes:
        best: the highest score, or None before the first.
        best_epoch: the epoch of it, from 1; 0 before the first.
        waited: looks at valid since then: epochs, unless `valid_every` says otherwise.
    """

    best: float | None = None
    best_epoch: int = 0
    waited: int = 0

    def after(self, epoch: int, score: float | None) -> Stopping:
        """Return the state after `epoch`; equal scores keep the earlier epoch, and so does one without a score."""
        if score is None:
            return replace(self, best_epoch=epoch) if self.best is None else self
        if self.best is None or score > self.best:
            return Stopping(best=score, best_epoch=epoch, waited=0)
        return replace(self, waited=self.waited + 1)

    def reason(self, config: TrainConfig) -> str | None:
        """Return in words why training should stop now, or None."""
        if self.best is None:
            return None
        reached = None if config.stop_at is None else -config.stop_at if config.metric == "loss" else config.stop_at
        if reached is not None and self.best >= reached:
            return f"{config.metric} on valid reached {config.stop_at:g} (threshold)"
        if config.patience is not None and self.waited >= config.patience:
            return f"{config.metric} on valid has not improved for {self.waited * config.valid_every} epochs (patience)"
        return None

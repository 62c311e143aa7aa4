"""What a training is told and tells: `Options` go in, a `Listener` hears of `Step`s, an `Outcome` comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mien.runs.folder import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Where training stands, for a progress display: all figures are means over the epoch so far."""

    epoch: int
    step: int
    steps: int
    loss: float
    accuracy: float
    faces_per_second: float
    seconds_per_step: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who wants to know: called every `LOOK_EVERY` steps, after every epoch, and where something needs a word."""

    on_step: Callable[[Step], None] = lambda _: None
    on_epoch: Callable[[Record], None] = lambda _: None
    on_warning: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What does not change the result: where to compute, when to save, whether to stop, where figures go, too.

    Attributes:
        device: "auto", "cpu", "cuda" or "mps".
        checkpoint_minutes: save within an epoch this often.
        should_stop: once True, training saves and ends.
        log: names of `mien.training.trackers.TRACKERS`; a run that is resumed goes on with those that it began with.
    """

    device: str = "auto"
    checkpoint_minutes: float = 10.0
    should_stop: Callable[[], bool] = lambda: False
    log: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a training ended: its history, the kept epoch, and why it stopped (None: all epochs done)."""

    history: tuple[Record, ...]
    best_epoch: int
    stopped: str | None
    seconds: float

"""Early stopping: by threshold, by patience, or both, on any metric."""

import pytest

from mien.recipes.schema import TrainConfig
from mien.training.stopping import Stopping, score_of


def stop_epoch(scores: list[float], config: TrainConfig) -> int | None:
    """Return the epoch after which training would stop, or None."""
    state = Stopping()
    for epoch, score in enumerate(scores, start=1):
        state = state.after(epoch, score)
        if state.reason(config):
            return epoch
    return None


def test_a_threshold_stops_at_the_first_epoch_that_reaches_it() -> None:
    """The report stops at 0.66."""
    assert stop_epoch([0.5, 0.66, 0.7], TrainConfig(stop_at=0.66)) == 2


def test_an_epoch_whose_valid_was_shown_smaller_has_no_score() -> None:
    """Accuracies of two sides cannot be compared."""
    assert score_of({"valid_accuracy": 0.9, "valid_side": 24}, TrainConfig()) is None
    assert score_of({"valid_accuracy": 0.9}, TrainConfig()) == 0.9


def test_patience_counts_epochs_without_improvement() -> None:
    """Equal is not better."""
    assert stop_epoch([0.5, 0.6, 0.6, 0.55, 0.7], TrainConfig(patience=2)) == 4


def test_an_improvement_resets_patience() -> None:
    """One good epoch buys as many again."""
    assert stop_epoch([0.5, 0.4, 0.6, 0.5, 0.7, 0.6], TrainConfig(patience=2)) is None


def test_threshold_and_patience_work_together() -> None:
    """Whichever comes first."""
    both = TrainConfig(stop_at=0.9, patience=2)
    assert stop_epoch([0.5, 0.4, 0.4, 0.95], both) == 3
    assert stop_epoch([0.5, 0.95], both) == 2


def test_a_loss_threshold_is_reached_from_above() -> None:
    """For a loss, lower is better."""
    config = TrainConfig(metric="loss", stop_at=1.0)
    scores = [score_of({"valid_loss": loss}, config) for loss in (1.5, 1.1, 0.9)]
    assert scores == [-1.5, -1.1, -0.9]
    assert stop_epoch([-1.5, -1.1, -0.9], config) == 3


def test_without_valid_nothing_stops_and_the_last_epoch_is_best() -> None:
    """There is nothing to look at."""
    state = Stopping().after(1, None).after(2, None)
    assert state.best_epoch == 2
    assert state.reason(TrainConfig(patience=1, stop_at=0.1)) is None


def test_an_epoch_that_was_not_measured_is_neither_best_nor_waited_for() -> None:
    """Valid may be looked at every few epochs only."""
    state = Stopping().after(1, None).after(2, 0.6).after(3, None).after(4, 0.5).after(5, None)
    assert (2, 0.6, 1) == (state.best_epoch, state.best, state.waited)


@pytest.mark.parametrize("metric", ["accuracy", "balanced-accuracy"])
def test_the_score_is_the_chosen_metric(metric: str) -> None:
    """Names in recipes have hyphens, names in the history underscores."""
    record = {"valid_accuracy": 0.6, "valid_balanced_accuracy": 0.6}
    assert score_of(record, TrainConfig(metric=metric)) == 0.6  # type: ignore[arg-type]

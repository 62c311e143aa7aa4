"""Tests of `mien.training.cost`."""

from __future__ import annotations

import pytest

from mien.models import build_model
from mien.recipes.schema import ModelConfig, TrainConfig
from mien.training.cost import count_multiply_adds

SMALL = build_model(ModelConfig(name="small"), classes=7, size=48)


def test_a_training_at_one_side_costs_three_forward_passes_of_every_face_shown() -> None:
    """`small` is 43,131,776 multiply-adds a face, by hand and by `mien model small`."""
    config = TrainConfig(epochs=5, batch_size=32)
    assert 3 * 5 * 100 * 43_131_776 == pytest.approx(count_multiply_adds(SMALL, config, faces=100), rel=1e-9)


def test_a_training_that_ends_early_costs_the_epochs_that_were_run() -> None:
    """Two of five epochs cost two fifths."""
    config = TrainConfig(epochs=5, batch_size=32)
    whole = count_multiply_adds(SMALL, config, faces=100)
    assert 0.4 * whole == pytest.approx(count_multiply_adds(SMALL, config, faces=100, epochs=2), rel=1e-9)


def test_faces_of_three_quarters_of_the_side_cost_nine_sixteenths() -> None:
    """Half of the steps at 36 pixels and half at 48; a little less, since a half of 9 pixels is rounded down to 4."""
    config = TrainConfig(epochs=4, batch_size=25, start_side=36, grow_fraction=0.5)
    half, whole = 2 * 100 * 3 * 43_131_776, count_multiply_adds(SMALL, config, faces=100)
    assert half * (1 + 0.5625) == pytest.approx(whole, rel=0.02)


def test_epochs_that_stopped_while_faces_were_small_are_counted_at_their_side() -> None:
    """The first epoch of a training that starts at 24 pixels costs a quarter of one at 48."""
    config = TrainConfig(epochs=4, batch_size=25, start_side=24, grow_fraction=0.5)
    first = count_multiply_adds(SMALL, config, faces=100, epochs=1)
    assert 100 * 3 * 43_131_776 / 4 == pytest.approx(first, rel=1e-2)

"""Temperature scaling."""

import json

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import log_loss

from mien.runs.temperatures import (
    CALIBRATION,
    fit_temperature,
    read_temperatures,
    scale_probabilities,
    write_temperatures,
)


def draw(n=4000, classes=5, sharpness=1.0, seed=0):
    """Return logits times `sharpness`, and labels drawn from the softmax of the logits themselves."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0.0, 2.0, (n, classes))
    chances = softmax(logits, axis=1)
    labels = (chances.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return labels, logits * sharpness


@pytest.mark.parametrize("temperature", [0.5, 0.9, 2.0])
def test_scaling_probabilities_is_scaling_logits(temperature):
    """The softmax of logits / T, to float32."""
    _, logits = draw(50)
    expected = softmax(logits / temperature, axis=1)
    np.testing.assert_allclose(expected, scale_probabilities(softmax(logits, axis=1), temperature), atol=1e-6)


def test_scaling_by_one_changes_no_bit():
    """A run without a temperature answers as before."""
    probabilities = softmax(draw(20)[1], axis=1).astype(np.float32)
    assert np.array_equal(probabilities, scale_probabilities(probabilities, 1.0))


def test_scaling_there_and_back_is_nothing():
    """The figures before scaling follow from those after it."""
    probabilities = softmax(draw(200)[1], axis=1).astype(np.float32)
    back = scale_probabilities(scale_probabilities(probabilities, 0.7), 1 / 0.7)
    np.testing.assert_allclose(probabilities, back, atol=1e-6)


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_too_little_and_too_much_certainty(sharpness):
    """Labels drawn from the softmax of logits: logits times s ask for the temperature s, to sampling error."""
    labels, logits = draw(sharpness=sharpness)
    assert sharpness == pytest.approx(fit_temperature(labels, softmax(logits, axis=1)), rel=0.06)


def test_no_other_temperature_has_a_lower_log_loss():
    """A grid around the one found: scikit-learn's log loss is never lower."""
    labels, logits = draw(500, sharpness=2.0)
    probabilities = softmax(logits, axis=1)
    found = fit_temperature(labels, probabilities)
    losses = [
        log_loss(labels, scale_probabilities(probabilities, found * step)) for step in (1.0, 0.98, 1.02, 0.5, 2.0)
    ]
    assert losses[0] == min(losses)


def test_faces_that_are_all_right_do_not_ask_for_certainty_without_end():
    """The temperature stays within its limits; a probability of 0 is no obstacle."""
    assert 0.2 == pytest.approx(fit_temperature(np.array([0, 1]), np.array([[0.9, 0.1], [0.0, 1.0]])), abs=1e-3)
    assert 5.0 == pytest.approx(fit_temperature(np.array([0, 1]), np.array([[0.1, 0.9], [0.9, 0.1]])), abs=1e-3)


def test_temperatures_are_those_of_their_weights_alone(tmp_path):
    """Read back with the mark of the weights; with another mark there are none."""
    write_temperatures(tmp_path / "run", "aa-3", {"plain": 0.91, "plain+mirror": 0.8})
    assert {"plain": 0.91, "plain+mirror": 0.8} == read_temperatures(tmp_path / "run", "aa-3")
    assert {} == read_temperatures(tmp_path / "run", "ab-3")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": 9}', '{"format": 1, "weights": "aa-3", "temperatures": 3}']
)
def test_a_damaged_file_is_as_good_as_none(tmp_path, text):
    """It is fitted again."""
    (tmp_path / CALIBRATION).write_text(text)
    assert {} == read_temperatures(tmp_path, "aa-3")


def test_the_file_says_where_the_temperature_comes_from(tmp_path):
    """Valid, never test."""
    write_temperatures(tmp_path, "aa-3", {"plain": 1.5})
    assert "valid" == json.loads((tmp_path / CALIBRATION).read_text())["fitted_on"]

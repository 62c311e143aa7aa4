"""Whether probabilities can be believed."""

import numpy as np
import pytest

from mien.evaluation.reliability import BINS, measure_calibration


def answer(confidences, right):
    """Return labels and probabilities of two classes: class 0 is answered with each confidence."""
    confidences = np.array(confidences)
    return np.where(right, 0, 1), np.stack((confidences, 1 - confidences), axis=1)


def test_four_faces_have_the_errors_counted_by_hand():
    """0.6 twice, one right: |0.6 − 0.5| on half of the faces; 0.9 twice, both right: |0.9 − 1| on the other half."""
    found = measure_calibration(*answer([0.6, 0.6, 0.9, 0.9], [True, False, True, True]))
    assert 0.1 == pytest.approx(found.ece)
    assert np.mean([0.32, 0.72, 0.02, 0.02]) == pytest.approx(found.brier)


def test_the_adaptive_error_of_fewer_faces_than_bins_is_that_of_each_face():
    """Each face is a bin of its own: the mean of 0.4, 0.6, 0.1 and 0.1."""
    found = measure_calibration(*answer([0.6, 0.6, 0.9, 0.9], [True, False, True, True]))
    assert 0.3 == pytest.approx(found.adaptive_ece)


def test_honest_probabilities_have_errors_near_zero():
    """Of 40,000 faces, those answered with confidence c are right with probability c."""
    rng = np.random.default_rng(0)
    confidences = rng.uniform(0.5, 1.0, 40_000)
    found = measure_calibration(*answer(confidences, rng.random(40_000) < confidences))
    assert 0.0 == pytest.approx(found.ece, abs=0.01)
    assert 0.0 == pytest.approx(found.adaptive_ece, abs=0.01)


def test_boastful_probabilities_are_off_by_what_they_boast():
    """Confidence 0.95, right in 7 of 10: both errors are 0.25."""
    found = measure_calibration(*answer([0.95] * 300, ([True] * 7 + [False] * 3) * 30))
    assert (0.25, 0.25) == pytest.approx((found.ece, found.adaptive_ece))


def test_bins_hold_every_face_once():
    """Also a confidence of 1, and one on an edge, which belongs to the bin below."""
    found = measure_calibration(*answer([1.0, 0.6, 0.6, 0.8], [True, True, False, True]))
    assert (BINS, 4) == (len(found.bins), sum(entry.count for entry in found.bins))
    assert (1, 1.0) == (found.bins[-1].count, found.bins[-1].confidence)
    edge = next(entry for entry in found.bins if entry.high == pytest.approx(0.6))
    assert (2, 0.5) == (edge.count, edge.accuracy)

"""Class weights and balanced sampling, against their formulas."""

import numpy as np
import pytest

from mien.training.balance import weigh_classes, weigh_faces

COUNTS = np.array([3995, 436, 4097, 7215, 4830, 3171, 4965])


@pytest.mark.parametrize("kind", ["none", "inverse", "effective-number"])
def test_weights_have_mean_one(kind: str) -> None:
    """So the learning rate means the same with and without them."""
    assert weigh_classes(COUNTS, kind).mean() == pytest.approx(1.0)  # type: ignore[arg-type]


def test_inverse_weights_make_every_class_count_the_same() -> None:
    """Weight times count is one number."""
    shares = weigh_classes(COUNTS, "inverse") * COUNTS
    np.testing.assert_allclose(shares, shares[0])


def test_effective_numbers_lie_between_no_weights_and_inverse_weights() -> None:
    """Cui et al. 2019: β moves between the two; the ratio of rarest to most frequent shows it."""
    ratios = [
        weights[1] / weights[3]
        for weights in (weigh_classes(COUNTS, k) for k in ("none", "effective-number", "inverse"))
    ]
    assert ratios == sorted(ratios)
    assert ratios[1] == pytest.approx((1 - 0.999**7215) / (1 - 0.999**436))


def test_a_class_without_faces_weighs_nothing() -> None:
    """And it does not make the others infinite or nan."""
    np.testing.assert_allclose([1.0, 0.0, 1.0], weigh_classes(np.array([5, 0, 5]), "inverse"))


def test_balanced_sampling_draws_every_class_equally_often() -> None:
    """The probabilities of a class add up to one over the number of classes."""
    labels = np.array([0, 0, 0, 2])
    shares = weigh_faces(labels)
    assert shares[:3].sum() == pytest.approx(0.5)
    assert shares[3] == pytest.approx(0.5)

"""FER2013 itself, in both of its forms: the counts that were published, and the copies that it is known for."""

from __future__ import annotations

import pytest

from conftest import find_real
from mien.data.describe import Description, describe
from mien.data.loading import load
from mien.data.split import hold_out_valid
from mien.labels import EXPRESSIONS

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

PUBLISHED = {
    "train": (3995, 436, 4097, 7215, 4830, 3171, 4965),
    "valid": (467, 56, 496, 895, 653, 415, 607),
    "test": (491, 55, 528, 879, 594, 416, 626),
}


def assert_published(description: Description) -> None:
    """Hold size, classes and counts against those of Goodfellow et al. 2013."""
    assert (48, 48, EXPRESSIONS) == (description.height, description.width, description.expressions)
    assert PUBLISHED == {split.name: split.counts for split in description.splits}


def test_the_zip_of_jpegs_has_the_published_counts_and_copies() -> None:
    """PublicTest is valid, PrivateTest is test; one face of test in twelve stands in train."""
    description = describe(load(find_real("fer2013-images.zip")))
    assert_published(description)
    shared = {(found.of, found.within): found.faces for found in description.shared}
    assert {("valid", "train"): 280, ("test", "train"): 288, ("test", "valid"): 44} == shared


def test_the_table_of_pixels_has_the_published_counts() -> None:
    """The challenge's own file of 301 MB."""
    assert_published(describe(load(find_real("fer2013.csv"))))


def test_twelve_percent_held_out_leave_25264_faces() -> None:
    """The number of the report, and no copy on both sides."""
    splits = hold_out_valid(load(find_real("fer2013-images.zip")), fraction=0.12, seed=0)
    description = describe(splits)
    assert {"train": 25264, "valid": 3445, "test": 3589} == {split.name: split.faces for split in description.splits}
    assert [] == [found for found in description.shared if (found.of, found.within) == ("valid", "train")]

"""FER2013 itself: the counts of an audit equal those of an independent count of the pixel column's text."""

from __future__ import annotations

import pytest

from conftest import find_real
from mien.auditing import choose_kept, examine
from mien.data.loading import load

pytestmark = [pytest.mark.real_data, pytest.mark.slow]


def test_the_copies_contradictions_and_blanks_of_fer2013_are_exact() -> None:
    """1,516 groups, 57 of them contradictory, 12 blank pictures, 288 faces of test in train."""
    audit = examine(load(find_real("fer2013-images.zip")))
    assert {"train": 2703, "valid": 338, "test": 328} == audit.count("exact-copies")
    assert {"train": 127, "valid": 16, "test": 17} == audit.count("contradictory")
    assert {"train": 11, "valid": 1} == audit.count("blank")
    assert (1516, 57) == (audit.count_groups("exact-copies"), audit.count_groups("contradictory"))
    shared = {(found.of, found.within): found.faces for found in audit.description.shared}
    assert {("valid", "train"): 280, ("test", "train"): 288, ("test", "valid"): 44} == shared
    lost = {name: int((~part).sum()) for name, part in choose_kept(audit, ("exact-copies",)).items()}
    assert {"train": 1767, "valid": 0, "test": 0} == lost

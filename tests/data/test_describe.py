"""`describe`: counts, proportions, exact copies and warnings of a data set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from conftest import SHAPES, draw_shapes
from mien.data.describe import SharedCopies, describe
from mien.faces import UNLABELLED, Faces, Splits

NAMES = tuple(SHAPES)


def join(*parts: Faces) -> Faces:
    """Return the faces of all parts as one."""
    fields = ("images", "labels", "ids")
    return Faces(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in fields})


def splits_of(**splits: Faces) -> Splits:
    """Return a data set of these splits."""
    return Splits(expressions=NAMES, source="shapes", kind="shapes", **splits)


def test_counts_and_proportions_follow_the_expressions() -> None:
    """Every split is counted by expression; the proportions of a split sum to one."""
    train = draw_shapes(6)
    few = train.take(np.flatnonzero((train.labels != 1) | (np.cumsum(train.labels == 1) <= 3)))
    (split,) = describe(splits_of(train=few)).splits
    assert ("train", 15, (6, 3, 6)) == (split.name, split.faces, split.counts)
    assert [0.4, 0.2, 0.4] == pytest.approx(split.proportions())


def test_what_the_reader_knows_is_kept() -> None:
    """Kind, source, size, drawn or not, what was skipped, and the reader's warnings come through."""
    splits = replace(splits_of(test=draw_shapes(2)), synthetic=True, skipped=("a: bad",), warnings=("resized",))
    found = describe(splits)
    assert ("shapes", "shapes", True, 16, 16, NAMES) == (
        found.kind,
        found.source,
        found.synthetic,
        found.height,
        found.width,
        found.expressions,
    )
    assert (("a: bad",), ("resized",)) == (found.skipped, found.warnings)


def test_copies_within_and_across_splits_are_counted() -> None:
    """Three faces of test stand in train, one of them twice; a face that occurs three times has two copies."""
    train, test = draw_shapes(6), draw_shapes(2, seed=1)
    leaky = join(test, train.take(np.array([0, 1, 1])))
    found = describe(splits_of(train=join(train, train.take(np.array([4, 4]))), test=leaky))
    assert [2, 1] == [split.copies for split in found.splits]
    assert (SharedCopies(of="test", within="train", faces=3),) == found.shared
    assert 0 == found.contradicted


def test_copies_with_another_label_are_counted_on_both_sides() -> None:
    """A face labelled twice, each time differently, is two contradicted faces; an unlabelled copy says nothing."""
    train = draw_shapes(4)
    other = replace(train.take(np.array([0])), labels=(train.labels[:1] + 1) % len(NAMES))
    silent = replace(train.take(np.array([1])), labels=np.array([UNLABELLED]))
    assert 2 == describe(splits_of(train=train, valid=other, unlabelled=silent)).contradicted


def test_a_rare_expression_is_worth_a_warning() -> None:
    """Ten times as many faces of one expression as of another is said, with both numbers."""
    many, few = draw_shapes(20), draw_shapes(2, seed=1)
    unbalanced = join(many.take(np.flatnonzero(many.labels != 2)), few.take(np.flatnonzero(few.labels == 2)))
    (warning,) = describe(splits_of(train=unbalanced)).warnings
    assert f"train: 10 times as many faces of {NAMES[0]} (20) as of {NAMES[2]} (2)" == warning
    assert () == describe(splits_of(train=many)).warnings


def test_an_expression_that_a_split_lacks_is_named() -> None:
    """Recall of an expression without a face cannot be measured: the user should know before."""
    test = draw_shapes(3)
    lacking = test.take(np.flatnonzero(test.labels != 1))
    assert (f"test: no face of {NAMES[1]}",) == describe(splits_of(train=draw_shapes(4, seed=2), test=lacking)).warnings


def test_faces_without_labels_are_described_without_counts() -> None:
    """An unlabelled split has a number of faces and no expressions; nothing is warned of."""
    faces = draw_shapes(2)
    found = describe(splits_of(unlabelled=replace(faces, labels=np.full(6, UNLABELLED))))
    assert ((6, (0, 0, 0)), ()) == ((found.splits[0].faces, found.splits[0].counts), found.warnings)

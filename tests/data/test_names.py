"""How data sets spell splits and classes."""

from __future__ import annotations

import pytest

from mien.data.names import canonical_split, order_classes, parse_emotion, parse_usage
from mien.labels import EXPRESSIONS


@pytest.mark.parametrize(
    ("split", "names"),
    [
        ("train", ["train", "Training", " TRAIN "]),
        ("valid", ["valid", "val", "Validation", "PublicTest", "Public Test"]),
        ("test", ["test", "Testing", "PrivateTest", "private_test"]),
        ("unlabelled", ["unlabelled", "unlabeled"]),
        (None, ["happy", "", "tests", "images"]),
    ],
)
def test_splits_are_known_by_their_usual_names(split: str | None, names: list[str]) -> None:
    """In any case; anything else is no split."""
    assert [split] * len(names) == [canonical_split(name) for name in names]


@pytest.mark.parametrize(
    ("expected", "names"),
    [
        (EXPRESSIONS, ["0", "1", "2", "3", "4", "5", "6"]),
        (EXPRESSIONS, ["Anger", "disgusted", "fearful", "happiness", "sadness", "Surprised", "NEUTRAL"]),
        (("happy", "sad"), ["sad", "happy"]),
        (("no", "smile"), ["smile", "no"]),
        (("1", "2", "3", "7"), ["7", "3", "2", "1"]),
        (("anger", "contempt", "happy"), ["happy", "contempt", "anger"]),
    ],
)
def test_the_seven_keep_their_order_and_other_sets_their_names(expected: tuple[str, ...], names: list[str]) -> None:
    """A single name that is none of the seven keeps the whole set as it is spelled."""
    expressions, classes, _ = order_classes(names)
    assert expected == expressions
    assert set(expected) == {classes[name] for name in names}


@pytest.mark.parametrize(
    ("expected", "names"),
    [
        ([], ["happy", "sad", "Happy"]),
        (["happy and joy are both read as happy"], ["happy", "joy", "sad"]),
        (["classes that are numbers are read as FER2013 numbers them: 0 as angry, 3 as happy"], ["0", "3"]),
        ([], list("0123456")),
    ],
)
def test_a_doubtful_reading_is_worth_a_warning(expected: list[str], names: list[str]) -> None:
    """Two names for one class; numbers of which some are missing."""
    assert expected == list(order_classes(names)[2])


def test_emotions_and_usages_are_read_or_refused() -> None:
    """The refusal names the expected and the found."""
    assert (6, "valid") == (parse_emotion("6"), parse_usage("PublicTest"))
    with pytest.raises(ValueError, match="expected emotion 0 to 6, found '07'"):
        parse_emotion("07")
    with pytest.raises(ValueError, match="expected Usage Training, PublicTest or PrivateTest, found 'Test 2'"):
        parse_usage("Test 2")

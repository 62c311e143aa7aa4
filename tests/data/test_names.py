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
        ("train", ["train_set", "trainset", "train-data", "Train_Images", "tr", "FER2013Train", "train2017"]),
        ("valid", ["val_set", "dev", "eval", "FER2013Valid", "public_test", "valid_set", "validation-set"]),
        ("test", ["testset", "test_set", "Test_Images", "FER2013Test", "private_test", "te"]),
        ("unlabelled", ["unlabelled", "unlabeled"]),
        (None, ["train_test", "Test 2", "trainval", "angry", "S001", "data", "attest"]),
        (None, ["happy", "", "tests", "images"]),
    ],
)
def test_splits_are_known_by_their_usual_names(split: str | None, names: list[str]) -> None:
    """In any case; anything else is no split."""
    assert [split] * len(names) == [canonical_split(name) for name in names]


@pytest.mark.parametrize(
    ("expected", "names"),
    [
        (tuple("0123456"), ["6", "0", "1", "2", "3", "4", "5"]),
        (("2", "10"), ["10", "2"]),
        (EXPRESSIONS, ["Anger", "disgusted", "fearful", "happiness", "sadness", "Surprised", "NEUTRAL"]),
        (("happy", "sad"), ["sad", "happy"]),
        (("no", "smile"), ["smile", "no"]),
        (("1", "2", "3", "7"), ["7", "3", "2", "1"]),
        (("angry", "happy", "contempt"), ["happy", "contempt", "anger"]),
        (("angry", "sad", "drowsy"), ["anger", "drowsy", "ANGER", "Sadness", "Drowsy"]),
        (EXPRESSIONS, ["AN", "DI", "AF", "HA", "SA", "SU", "NE"]),
        (("angry", "happy"), ["0_angry", "1-happy"]),
        (("happy", "sad", "neutral"), ["happy", "sad", "calm"]),
        (("happy", "neutral", "calm"), ["happy", "neutral", "calm"]),
    ],
)
def test_the_seven_keep_their_order_and_other_sets_their_names(expected: tuple[str, ...], names: list[str]) -> None:
    """Numbers stay numbers; what is no expression stands after those that are; case does not matter."""
    expressions, classes, _ = order_classes(names)
    assert [name.lower() for name in expected] == [name.lower() for name in expressions]
    assert {name.lower() for name in expected} == {classes[name].lower() for name in names}


@pytest.mark.parametrize(
    ("expected", "names"),
    [
        ([], ["happy", "sad", "Happy"]),
        (["happy and joy are both read as happy"], ["happy", "joy", "sad"]),
        (
            [
                "classes that are numbers (0, 3) stay numbers, since each data set has its own: name them with "
                "`classes` neutral,happy,… in the order of the numbers, or in a file classes.txt"
            ],
            ["0", "3"],
        ),
        (["classes: 0_angry is read as angry, 1-sad is read as sad"], ["0_angry", "1-sad"]),
        (["classes: calm is read as neutral"], ["happy", "sad", "calm"]),
        (["classes that are no known expression are kept as they are: yawn"], ["happy", "sad", "yawn"]),
    ],
)
def test_a_doubtful_reading_is_worth_a_warning(expected: list[str], names: list[str]) -> None:
    """Two names for one class; numbers; what is no plain word for an expression."""
    assert expected == list(order_classes(names)[2])


def test_emotions_and_usages_are_read_or_refused() -> None:
    """The refusal names the expected and the found."""
    assert (6, "valid") == (parse_emotion("6"), parse_usage("PublicTest"))
    with pytest.raises(ValueError, match="expected emotion 0 to 6, found '07'"):
        parse_emotion("07")
    with pytest.raises(ValueError, match="expected Usage Training, PublicTest or PrivateTest, found 'Test 2'"):
        parse_usage("Test 2")

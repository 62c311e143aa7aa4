"""What `--classes` and `--columns` may say."""

from __future__ import annotations

import pytest

from mien.data.classes import parse_class_file, parse_classes
from mien.data.columns import parse_columns
from mien.errors import ConfigError, DataError


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ("sad,happy", "01", {"0": "sad", "1": "happy"}),
        ("sad,happy", "12", {"1": "sad", "2": "happy"}),
        ("sad,happy,fear", "02", {"0": "sad", "2": "fear"}),
        ("1=fear,2=sad", "12", {"1": "fear", "2": "sad"}),
        ("AN=angry,HA=happy", ["AN"], {"AN": "angry"}),
        ("sad,happy", ["Sad", "happy"], {"Sad": "Sad", "happy": "happy"}),
    ],
)
def test_numbers_are_named_from_0_or_from_1(text: str, labels: list[str], expected: dict[str, str]) -> None:
    """Whichever fits; labels that are the names already stay."""
    assert expected == parse_classes(text).resolve(labels)


@pytest.mark.parametrize(
    ("text", "labels", "message"),
    [
        ("sad,happy,fear", "12", "the labels begin at 1: read 1 as happy, or as sad"),
        ("sad,happy", "013", "expected 2 labels, from 0 or from 1, found numbers from 0 to 3"),
        ("0=sad,1=happy", "02", "expected a name for each label, found none for 2"),
        ("sad,happy", ["no"], "expected labels that are numbers or these names, found no"),
    ],
)
def test_what_does_not_fit_is_refused(text: str, labels: list[str], message: str) -> None:
    """Two readings, or none."""
    with pytest.raises(DataError, match=message):
        parse_classes(text).resolve(labels)


@pytest.mark.parametrize("text", ["sad", "sad,,happy", "sad,Sad", "0=sad,happy", "0=sad,0=happy"])
def test_names_are_two_at_least_and_different(text: str) -> None:
    """All written in one way."""
    with pytest.raises(ConfigError, match="`classes`"):
        parse_classes(text)


@pytest.mark.parametrize("text", ["path", "path=", "colour=red"])
def test_columns_are_given_by_role(text: str) -> None:
    """path, label, split or pixels."""
    with pytest.raises(ConfigError, match="`columns`"):
        parse_columns(text)
    assert {"path": "img", "label": "y"} == parse_columns("path=IMG, label=y")


@pytest.mark.parametrize("text", ["sad\nhappy\n", "0 sad\n1 happy\n", "0: sad\n1: happy", "sad,0\nhappy,1"])
def test_a_file_of_classes_has_a_name_a_line(text: str) -> None:
    """With or without numbers."""
    assert {"0": "sad", "1": "happy"} == parse_class_file(text, "classes.txt").resolve("01")

"""FER+ votes: the rules of the paper and of its code, and faces that are labelled by them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import find_real
from mien.data.prepare import prepare_splits
from mien.data.votes import CHOICES, Votes, find_majority, label_by_votes, read_votes, spread_votes
from mien.errors import ConfigError, DataError, MienError
from mien.faces import Faces, Splits
from mien.labels import EXPRESSIONS
from mien.recipes.schema import DataConfig

HEADER = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
USAGES = ("Training", "PublicTest", "PrivateTest")
HAPPY, NEUTRAL, CONTEMPT = (CHOICES.index(name) for name in ("happy", "neutral", "contempt"))


def vote(**counts: int) -> list[int]:
    """Return a row of counts in the order of `CHOICES`."""
    return [counts.get(name, 0) for name in CHOICES]


def spread(row: list[int], classes: int = 7) -> list[float]:
    """Return the distribution of one row."""
    return spread_votes(np.array([row]), classes)[0].tolist()


def write_rows(folder: Path, rows: list[tuple[int, str, list[int]]]) -> tuple[Path, Path]:
    """Write (emotion, Usage, votes) as a table of 8x8 pixels and its table of votes; return both."""
    rng = np.random.default_rng(0)
    table, votes = ["emotion,pixels,Usage"], [HEADER]
    for number, (emotion, usage, counts) in enumerate(rows):
        pixels = " ".join(map(str, rng.integers(0, 256, 64)))
        table.append(f"{emotion},{pixels},{usage}")
        named = dict(zip(CHOICES, counts, strict=True))
        order = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt", "unknown", "NF")
        votes.append(f"{usage},fer{number:07d}.png,{','.join(str(named[name]) for name in order)}")
    (folder / "fer2013.csv").write_text("\n".join(table) + "\n")
    (folder / "fer2013new.csv").write_text("\n".join(votes) + "\n")
    return folder / "fer2013.csv", folder / "fer2013new.csv"


SOUND = [(label, usage, vote(**{EXPRESSIONS[label]: 8, "neutral": 2})) for usage in USAGES for label in range(6)] * 2
"""Two faces of six classes in each split, of which eight of ten taggers say what the label says."""


@pytest.mark.parametrize(
    ("expected", "row"),
    [
        ({"happy": 1.0}, vote(happy=9, sad=1)),
        ({"happy": 0.6, "neutral": 0.4}, vote(happy=6, neutral=4)),
        ({"happy": 0.5, "neutral": 0.25, "sad": 0.25}, vote(happy=4, neutral=2, sad=2, fear=1, angry=1)),
        ({"happy": 1.0}, vote(happy=8, neutral=2)),
        ({}, vote(happy=2, neutral=2, sad=2, fear=2, angry=2)),
        ({}, vote(NF=10)),
        ({}, vote(happy=5, NF=5)),
        ({"happy": 1.0}, vote(happy=6, unknown=4)),
        ({}, vote(contempt=5, neutral=5)[:7] + vote(contempt=6, neutral=4)[7:]),
        ({}, vote()),
    ],
)
def test_votes_become_the_distribution_of_the_paper(expected: dict[str, float], row: list[int]) -> None:
    """Single votes are noise; three quarters of the rest are enough; no face, no target."""
    assert [pytest.approx(expected.get(name, 0.0)) for name in EXPRESSIONS] == spread(row)


def test_contempt_is_a_class_of_eight_and_loses_its_votes_among_seven() -> None:
    """Where most call it contempt, a face of seven classes has no target."""
    some, most = vote(neutral=6, contempt=4), vote(neutral=3, contempt=7)
    assert [pytest.approx(0.6), pytest.approx(0.4)] == [spread(some, 8)[NEUTRAL], spread(some, 8)[CONTEMPT]]
    assert 1.0 == spread(some)[NEUTRAL]
    assert 0.0 == sum(spread(most))
    assert pytest.approx(0.7) == spread(most, 8)[CONTEMPT]


@given(st.lists(st.lists(st.integers(0, 9), min_size=10, max_size=10), min_size=1, max_size=8))
def test_a_distribution_sums_to_one_or_is_missing_and_a_majority_is_in_it(taggers: list[list[int]]) -> None:
    """Whatever ten taggers choose. More of them could leave four choices in three quarters of the votes: no target."""
    counts = np.array([np.bincount(chosen, minlength=10) for chosen in taggers])
    targets, majority = spread_votes(counts, 8), find_majority(counts)
    sums = targets.sum(axis=1)
    assert (np.isclose(sums, 1.0) | (sums == 0.0)).all()
    decided = (majority >= 0) & (majority < 8)
    assert majority[decided].tolist() == targets[decided].argmax(axis=1).tolist()


def test_train_learns_distributions_and_the_other_splits_are_measured_by_majority(tmp_path: Path) -> None:
    """Faces without either are left out and counted; the labels of the data play no part."""
    rows = [
        *SOUND,
        (3, "Training", vote(NF=10)),
        (3, "PrivateTest", vote(happy=5, sad=5)),
        (0, "Training", vote(sad=6)),
    ]
    table, votes = write_rows(tmp_path, rows)
    splits = prepare_splits(str(table), DataConfig(labels="ferplus", votes=str(votes)), seed=0)
    assert splits.train is not None
    assert splits.train.targets is not None
    assert splits.test is not None
    assert (13, 12) == (len(splits.train), len(splits.test))
    assert EXPRESSIONS.index("sad") == splits.train.labels[-1] == splits.train.targets[-1].argmax()
    assert splits.test.targets is None
    assert "train: 1 of 14 faces left out: no expression has the taggers' votes" in splits.warnings
    assert "test: 1 of 13 faces left out: no expression has the taggers' votes" in splits.warnings


def test_a_valid_split_that_is_held_out_is_measured_by_majority_too(tmp_path: Path) -> None:
    """It is held out before the votes decide: the same pictures, whoever labels them."""
    table, votes = write_rows(tmp_path, SOUND)
    soft = DataConfig(labels="ferplus", votes=str(votes), valid_fraction=0.5)
    by_votes, own = (prepare_splits(str(table), c, seed=1) for c in (soft, DataConfig(valid_fraction=0.5)))
    assert by_votes.valid is not None
    assert own.valid is not None
    assert by_votes.valid.targets is None
    assert own.valid.ids.tolist() == by_votes.valid.ids.tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("NF", "nothing"), "line 1: expected FER\\+ votes with a column NF, found Usage"),
        (lambda text: text.replace("8", "x", 1), "line 2: expected a row of votes, found Training"),
        (lambda text: text.replace("8", "-1", 1), "line 2: expected a row of votes, found Training"),
        (lambda text: text.replace("8", "9" * 23, 1), "line 2: expected a row of votes, found Training"),
        (lambda text: text.split("\n")[0] + "\n", "expected rows of votes, found none below the header"),
        (
            lambda text: text.replace("contempt", "happy", 1),
            "expected one column of happy, found happiness and happy",
        ),
        (lambda text: "", "cannot be read"),
        (lambda text: text.replace("PrivateTest", "Training"), "found other rows in test"),
        (lambda text: "\n".join(text.split("\n")[:20]) + "\n", "row by row, found other rows in"),
        (lambda text: text.replace("\nTraining", "\nPublicTest", 1), "found other rows in train"),
    ],
)
def test_a_file_that_is_not_these_votes_is_told_in_one_line(tmp_path: Path, change, message: str) -> None:  # type: ignore[no-untyped-def]
    """Where it is wrong, what was expected and what was found."""
    table, votes = write_rows(tmp_path, SOUND)
    votes.write_text(change(votes.read_text()))
    with pytest.raises(DataError, match=message):
        prepare_splits(str(table), DataConfig(labels="ferplus", votes=str(votes)), seed=0)


def test_votes_in_another_order_are_noticed(tmp_path: Path) -> None:
    """Every row still fits its split, but the taggers would say something else of nearly every face."""
    table, votes = write_rows(tmp_path, SOUND)
    turned = [(label, usage, vote(**{EXPRESSIONS[(label + 1) % 6]: 10})) for label, usage, _ in SOUND]
    (tmp_path / "other").mkdir()
    other = write_rows(tmp_path / "other", turned)[1]
    with pytest.raises(
        DataError, match=r"expected the order of the rows of .* found another: only 0% of its majorities"
    ):
        prepare_splits(str(table), DataConfig(labels="ferplus", votes=str(other)), seed=0)
    assert len(read_votes(votes)) == len(SOUND)


@pytest.mark.parametrize("usage", USAGES)
def test_votes_in_another_order_within_one_split_are_noticed(tmp_path: Path, usage: str) -> None:
    """The other splits agree, and the whole does by more than half."""
    table, _ = write_rows(tmp_path, SOUND)
    turned = [
        (label, split, vote(**{EXPRESSIONS[(label + 1) % 6]: 10}) if split == usage else counts)
        for label, split, counts in SOUND
    ]
    (tmp_path / "other").mkdir()
    other = write_rows(tmp_path / "other", turned)[1]
    split = dict(zip(USAGES, ("train", "valid", "test"), strict=True))[usage]
    with pytest.raises(DataError, match=f"only 0% of its majorities in {split} agree with the labels there"):
        prepare_splits(str(table), DataConfig(labels="ferplus", votes=str(other)), seed=0)


@pytest.mark.parametrize("labels", ["ferplus", "ferplus8", "people", "both"])
def test_votes_that_name_no_expression_in_train_are_refused(tmp_path: Path, labels: str) -> None:
    """Before anything is trained; a few such faces are counted in a warning."""
    empty = [(label, split, vote() if split == "Training" else counts) for label, split, counts in SOUND]
    table, votes = write_rows(tmp_path, empty)
    with pytest.raises(DataError, match=r"an expression in train of .*, found none for any of 12 faces"):
        prepare_splits(str(table), DataConfig(labels=labels, votes=str(votes)), seed=0)
    table, votes = write_rows(tmp_path, [(0, "Training", vote()), *SOUND])
    told = prepare_splits(str(table), DataConfig(labels=labels, votes=str(votes)), seed=0).warnings
    words = "count by the data's own label alone" if labels == "both" else "left out"
    assert any(f"train: 1 of 13 faces {words}: no expression has the taggers' votes" == line for line in told)


def test_pictures_without_rows_cannot_be_labelled_by_votes() -> None:
    """A folder or zip of pictures does not tell which row each was."""
    faces = Faces(images=np.zeros((2, 8, 8), np.uint8), labels=np.array([0, 1]), ids=np.array(["a.png", "b.png"]))
    splits = Splits(expressions=EXPRESSIONS, source="faces", kind="class folders", train=faces)
    votes = Votes(counts=np.array([vote(happy=10)] * 2), splits=np.array(["train"] * 2), source="votes")
    with pytest.raises(
        DataError, match="found class folders, whose pictures have lost the number of their row: give fer"
    ):
        label_by_votes(splits, votes, "ferplus")
    with pytest.raises(ConfigError, match="expected one of own, ferplus, ferplus8, people, both, found 'votes'"):
        label_by_votes(replace(splits), votes, "votes")


@pytest.mark.parametrize("config", [DataConfig(labels="ferplus"), DataConfig(votes="fer2013new.csv")])
def test_labels_and_votes_come_together(config: DataConfig) -> None:
    """One without the other is a mistake."""
    with pytest.raises(MienError, match="take both: `labels` ferplus"):
        prepare_splits("synthetic", config, seed=0)


@pytest.mark.real_data
def test_the_majority_has_the_published_number_of_faces() -> None:
    """25,060 of train, 3,199 of valid and 3,153 of test, as the authors' own code finds them."""
    votes = read_votes(find_real("fer2013new.csv"))
    usable = np.isin(find_majority(votes.counts), np.arange(8))
    found = {str(split): int((usable & (votes.splits == split)).sum()) for split in ("train", "valid", "test")}
    assert {"train": 25060, "valid": 3199, "test": 3153} == found

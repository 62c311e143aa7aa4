"""Figures for groups of faces: intervals, gaps, what is noise; the table that tells the groups."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.errors import DataError, RunError
from mien.evaluation.evaluation import Evaluation
from mien.evaluation.group_table import cut_numbers, read_groups
from mien.evaluation.groups import NOT_TOLD, read_columns, score_groups, write_groups
from mien.evaluation.rules import Rule

NAMES = ("happy", "sad", "neutral")


def evaluate(
    count: int = 900, *, seed: int = 0, weak: np.ndarray | None = None, rule: Rule | None = None
) -> Evaluation:
    """Return an evaluation that is right in 80 %, and in 50 % of the faces where `weak` is True."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, count)
    chance = np.where(np.zeros(count, bool) if weak is None else weak, 0.5, 0.8)
    answers = np.where(rng.random(count) < chance, labels, (labels + 1) % 3)
    probabilities = np.full((count, 3), 0.1, np.float32)
    probabilities[np.arange(count), answers] = 0.8
    return Evaluation(
        labels=labels,
        probabilities=probabilities,
        ids=np.array([f"faces/{index}.png" for index in range(count)]),
        copies=np.zeros(count, bool),
        expressions=NAMES,
        **{"split": "test", "source": "x", "trained_on": "x", "copies_sought_in": "x", "recipe": "r"},
        **{"synthetic": False, "epoch": 1, "views": ("plain",), **({} if rule is None else {"rule": rule})},
    )


def test_each_group_has_its_figures() -> None:
    """Accuracy and recall with Wilson's intervals, and how much surer than right its answers are."""
    dark = np.arange(900) % 3 == 0
    (column,) = score_groups(evaluate(weak=dark), {"light": np.where(dark, "dark", "bright").tolist()})
    bright, found = column.groups
    assert ("light", "bright", "dark", 600, 300) == (column.name, bright.name, found.name, bright.n, found.n)
    assert found.interval.low < 0.5 < found.interval.high < bright.interval.low < 0.8 < bright.interval.high
    assert pytest.approx(0.8 - found.accuracy) == found.excess
    assert found.excess_interval[0] < 0.3 < found.excess_interval[1]
    assert found.ece == pytest.approx(abs(found.excess), abs=1e-6)
    for entry in (*bright.classes, *found.classes):
        assert entry.recall_interval.low <= entry.recall <= entry.recall_interval.high


def test_a_real_gap_is_no_noise_and_a_chance_gap_is() -> None:
    """Thirty points between groups of hundreds, and none at all."""
    dark = np.arange(900) % 3 == 0
    names = np.where(dark, "dark", "bright").tolist()
    real, chance = (score_groups(evaluate(weak=weak), {"light": names})[0].gap for weak in (dark, None))
    assert real is not None
    assert chance is not None
    assert ("bright", "dark") == (real.best, real.worst)
    assert real.p_value < 0.001 < 0.05 < chance.p_value
    assert (False, True) == (real.is_noise, chance.is_noise)
    assert real.value > 0.2


def test_chance_finds_a_gap_in_one_of_twenty_tables() -> None:
    """The test keeps its level: 40 tables of two groups without any difference."""
    evaluation = evaluate(300)
    found = []
    for seed in range(40):
        cells = np.random.default_rng(seed).choice(["a", "b"], 300).tolist()
        gap = score_groups(evaluation, {"drawn": cells})[0].gap
        assert gap is not None
        found.append(gap.is_noise)
    assert sum(found) >= 34


def test_a_gap_that_the_mix_of_expressions_makes_is_noise() -> None:
    """One group has the easy expression, the other the hard one: the network does not know them apart otherwise."""
    rng = np.random.default_rng(0)
    easy = evaluate(2000)
    weak = (easy.labels == 1) | (easy.labels == 2)
    evaluation = evaluate(2000, weak=weak)
    happy = evaluation.labels == 0
    cells = np.where(rng.random(2000) < np.where(happy, 0.9, 0.1), "smiling club", "others").tolist()
    gap = score_groups(evaluation, {"club": cells})[0].gap
    assert gap is not None
    assert gap.value > 0.1
    assert gap.is_noise


def test_small_groups_are_told_but_make_no_gap() -> None:
    """Three faces that happen to be wrong prove nothing; an empty cell is a group, too."""
    cells = ["rare"] * 3 + [""] * 40 + ["usual"] * 857
    (column,) = score_groups(evaluate(), {"kind": cells})
    assert {"rare": 3, NOT_TOLD: 40, "usual": 857} == {group.name: group.n for group in column.groups}
    assert column.gap is not None
    assert "rare" not in (column.gap.best, column.gap.worst)
    (alone,) = score_groups(evaluate(), {"kind": ["rare"] * 3 + ["usual"] * 897})
    assert alone.gap is None


def test_fairlearn_finds_the_same() -> None:
    """Its MetricFrame: accuracy of each group, and the difference of the best and the worst."""
    pytest.importorskip("fairlearn", reason="fairlearn is not installed (pip install fairlearn)")
    from fairlearn.metrics import MetricFrame
    from sklearn.metrics import accuracy_score, recall_score

    dark = np.arange(900) % 3 == 0
    evaluation, names = evaluate(weak=dark), np.where(dark, "dark", "bright")
    (column,) = score_groups(evaluation, {"light": names.tolist()})
    frame = MetricFrame(
        metrics={
            "accuracy": accuracy_score,
            "recall": lambda true, found: recall_score(true, found, average="macro"),
        },
        y_true=evaluation.labels,
        y_pred=evaluation.predicted,
        sensitive_features=names,
    )
    for group in column.groups:
        assert pytest.approx(frame.by_group["accuracy"][group.name]) == group.accuracy
        assert pytest.approx(frame.by_group["recall"][group.name]) == group.balanced_accuracy
    assert column.gap is not None
    assert pytest.approx(frame.difference()["accuracy"]) == column.gap.value


def write(folder: Path, text: str) -> Path:
    """Write a table and return its path."""
    (folder / "groups.csv").write_text(text, encoding="utf-8")
    return folder / "groups.csv"


def test_rows_are_matched_by_id_in_any_order(tmp_path: Path) -> None:
    """The whole id, or the end of its path; what was taken for what is told."""
    for first in ("faces/0.png", "0.png", "/home/faces/0.png", "C:\\data\\faces\\0.png"):
        prefix = first.removesuffix("0.png")
        table = write(tmp_path, f"glasses,ID\nyes,{prefix}1.png\n,{prefix}0.png\nno,{prefix}7.png\n")
        columns, told = read_groups(table, ["faces/0.png", "faces/1.png"])
        assert {"glasses": ["", "yes"]} == columns
        assert told.endswith("groups.csv: rows matched by column ID")


def test_a_table_about_other_faces_is_refused_although_files_are_called_alike(tmp_path: Path) -> None:
    """train/happy/0.png is not test/sad/0.png; nor does one row tell of two faces."""
    with pytest.raises(DataError, match=r"found none for 2 of them, such as test/sad/0.png"):
        read_groups(
            write(tmp_path, "id,light\ntrain/sad/0.png,x\ntrain/sad/1.png,y\n"), ["test/sad/0.png", "test/sad/1.png"]
        )
    with pytest.raises(DataError, match=r"expected a row for each face, found 0.png for several"):
        read_groups(write(tmp_path, "id,light\n0.png,x\n"), ["test/sad/0.png", "test/happy/0.png"])
    more = "id,light\n/x/test/sad/0.png,dark\n/x/train/sad/0.png,bright\n"
    assert {"light": ["dark"]} == read_groups(write(tmp_path, more), ["test/sad/0.png"])[0]


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_cells_may_be_divided_by_other_signs(tmp_path: Path, sign: str) -> None:
    """As Excel writes them; blank lines, line breaks in quotes and odd spaces do not matter."""
    text = 'id,"light",age\n\na,"very\ndark",3\n b , bright\x0c,4\n'.replace(",", sign)
    columns, _ = read_groups(write(tmp_path, text), ["a", "b"])
    assert {"light": ["very dark", "bright"], "age": ["3", "4"]} == columns


def test_a_column_without_a_name_is_left_out_and_that_is_said(tmp_path: Path) -> None:
    """It is the index that pandas writes."""
    columns, told = read_groups(write(tmp_path, ",id,light\n0,a,dark\n1,b,\u2028\n"), ["a", "b"])
    assert {"light": ["dark", ""]} == columns
    assert told.endswith("rows matched by column id; a column without a name left out")


def test_a_table_in_utf_16_is_read(tmp_path: Path) -> None:
    """As Windows writes it."""
    (tmp_path / "wide.csv").write_text("id\tlight\na\tdämmrig\n", encoding="utf-16")
    assert {"light": ["dämmrig"]} == read_groups(tmp_path / "wide.csv", ["a"])[0]


def test_a_table_without_ids_has_a_row_a_face(tmp_path: Path) -> None:
    """In their order, which is told."""
    columns, told = read_groups(write(tmp_path, "light\ndark\nbright\n"), ["a", "b"])
    assert ({"light": ["dark", "bright"]}, True) == (columns, told.endswith("rows taken in the order of the faces"))


def test_numbers_are_cut_into_quarters() -> None:
    """Few values stay as they are; words stay words; an empty cell stays empty."""
    ages = [str(age) for age in range(20, 60)]
    assert ["20 to 29", "30 to 39", "40 to 49", "50 to 59"] == sorted(set(cut_numbers(ages)))
    assert ["1", "2", "1"] == cut_numbers(["1", "2", "1"])
    assert ["1", "1", "", "0.5", "1"] == cut_numbers(["1", "1.0", "NA", "0.50", "01.00"])
    assert ["none", "-"] == cut_numbers(["none", "-"])
    spelt = [f"{index % 2}.{'0' * (index + 1)}" for index in range(30)]
    assert {"0", "1"} == set(cut_numbers(spelt))
    assert "" == cut_numbers([*ages, ""])[-1]
    assert [*ages, "old"] == cut_numbers([*ages, "old"])
    assert ["", "", ""] == cut_numbers([*ages, "NaN", "N/A", "-"])[-3:]
    assert ["20240000 to 20240009", "20240030 to 20240039"] == [
        cut_numbers([str(20240000 + index) for index in range(40)])[at] for at in (0, -1)
    ]
    near = [f"0.1234567{index:02d}" for index in range(40)]
    assert 4 == len(set(cut_numbers(near)))


def test_a_dict_may_hold_numbers_and_nothing() -> None:
    """Numbers of Python and NumPy, None and NaN, as a column of pandas has them."""
    cells = [None, float("nan"), *(np.int64(index % 50) for index in range(898))]
    (column,) = score_groups(evaluate(), {"age": cells})
    sizes = {group.name: group.n for group in column.groups}
    assert (5, 2, 900) == (len(sizes), sizes[NOT_TOLD], sum(sizes.values()))
    assert {"0 to 12", "38 to 49"} < set(sizes)
    (flag,) = score_groups(evaluate(), {"glasses": [index % 2 == 0 for index in range(900)]})
    assert ["False", "True"] == [group.name for group in flag.groups]
    with pytest.raises(DataError, match="column age: expected numbers as in most of its cells, found old for the face"):
        score_groups(evaluate(), {"age": ["old", *range(899)]})


def test_groups_of_other_answers_are_not_believed(tmp_path: Path) -> None:
    """The evaluation may have been made anew since."""
    evaluation, cells = evaluate(), ["a", "b"] * 450
    columns = score_groups(evaluation, {"half": cells})
    assert () == read_columns(tmp_path, evaluation)
    write_groups(columns, "a table", evaluation, tmp_path)
    assert columns == read_columns(tmp_path, evaluation)
    with pytest.raises(RunError, match=r"expected groups of the answers in .*, found those of others"):
        read_columns(tmp_path, evaluate(weak=np.arange(900) % 3 == 0))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,light\na,dark\n", "expected a row for each of 2 faces .*, found none for 1 of them, such as b"),
        ("id,light\na,dark\na,bright\nb,dark\n", "expected one row a face, found id a twice"),
        ("id\na\nb\n", "expected a column of groups, such as age or camera, found none"),
        ("light\ndark\n", "expected a column id or file or path, or a row for each of 2 faces, found neither"),
        ("id,light\na\nb,dark\n", "line 2: expected 2 cells as in the header, found 1"),
        ("\n\nid,light\n\na,dark\nb\n", "line 6: expected 2 cells as in the header, found 1"),
        ("id,light\nother/a,dark\nmore/a,dark\nb,dark\n", "expected one row for the face a, found 2, such as other/a"),
        ("id,light,light\na,x,y\nb,x,y\n", "found light twice"),
        ("", "expected a CSV table with a header, found an empty file"),
        (" \n\n", "expected a CSV table with a header, found an empty file"),
        ('id,light\na,"dark\n', "line 2: expected a row of a CSV table, found unexpected end of data"),
        (",\n0,x\n1,y\n", "expected a column of groups, such as age or camera, found none"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path: Path, text: str, told: str) -> None:
    """In one line that names place, expected and found."""
    with pytest.raises(DataError, match=told):
        read_groups(write(tmp_path, text), ["a", "b"])


def test_what_cannot_be_grouped_is_refused(tmp_path: Path) -> None:
    """A name for every face, an abstaining rule, another length, no file."""
    evaluation = evaluate(100)
    with pytest.raises(DataError, match="column name: expected at most 20 groups"):
        score_groups(evaluation, {"name": [f"person {index}" for index in range(100)]})
    with pytest.raises(DataError, match="column light: expected 100 cells, found 1"):
        score_groups(evaluation, {"light": ["dark"]})
    with pytest.raises(DataError, match="found a decision rule that may give none"):
        score_groups(evaluate(100, rule=Rule(confidence=0.9)), {"light": ["dark"] * 100})
    with pytest.raises(RunError, match="no such table of groups"):
        read_groups(tmp_path / "nowhere.csv", ["a"])
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="expected a CSV table in UTF-8"):
        read_groups(tmp_path / "bytes.csv", ["a"])

"""`mien evaluate --groups`: a table of one's own goes in, figures for each group come out, and stand in the report."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from conftest import Result, run_mien
from mien.evaluation.evaluation import read_evaluation
from mien.evaluation.groups import read_columns
from mien.reports.gather import gather_report
from mien.reports.render import render_html, render_markdown
from reported import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run that was evaluated."""
    return make_run(tmp_path_factory.mktemp("groups"))


@pytest.fixture(scope="module")
def grouped(run: Path) -> Result:
    """Return what the command says of a table with two columns, whose rows stand in another order."""
    with (run / "predictions.csv").open(newline="") as file:
        ids = [row["id"] for row in csv.DictReader(file)]
    lines = [f"{one},{'dark' if index % 2 else 'bright'},{20 + index}" for index, one in enumerate(ids)]
    (run / "groups.csv").write_text("\n".join(["id,light,age", *reversed(lines)]))
    return run_mien("evaluate", run, "--groups", run / "groups.csv")


def test_figures_of_each_group_are_told(run: Path, grouped: Result) -> None:
    """Accuracy with its interval, recalls, the gap and whether it is noise; in a file, too."""
    assert grouped.status == 0, grouped.err
    for expected in ("rows matched by column id", "bright", "dark", "20 to 34", "Largest gap in accuracy", "p = "):
        assert expected in grouped.out
    light, age = read_columns(run, read_evaluation(run))
    assert (["bright", "dark"], 4) == ([group.name for group in light.groups], len(age.groups))
    assert 60 == sum(group.n for group in light.groups)
    assert "rows matched by column id" in json.loads((run / "groups.json").read_text())["told"]


def test_a_table_of_other_faces_ends_in_one_line(run: Path) -> None:
    """Exit status 2."""
    (run / "other.csv").write_text("id,light\nnobody.png,dark\n")
    done = run_mien("evaluate", run, "--groups", run / "other.csv")
    assert (2, 1) == (done.status, done.err.count("\n"))
    assert "expected a row for each of 60 faces" in done.err


def test_groups_and_sets_stand_in_the_report(run: Path, grouped: Result) -> None:
    """On the page and in Markdown, in both languages."""
    data = gather_report(run)
    assert data.sets is not None
    for language, words in {"en": "Groups of the faces", "zh-TW": "依所給的表格分組"}.items():
        for text in (render_html(data, language), render_markdown(data, language, "pictures")):
            assert words in text
            assert "bright" in text
    assert "Sets of expressions, asked to hold the true one of 90% of the faces" in render_html(data, "en")


def test_the_report_says_where_groups_are_of_other_answers(run: Path, grouped: Result) -> None:
    """In their place, in both languages, and shows none of them."""
    kept = (run / "groups.json").read_text()
    (run / "groups.json").write_text(json.dumps({**json.loads(kept), "mark": "of another evaluation"}))
    try:
        data = gather_report(run)
        for language, words in {"en": "are of other answers", "zh-TW": "屬於另一次評估的答案"}.items():
            for text in (render_html(data, language), render_markdown(data, language, "pictures")):
                assert words in text
                assert "20 to 34" not in text
    finally:
        (run / "groups.json").write_text(kept)

"""`mien stress`, as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import SHAPES, run_mien, write_shapes
from mien.reports.data import Absent
from mien.reports.gather import gather_report
from mien.robustness import CORRUPTIONS
from mien.robustness.kept import FIGURES, read_robustness
from reported import make_run
from tiny_network import write_network

FILES = {"robustness.json", "robustness.csv", "robustness.svg", "robustness.png"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of three splits."""
    return write_shapes(tmp_path_factory.mktemp("shapes"), 6)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Return the folder of a run that knows its data."""
    return make_run(tmp_path)


def test_a_run_is_measured_whole_and_its_report_tells_of_it(run: Path) -> None:
    """One command, no option: every corruption, the mean, the files; then a part of the page, until weights change."""
    result = run_mien("stress", run)
    assert 0 == result.status, result.err  # a slow machine is told on standard error how far it is
    for expected in ("clean: accuracy", "mean corruption accuracy", "n = 60", "ECE", "answered", *CORRUPTIONS):
        assert expected in result.out
    assert FILES == {path.name for path in (run / "robustness").iterdir()}
    told = gather_report(run).robustness
    assert read_robustness(run / "robustness") == told
    pages = [run / "report.html", run / "report.md"]
    for page in pages:
        assert 0 == run_mien("report", run, "--out", page).status
    assert all("Hendrycks and Dietterich 2019" in page.read_text(encoding="utf-8") for page in pages)
    kept = json.loads((run / "robustness" / FIGURES).read_text())
    (run / "robustness" / FIGURES).write_text(json.dumps({**kept, "mark": "of others"}))
    stale = gather_report(run).robustness
    assert isinstance(stale, Absent)
    assert "robustness-stale" == stale.reason


def test_a_part_is_printed_and_only_kept_where_asked(data: Path, tmp_path: Path) -> None:
    """A file has no folder of its own."""
    network = write_network(tmp_path / "tiny.onnx", classes=SHAPES)
    some = ("stress", network, "--data", data, "--only", "jpeg,mask", "--severity", "1,5", "--seed", "3")
    result = run_mien(*some)
    assert 0 == result.status, result.err  # a slow machine is told on standard error how far it is
    assert "Nothing was written: --save FOLDER" in result.out
    assert 0 == run_mien(*some, "--save", tmp_path / "kept").status
    found = read_robustness(tmp_path / "kept")
    assert (("jpeg", "mask"), (1, 5), 3) == (tuple(found.group()), found.severities, found.seed)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "give --data FACES"),
        (("--data", "synthetic", "--only", "jpg"), "--only 'jpg': expected some of"),
        (("--data", "synthetic", "--severity", "9"), "--severity 9: expected a whole number from 1 to 5"),
        (("--data", "synthetic", "--split", "tset"), "--split 'tset': expected one of"),
        (("--data", "nowhere"), "nowhere: expected a file or folder"),
        (
            ("--data", "synthetic", "--head", "ferplu"),
            "--head 'ferplu': expected a head of bundled, found fer2013, ferplus",
        ),
        (("--data", "synthetic", "--views", "mirror"), "the views that are inside the file (plain), found mirror"),
        (("--data", "synthetic", "--views", "nonsense"), "--views nonsense: expected some of plain"),
        (("--data", "synthetic", "--device", "abacus"), "--device: expected cpu for a network in a file, found abacus"),
    ],
)
def test_bad_input_is_one_line_and_status_2(options: tuple[str, ...], words: str, tmp_path: Path) -> None:
    """With the name of the flag."""
    result = run_mien("stress", "bundled", *options, cwd=tmp_path)
    assert (2, "", 1) == (result.status, result.out, result.err.count("\n"))
    assert words in result.err


def test_heads_answer_by_their_labels(trained_heads: Path) -> None:
    """Votes give the labels, and the head that learnt them answers; an unknown head is told."""
    voted = ("--labels", "ferplus", "--votes", "fer2013new.csv")
    some = ("stress", "run", "--only", "dark", "--severity", "1")
    result = run_mien(*some, *voted, "--save", "kept", cwd=trained_heads)
    assert 0 == result.status, result.err
    assert "labels ferplus" in result.out
    assert "ferplus" == read_robustness(trained_heads / "kept").labelled_by
    result = run_mien(*some, "--head", "nobody", cwd=trained_heads)
    assert (2, 1) == (result.status, result.err.count("\n"))
    assert "expected a network with a head nobody" in result.err

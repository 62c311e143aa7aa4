"""What was skipped is told: by markers, one test at a time, in one line."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from conftest import ROOT
from needs import NEEDS, find_need, tell_skipped

FILES = sorted((ROOT / "tests").rglob("test_*.py"))


def test_the_line_counts_by_what_was_missing_and_says_what_to_install() -> None:
    """In the order of the markers; what had another reason comes last."""
    expected = (
        "skipped: 2 for want of chromium (apt-get install chromium chromium-driver); "
        "1 for want of ray (pip install 'mien[ray]'); 1 for other reasons"
    )
    assert expected == tell_skipped(["ray", "browser", None, "browser"])
    assert "skipped: 1 for other reasons" == tell_skipped([None])


@pytest.mark.parametrize("name", ["browser", "real_data"])
def test_the_marker_of_a_report_is_what_it_needed(name: str) -> None:
    """Whatever the reason says."""
    place = ("tests/test_x.py", 1, "test_x")
    report = pytest.TestReport(place[0], place, {"test_x": 1, name: 1}, "skipped", None, "setup")
    assert name == find_need(report)
    assert find_need(pytest.TestReport(place[0], place, {"test_x": 1}, "skipped", None, "setup")) is None


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT / "tests")))
def test_no_file_of_tests_is_skipped_as_a_whole(path: Path) -> None:
    """Its tests would not be counted: a marker skips each of them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node for statement in tree.body for node in ast.walk(statement) if isinstance(node, ast.Call)]
    inside = {
        node
        for statement in tree.body
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        for node in ast.walk(statement)
    }
    outside = [ast.unparse(call.func) for call in calls if call not in inside]
    assert not {"pytest.skip", "pytest.importorskip"} & set(outside)


def test_every_marker_is_used() -> None:
    """One that no test has is not needed."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
    assert [] == [name for name in NEEDS if f"pytest.mark.{name}" not in text]

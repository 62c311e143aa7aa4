"""`mien data` on bad input: exit status 2 and one line that says where, what was expected and what was found."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.bad_input import CASES, PAGE, Case, is_root, run_case, write_page

from conftest import ROOT, run_mien


def named(case: Case) -> str:
    """Return what pytest calls the case."""
    return case.about


@pytest.mark.parametrize("case", CASES, ids=named)
def test_bad_input_ends_in_one_line_with_the_place_the_expected_and_the_found(case: Case, tmp_path: Path) -> None:
    """Exit status 2, one line on standard error, nothing else: no traceback, no half of a table."""
    if case.needs_user and is_root():
        pytest.skip("root may read everything")
    ending = run_case(case, tmp_path)
    assert (2, "", 1) == (ending.status, ending.out, ending.err.count("\n"))
    for part in case.says:
        assert part in ending.err


@pytest.mark.parametrize("case", [case for case in CASES if case.left_out is not None], ids=named)
def test_skip_bad_goes_on_without_the_bad_ones_and_says_how_many(case: Case, tmp_path: Path) -> None:
    """Exit status 0, and the number of inputs that were left out."""
    ending = run_case(case, tmp_path, "--skip-bad")
    assert (0, "") == (ending.status or 0, ending.err)
    assert f"Left out as bad: {case.left_out}\n" in ending.out


@pytest.mark.parametrize("case", CASES[::12], ids=named)
def test_a_process_of_its_own_ends_alike(case: Case, tmp_path: Path) -> None:
    """The real command, started as a user starts it, has exit status 2 and one line, too."""
    case.make(tmp_path)
    result = run_mien("data", tmp_path / case.path, *case.options)
    assert (2, "", 1) == (result.status, result.out, result.err.count("\n"))


def test_the_committed_page_is_what_the_cases_say() -> None:
    """docs/bad-input.md is made by running every case; root cannot check the line of a closed file."""
    closed = [f"| {case.about} |" for case in CASES if case.needs_user and is_root()]
    committed = (ROOT / "docs" / PAGE.name).read_text(encoding="utf-8").splitlines()
    assert [line for line in committed if not line.startswith(tuple(closed))] == list(write_page())

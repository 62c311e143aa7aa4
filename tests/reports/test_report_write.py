"""Where a report is written, and in which form."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.errors import ConfigError
from mien.reports.write import choose_format, refuse_overwriting


@pytest.mark.parametrize(
    ("out", "asked", "expected"),
    [
        (None, None, "html"),
        (None, "md", "md"),
        ("a.HTML", None, "html"),
        ("a.md", None, "md"),
        ("a.json", "json", "json"),
        ("a.txt", "md", "md"),
    ],
)
def test_the_format_follows_from_the_ending_or_the_option(out: str | None, asked: str | None, expected: str) -> None:
    """Where both speak, they agree."""
    assert expected == choose_format(None if out is None else Path(out), asked)


@pytest.mark.parametrize(
    ("out", "asked", "expected"),
    [
        ("a.html", "md", "the ending says html, `format` says md"),
        ("a.txt", None, "expected a name that ends in .html, .md or .json"),
        (None, "pdf", "`format` pdf: expected one of html, md, json"),
    ],
)
def test_a_format_that_cannot_be_is_refused(out: str | None, asked: str | None, expected: str) -> None:
    """With what to write instead."""
    with pytest.raises(ConfigError, match=expected):
        choose_format(None if out is None else Path(out), asked)


def test_only_a_report_is_overwritten(tmp_path: Path) -> None:
    """A user's notes are not, and neither are the files of the run."""
    notes, earlier, empty = (tmp_path / name for name in ("notes.md", "earlier.html", "empty.json"))
    notes.write_text("# My notes")
    earlier.write_text('<meta name="generator" content="mien report">')
    empty.touch()
    with pytest.raises(ConfigError, match=r"notes.md: is there and is not a report"):
        refuse_overwriting(notes)
    with pytest.raises(ConfigError, match="expected a file, found a folder"):
        refuse_overwriting(tmp_path)
    for target in (earlier, empty, tmp_path / "new.html"):
        refuse_overwriting(target)
    assert "# My notes" == notes.read_text()

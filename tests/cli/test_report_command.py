"""`mien report` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import run_mien
from mien.cli.report import report
from mien.errors import ConfigError, MienError
from mien.reports.write import choose_format, refuse_overwriting
from reported import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run with known answers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_CACHE", str(tmp_path_factory.mktemp("cache")))
        return make_run(tmp_path_factory.mktemp("made"))


def test_a_report_is_written_where_and_how_it_is_asked_for(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every file is named; without a name, the page lies in the run's folder."""
    report(run, None, None, "en")
    report(run, tmp_path / "new" / "told.md", None, "zh-TW")
    report(run, tmp_path / "told.txt", "json", "en")
    files = (
        run / "report.html",
        tmp_path / "new" / "told.md",
        tmp_path / "new" / "told-pictures",
        tmp_path / "told.txt",
    )
    assert [str(path) for path in files] == capsys.readouterr().out.split()
    assert files[0].read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert "混淆情形" in files[1].read_text(encoding="utf-8")
    assert (files[2] / "learning.svg").exists()
    assert 5 == json.loads(files[3].read_text(encoding="utf-8"))["pairs"][0]["count"]


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


@pytest.mark.parametrize(
    ("name", "out", "language", "expected"),
    [
        ("nowhere", None, "en", "nowhere: expected the folder of a run, found nothing"),
        (".", None, "en", "expected a run folder with model.safetensors, found none"),
        (".", None, "fr", "`lang` fr: expected one of en, zh-TW"),
        (".", "a.pdf", "en", "`out` .*a.pdf: expected a name that ends in .html, .md or .json"),
    ],
)
def test_bad_input_is_told_in_one_line(
    tmp_path: Path, name: str, out: str | None, language: str, expected: str
) -> None:
    """And nothing is written."""
    with pytest.raises(MienError, match=expected) as error:
        report(tmp_path / name, None if out is None else tmp_path / out, None, language)
    assert "\n" not in str(error.value)
    assert [] == list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_to_is_told_before_the_work(tmp_path: Path) -> None:
    """Here, a file stands where the folder should be; a user meets one line and status 2."""
    (tmp_path / "file").touch()
    told = run_mien("report", tmp_path, "-o", tmp_path / "file" / "report.html")
    assert (2, "") == (told.status, told.out)
    assert "file, which is none" in told.err
    assert 1 == len(told.err.strip().splitlines())

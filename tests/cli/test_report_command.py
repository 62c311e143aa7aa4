"""`mien report` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import run_mien
from mien.cli.report import report
from mien.errors import MienError
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

"""`mien cache`, as a user meets it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from benchmarks.bad_files import write_table

from conftest import run_mien
from mien.data import load
from mien.data.cache_entries import list_entries


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a cache that keeps three tables, the third of which is gone, the second not used for ten days."""
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    for name in ("first", "second", "third"):
        (tmp_path / f"{name}.csv").write_text(write_table())
        load(tmp_path / f"{name}.csv")
    (tmp_path / "third.csv").unlink()
    for entry in list_entries(tmp_path / "cache"):
        moment = time.time() - (10 * 86_400 if "second" in entry.sources[0] else 60)
        os.utime(entry.path, (moment, moment))
    return tmp_path / "cache"


def names(cache: Path) -> list[str]:
    """Return what the cache keeps."""
    return sorted(Path(entry.sources[0]).stem for entry in list_entries(cache))


def test_it_shows_where_and_what_the_cache_is(cache: Path) -> None:
    """Each entry with its size, its last use and its data; how many, how large, and the limit."""
    done = run_mien("cache", cwd=cache.parent)
    assert (0, "") == (done.status, done.err)
    lines = done.out.splitlines()
    assert f"cache: {cache}" == lines[0]
    assert lines[-1].startswith("3 entries, ")
    assert lines[-1].endswith(" kB of at most 4.0 GB (MIEN_CACHE_LIMIT)")
    assert all(f"21 faces of 48×48 pixels of {cache.parent}/{name}.csv" in done.out for name in ("first", "second"))
    assert 3 == sum("last used 20" in line for line in lines)
    assert ["first", "second", "third"] == names(cache)


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (("prune",), ["first", "second"]),
        (("prune", "--older-than", "5"), ["first"]),
        (("prune", "--limit", "60kB"), ["first"]),
        (("prune", "--limit", "0"), []),
        (("prune", "--limit", "0", "--dry-run"), ["first", "second", "third"]),
        (("clear", "--dry-run"), ["first", "second", "third"]),
        (("clear",), []),
    ],
)
def test_it_removes_what_it_was_asked_to(cache: Path, arguments: tuple[str, ...], left: list[str]) -> None:
    """What was made of data that is gone always; then what is old, or beyond the limit; and it says what."""
    done = run_mien("cache", *arguments, cwd=cache.parent)
    assert (0, "") == (done.status, done.err)
    assert left == names(cache)
    word = "would be removed" if "--dry-run" in arguments else "removed"
    assert f" {word}, " in done.out.splitlines()[-1]
    assert "third.csv" in done.out


def test_an_empty_cache_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is one that is not there, which is not made by looking at it."""
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "none"))
    for action in ("show", "prune", "clear"):
        done = run_mien("cache", action, cwd=tmp_path)
        assert (0, "") == (done.status, done.err)
        assert "0 entries" in done.out
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("arguments", "limit", "expected"),
    [
        (("purge",), "", "cache purge: expected show, prune or clear"),
        (("clera",), "", "did you mean clear?"),
        (("show", "--limit", "1GB"), "", "cache show: expected --limit and --older-than with prune alone"),
        (("clear", "--older-than", "3"), "", "cache clear: expected --limit and --older-than with prune alone"),
        (("--dry-run",), "", "cache show: expected --dry-run with prune or clear alone"),
        (("prune", "--limit", "lots"), "", "--limit lots: expected a size such as 500MB or 4GB"),
        ((), "lots", "MIEN_CACHE_LIMIT lots: expected a size such as 500MB or 4GB"),
    ],
)
def test_bad_input_ends_in_one_line(
    arguments: tuple[str, ...], limit: str, expected: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit status 2, and nothing is removed."""
    monkeypatch.setenv("MIEN_CACHE_LIMIT", limit)
    done = run_mien("cache", *arguments, cwd=cache.parent)
    assert 2 == done.status
    assert expected in done.err
    assert 1 == len(done.err.splitlines())
    assert ["first", "second", "third"] == names(cache)

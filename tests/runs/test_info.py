"""run.json: what is written is what is read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mien.errors import RunError
from mien.recipes.named import QUICK
from mien.runs.info import Ending, RunInfo, read_info, require_info

INFO = RunInfo(
    recipe=QUICK,
    source="synthetic",
    expressions=("sad", "happy"),
    outcome=Ending(stopped="done", best_epoch=2, epochs=3, seconds=1.5, finished="2030-01-02T03:04:05Z"),
    warnings=("few faces",),
    faces={"train": 3},
    fingerprints={"train": "0a", "valid": "none"},
    versions={"mien": "1.2.3"},
    log=("csv",),
    rest={"averaged": ["one", "two"]},
)


@pytest.mark.parametrize("info", [INFO, replace(INFO, outcome=None, rest={}, fingerprints={})])
def test_a_run_is_read_as_it_was_written(tmp_path: Path, info: RunInfo) -> None:
    """Written twice, the file stays the same; what this version does not know stays, too."""
    info.write(tmp_path)
    first = (tmp_path / "run.json").read_text()
    found = require_info(tmp_path)
    found.write(tmp_path)
    assert (info, first) == (found, (tmp_path / "run.json").read_text())


def test_a_file_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    """What it lacks has the value that held then."""
    facts = {"recipe": QUICK.to_dict(), "source": "x", "expressions": ["sad"], "outcome": None}
    (tmp_path / "run.json").write_text(json.dumps(facts))
    assert RunInfo(recipe=QUICK, source="x", expressions=("sad",)) == read_info(tmp_path)


def test_a_folder_without_a_run_has_none(tmp_path: Path) -> None:
    """Whoever needs one is told so."""
    assert read_info(tmp_path) is None
    with pytest.raises(RunError, match=r"expected a run folder with run\.json, found none"):
        require_info(tmp_path)


@pytest.mark.parametrize("change", [{"expressions": "sad"}, {"faces": []}, {"outcome": 1}, {"recipe": {}}, {"log": 1}])
def test_a_file_of_the_wrong_types_is_one_clear_line(tmp_path: Path, change: dict[str, object]) -> None:
    """Before anything is done with it."""
    facts = {"recipe": QUICK.to_dict(), "source": "x", "expressions": ["sad"], "outcome": None}
    (tmp_path / "run.json").write_text(json.dumps({**facts, **change}))
    with pytest.raises(RunError, match=r"run\.json: expected the facts of a run, found a damaged file"):
        read_info(tmp_path)

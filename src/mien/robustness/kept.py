"""A `Robustness` in files: robustness.json (all of it), robustness.csv (a row a condition), robustness.svg and .png."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from mien.errors import RunError
from mien.evaluation.metrics import Interval
from mien.files import make_folder, write_rows, write_text
from mien.robustness.corruptions import CORRUPTIONS, SEVERITIES
from mien.robustness.result import Condition, Robustness, describe_condition

FORMAT = 1
FIGURES, TABLE, PICTURES = "robustness.json", "robustness.csv", ("robustness.svg", "robustness.png")
FOLDER = "robustness"
"""Where in its folder a run keeps what was measured on valid of its own data."""

NESTED = ("clean", "conditions", "interval")
"""Facts that are written in a form of their own."""


def write_robustness(robustness: Robustness, folder: Path) -> list[Path]:
    """Write the files into `folder`, which is made where missing, and return their paths.

    Raises:
        MienError: a file cannot be written; what stood there before stays.
    """
    make_folder(folder)
    records = robustness.list_records()
    write_rows(folder / TABLE, (records[0], *(_write_values(record) for record in records)))
    for name in PICTURES:
        robustness.plot(folder / name)
    # Last: whoever finds it, finds the others, too.
    write_text(folder / FIGURES, json.dumps(describe_robustness(robustness), indent=2, ensure_ascii=False) + "\n")
    return [folder / name for name in (FIGURES, TABLE, *PICTURES)]


def describe_robustness(robustness: Robustness) -> dict[str, Any]:
    """Return what robustness.json holds, as plain values."""
    facts = {entry.name: getattr(robustness, entry.name) for entry in fields(robustness) if entry.name not in NESTED}
    return {
        "format": FORMAT,
        **facts,
        "accuracy": robustness.accuracy,
        "ece": robustness.ece,
        "interval": {"low": robustness.interval.low, "high": robustness.interval.high},
        "clean": describe_condition(robustness.clean),
        "conditions": [describe_condition(one) for one in robustness.conditions],
    }


def read_robustness(folder: Path) -> Robustness:
    """Return what `write_robustness` wrote into `folder`.

    Raises:
        RunError: the file is missing, damaged or of another version.
    """
    path = folder / FIGURES
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror or error}): `mien stress RUN` writes it") from None
    except ValueError as error:
        raise RunError(f"{path}: expected JSON, found a damaged file ({error})") from None
    if not isinstance(held, dict) or held.get("format") != FORMAT:
        raise RunError(f"{path}: expected figures of format {FORMAT}: run `mien stress` again")
    try:
        names = {entry.name for entry in fields(Robustness)} - {*NESTED, "expressions", "views"}
        return Robustness(
            **{name: held[name] for name in names},
            expressions=tuple(held["expressions"]),
            views=tuple(held.get("views", ("plain",))),  # which older files lack
            interval=Interval(**held["interval"]),
            clean=_read_condition(held["clean"]),
            conditions=tuple(_read_condition(one) for one in held["conditions"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{path}: expected every figure, found a damaged file ({error!r})") from None


def _read_condition(held: dict[str, Any]) -> Condition:
    rest = {name: value for name, value in held.items() if name not in ("low", "high")}
    return Condition(**rest, interval=Interval(low=held["low"], high=held["high"]))


def _write_values(record: dict[str, Any]) -> list[Any]:
    return ["" if value is None else value for value in record.values()]


def choose_folder(found: Robustness, home: Path | None, *, is_own: bool, head: str | None = None) -> Path | None:
    """Return where in a run's folder the files go; None where nothing is written that was not asked for.

    What lacks some corruption or severity would take the place of the whole, and a network in a file has no folder.
    """
    if home is None or len(found) < len(CORRUPTIONS) * len(SEVERITIES):
        return None
    parts = [FOLDER, *([] if found.split == "valid" and is_own else [found.split])]
    parts += [] if is_own else [Path(found.source).stem]
    parts += [] if head is None else [f"head-{head}"]
    parts += [] if found.views == ("plain",) else [f"views-{'-'.join(found.views)}"]
    parts += [] if found.labelled_by == "own" else [f"by-{found.labelled_by}"]
    return home / "-".join(parts)

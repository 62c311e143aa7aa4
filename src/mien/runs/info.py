"""`RunInfo`: what run.json says of a run. Read and written here alone, and checked when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from mien.errors import ConfigError, RunError
from mien.files import write_text
from mien.recipes.schema import Recipe, read_recipe

NAME = "run.json"
SPLITS = ("train", "valid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How training ended.

    Attributes:
        stopped: why, in words.
        best_epoch: the epoch whose weights are kept, from 1; 0 for an ensemble.
        epochs: how many were trained.
        seconds: of training.
        finished: when, in UTC.
    """

    stopped: str = ""
    best_epoch: int = 0
    epochs: int = 0
    seconds: float = 0.0
    finished: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """What is known of a run beside its weights.

    Attributes:
        recipe: every choice.
        source: the data, by its absolute path or a name such as "synthetic".
        expressions: class names.
        outcome: how training ended; None while it goes on.
        synthetic: whether the faces are drawn.
        labels: whose labels were learnt, as in `recipe.data`.
        warnings: what reading the data said.
        faces: split -> number of faces.
        fingerprints: "train" and "valid" -> digest of their faces; what earlier versions left out is missing.
        versions: package -> version.
        hardware: in words.
        processes: that trained together.
        started: when, in UTC.
        skip_bad: whether unreadable faces were left out.
        log: where its figures go, too: names of trackers.
        rest: what else the file says, such as the members of an ensemble.
    """

    recipe: Recipe
    source: str
    expressions: tuple[str, ...]
    outcome: Ending | None = None
    synthetic: bool = False
    labels: str = "own"
    warnings: tuple[str, ...] = ()
    faces: Mapping[str, int] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    hardware: str = ""
    processes: int = 1
    started: str = ""
    skip_bad: bool = False
    log: tuple[str, ...] = ()
    rest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def header(self) -> dict[str, Any]:
        """What the weights say of themselves, too."""
        return {
            "expressions": list(self.expressions),
            **{name: getattr(self, name) for name in ("source", "synthetic", "versions")},
        }

    def write(self, folder: Path) -> None:
        """Write run.json."""
        plain = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        plain |= {"recipe": self.recipe.to_dict(), "outcome": self.outcome and asdict(self.outcome)}
        prints = {f"{name}_fingerprint": digest for name, digest in plain.pop("fingerprints").items()}
        rest = plain.pop("rest")
        text = json.dumps({**plain, **prints, **rest}, indent=2, ensure_ascii=False)
        write_text(folder / NAME, text + "\n")


def read_info(folder: Path) -> RunInfo | None:
    """Return what the run.json of a run says; None where there is none.

    Raises:
        RunError: the file is damaged.
    """
    path = folder / NAME
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise RunError(f"{path}: expected JSON, found a damaged file ({error})") from None
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror or error})") from None
    problem = _find_problem(facts)
    try:
        if problem is None:
            return _build(facts)
    except (ConfigError, KeyError, TypeError, ValueError, AttributeError) as error:
        problem = str(error) or type(error).__name__
    raise RunError(f"{path}: expected the facts of a run, found a damaged file ({problem})")


def require_info(folder: Path) -> RunInfo:
    """Return what the run.json of a run says.

    Raises:
        RunError: there is no run, or its file is damaged.
    """
    info = read_info(folder)
    if info is None:
        raise RunError(f"{folder}: expected a run folder with {NAME}, found none")
    return info


_KINDS: dict[str, type | tuple[type, ...]] = {
    "recipe": dict,
    "source": str,
    "expressions": list,
    "outcome": (dict, type(None)),
}
"""What every run.json holds, whichever version wrote it."""

_LATER: dict[str, type] = {
    "synthetic": bool,
    "labels": str,
    "warnings": list,
    "faces": dict,
    "versions": dict,
    "hardware": str,
    "processes": int,
    "started": str,
    "skip_bad": bool,
    "log": list,
}
"""What some versions leave out."""


def _find_problem(facts: object) -> str | None:
    """Return what is wrong with the contents of run.json, or None."""
    if not isinstance(facts, dict):
        return f"{type(facts).__name__} instead of facts by name"
    missing = [name for name in _KINDS if name not in facts]
    if missing:
        return f"{', '.join(missing)} missing"
    kinds = {**_KINDS, **_LATER}
    wrong = [name for name, kind in kinds.items() if name in facts and not isinstance(facts[name], kind)]
    return f"{', '.join(wrong)} of the wrong type" if wrong else None


def _build(facts: dict[str, Any]) -> RunInfo:
    prints = {name: str(facts[f"{name}_fingerprint"]) for name in SPLITS if f"{name}_fingerprint" in facts}
    known = {name: facts[name] for name in (*_KINDS, *_LATER) if name in facts}
    taken = {*known, *(f"{name}_fingerprint" for name in SPLITS)}
    outcome = facts["outcome"]
    names = [entry.name for entry in fields(Ending)]
    known |= {
        "recipe": read_recipe(facts["recipe"]),
        "expressions": tuple(facts["expressions"]),
        "warnings": tuple(facts.get("warnings", ())),
        "log": tuple(facts.get("log", ())),
        "outcome": outcome and Ending(**{name: outcome[name] for name in names if name in outcome}),
    }
    rest = {name: value for name, value in facts.items() if name not in taken}
    return RunInfo(**known, fingerprints=prints, rest=rest)

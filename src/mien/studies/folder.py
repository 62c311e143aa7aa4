"""The folder of a study: which file is where.

study.json                    what is compared on which faces, and the results: all that is shown is derived from it
study.md                      the table in Markdown, and in words what each change brings
comparison.svg, .png          the same as a picture
runs/VARIANT/seed-0/          an ordinary run, with its evaluation
logs/VARIANT-seed-0.log       what its process printed
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.errors import RunError
from mien.files import lock_folder, write_text

FORMAT = 1


@dataclass(frozen=True, slots=True)
class StudyFolder:
    """The files of one study."""

    path: Path

    @property
    def facts(self) -> Path:
        """The file that everything else is derived from."""
        return self.path / "study.json"

    def run(self, variant: str, seed: int) -> Path:
        """The run folder of a variant and a seed."""
        return self.path / "runs" / _spell(variant) / f"seed-{seed}"

    def log(self, variant: str, seed: int) -> Path:
        """What the process of that run printed."""
        return self.path / "logs" / f"{_spell(variant)}-seed-{seed}.log"

    def exists(self) -> bool:
        """Tell whether a study was started here."""
        return self.facts.exists()

    def write(self, facts: dict[str, Any]) -> None:
        """Write study.json."""
        text = json.dumps({"format": FORMAT, **facts}, indent=2, ensure_ascii=False)
        write_text(self.facts, text + "\n")

    def read(self) -> dict[str, Any]:
        """Return what study.json holds.

        Raises:
            RunError: there is no study, or its file is damaged or of another version.
        """
        try:
            facts: dict[str, Any] = json.loads(self.facts.read_text(encoding="utf-8"))
            found = facts.pop("format")
        except OSError:
            raise RunError(f"{self.path}: expected the folder of a study with study.json, found none") from None
        except (ValueError, KeyError, AttributeError) as error:
            raise RunError(f"{self.facts}: expected a study, found a damaged file ({error})") from None
        if found != FORMAT:
            raise RunError(f"{self.facts}: expected format {FORMAT}, found {found}: use that version, or start anew")
        return facts

    @contextmanager
    def lock(self) -> Iterator[int | None]:
        """Keep a second `mien compare` out of the folder; yield the open file, for processes that inherit the lock.

        Where the system has no such locks, nothing is held.

        Raises:
            RunError: another process is at work here.
            MienError: the folder cannot be made.
        """
        with lock_folder(self.path, "another mien compare is at work here, or still saving") as lock:
            yield lock


def find_study(run: Path) -> StudyFolder | None:
    """Return the study that a run folder belongs to, or None."""
    parents = run.resolve().parents
    study = StudyFolder(parents[2]) if len(parents) > 2 and parents[1].name == "runs" else None
    return study if study is not None and study.exists() else None


def _spell(variant: str) -> str:
    """Return a name that every file system takes."""
    return re.sub(r"[^\w.=,+-]+", "_", variant.replace(" ", ""))

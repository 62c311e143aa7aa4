"""`Job`: one run of a study that is to be trained and measured. Light, so that its process starts at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mien.recipes.schema import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run to train and measure.

    Attributes:
        name: of variant and seed, for people.
        run: its folder.
        log: what its process prints goes here.
        recipe: with its seed.
        data: labelled faces, as the plan names them.
        split: the faces to measure on.
        training: whether there is nothing yet, a checkpoint to go on from, or nothing left to train.
        is_measured: whether its evaluation is there.
        skip_bad: leave out unreadable faces.
        device: to train and measure on.
    """

    name: str
    run: Path
    log: Path
    recipe: Recipe
    data: str
    split: str
    training: Literal["new", "begun", "done"]
    is_measured: bool
    skip_bad: bool = False
    device: str = "auto"

    @property
    def epochs(self) -> int:
        """How many it is trained for at most."""
        return self.recipe.train.epochs

    @property
    def is_done(self) -> bool:
        """True where nothing is left to do."""
        return self.training == "done" and self.is_measured

    def count_epochs(self) -> int:
        """Return the epochs that are done, read from the run's history."""
        try:
            return (self.run / "history.jsonl").read_bytes().count(b"\n")
        except OSError:
            return 0

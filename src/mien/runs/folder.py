"""The folder of a run: which file is where, and how each is written.

faces.npy                      which faces it trains on and holds out (`mien.runs.seen`)
run.json                       recipe, expressions, data, versions, hardware, how training ended
history.jsonl                  one line an epoch
curves.svg, curves.png         the history as a picture
targets.npy                    what train learns instead of its labels, where teachers have softened them
model.safetensors              the weights to use; describes itself, enough to recognise with
checkpoints/last.safetensors   everything that going on takes; previous.safetensors is the one before
epochs/0007.safetensors        the weights after an epoch, like model.safetensors; the newest `train.keep_last` of them
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from mien.errors import RunError
from mien.faces import Targets
from mien.files import lock_folder, make_folder, remove_leftovers, write_aside, write_text
from mien.runs.info import RunInfo, require_info
from mien.runs.run import WEIGHTS, Facts, load_tensors, save_tensors

Record = dict[str, float]
"""One line of a run's history: numbers of one epoch by name."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The files of one run."""

    path: Path

    @property
    def last(self) -> Path:
        """The newest checkpoint."""
        return self.path / "checkpoints" / "last.safetensors"

    @property
    def previous(self) -> Path:
        """The checkpoint before the newest."""
        return self.path / "checkpoints" / "previous.safetensors"

    @property
    def weights(self) -> Path:
        """The weights to use."""
        return self.path / WEIGHTS

    @property
    def targets(self) -> Path:
        """Targets that teachers have softened."""
        return self.path / "targets.npy"

    def snapshots(self) -> list[Path]:
        """Return the weights of single epochs that are kept, oldest first."""
        return sorted((self.path / "epochs").glob("*.safetensors"))

    def save_snapshot(self, tensors: Mapping[str, Tensor], facts: Facts, *, keep: int) -> None:
        """Write the weights of the epoch that `facts` names, and remove all but the newest `keep`."""
        make_folder(self.path / "epochs")
        save_tensors(self.path / "epochs" / f"{facts['epoch']:04d}.safetensors", tensors, facts)
        for old in self.snapshots()[:-keep]:
            old.unlink()

    def create(self) -> None:
        """Make the folder; one whose run was stopped before it saved anything serves again.

        Raises:
            RunError: a run is there already; nothing is overwritten.
        """
        self.refuse_overwriting()
        make_folder(self.path / "checkpoints")

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep a second training out of the folder.

        Raises:
            RunError: another process trains here.
        """
        with lock_folder(self.path, "another mien train is at work here: wait for it, or give another `out`"):
            yield

    def tidy(self) -> None:
        """Remove what killed trainings left half-written: each file may be as large as a checkpoint."""
        for folder in (self.path, self.last.parent, self.path / "epochs"):
            remove_leftovers(folder)

    def refuse_overwriting(self) -> None:
        """Raise RunError if a run is here already."""
        if self.last.exists() or self.weights.exists():
            resume = f"go on with `mien train --resume {self.path}`, or " if self.last.exists() else ""
            advice = f"{resume}give another `out`"
            raise RunError(f"{self.path}: a run is here already: {advice}")

    def write_info(self, info: RunInfo) -> None:
        """Write run.json."""
        info.write(self.path)

    def read_info(self) -> RunInfo:
        """Return what run.json says.

        Raises:
            RunError: there is no run, or its file is damaged.
        """
        return require_info(self.path)

    def write_targets(self, targets: Targets) -> None:
        """Write targets.npy: going on then takes no teacher."""
        with write_aside(self.targets) as aside, aside.open("wb") as file:
            np.save(file, targets)

    def read_targets(self) -> Targets:
        """Return what targets.npy holds.

        Raises:
            RunError: the file is missing or damaged.
        """
        try:
            targets: Targets = np.load(self.targets)
        except FileNotFoundError:
            raise RunError(f"{self.targets}: expected what teachers made of the labels, found none") from None
        except (OSError, ValueError, EOFError) as error:
            raise RunError(f"{self.targets}: expected targets of train, found a damaged file ({error})") from None
        return targets

    def write_history(self, history: Sequence[Record]) -> None:
        """Write history.jsonl, every epoch anew: it can never disagree with the checkpoint."""
        write_text(self.path / "history.jsonl", "".join(json.dumps(record) + "\n" for record in history))

    def save_last(self, tensors: Mapping[str, Tensor], facts: Facts) -> None:
        """Write the newest checkpoint; the one that was newest becomes `previous`."""
        if self.last.exists():
            with write_aside(self.previous) as aside:
                try:
                    aside.hardlink_to(self.last)
                except OSError:  # a file system without hard links (exFAT, many network mounts): twice the writing
                    shutil.copyfile(self.last, aside)
        save_tensors(self.last, tensors, facts)

    def load_last(self) -> tuple[dict[str, Tensor], Facts, str | None]:
        """Return tensors, facts and, if the newest checkpoint is damaged and the previous one was taken, a warning.

        Raises:
            RunError: there is no checkpoint, or no sound one.
        """
        if not self.last.exists():
            raise RunError(f"{self.path}: stopped before its first checkpoint: start it again with `out` {self.path}")
        try:
            return *load_tensors(self.last), None
        except RunError as error:
            if not self.previous.exists():
                raise
            tensors, facts = load_tensors(self.previous)
            return tensors, facts, f"{error}; going on from {self.previous.name} (epoch {facts['epoch']})"

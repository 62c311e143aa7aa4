"""The leaderboard file. In: faces without labels and what a run answers. Out: a CSV file `id,label`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import torch

from mien.data.loading import load
from mien.errors import ConfigError, DataError, MienError
from mien.evaluation.compare_rules import choose_rule_for
from mien.evaluation.known import Known, know_splits
from mien.evaluation.predict import calibrate_run, pick_device, predict_probabilities
from mien.evaluation.rules import Rule, Wish, decide, parse_decision
from mien.faces import Faces, Splits
from mien.files import make_folder, write_rows
from mien.models.views import parse_views
from mien.runs.run import Run, load_run
from mien.runs.temperatures import scale_probabilities

HEADER = ("id", "label")


def choose_faces(splits: Splits) -> tuple[str, Faces]:
    """Return the split to answer for, and its name: the unlabelled faces, or test where all have labels.

    Raises:
        DataError: the data has neither.
    """
    for name in ("unlabelled", "test"):
        if name in splits.named():
            return name, splits.named()[name]
    found = ", ".join(splits.named()) or "nothing"
    raise DataError(splits.source, f"expected faces without labels, or a test split, found {found}")


def refuse_overwriting(path: Path, *, force: bool) -> None:
    """Raise MienError if there is a file at `path`, unless `force`."""
    if path.is_dir():
        raise MienError(f"{path}: expected the name of a file, found a folder")
    if path.exists() and not force:
        raise MienError(f"{path}: exists already: give `force` to overwrite it, or another `out`")


def write_submission(path: Path, ids: Iterable[str], labels: Iterable[object], *, force: bool = False) -> None:
    """Write one line a face, `id,label`, in the order given.

    Args:
        path: of the CSV file.
        ids: as the data names its faces.
        labels: class indices, or names.
        force: whether a file that is there may be replaced.

    Raises:
        MienError: there is a file already, or it cannot be written.
    """
    refuse_overwriting(path, force=force)
    make_folder(path.parent)
    write_rows(path, chain([HEADER], zip(ids, labels, strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A leaderboard file that was written.

    Attributes:
        path: of the file.
        faces: how many were recognised.
        split: of the data that they come from.
        run: that recognised them.
        known: the data that the run was trained on, where the rule was chosen on it.
    """

    path: Path
    faces: int
    split: str
    run: Run
    known: Known | None


def submit(
    run: Path,
    data: str,
    out: Path,
    *,
    overwrite: bool = False,
    names: bool = False,
    views: str = "plain",
    decision: str = "argmax",
    trained_on: str | None = None,
    device: str = "auto",
) -> Submission:
    """Recognise faces without labels and write a line `id,label` for each.

    Args:
        run: folder of a run.
        data: the faces.
        out: the file.
        overwrite: replace a file that is there.
        names: write names of expressions instead of their numbers.
        views: how each face is shown.
        decision: how probabilities become a label.
        trained_on: what the run was trained on, where it has moved.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        ConfigError: a rule that leaves faces without a label; no such view or device.
        DataError: the data cannot be read, or has no faces to answer for.
        MienError: the file is there.
    """
    refuse_overwriting(out, force=overwrite)
    wish = parse_decision(decision)
    if wish.kind == "abstain":
        raise ConfigError(f"`decision` {decision}: a submission needs a label for every face")
    shown, target, loaded = parse_views(views), pick_device(device), load_run(run)
    split, faces = choose_faces(load(data, size=loaded.size))
    loaded, rule, known = _choose_rule(loaded, wish, trained_on, shown, target)
    raw = predict_probabilities(loaded.network, faces.images, device=target, views=shown)
    predicted = decide(scale_probabilities(raw, loaded.temperature(shown)), rule)
    labels = (loaded.expressions[label] if names else label for label in predicted)
    write_submission(out, faces.ids, labels, force=overwrite)
    return Submission(path=out, faces=len(faces), split=split, run=loaded, known=known)


def _choose_rule(
    run: Run, wish: Wish, data: str | None, views: tuple[str, ...], device: torch.device
) -> tuple[Run, Rule, Known | None]:
    """Return the run and the rule that decides; where that is chosen on valid, the run is calibrated there."""
    known = None
    if data is not None and not wish.needs_data:
        raise ConfigError("`data`: expected beside a `decision` that is chosen on the run's own faces: leave it out")
    if wish.needs_data:
        known = know_splits(run, source=data)
        known.require("train", *(["valid"] if wish.needs_valid else []))
        if known.splits.valid is not None:
            run = calibrate_run(run, known.splits.valid, views=views, device=device)
    splits = None if known is None else known.splits
    return run, choose_rule_for(run, wish, splits, views=views, device=device), known

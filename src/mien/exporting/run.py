"""From a run to a checked file. In: a `Run` and the data it was trained on. Out: an `Export`, and the file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mien.data.images import resize_faces
from mien.errors import MienError
from mien.evaluation.predict import match_labels
from mien.exporting.check import check_difference, compare_with_torch, gather_faces, list_answers, run_model, spread
from mien.exporting.graph import build_model
from mien.exporting.quantise import quantise
from mien.faces import Splits
from mien.files import write_aside
from mien.runs.run import Run, load_run

CALIBRATION_FACES = 512
"""Faces whose activations set the ranges of 8-bit numbers; ranges settle long before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A model, and what was measured of it.

    Attributes:
        model: an `onnx.ModelProto`.
        difference: largest difference of a probability from torch's, before 8 bits.
        faces: so many were looked at for it.
        accuracies: on valid, as float32 and in 8 bits; None where 8 bits were not asked for.
        measured: faces of valid that the accuracies come from.
    """

    model: Any
    difference: float
    faces: int
    accuracies: tuple[float, float] | None = None
    measured: int = 0


def export_run(
    run: Run,
    splits: Splits | None,
    *,
    views: tuple[str, ...] = ("plain",),
    int8: bool = False,
    head_alone: bool = False,
) -> Export:
    """Return `run` as a checked model.

    Args:
        run: the trained network, calibrated where it can be.
        splits: the data it was trained on; None: unknown, and drawn faces serve for the check.
        views: see `build_model`.
        int8: compute with 8-bit numbers; takes faces of train and valid.
        head_alone: of a run with heads, export the one that `run` looks at instead of all; `splits` have its labels.

    Raises:
        MissingExtraError: see `build_model`.
        MienError: the model differs from torch by more than `TOLERANCE`, or `int8` lacks faces.
    """
    if int8:
        check_faces(run, splits)
    model = build_model(run, views=views, head_alone=head_alone)
    faces = gather_faces(splits, run.network.size)
    difference = compare_with_torch(model, run, faces, views=views)
    check_difference(difference)
    made = Export(model=model, difference=difference, faces=len(faces))
    return made if splits is None or not int8 else shrink_export(made, run, splits)


def check_faces(run: Run, splits: Splits | None) -> None:
    """Refuse 8 bits where there are no faces to take ranges from and to measure on.

    Raises:
        MienError: train or valid is missing.
    """
    if splits is None or splits.train is None or splits.valid is None:
        raise MienError(f"{run.path}: `int8` needs the faces that the run was trained on, train and valid: found none")


def shrink_export(made: Export, run: Run, splits: Splits) -> Export:
    """Return the export in 8 bits: ranges from faces of train, accuracies on valid as float32 and in 8 bits."""
    assert splits.train is not None
    assert splits.valid is not None
    size = run.network.size
    quantised = quantise(made.model, resize_faces(spread(splits.train.images, CALIBRATION_FACES), size))
    labels = match_labels(splits.valid.labels, splits, run.expressions)
    images = resize_faces(splits.valid.images, size)
    output = next(name for name, head in list_answers(made.model, run).items() if head.head_name == run.head_name)
    exact, rounded = (
        float((run_model(one, images, output=output).argmax(1) == labels).mean()) for one in (made.model, quantised)
    )
    return replace(made, model=quantised, accuracies=(exact, rounded), measured=len(labels))


def write_model(model: Any, path: Path) -> None:
    """Write a model to `path`: whole or not at all."""
    with write_aside(path) as aside:
        aside.write_bytes(model.SerializeToString())


def read_folder(folder: Path) -> bytes:
    """Return the run in `folder` as the bytes of an ONNX model: what recognition asks for through an entry point.

    Raises:
        RunError: it holds no finished run.
        MissingExtraError: a package is missing that exporting takes.
    """
    exported: bytes = export_run(load_run(folder), None).model.SerializeToString()
    return exported

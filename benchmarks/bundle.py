"""Make the weights that ship with mien from a finished run.

    python -m benchmarks.bundle runs/heads src/mien/weights [--views plain,mirror] [--mirrored 0.3]
        [--data fer2013.csv --votes fer2013new.csv --photographs FOLDER]

`mien.onnx` recognises, in 8 bits, with the views and the temperature inside; `model.safetensors` is for PyTorch, its
kernels in half precision. The data, and the runs that it started from or learnt from, are known by their names alone.
Of a run with heads both hold all of them. `--mirrored` is the part of valid, the least sure, that the head of its
own labels looks at in the mirror, too. With `--votes` `mien.onnx` learns what is no face (`benchmarks.readable`).
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from benchmarks.readable import teach
from mien.data.loading import load
from mien.data.votes import read_votes
from mien.evaluation.known import know_splits
from mien.evaluation.predict import calibrate_all
from mien.exporting import export_run, write_model
from mien.exporting.check import run_model
from mien.exporting.graph import describe
from mien.faces import Splits
from mien.files import make_folder
from mien.models.views import parse_views
from mien.recipes.heads import FIRST
from mien.recipes.schema import leave_out_folders, read_recipe
from mien.runs.run import WEIGHTS, load_run, load_tensors, save_tensors


def halve(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return `tensors` with kernels and matrices in half precision; norms and biases are small and stay as they are."""
    return {name: value.half() if value.ndim > 1 else value for name, value in tensors.items()}


def look_twice(model: Any, splits: Splits, mirrored: float) -> Any:
    """Return the model with the confidence, for the head of own labels, that a part `mirrored` of valid stays below."""
    assert splits.valid is not None
    sure = run_model(model, splits.valid.images, output=FIRST).max(axis=1)
    facts = {entry.key.removeprefix("mien."): json.loads(entry.value) for entry in model.metadata_props}
    facts["heads"][FIRST]["mirror_below"] = round(float(np.quantile(sure, mirrored)), 4)
    return describe(model, facts)


def bundle(source: Path, out: Path, views: tuple[str, ...], *, mirrored: float) -> None:
    """Write both files, the temperatures fitted on valid for the very weights that are written."""
    tensors, facts = load_tensors(source / WEIGHTS)
    trained = load_run(source)
    splits, every = know_splits(trained).splits, know_splits(trained.whole or trained).splits
    make_folder(out)
    recipe = leave_out_folders(read_recipe(facts["recipe"])).to_dict()
    save_tensors(out / WEIGHTS, halve(tensors), {**facts, "source": Path(facts["source"]).name, "recipe": recipe})
    run = load_run(out)
    assert every.valid is not None
    run = calibrate_all(run, every.valid, views=views)
    made = export_run(replace(run, source=facts["source"]), splits, views=views, int8=True)
    model = made.model
    if run.heads and mirrored:
        model = look_twice(model, splits, mirrored)
    write_model(model, out / "mien.onnx")
    shutil.rmtree(out / "cache", ignore_errors=True)
    print({name: round(value, 3) for name, value in run.temperatures.items()})
    print(f"temperature {run.temperature(views):.3f}, accuracies on valid (float32, 8 bits): {made.accuracies}")
    for path in sorted(out.iterdir()):
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--views", default="plain")
    parser.add_argument("--mirrored", type=float, default=0.3)
    parser.add_argument("--data", default="fer2013.csv")
    parser.add_argument("--votes", type=Path)
    parser.add_argument("--photographs", type=Path)
    options = parser.parse_args()
    bundle(options.source, options.out, parse_views(options.views), mirrored=options.mirrored)
    if options.votes:
        teach(options.out / "mien.onnx", load(options.data), read_votes(options.votes), options.photographs)

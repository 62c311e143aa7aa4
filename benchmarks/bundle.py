"""Make the weights that ship with mien from a finished run.

    python -m benchmarks.bundle runs/best src/mien/weights [--views plain,mirror]

`mien.onnx` recognises, in 8 bits, with the views and the temperature inside; `model.safetensors` is for PyTorch, its
kernels in half precision. The data, and the runs that it started from or learnt from, are known by their names alone.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from mien.evaluation.known import know_splits
from mien.evaluation.predict import calibrate_run
from mien.exporting import export_run, write_model
from mien.files import make_folder
from mien.models.views import parse_views
from mien.recipes.schema import leave_out_folders, read_recipe
from mien.runs.run import WEIGHTS, load_run, load_tensors, save_tensors


def halve(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return `tensors` with kernels and matrices in half precision; norms and biases are small and stay as they are."""
    return {name: value.half() if value.ndim > 1 else value for name, value in tensors.items()}


def bundle(source: Path, out: Path, views: tuple[str, ...]) -> None:
    """Write both files, the temperature fitted on valid for the very weights that are written."""
    tensors, facts = load_tensors(source / WEIGHTS)
    splits = know_splits(load_run(source)).splits
    make_folder(out)
    recipe = leave_out_folders(read_recipe(facts["recipe"])).to_dict()
    save_tensors(out / WEIGHTS, halve(tensors), {**facts, "source": Path(facts["source"]).name, "recipe": recipe})
    run = load_run(out)
    assert splits.valid is not None
    run = calibrate_run(run, splits.valid, views=views)
    made = export_run(replace(run, source=facts["source"]), splits, views=views, int8=True)
    write_model(made.model, out / "mien.onnx")
    shutil.rmtree(out / "cache", ignore_errors=True)
    print(f"temperature {run.temperature(views):.3f}, accuracies on valid (float32, 8 bits): {made.accuracies}")
    for path in sorted(out.iterdir()):
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--views", default="plain")
    options = parser.parse_args()
    bundle(options.source, options.out, parse_views(options.views))

"""Write anew, without training, what the files that ship with mien say of themselves: all that is fitted on valid.

    python -m benchmarks.beliefs src/mien/weights --data fer2013.csv

Weights and temperatures stay. `beliefs.json` and the metadata of `mien.onnx` get what this version of mien knows how to
fit (base rates, thresholds), and `model.safetensors` the faces of each expression in train.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from mien.data.prepare import prepare_splits
from mien.evaluation.predict import calibrate_all
from mien.exporting import write_model
from mien.exporting.graph import describe
from mien.exporting.heads import describe_beliefs, describe_heads
from mien.runs.run import WEIGHTS, Run, load_run, load_tensors, save_tensors


def refit(folder: Path, data: str) -> Run:
    """Fit on valid of `data`, and write the files of `folder`."""
    run = load_run(folder)
    splits = prepare_splits(data, (run.whole or run).recipe.data, seed=run.recipe.train.seed)
    assert splits.train is not None
    assert splits.valid is not None
    tensors, facts = load_tensors(folder / WEIGHTS)
    counts = np.bincount(splits.train.labels, minlength=len(run.expressions)).tolist()
    facts["train_counts"] = counts
    save_tensors(folder / WEIGHTS, tensors, facts)
    views = tuple(read_facts(onnx.load(folder / "mien.onnx"))["views"])
    (folder / "beliefs.json").unlink(missing_ok=True)
    return calibrate_all(replace(load_run(folder), beliefs={}), splits.valid, views=views)


def tell(folder: Path, run: Run) -> None:
    """Write what was fitted into the metadata of the model in `folder`."""
    model = onnx.load(folder / "mien.onnx")
    facts = read_facts(model)
    views = tuple(facts["views"])
    if "heads" in facts:
        fitted = describe_heads(run, views)
        facts["heads"] = {name: {**held, **fitted[name]} for name, held in facts["heads"].items()}
        first = next(head for head in facts["heads"].values() if head["output"] == model.graph.output[0].name)
        facts |= {name: value for name, value in first.items() if name in describe_beliefs(run, views)}
    else:
        facts |= describe_beliefs(run, views)
    write_model(describe(model, facts), folder / "mien.onnx")


def read_facts(model: Any) -> dict[str, Any]:
    """Return the metadata of a model."""
    return {entry.key.removeprefix("mien."): json.loads(entry.value) for entry in model.metadata_props}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", required=True)
    options = parser.parse_args()
    fitted = refit(options.folder, options.data)
    tell(options.folder, fitted)
    print({name: [round(rate, 3) for rate in one.rates] for name, one in fitted.beliefs.items()})

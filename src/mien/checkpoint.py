"""Checkpoints that describe themselves: tensors and, in the file's header, everything needed to use them.

In: tensors by name and facts as plain values. Out: one safetensors file (never pickle), written aside and renamed, with
a checksum. `load_run` makes a `Run` from a run folder or from a weights file alone.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mien.config import Recipe, read_recipe
from mien.errors import MienError, RunError
from mien.files import write_aside
from mien.models import Network, build_model

FORMAT = 1
WEIGHTS = "model.safetensors"
"""The file of a run folder that holds the weights to use, and all that using them takes."""

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A trained network and what is known of its training.

    Attributes:
        path: the run folder or the weights file that it came from.
        expressions: class names, in the order of the network's outputs.
        network: in evaluation mode, on the CPU.
        size: side in pixels of the faces that the network takes.
        source: the data it was trained on, as the user named it.
        synthetic: True if that data was drawn: every figure has to say so.
        epoch: the epoch, from 1, after which the weights were kept.
        details: the other facts in the file: versions, score, hardware, format.
    """

    path: Path
    recipe: Recipe
    expressions: tuple[str, ...]
    network: Network
    size: int
    source: str
    synthetic: bool
    epoch: int
    details: Facts


def save_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Facts) -> None:
    """Write `tensors` and `facts` to `path`: whole or not at all.

    Raises:
        MienError: the file cannot be written, for example because the disk is full.
    """
    held = {name: value.detach().to("cpu").contiguous() for name, value in tensors.items()}
    header = {"mien": json.dumps({**facts, "format": FORMAT, "checksum": _add_up(held)})}
    with write_aside(path) as aside:
        try:
            save_file(held, aside, metadata=header)
        except SafetensorError as error:
            raise OSError(str(error)) from error


def load_tensors(path: Path) -> tuple[dict[str, Tensor], Facts]:
    """Return what `save_tensors` wrote.

    Raises:
        RunError: no such file, not a checkpoint of mien, of another version, or corrupt.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        facts: Facts = json.loads(header["mien"])
    except FileNotFoundError:
        raise RunError(f"{path}: no such file: was the run stopped before its first checkpoint?") from None
    except (SafetensorError, OSError) as error:
        raise RunError(f"{path}: the checkpoint is corrupt or cannot be read ({error})") from None
    except (KeyError, ValueError):
        raise RunError(f"{path}: expected a checkpoint of mien, found a safetensors file without its facts") from None
    if facts.get("format") != FORMAT:
        raise RunError(
            f"{path}: expected format {FORMAT}, found {facts.get('format')}: train again or use that version"
        )
    if facts["checksum"] != _add_up(tensors):
        raise RunError(f"{path}: the checkpoint is corrupt: its contents do not match its checksum")
    return tensors, facts


def load_run(path: Path) -> Run:
    """Return the trained network of the run folder, or of the weights file, at `path`.

    Raises:
        RunError: there is no finished epoch, or the file is corrupt or of another version.
    """
    weights = path / WEIGHTS if path.is_dir() else path
    if not path.exists():
        raise RunError(f"{path}: no such run folder or weights file")
    if path.is_dir() and not weights.exists():
        raise RunError(f"{path}: expected a run folder with {WEIGHTS}, found none: no epoch was finished here")
    tensors, facts = load_tensors(weights)
    try:
        recipe = read_recipe(facts["recipe"])
        expressions = tuple(facts["expressions"])
        network = build_model(recipe.model, classes=len(expressions), size=facts["size"])
        network.load_state_dict(tensors)
        known = {name: facts[name] for name in ("size", "source", "synthetic", "epoch")}
    except (KeyError, RuntimeError, TypeError, MienError) as error:
        reason = " ".join(str(error).split())[:200]
        raise RunError(f"{weights}: expected the weights of a run, found a file that does not fit: {reason}") from error
    details = {name: value for name, value in facts.items() if name not in {*known, "recipe", "expressions"}}
    return Run(path=path, recipe=recipe, expressions=expressions, network=network.eval(), details=details, **known)


def _add_up(tensors: Mapping[str, Tensor]) -> int:
    total = 0
    for name in sorted(tensors):
        flat = tensors[name].reshape(-1).view(torch.uint8)
        total = zlib.crc32(flat.numpy().data, zlib.crc32(name.encode(), total))
    return total

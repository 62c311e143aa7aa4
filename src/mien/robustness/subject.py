"""Who answers, and to which faces. In: a run, an ONNX file or "bundled", and data. Out: a `Subject`, ready to be shown.

The network that ships is asked as users ask it: its ONNX file, in 8 bits, by onnxruntime. A run is asked by torch.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from mien.data.known import keep_known
from mien.data.prepare import label, read_data
from mien.errors import ConfigError, DataError
from mien.evaluation.known import Known, is_moved, know_splits
from mien.evaluation.predict import calibrate_run, find_split, match_labels, pick_device, predict_probabilities
from mien.faces import Faces, Images, Labels, Splits
from mien.hints import suggest
from mien.models.views import parse_views
from mien.recipes.heads import name_head
from mien.recipes.schema import DataConfig
from mien.recognition.model import find_model
from mien.recognition.network import OnnxNetwork, list_heads
from mien.recognition.recogniser import Recogniser
from mien.runs.run import BUNDLED, Run, load_run
from mien.runs.temperatures import scale_probabilities

Probabilities = npt.NDArray[np.float32]
Predict = Callable[[Images], Probabilities]
Trained = Run | OnnxNetwork | Recogniser
SPLITS = ("train", "valid", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the data is to be read and the network asked, where that is not as usual.

    Attributes:
        split: "valid", "test" or "train"; None: valid, or what other data has alone, unless that is test.
        chosen: fields of the recipe's data that are given anew: labels, votes, classes, columns.
        head: the head that answers, of a network with several; None: the one that learnt the labels.
        views: how each face is shown to a run; an ONNX file has its views inside.
        device: of a run: "auto", "cpu", "cuda" or "mps".
        known_only: leave out faces of classes that the network does not know.
        skip_bad: leave out faces that cannot be read.
    """

    split: str | None = None
    chosen: dict[str, str] = field(default_factory=dict)
    head: str | None = None
    views: str = "plain"
    device: str = "auto"
    known_only: bool = False
    skip_bad: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A network and the faces to show it.

    Attributes:
        images: uint8 (N, S, S), at the network's own size.
        labels: int64 (N,), indices into `expressions`.
        predict: from uint8 (B, S, S) to calibrated probabilities (B, K).
        facts: the fields of `Robustness` that say who answered what.
        warnings: lines about the data that a user should know.
        home: the folder of a run; None of a file that has none.
        is_own: whether the faces are of the data that the run was trained on.
    """

    images: Images
    labels: Labels
    expressions: tuple[str, ...]
    predict: Predict
    facts: dict[str, Any]
    warnings: tuple[str, ...]
    home: Path | None
    is_own: bool


def prepare_subject(
    run: Run | Recogniser | str | os.PathLike[str],
    data: str | os.PathLike[str] | Splits | None,
    reading: Reading,
) -> Subject:
    """Return the network and its faces.

    Raises:
        RunError: there is no such run or file.
        DataError: the data cannot be read, lacks the split, has classes that the network does not know, or has changed.
        ConfigError: no such head, labels, views or device, or no data for a network that has none beside it.
    """
    if reading.split not in (None, *SPLITS):
        near = suggest(str(reading.split), SPLITS)
        raise ConfigError(f"`split` {reading.split!r}: expected one of {', '.join(SPLITS)}{near}")
    name = str(run.path) if isinstance(run, Run) else "Recogniser" if isinstance(run, Recogniser) else os.fspath(run)
    network = _open(run, reading)
    found = (
        _read_for_run(network, data, reading)
        if isinstance(network, Run)
        else _read_for_file(network, name, data, reading)
    )
    splits = keep_known(found.splits, network.expressions) if reading.known_only else found.splits
    split = _choose_split(splits, reading.split, is_own=found.is_own)
    if found.known is not None:
        found.known.require(split)
    faces = find_split(splits, split)
    labels = match_labels(faces.labels, splits, network.expressions)
    predict, facts = (
        _ask_run(network, found.valid, reading) if isinstance(network, Run) else _ask_file(network, reading)
    )
    skipped = [f"{len(splits.skipped):,} unreadable faces left out"] if splits.skipped else []
    told = [found.known.tell()] if found.known is not None and found.known.change else []
    return Subject(
        images=faces.images,
        labels=labels,
        expressions=network.expressions,
        predict=predict,
        facts={
            **facts,
            "network": name,
            "expressions": network.expressions,
            "source": splits.source,
            "split": split,
            "labelled_by": splits.labels,
            "synthetic": bool(facts["synthetic"] or splits.synthetic),
        },
        warnings=(*told, *splits.warnings, *skipped),
        home=network.folder if isinstance(network, Run) and str(run) != BUNDLED else None,
        is_own=found.is_own,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Faces as they were read, what a run knows of them, and the valid split that its temperature is fitted on."""

    splits: Splits
    known: Known | None = None
    valid: Faces | None = None
    is_own: bool = False


def _open(run: Run | Recogniser | str | os.PathLike[str], reading: Reading) -> Trained:
    """Return a run as the head that was asked for answers, or the network of a file."""
    if isinstance(run, Recogniser):
        return run
    path = None if not isinstance(run, Run) and str(run) == BUNDLED else run
    if isinstance(path, Run) or (path is not None and Path(path).suffix.lower() != ".onnx"):
        loaded = path if isinstance(path, Run) else load_run(path)
        if reading.head is not None:
            return loaded.head(reading.head)
        labels = reading.chosen.get("labels")
        return loaded if labels is None else loaded.answer_by(labels)
    model, threads = find_model(path), torch.get_num_threads()
    name = BUNDLED if path is None else os.fspath(path)
    network = OnnxNetwork(model, threads=threads, name=name)
    there = list_heads(network.card)
    if reading.head is None and not there:
        return network
    if reading.head is not None and reading.head not in there:
        found = f"{', '.join(there)}{suggest(reading.head, there)}" if there else "a single answer: leave it out"
        raise ConfigError(f"`head` {reading.head!r}: expected a head of {name}, found {found}")
    asked = reading.head or name_head(reading.chosen.get("labels", "own"))
    return OnnxNetwork(model, threads=threads, labels=asked, name=name)


def _read_for_file(
    network: OnnxNetwork | Recogniser, name: str, data: str | os.PathLike[str] | Splits | None, reading: Reading
) -> _Found:
    if data is None:
        raise ConfigError(f"{name}: a network in a file has no data beside it: give `data` FACES")
    config = DataConfig(**reading.chosen)  # type: ignore[arg-type]
    source = data if isinstance(data, Splits) else os.fspath(data)
    return _Found(splits=label(read_data(source, config, size=network.size, skip_bad=reading.skip_bad), config))


def _read_for_run(run: Run, data: str | os.PathLike[str] | Splits | None, reading: Reading) -> _Found:
    """Return the faces to show, and those that the run held out, as `mien evaluate` finds them."""
    chosen, skip_bad = reading.chosen, reading.skip_bad
    config = DataConfig(**chosen)  # type: ignore[arg-type]
    source = data if data is None or isinstance(data, Splits) else os.fspath(data)
    if isinstance(source, str) and run.source in (source, str(Path(source).resolve())):
        source = None
    other = None if source is None else read_data(source, config, size=run.size, skip_bad=skip_bad)
    if other is None or is_moved(run, other):
        own = know_splits(run, source=source, skip_bad=skip_bad)
        shown = own
        if chosen:
            fields = {"labels": "own", "votes": None, **chosen}
            again = replace(run.recipe.data, **fields)  # type: ignore[arg-type]
            shown = know_splits(run, source=source, skip_bad=skip_bad, config=again)
        return _Found(splits=shown.splits, known=shown, valid=own.splits.valid, is_own=True)
    try:
        seen = know_splits(run, skip_bad=skip_bad)
    except DataError:  # moved or gone since training: no temperature can be fitted that the run does not hold
        return _Found(splits=label(other, config))
    return _Found(splits=label(other, config), valid=seen.splits.valid)


def _choose_split(splits: Splits, asked: str | None, *, is_own: bool) -> str:
    """Return the split that was asked for; without a word valid, or what other data has alone.

    Raises:
        DataError: all that is left is test, which has to be asked for.
    """
    there = [name for name in splits.named() if name != "unlabelled"]
    if asked is not None or "valid" in there:
        return asked or "valid"
    if there == ["test"] or (is_own and "test" in there):
        found = ", ".join(there)
        raise DataError(
            splits.source, f"expected a valid split, found {found}: test is looked at once, at the end: ask for it"
        )
    return there[0] if len(there) == 1 and not is_own else "valid"


def _ask_run(run: Run, valid: Faces | None, reading: Reading) -> tuple[Predict, dict[str, Any]]:
    views, device = parse_views(reading.views), pick_device(reading.device)
    if valid is not None and len(valid):
        run = calibrate_run(run, valid, views=views, device=device)
    temperature = run.temperature(views)

    def predict(images: Images) -> Probabilities:
        raw = predict_probabilities(run.network, images, views=views, device=device)
        return scale_probabilities(raw, temperature)

    return predict, {"recipe": run.recipe.name, "mark": run.mark, "synthetic": run.synthetic, "views": views}


def _ask_file(network: OnnxNetwork | Recogniser, reading: Reading) -> tuple[Predict, dict[str, Any]]:
    card = network.card
    views, inside = parse_views(reading.views), tuple(card.get("views", ("plain",)))
    if views not in (("plain",), inside):
        expected = f"a run folder, or the views that are inside the file ({', '.join(inside)})"
        raise ConfigError(f"`views`: expected {expected}, found {', '.join(views)}: leave it out")
    if reading.device not in ("auto", "cpu"):
        raise ConfigError(f"`device`: expected cpu for a network in a file, found {reading.device}: leave it out")
    recipe, weights = card.get("recipe"), card.get("weights", "")
    name = recipe.get("name", "") if isinstance(recipe, dict) else str(recipe or "")
    facts = {"recipe": name, "mark": str(weights), "synthetic": bool(card.get("synthetic", False)), "views": inside}
    return network.predict, facts

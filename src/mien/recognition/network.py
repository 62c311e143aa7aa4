"""A network in an ONNX file that `mien export` wrote. In: uint8 faces (N, H, W). Out: probabilities (N, K)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

from mien.beliefs.base_rates import shift_rates
from mien.beliefs.sets import SetRules
from mien.data.images import resize_faces
from mien.errors import ConfigError, DataError, RunError
from mien.hints import suggest
from mien.recognition.answers import Answers

BATCH_SIZE = 256
"""Faces shown at a time: more are not faster, and take memory."""

TOO_NEW = ("Unsupported model IR version", "Current official support for domain")
"""What onnxruntime says of a file that a newer one can read."""

SHOWN_LETTERS = 120


@final
class OnnxNetwork:
    """A session of onnxruntime with what the file says of itself; may be shared between threads.

    Args:
        model: the file, or what it holds.
        threads: that it may use; None: one for each core.
        labels: the head that answers, of a file with several; None: the first, or the only answer.
        name: what it is called in messages; None: as the file.

    Attributes:
        card: facts by name: expressions, recipe, size, views, temperature, version of mien, …
        rates: (K,) base rates that its answers assume; None: the file tells none.
        own_rates: (K,) those that it learnt from, at which the thresholds of sets hold: others only where `mien export
            --prior` built others in.
        sets: thresholds for sets of expressions; None: the file tells none.
        tells_readable: it says of each face whether it is one that can be read.

    Raises:
        RunError: no file of `mien export`.
        ConfigError: it has no head of that name.
    """

    def __init__(
        self, model: Path | bytes, *, threads: int | None = None, labels: str | None = None, name: str | None = None
    ) -> None:
        where = name or (model if isinstance(model, Path) else "model")
        self._session = _open_session(model, where, threads)
        card = _read_card(self._session, where)
        self.card: dict[str, Any] = card if labels is None else _choose_head(card, labels, where)
        self._output: str = self.card.get("output", self._session.get_outputs()[0].name)
        self._unsure: float = self.card.get("mirror_below", 0.0)
        self.expressions: tuple[str, ...] = tuple(self.card["expressions"])
        self.size: int = self.card["size"]
        self.rates = _read_rates(self.card.get("rates"), len(self.expressions))
        self.own_rates = _read_rates(self.card.get("own_rates"), len(self.expressions)) or self.rates
        self.sets = _read_sets(self.card, len(self.expressions), where)
        self._readable = _find_readability(self._session, self.card)
        self.tells_readable = self._readable is not None

    def predict(self, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return float32 (N, K) of uint8 (N, H, W), resized where the network takes another size; N may be 0.

        Raises:
            DataError: another shape or type.
        """
        return self.answer(crops).probabilities

    def answer(self, crops: npt.NDArray[np.uint8]) -> Answers:
        """Return what `predict` does, and how readable each face is, where the network tells it.

        Raises:
            DataError: another shape or type.
        """
        if not isinstance(crops, np.ndarray) or crops.ndim != 3 or crops.dtype != np.uint8:
            found = f"{crops.dtype} {crops.shape}" if isinstance(crops, np.ndarray) else type(crops).__name__
            raise DataError("faces", f"expected uint8 (N, H, W), found {found}")
        faces = resize_faces(crops, self.size)
        starts = range(0, len(faces), BATCH_SIZE)
        parts = [self._answer(faces[start : start + BATCH_SIZE]) for start in starts] or [self._answer_none()]
        scores = [part.readability for part in parts if part.readability is not None]
        return Answers(
            probabilities=np.concatenate([part.probabilities for part in parts]),
            readability=np.concatenate(scores) if scores else None,
        )

    def _answer_none(self) -> Answers:
        readability = np.empty(0, np.float32) if self.tells_readable else None
        return Answers(probabilities=np.empty((0, len(self.expressions)), np.float32), readability=readability)

    def _answer(self, faces: npt.NDArray[np.uint8]) -> Answers:
        """Return the answers to a batch; those that the network is unsure of it looks at in the mirror, too.

        Unsure is meant, and both looks are averaged, at the network's own base rates.
        """
        found = self._run(faces)
        if not self._unsure:
            return found
        rates, own = self.rates or (), self.own_rates or ()
        answers = shift_rates(found.probabilities, rates, own)
        unsure = np.flatnonzero(answers.max(axis=1) < self._unsure)
        if not len(unsure):
            return found
        mirrored = self._run(np.ascontiguousarray(faces[unsure, :, ::-1])).probabilities
        both = (answers[unsure] + shift_rates(mirrored, rates, own)) / 2
        probabilities = found.probabilities.copy()
        probabilities[unsure] = shift_rates(both, own, rates)
        return replace(found, probabilities=probabilities)

    def _run(self, faces: npt.NDArray[np.uint8]) -> Answers:
        wanted = [self._output, *([] if self._readable is None else [self._readable])]
        answers, *scores = self._session.run(wanted, {"faces": faces})
        readability = scores[0][:, 0] if scores else None
        if answers.shape[1] != len(self.expressions):
            # `ferplus` is `ferplus8` without its last class, contempt.
            known = answers[:, : len(self.expressions)]
            answers = known / known.sum(axis=1, keepdims=True)
        return Answers(probabilities=answers, readability=readability)


def _find_readability(session: Any, card: dict[str, Any]) -> str | None:
    """Return the output that tells how readable a face is; None where the file has none."""
    output: str | None = card.get("readability", {}).get("output")
    return output if output in {entry.name for entry in session.get_outputs()} else None


def list_heads(card: dict[str, Any]) -> list[str]:
    """Return what may be asked for as `labels`; nothing of a network with a single answer."""
    heads = card.get("heads", {})
    return sorted({*heads, *(["ferplus"] if "ferplus8" in heads else [])})


def _choose_head(card: dict[str, Any], labels: str, where: object) -> dict[str, Any]:
    """Return the facts of one head in place of those of the first.

    Raises:
        ConfigError: the file has no such head.
    """
    heads = card.get("heads", {})
    name = "ferplus8" if labels == "ferplus" else labels
    if name not in heads:
        there = list_heads(card)
        if not there:
            expected = "a network with several heads, as recipe heads trains it"
            raise ConfigError(
                f"`labels` {labels!r}: expected {expected}, found a single answer in {where}: leave it out"
            )
        near = suggest(labels, there)
        raise ConfigError(f"`labels` {labels!r}: expected a head of {where}, found {', '.join(there)}{near}")
    own = ("rates", "own_rates", "sets")  # facts that the first head's are no substitute for
    shared = {fact: value for fact, value in card.items() if fact not in own}
    chosen = {**shared, **heads[name], "labels": labels}
    if labels == "ferplus":
        chosen["expressions"] = chosen["expressions"][:-1]
    return chosen


def _read_sets(card: dict[str, Any], classes: int, where: object) -> SetRules | None:
    """Return the thresholds for the classes there are; None where the file tells none."""
    if not card.get("sets"):
        return None
    try:
        return SetRules.of(card["sets"]).keep(classes)
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{where}: expected thresholds of sets as `mien export` writes them, found others") from error


def _read_rates(rates: list[float] | None, classes: int) -> tuple[float, ...] | None:
    """Return base rates for the classes there are; None where the file tells none."""
    if not rates:
        return None
    return tuple(rate / sum(rates[:classes]) for rate in rates[:classes])


def _open_session(model: Path | bytes, where: object, threads: int | None) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads or 0
    # Threads that have nothing to do would go on asking for work, on cores that others need for pictures.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if isinstance(model, Path) and not model.exists():
        raise RunError(f"{where}: expected a run folder or a model file, but it does not exist")
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a class of its own for each kind of damage
        told = " ".join(str(error).split())
        if any(words in told for words in TOO_NEW):
            expected = f"an onnxruntime that reads it, found {onnxruntime.__version__}"
            raise RunError(f"{where}: expected {expected}: run  pip install -U onnxruntime") from error
        reason = told if len(told) <= SHOWN_LETTERS else f"…{told[-SHOWN_LETTERS:]}"  # what is wrong stands at the end
        raise RunError(f"{where}: expected an ONNX file of `mien export`, found another kind ({reason})") from error


def _read_card(session: Any, where: object) -> dict[str, Any]:
    texts = session.get_modelmeta().custom_metadata_map
    try:
        card = {
            name.removeprefix("mien."): json.loads(text) for name, text in texts.items() if name.startswith("mien.")
        }
        classes, size = len(card["expressions"]), int(card["size"])
        shapes = (session.get_inputs()[0].shape[1:], session.get_outputs()[0].shape[1:])
    except (KeyError, ValueError, IndexError, TypeError):
        problem = "found one that does not tell its expressions"
        raise RunError(f"{where}: expected an ONNX file of `mien export`, {problem}") from None
    if shapes != ([size, size], [classes]):
        expected = f"faces of {size}x{size} in and {classes} probabilities out, as its metadata say"
        raise RunError(f"{where}: expected {expected}, found {shapes[0]} and {shapes[1]}")
    return card

"""Checkpoints that describe themselves: tensors and, in the file's header, everything needed to use them.

In: tensors by name and facts as plain values. Out: one safetensors file (never pickle), written aside and renamed, with
a checksum. `load_run` makes a `Run` from a run folder or from a weights file alone; a file with several members, an
ensemble, makes one, too.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from mien.beliefs.base_rates import count_rates
from mien.beliefs.fitted import Beliefs
from mien.errors import ConfigError, MienError, RunError
from mien.files import write_aside
from mien.models import Network, build_model, offer_module
from mien.models.mixture import mix_networks
from mien.models.pick import pick_outputs
from mien.models.views import name_views
from mien.recipes.heads import BOTH, FIRST, HEADS, name_head
from mien.recipes.schema import Recipe, read_recipe
from mien.runs.beliefs_file import read_beliefs
from mien.runs.info import SPLITS, read_info
from mien.runs.seen import SeenFaces, read_seen
from mien.runs.temperatures import read_temperatures

FORMAT = 1
WEIGHTS = "model.safetensors"
"""The file of a run folder that holds the weights to use, and all that using them takes."""

BUNDLED = "bundled"
"""The name, in place of a path, of the network that ships with mien."""

SHIPPED = Path(__file__).resolve().parent.parent / "weights" / WEIGHTS

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One network of an ensemble: its share of the mean, and the run that it came from, by name."""

    network: Network
    recipe: Recipe
    source: str
    epoch: int
    share: float
    name: str
    seen: SeenFaces | None = field(default=None, repr=False)
    fingerprints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Run:
    """A trained network and what is known of its training. Prints in a few lines.

    Attributes:
        path: the run folder or the weights file that it came from.
        expressions: class names, in the order of the network's outputs.
        network: in evaluation mode, on the CPU.
        size: side in pixels of the faces that the network takes.
        source: the data it was trained on, as the user named it.
        synthetic: True if that data was drawn: every figure has to say so.
        epoch: the epoch, from 1, after which the weights were kept; 0 for an ensemble, which has no single one.
        details: the other facts in the file: versions, score, hardware, format, checksum.
        members: of an ensemble; empty for a single network.
        temperatures: name of views -> temperature fitted on valid, for the views that have one.
        beliefs: name of views -> what else valid tells of these answers.
        seen: the faces that it was trained on and held out; None where nobody wrote them down.
        fingerprints: of train and valid, where run.json has them.
        head_name: the head that answers, where the network has several; otherwise "".
        whole: the run with all heads that this one looks at; None where it is a run of its own.
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
    members: tuple[Member, ...] = ()
    temperatures: Mapping[str, float] = field(default_factory=dict)
    beliefs: Mapping[str, Beliefs] = field(default_factory=dict, repr=False)
    seen: SeenFaces | None = field(default=None, repr=False)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    head_name: str = ""
    whole: Run | None = None

    @property
    def history(self) -> tuple[Mapping[str, float], ...]:
        """The figures of each epoch, as history.jsonl holds them; none of a weights file that stands alone."""
        try:
            text = (self.folder / "history.jsonl").read_text(encoding="utf-8")
        except OSError:
            return ()
        return tuple(json.loads(line) for line in text.splitlines())

    def __repr__(self) -> str:
        drawn = " (synthetic faces)" if self.synthetic else ""
        count = sum(tensor.numel() for tensor in self.network.parameters())
        lines = [
            f"Run({self.path})",
            f"  recipe    {self.recipe.name}: {self.recipe.model.name}, {count:,} parameters, {self.size} pixels",
            *([f"  head      {self.head_name}, of {', '.join(self.heads)}"] if self.whole is not None else []),
            f"  answers   {', '.join(self.expressions[:12])}{', …' if len(self.expressions) > 12 else ''}",
            f"  trained   on {self.source}{drawn}, epoch {self.epoch}",
        ]
        of = "valid" if self.head_name in ("", FIRST) else f"valid_{self.head_name}"
        measured = [record for record in self.history if record["epoch"] == self.epoch and f"{of}_accuracy" in record]
        if measured:
            figures = f"accuracy {measured[0][f'{of}_accuracy']:.1%}, loss {measured[0][f'{of}_loss']:.3f}"
            lines.append(f"  valid     {figures}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"

    @property
    def heads(self) -> tuple[str, ...]:
        """The names of its heads; none where the network has one answer."""
        return tuple(HEADS) if (self.whole or self).recipe.data.labels == BOTH else ()

    @property
    def is_bundled(self) -> bool:
        """True for the network that ships with mien."""
        return self.path == SHIPPED

    @property
    def folder(self) -> Path:
        """The folder that its weights lie in."""
        return self.path if self.path.is_dir() else self.path.parent

    @property
    def mark(self) -> str:
        """What tells these weights from all others."""
        return f"{self.details.get('checksum', 0):08x}-{self.epoch}"

    def temperature(self, views: tuple[str, ...] = ("plain",)) -> float:
        """Return what the probabilities of these views are scaled by; 1, which changes nothing, if none was fitted."""
        return self.temperatures.get(self.name_answer(views), 1.0)

    @property
    def training_rates(self) -> tuple[float, ...] | None:
        """The part of each expression in train; None where it is not known, or not all faces counted alike."""
        train = self.recipe.train
        if self.head_name not in ("", FIRST) or (train.class_weights, train.sampling) != ("none", "uniform"):
            return None
        counts = self.details.get("train_counts")
        if counts is None and self.seen is not None:
            counts = self.seen.count_train(len(self.expressions))
        return None if counts is None or len(counts) != len(self.expressions) else count_rates(counts)

    def rates(self, views: tuple[str, ...] = ("plain",)) -> tuple[float, ...] | None:
        """Return the base rates that these answers assume: fitted on valid, or else those of training."""
        known = self.beliefs.get(self.name_answer(views))
        return self.training_rates if known is None else known.rates

    def name_answer(self, views: tuple[str, ...]) -> str:
        """Return what tells the answer of this head to these views from the other answers of the same weights."""
        return "-".join(filter(None, (self.head_name, name_views(views))))

    def head(self, name: str) -> Run:
        """Return the run as the head called `name` answers: a run like any other, of the labels that it learnt.

        Raises:
            ConfigError: the network has no such head.
        """
        if name not in self.heads:
            found = f"one with {', '.join(self.heads)}" if self.heads else "one with a single answer"
            raise ConfigError(f"{self.path}: expected a network with a head {name}, found {found}")
        head, whole = HEADS[name], self.whole or self
        votes = None if head.labelling == "own" else whole.recipe.data.votes
        data = replace(whole.recipe.data, labels=head.labelling, votes=votes)  # type: ignore[arg-type]
        return replace(
            whole,
            network=pick_outputs(whole.network, head.columns).eval(),
            expressions=head.expressions,
            recipe=replace(whole.recipe, data=data),
            temperatures=self.temperatures,
            beliefs=self.beliefs,
            head_name=name,
            whole=whole,
        )

    def answer_by(self, labelling: str) -> Run:
        """Return the head that answers by a labelling, such as "ferplus"; a run without heads as it is."""
        return self.head(name_head(labelling)) if self.heads else self


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
            raise MienError(f"{path}: cannot be written ({error}); what stood there before stays") from error


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
    if not isinstance(facts, dict) or "checksum" not in facts:
        raise RunError(f"{path}: expected a checkpoint of mien, found a safetensors file without its checksum")
    if facts.get("format") != FORMAT:
        raise RunError(
            f"{path}: expected format {FORMAT}, found {facts.get('format')}: train again or use that version"
        )
    if facts["checksum"] != _add_up(tensors):
        raise RunError(f"{path}: the checkpoint is corrupt: its contents do not match its checksum")
    return tensors, facts


def load_run(path: str | os.PathLike[str], *, model: nn.Module | None = None) -> Run:
    """Return the trained network of the run folder, or of the weights file, at `path`.

    Args:
        path: of the folder or file; "bundled": the network that ships with mien.
        model: a network of your own that the run was trained with: a copy of it takes the weights.

    Raises:
        RunError: there is no finished epoch, or the file is corrupt or of another version.
    """
    path = SHIPPED if str(path) == BUNDLED else Path(path)
    if model is not None:
        with offer_module(model):
            return load_run(path)
    weights = path / WEIGHTS if path.is_dir() else path
    if not path.exists():
        raise RunError(f"{path}: no such run folder or weights file")
    if path.is_dir() and not weights.exists():
        raise RunError(f"{path}: expected a run folder with {WEIGHTS}, found none: no epoch was finished here")
    tensors, facts = load_tensors(weights)
    try:
        run = _build_run(path, facts)
        run.network.load_state_dict(tensors)
    except (KeyError, RuntimeError, TypeError, ValueError, MienError) as error:
        reason = " ".join(str(error).split())[:200]
        raise RunError(f"{weights}: expected the weights of a run, found a file that does not fit: {reason}") from error
    run.network.eval()
    home = _find_home(path)
    if home is not None:
        run = replace(run, seen=read_seen(home), fingerprints=_read_fingerprints(home))
    run = replace(run, temperatures=read_temperatures(run.folder, run.mark), beliefs=read_beliefs(run.folder, run.mark))
    return run.head(FIRST) if run.recipe.data.labels == BOTH and not run.members else run


def _find_home(path: Path) -> Path | None:
    """Return the run folder that the weights at `path` belong to; None for a file that stands alone."""
    if path.is_dir():
        return path
    if path.name == WEIGHTS:
        return path.parent
    return path.parent.parent if path.parent.name == "epochs" else None


def _read_fingerprints(folder: Path) -> dict[str, str]:
    """Return those of run.json: all that runs of earlier versions know of their faces."""
    try:
        info = read_info(folder)
    except RunError:  # the weights serve without it
        return {}
    return dict(info.fingerprints) if info and len(info.fingerprints) == len(SPLITS) else {}


def describe_members(members: Sequence[Member]) -> list[Facts]:
    """Return what the file of an ensemble says of its members: enough to build them again."""
    return [
        {
            "recipe": member.recipe.to_dict(),
            "size": member.network.size,
            **{name: getattr(member, name) for name in ("source", "epoch", "share", "name")},
        }
        for member in members
    ]


def _build_run(path: Path, facts: Facts) -> Run:
    """Return the run that `facts` tell of, with weights still to be loaded."""
    recipe, expressions = read_recipe(facts["recipe"]), tuple(facts["expressions"])
    members = tuple(_build_member(entry, len(expressions)) for entry in facts.get("members", ()))
    if members:
        network = mix_networks([member.network for member in members], [member.share for member in members])
    else:
        network = build_model(recipe.model, classes=len(expressions), size=facts["size"])
    known = {name: facts[name] for name in ("size", "source", "synthetic", "epoch")}
    details = {name: value for name, value in facts.items() if name not in {*known, "recipe", "expressions", "members"}}
    built: Facts = {"recipe": recipe, "expressions": expressions, "network": network, "members": members}
    return Run(path=path, details=details, **built, **known)


def _build_member(facts: Facts, classes: int) -> Member:
    recipe = read_recipe(facts["recipe"])
    network = build_model(recipe.model, classes=classes, size=facts["size"])
    rest = {name: facts[name] for name in ("source", "epoch", "share", "name")}
    return Member(network=network, recipe=recipe, **rest)


def _add_up(tensors: Mapping[str, Tensor]) -> int:
    total = 0
    for name in sorted(tensors):
        flat = tensors[name].reshape(-1).view(torch.uint8)
        total = zlib.crc32(flat.numpy().data, zlib.crc32(name.encode(), total))
    return total

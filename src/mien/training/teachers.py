"""What a training takes over from earlier ones: the weights that it starts from, and teachers that soften its labels.

In: names of runs, of weights files, or `BUNDLED`, the network that ships with mien. Out: tensors to start from; faces
whose targets are part label, part what the teachers see; or the teachers, who look at each augmented picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mien.errors import ConfigError
from mien.evaluation.predict import predict_probabilities
from mien.faces import Faces
from mien.models import Network, build_model
from mien.models.network import resize
from mien.models.pick import name_last_layer
from mien.recipes.heads import find_taught
from mien.recipes.schema import Recipe
from mien.runs.run import BUNDLED, Run, load_run
from mien.runs.temperatures import scale_probabilities

VIEWS = ("plain", "mirror")
"""How teachers look at a face."""


def start_weights(recipe: Recipe, expressions: Sequence[str], size: int) -> dict[str, Tensor] | None:
    """Return the tensors, by name, that `recipe` starts from; None where it starts from random ones.

    Of the last layer the rows of `expressions` are taken, in their order; where the earlier run does not know one of
    them, that layer is left out and starts at random.

    Args:
        recipe: its `train.start_from` names the earlier run.
        expressions: classes of the training to come.
        size: side of its faces in pixels.

    Raises:
        ConfigError: the earlier run is an ensemble, or another network than the recipe's.
        RunError: it cannot be read.
    """
    name = recipe.train.start_from
    if name is None:
        return None
    run = _widen(load_run(name), expressions)
    found = "an ensemble" if run.members else run.recipe.model.name
    if found != recipe.model.name:
        raise ConfigError(f"train.start_from={name}: expected a {recipe.model.name}, found {found}: set model.name")
    tensors = _fit_last_layer(run, expressions)
    with torch.device("meta"):
        wanted = build_model(recipe.model, classes=len(expressions), size=size).state_dict()
    for key, value in tensors.items():
        if value.shape != wanted[key].shape:
            found = f"{run.size}, whose weights do not fit"
            raise ConfigError(f"train.start_from={name}: expected faces of side {size}, found {found}: set data.size")
    return tensors


def _widen(run: Run, expressions: Sequence[str]) -> Run:
    """Return all heads of `run` where `expressions` are their outputs."""
    whole = run.whole
    return run if whole is None or set(whole.expressions) != set(expressions) else whole


def _fit_last_layer(run: Run, expressions: Sequence[str]) -> dict[str, Tensor]:
    tensors = dict(run.network.state_dict())
    last = name_last_layer(run.network)
    for key in (f"{last}.weight", f"{last}.bias"):
        value = tensors.pop(key)
        if set(expressions) <= set(run.expressions):
            tensors[key] = value[[run.expressions.index(name) for name in expressions]]
    return tensors


def soften_labels(faces: Faces, recipe: Recipe, expressions: Sequence[str], *, device: str | torch.device) -> Faces:
    """Return `faces` with targets that are part label, part the mean of the teachers' calibrated probabilities.

    Distillation (Hinton et al. 2015) with one fixed target a face, the mean over the face as it is and mirrored: a
    label that nobody would give weighs less, as in label refinery (Bagherinezhad et al. 2018).

    Args:
        faces: train, with labels, or with targets that serve in their place.
        recipe: `train.teachers` names runs, `train.teacher_share` is their part of a target.
        expressions: classes of `faces`.
        device: of torch, where teachers compute.

    Raises:
        ConfigError: a teacher knows other classes.
        RunError: a teacher cannot be read.
    """
    share, runs = recipe.train.teacher_share, _find_teachers(recipe, expressions)
    if not runs:
        return faces
    seen = np.zeros((len(faces), len(expressions)), dtype=np.float64)
    taught = find_taught(recipe.data.labels)
    for run in runs:
        if taught:
            for head in taught:
                seen[:, head.columns] += _ask(run.head(head.name), faces, head.expressions, device) / len(runs)
        else:
            seen += _ask(run, faces, expressions, device) / len(runs)
    own = np.eye(len(expressions))[faces.labels] if faces.targets is None else faces.targets
    return replace(faces, targets=((1.0 - share) * own + share * seen).astype(np.float32))


def _ask(run: Run, faces: Faces, expressions: Sequence[str], device: str | torch.device) -> npt.NDArray[np.float32]:
    """Return calibrated probabilities (N, K) of `faces`, their classes in the order of `expressions`."""
    order = [run.expressions.index(name) for name in expressions]
    raw = predict_probabilities(run.network, faces.images, device=device, views=VIEWS)
    return scale_probabilities(raw, run.temperature(VIEWS))[:, order]


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """A network that teaches.

    Attributes:
        network: in evaluation mode.
        order: (K,) where it has each class of the training, on the network's device.
        answers: which of those classes are one answer, and the temperature that calibrates it: one for each head.
    """

    network: Network
    order: Tensor
    answers: tuple[tuple[slice, float], ...]

    def look(self, pictures: Tensor) -> Tensor:
        """Return calibrated probabilities (N, K) of `pictures`, float (N, 1, H, W) in [0, 1], without a gradient.

        Those of each answer sum to 1.
        """
        with torch.inference_mode():
            logits = self.network(resize(pictures, self.network.size)).float()[:, self.order]
            parts = [(logits[:, columns] / temperature).softmax(dim=1) for columns, temperature in self.answers]
            return torch.cat(parts, dim=1)


def call_teachers(recipe: Recipe, expressions: Sequence[str]) -> tuple[Teacher, ...]:
    """Return those who look at each picture of a training; none where they look at every face once, beforehand.

    Args:
        recipe: `train.teachers` names runs.
        expressions: classes of the faces.

    Raises:
        ConfigError: a teacher knows other classes.
        RunError: a teacher cannot be read.
    """
    runs = _find_teachers(recipe, expressions) if recipe.train.teaching == "consistent" else []
    return tuple(
        Teacher(
            network=run.network.eval(),
            order=torch.tensor([run.expressions.index(name) for name in expressions]),
            answers=_list_answers(run, recipe.data.labels),
        )
        for run in runs
    )


def _list_answers(run: Run, labels: str) -> tuple[tuple[slice, float], ...]:
    heads = find_taught(labels)
    if not heads:
        return ((slice(None), run.temperature(VIEWS)),)
    return tuple((head.columns, run.head(head.name).temperature(VIEWS)) for head in heads)


def ask_teachers(teachers: Sequence[Teacher], pictures: Tensor, step: int) -> Tensor:
    """Return (N, K), the mean of what `teachers` see in `pictures` (N, 1, H, W): floats in [0, 1].

    Of two teachers one sees a picture as it is and the other its mirror image, in the next step the other way: most of
    what two views of each would tell, in half of the time. That teachers see the very picture which the network is
    shown is "consistent teaching" (Beyer et al. 2022, "Knowledge distillation: A good teacher is patient and
    consistent").

    Args:
        teachers: at least one.
        pictures: as the network in training is shown them.
        step: counts the steps of training.
    """
    mirrored = pictures.flip(-1)
    seen = [teacher.look(mirrored if (place + step) % 2 else pictures) for place, teacher in enumerate(teachers)]
    return torch.stack(seen).mean(dim=0)


def name_teachers(recipe: Recipe) -> list[str]:
    """Return the teachers of a recipe, one by one."""
    return [] if recipe.train.teachers is None else recipe.train.teachers.split(",")


def _find_teachers(recipe: Recipe, expressions: Sequence[str]) -> list[Run]:
    labels = recipe.data.labels
    return [_find_teacher(name, expressions, labels) for name in name_teachers(recipe)]


def _find_teacher(name: str, expressions: Sequence[str], labels: str) -> Run:
    run = _widen(load_run(name).answer_by(labels), expressions)
    if set(run.expressions) != set(expressions):
        found = f"one of {', '.join(run.expressions)}"
        raise ConfigError(f"train.teachers={name}: expected a teacher of {', '.join(expressions)}, found {found}")
    return run


def resolve_runs(recipe: Recipe) -> Recipe:
    """Return `recipe` with the paths of earlier runs written out: a run goes on from any folder."""
    start = recipe.train.start_from
    teachers = ",".join(map(_resolve, name_teachers(recipe))) or None
    train = replace(recipe.train, start_from=None if start is None else _resolve(start), teachers=teachers)
    return replace(recipe, train=train)


def _resolve(name: str) -> str:
    return name if name == BUNDLED else str(Path(name).resolve())

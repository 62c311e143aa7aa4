"""Recipes: every choice of a training run as one frozen, named value.

In: the name of a recipe and assignments such as `train.lr=0.05`. Out: a `Recipe`, which prints, compares, travels as a
plain dict inside a run folder and comes back equal. A field states its own range or choices, so that a recipe that
exists is a recipe that can be trained.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import PurePath
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from mien.errors import ConfigError
from mien.hints import ask, find_nearest
from mien.recipes.checks import check_section
from mien.recipes.field_names import list_words

MAX_EPOCHS = 1000

Optimizer = Literal["sgd", "adamw", "muon"]
Schedule = Literal["constant", "cosine", "one-cycle", "plateau"]
Labelling = Literal["own", "ferplus", "ferplus8", "people", "both"]
ClassWeights = Literal["none", "inverse", "effective-number"]
Sampling = Literal["uniform", "balanced"]
Teaching = Literal["fixed", "consistent"]
Metric = Literal["accuracy", "balanced-accuracy", "loss"]
Precision = Literal["no", "bf16", "fp16"]


def _number(default: Any, low: float, high: float, about: str) -> Any:
    return field(default=default, metadata={"range": (low, high), "about": about})


def _choice(default: Any, about: str) -> Any:
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """How faces are read and split."""

    size: int | None = _number(None, 8, 512, "side in pixels that faces are resized to; none: the data's own")
    valid_fraction: float | None = _number(
        None, 0.001, 0.9, "part of train held out as valid; none: the data's own valid, or 0.12 where it has none"
    )
    stratify: bool = _choice(True, "hold out the same fraction of every class")
    train_fraction: float | None = _number(
        None, 0.001, 0.999, "part of train that is used, drawn by the seed: for studies of few faces; none: all"
    )
    drop_copies: bool = _choice(False, "train on one of several exact copies of a picture")
    only: str | None = _choice(None, "a list of the faces to keep, as `mien audit --drop` writes it")
    labels: Labelling = _choice(
        "own",
        "the data's own labels; FER+ votes for 7 (ferplus) or 8 classes (ferplus8); half of each (people); "
        "or a head for each of these (both)",
    )
    votes: str | None = _choice(None, "the file of FER+ votes, fer2013new.csv")
    classes: str | None = _choice(
        None, "names of labels that are numbers, in their order (neutral,happy,…), or label=name,…; none: as they are"
    )
    columns: str | None = _choice(
        None, "which columns of a table tell what, as path=NAME,label=NAME,split=NAME; none: as they are found"
    )

    def __post_init__(self) -> None:
        check_section(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """Which network, and its dropout rates."""

    name: str = _choice("small", "a network of `mien model`, or timm:NAME")
    dropout_conv: float = _number(0.0, 0.0, 0.95, "dropout after each convolution block")
    dropout_dense: float = _number(0.0, 0.0, 0.95, "dropout before the linear layers")

    def __post_init__(self) -> None:
        check_section(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentConfig:
    """What happens to each face of a training batch. Zero leaves a step out."""

    mirror: float = _number(0.5, 0.0, 1.0, "probability of a mirror image")
    mirror_alternately: bool = _choice(False, "mirror every face in every second epoch, instead of at random")
    rotation_degrees: float = _number(0.0, 0.0, 180.0, "largest rotation either way")
    shift: float = _number(0.0, 0.0, 0.5, "largest shift, as a fraction of the side")
    scale: float = _number(0.0, 0.0, 0.9, "largest change of size: 0.1 draws from 0.9 to 1.1")
    perspective: float = _number(0.0, 0.0, 0.9, "largest perspective: how much nearer one edge is than the opposite")
    brightness: float = _number(0.0, 0.0, 1.0, "largest change of brightness, as a fraction of white")
    contrast: float = _number(0.0, 0.0, 0.95, "largest change of contrast: 0.2 draws from 0.8 to 1.2")
    unwarped: float = _number(
        0.0, 0.0, 1.0, "part of the faces that are neither rotated, moved nor scaled, and so not interpolated"
    )
    blur_probability: float = _number(0.0, 0.0, 1.0, "probability of a Gaussian blur")
    blur_sigma: float = _number(1.0, 0.05, 5.0, "largest standard deviation of the blur, in pixels")
    noise: float = _number(0.0, 0.0, 1.0, "largest standard deviation of Gaussian noise, as a fraction of white")
    erase_probability: float = _number(0.0, 0.0, 1.0, "probability of an erased rectangle")
    erase_area: float = _number(0.2, 0.01, 0.9, "largest erased area, as a fraction of the image")

    def __post_init__(self) -> None:
        check_section(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """Optimiser, schedule, loss, stopping and averaging."""

    epochs: int = _number(30, 1, MAX_EPOCHS, "passes over train at most")
    batch_size: int = _number(128, 1, 65536, "faces in one step")
    optimizer: Optimizer = _choice("sgd", "the optimiser; muon moves kernels only and leaves the rest to sgd")
    lr: float = _number(0.05, 1e-8, 100.0, "peak learning rate")
    momentum: float = _number(0.9, 0.0, 0.9999, "momentum of sgd and muon; beta1 of adamw")
    rest_scale: float = _number(1.0, 0.0, 1000.0, "rate of what muon leaves to sgd, as a multiple of lr")
    nesterov: bool = _choice(True, "Nesterov's form of momentum (sgd)")
    weight_decay: float = _number(5e-4, 0.0, 10.0, "weight decay of weights; biases and norms have none")
    schedule: Schedule = _choice("one-cycle", "how the learning rate moves")
    warmup_fraction: float = _number(0.2, 0.0, 0.9, "part of all steps in which cosine and one-cycle rise")
    plateau_factor: float = _number(0.5, 0.01, 0.99, "what plateau multiplies the rate by")
    plateau_patience: int = _number(
        5, 0, MAX_EPOCHS, "looks at valid without improvement before plateau acts: epochs, with valid_every=1"
    )
    valid_every: int = _number(
        1, 1, 1000, "epochs from one look at valid to the next; the last one is always looked at"
    )
    start_side: int | None = _number(
        None, 8, 512, "side in pixels that faces grow from, valid with them; none: no growth"
    )
    grow_fraction: float = _number(0.7, 0.01, 1.0, "part of training after which faces have their full side")
    label_smoothing: float = _number(0.0, 0.0, 0.9, "part of the target spread over all classes")
    class_weights: ClassWeights = _choice("none", "weights of the classes in the loss")
    sampling: Sampling = _choice("uniform", "how faces are drawn into batches")
    ema_decay: float = _number(0.0, 0.0, 0.99999, "decay of the exponential moving average of weights per step; 0: off")
    metric: Metric = _choice("accuracy", "what early stopping and the choice of the best epoch look at, on valid")
    stop_at: float | None = _number(None, 0.0, 100.0, "stop when the metric on valid reaches this")
    patience: int | None = _number(
        None, 1, MAX_EPOCHS, "stop after so many looks at valid without improvement: epochs, with valid_every=1"
    )
    keep_last: int = _number(0, 0, MAX_EPOCHS, "newest epochs whose weights are kept, too, for `mien ensemble --last`")
    keep: Literal["best", "last"] = _choice("best", "which weights the finished run keeps")
    start_from: str | None = _choice(
        None, "weights to start from: a run, a weights file, or bundled, the network that ships; none: random ones"
    )
    teachers: str | None = _choice(
        None, "runs, divided by commas, whose mean softens the labels of train; bundled is the network that ships"
    )
    teacher_share: float = _number(0.5, 0.0, 1.0, "part of a target that is the teachers'; the rest is the label's")
    teaching: Teaching = _choice(
        "fixed", "teachers look at every face once (fixed), or in each step at the picture that the network is shown"
    )
    precision: Precision = _choice("no", "mixed precision")
    graphs: bool = _choice(True, "on a GPU, record steps of built-in networks as CUDA graphs: up to four times as fast")
    seed: int = _number(0, 0, 2**31 - 1, "seed of everything random")

    def __post_init__(self) -> None:
        check_section(self)

    @property
    def looks_once(self) -> bool:
        """True where teachers soften the labels before the first step."""
        return self.teachers is not None and self.teaching == "fixed"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Recipe:
    """Every choice of a training run: a value, which prints what differs from the defaults."""

    name: str
    about: str
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    def to_dict(self) -> dict[str, Any]:
        """Return nested plain values, ready for JSON."""
        return asdict(self)

    def set(self, **changes: Any) -> Recipe:
        """Return the recipe with some of its fields changed; `model` stands for the name of the network.

        Args:
            changes: fields by name, in Python's values: `epochs=20, rotation_degrees=10.0, stop_at=None`.

        Raises:
            ConfigError: no such field (with the nearest one), or an impossible value.

        >>> Recipe(name="mine", about="").set(epochs=20, model="compact")
        Recipe('mine', model.name='compact', train.epochs=20)
        """
        recipe = self
        for name, value in changes.items():
            section_name, field_name = _find_field(name)
            changed = replace(getattr(recipe, section_name), **{field_name: value})
            recipe = replace(recipe, **{section_name: changed})
        return recipe

    def __repr__(self) -> str:
        differing = ", ".join(f"{name}={value!r}" for name, value in list_changes(self).items())
        return f"Recipe({self.name!r}{', ' if differing else ''}{differing})"


SECTIONS: dict[str, type[Any]] = {
    "data": DataConfig,
    "model": ModelConfig,
    "augment": AugmentConfig,
    "train": TrainConfig,
}


def read_recipe(values: Mapping[str, Any]) -> Recipe:
    """Return the recipe that `Recipe.to_dict` wrote.

    Raises:
        ConfigError: a field is unknown, missing or out of range.
    """
    for name, section in SECTIONS.items():
        if not isinstance(values.get(name, {}), Mapping):
            raise ConfigError(f"recipe: expected fields by name in {name}, found {values[name]!r}")
        for key in values.get(name, {}):
            _field_named(section, name, key)
    try:
        sections = {name: section(**values.get(name, {})) for name, section in SECTIONS.items()}
        return Recipe(name=str(values["name"]), about=str(values["about"]), **sections)
    except (KeyError, TypeError) as error:
        raise ConfigError(f"recipe: {error} is missing or of the wrong type") from error


def override(recipe: Recipe, assignments: Iterable[str]) -> Recipe:
    """Return `recipe` with each `section.field=value` of `assignments` applied.

    Raises:
        ConfigError: not of that form, no such field (with the nearest match), or an impossible value.

    >>> override(Recipe(name="mine", about=""), ["train.lr=0.1", "data.size=none"]).train.lr
    0.1
    """
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        section_name, dot, field_name = key.strip().partition(".")
        if not equals or not dot:
            hint = ask([f"{name}={text or 'VALUE'}" for name in find_fields(key)], before="; ")
            raise ConfigError(f"`set` {assignment}: expected section.field=value, for example train.lr=0.05{hint}")
        section = SECTIONS.get(section_name)
        if section is None:
            raise ConfigError(f"`set` {assignment}: no section {section_name!r}; {_suggest(key.strip())}")
        _field_named(section, section_name, field_name)
        value = _parse(text.strip(), get_type_hints(section)[field_name], key.strip())
        changed = replace(getattr(recipe, section_name), **{field_name: value})
        recipe = replace(recipe, **{section_name: changed})
    return recipe


def leave_out_folders(recipe: Recipe) -> Recipe:
    """Return `recipe` with every file and run that it names known by its name alone, for what is given to others.

    >>> leave_out_folders(override(Recipe(name="mine", about=""), ["data.only=/home/me/clean.txt"])).data.only
    'clean.txt'
    """

    def shorten(names: str | None) -> str | None:
        return None if names is None else ",".join(PurePath(name).name for name in names.split(","))

    data, training = recipe.data, recipe.train
    data = replace(data, only=shorten(data.only), votes=shorten(data.votes))
    training = replace(training, start_from=shorten(training.start_from), teachers=shorten(training.teachers))
    return replace(recipe, data=data, train=training)


def list_changes(recipe: Recipe) -> dict[str, Any]:
    """Return the fields, as `section.field`, whose values are not the defaults."""
    pairs = ((name, getattr(recipe, name), section()) for name, section in SECTIONS.items())
    return {
        f"{name}.{entry.name}": getattr(mine, entry.name)
        for name, mine, plain in pairs
        for entry in fields(mine)
        if getattr(mine, entry.name) != getattr(plain, entry.name)
    }


def _find_field(name: str) -> tuple[str, str]:
    """Return section and field of a keyword: the bare name of a field, which no two sections share, or `model`."""
    if name == "model":
        return "model", "name"
    for section_name, section in SECTIONS.items():
        if name in {entry.name for entry in fields(section)}:
            return section_name, name
    near = [field.partition(".")[2] for field in find_fields(name)]
    raise ConfigError(f"recipe: no field {name}; {ask(near) or '`mien recipes small` lists them all'}")


def field_names() -> list[str]:
    """Return every settable field as `section.field`."""
    return [f"{name}.{entry.name}" for name, section in SECTIONS.items() for entry in fields(section)]


def _field_named(section: type[Any], section_name: str, name: str) -> None:
    if name not in {entry.name for entry in fields(section)}:
        raise ConfigError(f"no field {section_name}.{name}; {_suggest(f'{section_name}.{name}')}")


def find_fields(key: str) -> list[str]:
    """Return the fields that were probably meant by `key`, a field, other words for it, or a slip of the pen.

    >>> find_fields("train.learning_rate"), find_fields("dropout")
    (['train.lr'], ['model.dropout_dense', 'model.dropout_conv'])
    """
    name = key.strip().rpartition(".")[2]  # of a field in a wrong section, the field tells more than the section
    near = find_nearest(name, list_words(field_names()))
    section = [field for field in near if field.partition(".")[0] == key.partition(".")[0]]
    return section or near


def _suggest(key: str) -> str:
    return ask(find_fields(key)) or "`mien recipes small` lists them all"


def _parse(text: str, hint: Any, key: str) -> Any:
    """Return `text` as a value of the type `hint`; `_check` looks at ranges and choices later."""
    options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    if type(None) in options and text.lower() in ("none", "null", ""):
        return None
    kind = next(option for option in options if option is not type(None))
    if kind is bool:
        if text.lower() not in ("true", "false", "1", "0", "yes", "no"):
            raise ConfigError(f"{key}: expected true or false, found {text!r}")
        return text.lower() in ("true", "1", "yes")
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            word = "a whole number" if kind is int else "a number"
            raise ConfigError(f"{key}: expected {word}, found {text!r}") from None
    return text

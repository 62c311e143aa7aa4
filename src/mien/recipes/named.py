"""The named recipes. In: a name. Out: the frozen `Recipe`."""

from __future__ import annotations

from dataclasses import replace

from mien.errors import ConfigError
from mien.hints import suggest
from mien.recipes.schema import AugmentConfig, DataConfig, ModelConfig, Recipe, TrainConfig

REPORT = Recipe(
    name="report",
    about="The course report: 29 layers, SGD, cross-entropy, batch 128, five augmentations, stop at 0.66 on valid.",
    data=DataConfig(size=64, valid_fraction=0.12, stratify=False),
    model=ModelConfig(name="report-cnn", dropout_conv=0.1, dropout_dense=0.5),
    augment=AugmentConfig(
        mirror=0.5, rotation_degrees=15.0, blur_probability=0.3, blur_sigma=1.0, noise=0.03, perspective=0.2
    ),
    train=TrainConfig(
        epochs=300,
        lr=0.01,
        momentum=0.9,
        nesterov=False,
        schedule="constant",
        weight_decay=0.0,
        stop_at=0.66,
    ),
)

QUICK = Recipe(
    name="quick",
    about="A minute on two cores: shows the whole way on the synthetic faces.",
    model=ModelConfig(name="small"),
    augment=AugmentConfig(mirror=0.5, shift=0.06, rotation_degrees=8.0),
    train=TrainConfig(epochs=4, lr=0.1, label_smoothing=0.1, ema_decay=0.95),
)

SMALL = Recipe(
    name="small",
    about="Under half a million parameters, for laptops: FER2013 in under an hour on two cores.",
    model=ModelConfig(name="small", dropout_dense=0.2),
    augment=AugmentConfig(mirror=0.5, rotation_degrees=10.0, shift=0.06, scale=0.1, contrast=0.15),
    train=TrainConfig(epochs=36, lr=0.1, label_smoothing=0.1, weight_decay=1e-3, ema_decay=0.998),
)

FAST = Recipe(
    name="fast",
    about="Five minutes on two cores: above the report's accuracy on FER2013.",
    data=DataConfig(drop_copies=True),
    model=ModelConfig(name="slim"),
    augment=AugmentConfig(mirror_alternately=True, rotation_degrees=8.0, shift=0.05, scale=0.1, contrast=0.1),
    train=TrainConfig(
        epochs=17,
        optimizer="muon",
        lr=0.05,
        momentum=0.6,
        rest_scale=3.0,
        weight_decay=0.0,
        start_side=24,
        grow_fraction=0.72,
        valid_every=6,
        label_smoothing=0.1,
        ema_decay=0.99,
        keep="last",
    ),
)

BEST = Recipe(
    name="best",
    about="Three quarters of a million parameters, 75 minutes on two cores: FER2013's own labels alone.",
    data=DataConfig(drop_copies=True),
    model=ModelConfig(name="compact", dropout_dense=0.2),
    augment=AugmentConfig(
        mirror_alternately=True,
        rotation_degrees=10.0,
        shift=0.06,
        scale=0.15,
        contrast=0.2,
        erase_probability=0.5,
    ),
    train=TrainConfig(
        epochs=125,
        optimizer="muon",
        lr=0.04,
        warmup_fraction=0.05,
        momentum=0.6,
        weight_decay=0.0,
        start_side=24,
        grow_fraction=0.6,
        valid_every=10,
        label_smoothing=0.1,
        ema_decay=0.998,
        keep="last",
    ),
)

HALF_HOUR = Recipe(
    name="half-hour",
    about="Half an hour on two cores: as best, with fewer epochs and milder augmentation.",
    data=BEST.data,
    model=BEST.model,
    augment=replace(BEST.augment, erase_probability=0.25),
    train=replace(BEST.train, epochs=56, valid_every=8),
)

HEADS = Recipe(
    name="heads",
    about="One trunk, three heads: FER2013's labels, FER+ votes (`votes`) and half of each; strong augmentation.",
    data=replace(BEST.data, labels="both"),
    model=BEST.model,
    augment=AugmentConfig(
        mirror_alternately=True,
        rotation_degrees=20.0,
        shift=0.08,
        scale=0.2,
        unwarped=0.2,
        brightness=0.2,
        contrast=0.5,
        blur_probability=0.25,
        blur_sigma=1.5,
        noise=0.06,
        erase_probability=0.25,
    ),
    train=replace(BEST.train, epochs=80),
)

FINE_TUNE = Recipe(
    name="fine-tune",
    about="A few epochs on your own faces, from the network that ships with mien.",
    data=DataConfig(size=48),
    model=BEST.model,
    augment=HALF_HOUR.augment,
    train=replace(
        HALF_HOUR.train,
        epochs=8,
        lr=0.01,
        start_side=None,
        valid_every=1,
        ema_decay=0.99,
        keep="best",
        start_from="bundled",
    ),
)

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe for recipe in (REPORT, QUICK, SMALL, FAST, HALF_HOUR, BEST, HEADS, FINE_TUNE)
}


def find_recipe(name: str) -> Recipe:
    """Return the recipe called `name`.

    Raises:
        ConfigError: no recipe has that name; the nearest one is suggested.
    """
    if name in RECIPES:
        return RECIPES[name]
    raise ConfigError(f"`recipe` {name}: expected one of {', '.join(RECIPES)}{suggest(name, RECIPES)}")


def recipe(name: str = "small") -> Recipe:
    """Return the recipe called `name`; change it with `Recipe.set`.

    Raises:
        ConfigError: no recipe has that name; the nearest one is suggested.

    >>> recipe("fast").set(epochs=6).train.epochs
    6
    """
    return find_recipe(name)


def list_recipes() -> list[str]:
    """Return the names of all recipes."""
    return list(RECIPES)

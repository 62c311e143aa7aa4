"""The networks, as a plain dict from name to builder. In: a `ModelConfig`, classes and size. Out: a `Network`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import nn

from mien.errors import ConfigError
from mien.hints import suggest
from mien.models.compact import build_compact
from mien.models.network import Network, wrap_module
from mien.models.report_cnn import build_report_cnn
from mien.models.resnet9 import build_resnet9, build_resnet9_wide
from mien.models.slim import build_slim
from mien.models.small import build_small
from mien.recipes.schema import ModelConfig

__all__ = ["MODELS", "Network", "build_model", "list_models", "register_model"]

MODELS: dict[str, Callable[..., Network]] = {
    "report-cnn": build_report_cnn,
    "small": build_small,
    "compact": build_compact,
    "slim": build_slim,
    "resnet9": build_resnet9,
    "resnet9-wide": build_resnet9_wide,
}
"""Name -> builder(config, *, classes, size)."""

OWN = frozenset(MODELS)

SIZE_MULTIPLES: dict[str, int] = {
    "report-cnn": 16,
    "small": 8,
    "compact": 8,
    "slim": 16,
    "resnet9": 16,
    "resnet9-wide": 16,
}
"""A side has to be a multiple of this, because the network halves it so often."""

TIMM = "timm:"


def build_model(config: ModelConfig, *, classes: int, size: int) -> Network:
    """Return a freshly initialised network (torch's global generator draws the weights).

    Args:
        config: the network's name and dropout rates.
        classes: number of expressions, at least 2.
        size: side of the faces in pixels.

    Raises:
        ConfigError: no such network, or a size that it cannot take.
    """
    if config.name.startswith(TIMM):
        from mien.models.zoo import build_timm

        return build_timm(config.name.removeprefix(TIMM), classes=classes, size=size)
    if config.name not in MODELS and config.name.startswith("own:"):
        raise ConfigError(f"model {config.name}: a network of somebody's own: give it once more, as model=")
    if config.name not in MODELS:
        hint = suggest(config.name, MODELS)
        raise ConfigError(f"model {config.name!r}: expected one of {', '.join(MODELS)}, or timm:NAME{hint}")
    multiple = SIZE_MULTIPLES.get(config.name, 1)
    if size < 2 * multiple or size % multiple:
        raise ConfigError(
            f"{config.name}: expected faces whose side is a multiple of {multiple}, found {size}: set data.size"
        )
    return MODELS[config.name](config, classes=classes, size=size)


def list_models() -> list[str]:
    """Return the names of all networks, own ones among them; those of timm are called `timm:NAME` beside these."""
    return list(MODELS)


def register_model(name: str, build: Callable[..., nn.Module]) -> None:
    """Let recipes name a network of your own: `mien.recipe("small").set(model=name)`.

    A run of it is loaded in a program that has registered the same name.

    Args:
        name: new, or one registered before, which it replaces.
        build: from keyword arguments `classes` and `size` (side of the faces in pixels) to an `nn.Module` that maps
            float32 (N, 1, S, S) in [0, 1] to logits (N, classes), freshly initialised by torch's global generator.

    Raises:
        ConfigError: the name is one of mien's own.
    """
    if name in OWN or name.startswith(TIMM):
        raise ConfigError(f"register_model: {name!r} is a network of mien: choose another name")

    def build_network(_: ModelConfig, *, classes: int, size: int) -> Network:
        return wrap_module(build(classes=classes, size=size), name=name, classes=classes, size=size)

    MODELS[name] = build_network


@contextmanager
def offer_module(module: nn.Module) -> Iterator[str]:
    """Yield a name under which recipes build copies of `module`, weights and all, inside of the block."""
    name = f"own:{type(module).__name__}"

    def copy_network(_: ModelConfig, *, classes: int, size: int) -> Network:
        return wrap_module(copy.deepcopy(module), name=name, classes=classes, size=size)

    before = MODELS.get(name)
    MODELS[name] = copy_network
    try:
        yield name
    finally:
        MODELS.pop(name)
        if before is not None:
            MODELS[name] = before

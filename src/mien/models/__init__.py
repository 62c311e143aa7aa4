"""The networks, as a plain dict from name to builder. In: a `ModelConfig`, classes and size. Out: a `Network`."""

from __future__ import annotations

from collections.abc import Callable

from mien.errors import ConfigError
from mien.hints import suggest
from mien.models.compact import build_compact
from mien.models.network import Network
from mien.models.report_cnn import build_report_cnn
from mien.models.resnet9 import build_resnet9
from mien.models.small import build_small
from mien.recipes.schema import ModelConfig

__all__ = ["MODELS", "Network", "build_model"]

MODELS: dict[str, Callable[..., Network]] = {
    "report-cnn": build_report_cnn,
    "small": build_small,
    "compact": build_compact,
    "resnet9": build_resnet9,
}
"""Name -> builder(config, *, classes, size)."""

SIZE_MULTIPLES: dict[str, int] = {"report-cnn": 16, "small": 8, "compact": 8, "resnet9": 16}
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
    if config.name not in MODELS:
        hint = suggest(config.name, MODELS)
        raise ConfigError(f"model {config.name!r}: expected one of {', '.join(MODELS)}, or timm:NAME{hint}")
    multiple = SIZE_MULTIPLES[config.name]
    if size < 2 * multiple or size % multiple:
        raise ConfigError(
            f"{config.name}: expected faces whose side is a multiple of {multiple}, found {size}: set data.size"
        )
    return MODELS[config.name](config, classes=classes, size=size)

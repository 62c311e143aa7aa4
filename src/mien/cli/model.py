"""`mien model`: a network's table of layers and its block diagram; without a name, the list of networks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

USUAL_SIZE = 48
"""Side of FER2013's faces in pixels."""


def model(
    name: Annotated[str | None, typer.Argument(help="The network; none lists them. timm:NAME works too.")] = None,
    size: Annotated[int | None, typer.Option(help="Side of the faces in pixels; none: its recipe's.")] = None,
    classes: Annotated[int, typer.Option(min=2, max=1000, help="Number of expressions.")] = 7,
    diagram: Annotated[Path | None, typer.Option(help="Draw the network as blocks into this SVG file.")] = None,
) -> None:
    """Print the layers of a network, or list the networks."""
    from mien.errors import ConfigError
    from mien.recipes.schema import DataConfig

    DataConfig(size=size)  # refuses a side that no recipe could hold
    if diagram is not None and diagram.suffix.lower() != ".svg":
        raise ConfigError(f"--diagram {diagram}: expected a name that ends in .svg, found {diagram.suffix or 'none'}")
    if name is not None:
        _show(name, size, classes, diagram)
    elif diagram is not None:
        raise ConfigError(f"--diagram {diagram}: of which network? Name one: `mien model small --diagram {diagram}`")
    else:
        _list(size, classes)


def _show(name: str, size: int | None, classes: int, diagram: Path | None) -> None:
    from mien.files import write_text
    from mien.models import build_model
    from mien.models.diagram import draw_network
    from mien.models.summary import render_table, summarise
    from mien.recipes.schema import ModelConfig

    network = build_model(ModelConfig(name=name), classes=classes, size=size or _usual_size(name))
    typer.echo(render_table(summarise(network)))
    if diagram is not None:
        write_text(diagram, draw_network(network, title=name))
        typer.echo(f"Diagram: {diagram}")


def _list(size: int | None, classes: int) -> None:
    from mien.models import MODELS, build_model
    from mien.models.summary import summarise
    from mien.recipes.schema import ModelConfig

    lines = [f"{'network':<12} {'faces':>7} {'layers':>7} {'parameters':>12} {'multiply-adds per face':>23}"]
    for name in MODELS:
        side = size or _usual_size(name)
        summary = summarise(build_model(ModelConfig(name=name), classes=classes, size=side))
        numbers = f"{len(summary.layers):>7} {summary.parameters:>12,} {summary.multiply_adds:>23,}"
        lines.append(f"{name:<12} {f'{side}×{side}':>7} {numbers}")
    typer.echo("\n".join((*lines, "timm:NAME    any network of timm, where it is installed:  pip install 'mien[zoo]'")))


def _usual_size(name: str) -> int:
    """Return the side that a recipe with this network asks for, or that of FER2013."""
    from mien.recipes.named import RECIPES

    sizes = (recipe.data.size for recipe in RECIPES.values() if recipe.model.name == name)
    return next((size for size in sizes if size), USUAL_SIZE)

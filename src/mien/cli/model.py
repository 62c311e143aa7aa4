"""`mien model`: a network's table of layers and its block diagram; without a name, the list of networks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


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
        from mien.models.show import list_networks

        typer.echo(list_networks(size, classes))


def _show(name: str, size: int | None, classes: int, diagram: Path | None) -> None:
    from mien.files import write_text
    from mien.models import build_model
    from mien.models.diagram import draw_network
    from mien.models.show import usual_size
    from mien.models.summary import render_table, summarise
    from mien.recipes.schema import ModelConfig

    network = build_model(ModelConfig(name=name), classes=classes, size=size or usual_size(name))
    typer.echo(render_table(summarise(network)))
    if diagram is not None:
        write_text(diagram, draw_network(network, title=name))
        typer.echo(f"Diagram: {diagram}")

"""`mien data`: what a data set holds; write it as folders; draw what an augmentation does to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.flags import name_flags
from mien.cli.options import SkipBad

if TYPE_CHECKING:
    from mien.faces import Splits
    from mien.recipes.schema import AugmentConfig


def data(
    path: Annotated[str, typer.Argument(help="A file or folder of faces, or synthetic.")] = "synthetic",
    size: Annotated[int | None, typer.Option(min=8, max=512, help="Side in pixels; none: the data's own.")] = None,
    skip_bad: SkipBad = False,
    classes: Annotated[
        str | None, typer.Option(help="Names of labels that are numbers: neutral,happy,… or 0=neutral,1=happy,…")
    ] = None,
    columns: Annotated[str | None, typer.Option(help="Columns of a table: path=NAME,label=NAME,split=NAME.")] = None,
    only: Annotated[Path | None, typer.Option(help="Leave out the faces that this list does not name.")] = None,
    valid_fraction: Annotated[
        float | None, typer.Option(min=0.001, max=0.9, help="Hold this part of train out as valid, as training does.")
    ] = None,
    stratify: Annotated[bool, typer.Option(help="Hold out the same part of every expression.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Of what is held out, and of the augmentation.")] = 0,
    cache: Annotated[bool, typer.Option(help="Keep decoded faces for the next time.")] = True,
    out: Annotated[Path | None, typer.Option(help="Write the faces to this new folder.")] = None,
    show_augmentation: Annotated[Path | None, typer.Option(help="Draw what an augmentation does.")] = None,
    recipe: Annotated[str, typer.Option(help="Whose augmentation to draw; `mien recipes` lists them.")] = "report",
) -> None:
    """Say what a data set holds: format, size, faces by split and expression, copies, warnings.

    Reads fer2013.csv and its relatives, folders of faces, tables beside pictures, the layouts of the usual data sets,
    and archives of any of these; docs/data.md lists them. What had to be guessed, and what lies unused, is a warning.
    """
    from mien.data.loading import load
    from mien.data.only import keep_only
    from mien.data.split import hold_out_valid
    from mien.data.write import refuse_filled, write_folders
    from mien.recipes.named import find_recipe

    augmentation = find_recipe(recipe).augment
    if out is not None:
        refuse_filled(out)
    splits = load(path, size=size, classes=classes, columns=columns, skip_bad=skip_bad, cache=cache)
    if only is not None:
        splits = keep_only(splits, only)
    if valid_fraction is not None:
        splits = hold_out_valid(splits, fraction=valid_fraction, seed=seed, stratify=stratify)
    if out is not None:
        write_folders(splits, out)
    if show_augmentation is not None:
        _draw_sheet(splits, show_augmentation, config=augmentation, seed=seed)
    _print(splits)
    if valid_fraction is not None:
        typer.echo(f"valid: {valid_fraction:.1%} of train, held out {'class by class ' * stratify}with seed {seed}")
    if out is not None:
        typer.echo(f"{out}: {sum(map(len, splits.named().values())):,} faces written")
    if show_augmentation is not None:
        typer.echo(f"{show_augmentation}: augmentation of recipe {recipe} drawn")


def _print(splits: Splits) -> None:
    from rich.console import Console
    from rich.text import Text

    from mien.data.describe import describe
    from mien.data.show import render_description

    console, found = Console(), describe(splits)
    found = replace(found, warnings=tuple(map(name_flags, found.warnings)))
    for part in render_description(found, width=console.width):
        console.print(part, highlight=False, soft_wrap=isinstance(part, Text))


def _draw_sheet(splits: Splits, out: Path, *, config: AugmentConfig, seed: int) -> None:
    from mien.errors import MissingExtraError

    try:
        from mien.training.augment_sheet import draw_augmentation_sheet
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "torch", "train") from None
    draw_augmentation_sheet(splits, out, config=config, seed=seed)

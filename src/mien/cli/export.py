"""`mien export`: a run as one ONNX file that recognises without PyTorch, checked against torch before it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.errors import demand


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path("model.onnx"),
    views: Annotated[str, typer.Option(help="Ways of showing each face, averaged inside: see evaluate.")] = "plain",
    head: Annotated[
        str | None, typer.Option(help="Export one head of a network with several; without it, all of them.")
    ] = None,
    int8: Annotated[bool, typer.Option("--int8", help="Compute with 8-bit numbers; says what that costs.")] = False,
    data: Annotated[str | None, typer.Option(help="The data that the run was trained on, where it has moved.")] = None,
    like: Annotated[
        str | None, typer.Option(help="Take the form of another file: ferplus is emotion-ferplus-8.onnx.")
    ] = None,
    prior: Annotated[
        str, typer.Option(help="Base rates that the file assumes: training, uniform or happy=0.4,…")
    ] = "training",
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it is there.")] = False,
) -> None:
    """Write a run as an ONNX file: in uint8 faces (N, S, S), out probabilities (N, K).

    Normalisation, calibration and views are inside. The file is compared with torch over 1,000 faces first.
    """
    demand("torch", extra="export")  # the next line takes it; what else is missing is told by what it brings
    from mien.exporting.save import save_model

    chosen = {"views": views, "head": head, "int8": int8, "data": data, "like": like, "prior": prior}
    saved = save_model(run, out, overwrite=force, **chosen)  # type: ignore[arg-type]
    if saved.lost:
        typer.echo(f"mien: {saved.lost}; checked on drawn faces instead", err=True)
    if saved.known is not None and saved.known.change:
        typer.echo(f"mien: {saved.known.tell()}", err=bool(saved.known.changed))
    typer.echo(saved)

"""`mien export`: a run as one ONNX file that recognises without PyTorch, checked against torch before it is written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mien.exporting import Export
    from mien.faces import Splits
    from mien.runs.run import Run


BUNDLED = "bundled"


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
    from mien.beliefs.base_rates import parse_prior
    from mien.errors import ConfigError

    _require_packages()
    if out.suffix.lower() != ".onnx":
        raise ConfigError(f"--out {out}: expected a name that ends in .onnx, found {out.suffix or 'none'}")
    if out.exists() and not force:
        raise ConfigError(f"{out} is there already: give another --out, or --force")
    if like not in (None, "ferplus"):
        raise ConfigError(f"--like {like}: expected ferplus")
    parse_prior(prior)
    if str(run) == BUNDLED:
        _export_bundled(out, like, prior, head=head, views=views, int8=int8)
        return
    from mien.exporting import export_run, write_model
    from mien.exporting.drop_in import imitate_ferplus
    from mien.exporting.other_rates import build_in_prior
    from mien.models.views import parse_views
    from mien.runs.run import load_run

    shown, loaded = parse_views(views), load_run(run)
    loaded = loaded if head is None else loaded.head(head)
    splits = _read_data(loaded, data, needed=int8)
    loaded = _calibrate(loaded, splits, shown, data=data, head_alone=head is not None)
    made = export_run(loaded, splits, views=shown, int8=int8, head_alone=head is not None)
    model = build_in_prior(made.model, prior)
    write_model(model if like is None else imitate_ferplus(model), out)
    _tell(made, loaded, shown, out)
    if like is not None:
        _tell_likeness(out)


def _export_bundled(out: Path, like: str | None, prior: str, *, head: str | None, views: str, int8: bool) -> None:
    """Write the network that ships, which is 8 bits already, or its likeness of another file."""
    import onnx

    from mien.errors import ConfigError
    from mien.exporting import write_model
    from mien.exporting.drop_in import imitate_ferplus
    from mien.exporting.other_rates import build_in_prior
    from mien.recognition.model import BUNDLED as FILE

    if head is not None or views != "plain" or int8:
        raise ConfigError(
            f"{BUNDLED}: its file has all heads, the plain view and 8 bits: leave out the options for them"
        )
    model = build_in_prior(onnx.load(FILE), prior)
    write_model(model if like is None else imitate_ferplus(model), out)
    typer.echo(f"{out}: {out.stat().st_size / 1e6:.1f} MB, the network that ships with mien")
    if like is not None:
        _tell_likeness(out)


def _tell_likeness(out: Path) -> None:
    from mien.exporting.drop_in import INPUT, ORDER, OUTPUT

    typer.echo(f"{out}: as emotion-ferplus-8.onnx")
    typer.echo(f"  {INPUT}: float32 (1, 1, 64, 64), grey, 0 to 255")
    typer.echo(f"  {OUTPUT}: logits (1, 8): {', '.join(ORDER)}")


def _require_packages() -> None:
    """Refuse at once, and with one command for all, where something is missing that writing a model takes."""
    from importlib.util import find_spec

    from mien.errors import MissingExtraError

    for package in ("torch", "onnx", "onnxscript"):
        if find_spec(package) is None:
            raise MissingExtraError(package, "export")


def _read_data(run: Run, data: str | None, *, needed: bool) -> Splits | None:
    """Return what the run was trained on; where that is gone, None, or, if it is `needed`, the error that says so."""
    from mien.errors import DataError
    from mien.evaluation.known import know_splits

    try:
        known = know_splits(run, source=data)
        if needed:
            known.require("train", "valid")
        if known.change:
            typer.echo(f"mien: {known.tell()}", err=bool(known.changed))
        return known.splits
    except DataError as error:
        if needed:
            advice = "--int8 needs the faces that the run was trained on"
            raise DataError(error.where, f"{error.problem}; {advice}") from None
        typer.echo(f"mien: {error}; checked on drawn faces instead", err=True)
        return None


def _calibrate(run: Run, splits: Splits | None, views: tuple[str, ...], *, data: str | None, head_alone: bool) -> Run:
    from mien.evaluation.known import know_splits
    from mien.evaluation.predict import calibrate_all, calibrate_run

    if splits is None or splits.valid is None:
        return run
    if run.whole is None or head_alone:
        return calibrate_run(run, splits.valid, views=views)
    every = know_splits(run.whole, source=data).splits
    return run if every.valid is None else calibrate_all(run, every.valid, views=views)


def _tell(made: Export, run: Run, views: tuple[str, ...], out: Path) -> None:
    from mien.exporting import describe_run

    facts = describe_run(run, views)
    calibrated = f"temperature {facts['temperature']:.3f}" if facts["calibrated"] else "not calibrated"
    typer.echo(f"{out}: {out.stat().st_size / 1e6:.1f} MB, {run.recipe.name}, {len(run.expressions)} expressions")
    typer.echo(f"  in   uint8 faces (N, {facts['size']}, {facts['size']}), grey")
    typer.echo(f"  out  probabilities (N, {len(run.expressions)}): views {' + '.join(views)}, {calibrated}")
    before = "before 8 bits, " if made.accuracies else ""
    typer.echo(f"  {before}largest difference from torch over {made.faces:,} faces: {made.difference:.1e}")
    if made.accuracies:
        exact, rounded = made.accuracies
        typer.echo(
            f"  8 bits: accuracy {rounded:.2%} on valid ({made.measured:,} faces), {exact:.2%} as float32: "
            f"{100 * (rounded - exact):+.2f} points"
        )
    if run.synthetic:
        typer.echo("  trained on synthetic faces")

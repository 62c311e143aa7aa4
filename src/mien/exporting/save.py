"""`mien.export`: a run goes in, a checked ONNX file comes out. `save_model` tells what was measured of it, too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mien.beliefs.base_rates import TRAINING, Prior, parse_prior
from mien.errors import ConfigError, DataError, demand
from mien.evaluation.known import Known, know_splits
from mien.evaluation.predict import calibrate_all, calibrate_run
from mien.exporting.drop_in import INPUT, ORDER, OUTPUT, imitate_ferplus, keep_votes
from mien.exporting.graph import describe_run
from mien.exporting.other_rates import build_in_prior
from mien.exporting.run import Export, export_run, write_model
from mien.models.views import parse_views
from mien.recipes.heads import FIRST
from mien.recognition.model import BUNDLED as BUNDLED_FILE
from mien.runs.run import BUNDLED, Run, load_run

FERPLUS = "ferplus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A file that was written. Its lines say what it takes and gives, and what was measured of it.

    Attributes:
        path: of the file.
        like: whose form it has; None: its own.
        run: that it came from; None for the network that ships.
        made: what was measured; None likewise.
        views: that are inside.
        known: the data that it was checked on, where that is there.
        lost: why it was checked on drawn faces instead; empty where it was not.
        head_alone: whether it holds one head of a network with several.
    """

    path: Path
    like: str | None = None
    run: Run | None = None
    made: Export | None = None
    views: tuple[str, ...] = ("plain",)
    known: Known | None = field(default=None, repr=False)
    lost: str = ""
    head_alone: bool = False

    def __str__(self) -> str:
        return "\n".join(self._list_lines())

    def _list_lines(self) -> Iterator[str]:
        size = f"{self.path}: {self.path.stat().st_size / 1e6:.1f} MB"
        if self.run is None or self.made is None:
            yield f"{size}, the network that ships with mien"
        else:
            yield from _tell(size, self.run, self.made, self.views, head_alone=self.head_alone)
        if self.like is not None:
            yield f"{self.path}: as emotion-ferplus-8.onnx"
            yield f"  {INPUT}: float32 (1, 1, 64, 64), grey, 0 to 255"
            yield f"  {OUTPUT}: logits (1, 8): {', '.join(ORDER)}"


def export(
    run: Run | str | os.PathLike[str],
    out: str | os.PathLike[str] = "model.onnx",
    *,
    views: str = "plain",
    head: str | None = None,
    int8: bool = False,
    like: str | None = None,
    overwrite: bool = False,
    prior: Prior = TRAINING,
) -> Path:
    """Write a run as an ONNX file that needs no PyTorch, and return its path: uint8 faces in, probabilities out.

    Args:
        run: a run, its folder, or "bundled", the network that ships with mien.
        out: the file.
        views: ways of showing each face whose mean is inside: "plain", "mirror", "plain,mirror", …
        head: one head of a network with several; None: all of them, or the one that `run.head(name)` looks at.
        int8: compute with 8-bit numbers; takes the faces that the run was trained on.
        like: take the form of another file: "ferplus" is emotion-ferplus-8.onnx.
        overwrite: replace a file that is there.
        prior: base rates that the file shall assume: "training", "uniform" or {"happy": 0.4, …}.

    Raises:
        ConfigError: the file is there, or a name or value is impossible.
        DataError: 8 bits were asked for, and the data is gone.
        MissingExtraError: a package is missing that exporting takes.
        RunError: there is no such run.
    """
    chosen = {"views": views, "head": head, "int8": int8, "like": like, "prior": prior}
    return save_model(run, Path(out), overwrite=overwrite, **chosen).path  # type: ignore[arg-type]


def save_model(
    run: Run | str | os.PathLike[str],
    out: Path,
    *,
    views: str = "plain",
    head: str | None = None,
    int8: bool = False,
    data: str | None = None,
    like: str | None = None,
    overwrite: bool = False,
    prior: Prior = TRAINING,
) -> Saved:
    """Write a run as an ONNX file, and return what was measured of it.

    Args:
        run: see `export`.
        out: likewise.
        views: likewise.
        head: likewise.
        int8: likewise.
        data: what the run was trained on, where it has moved.
        like: see `export`.
        overwrite: likewise.
        prior: likewise.

    Raises:
        MienError: as `export` does.
    """
    _check(out, like, overwrite=overwrite)
    parse_prior(prior)
    if str(run) == BUNDLED:
        return _save_bundled(out, like, prior, is_plain=head is None and views == "plain" and not int8)
    shown, loaded = parse_views(views), run if isinstance(run, Run) else load_run(run)
    if head is None and isinstance(run, Run) and run.head_name not in ("", FIRST):
        head = run.head_name  # `run.head(name)` was given: it is the one that is meant
    loaded = loaded if head is None else loaded.head(head)
    known, lost = _read_data(loaded, data, needed=int8)
    loaded = _calibrate(loaded, known, shown, data=data, head_alone=head is not None)
    splits = None if known is None else known.splits
    made = export_run(loaded, splits, views=shown, int8=int8, head_alone=head is not None)
    write_model(_take_form(made.model, like, prior), out)
    told = {"run": loaded, "made": made, "views": shown, "known": known, "lost": lost, "head_alone": head is not None}
    return Saved(path=out, like=like, **told)  # type: ignore[arg-type]


def _check(out: Path, like: str | None, *, overwrite: bool) -> None:
    """Refuse at once, and with one command for all packages, what cannot be written."""
    demand("torch", "onnx", "onnxscript", extra="export")
    if out.suffix.lower() != ".onnx":
        raise ConfigError(f"`out` {out}: expected a name that ends in .onnx, found {out.suffix or 'none'}")
    if out.exists() and not overwrite:
        raise ConfigError(f"{out} is there already: give another `out`, or `force`")
    if like not in (None, FERPLUS):
        raise ConfigError(f"`like` {like}: expected {FERPLUS}")


def _save_bundled(out: Path, like: str | None, prior: Prior, *, is_plain: bool) -> Saved:
    """Write the network that ships, which is 8 bits already, or its likeness of another file."""
    import onnx

    if not is_plain:
        raise ConfigError(
            f"{BUNDLED}: its file has all heads, the plain view and 8 bits: leave out the options for them"
        )
    write_model(_take_form(onnx.load(BUNDLED_FILE), like, prior), out)
    return Saved(path=out, like=like)


def _take_form(model: Any, like: str | None, prior: Prior) -> Any:
    if like is None:
        return build_in_prior(model, prior)
    return imitate_ferplus(build_in_prior(keep_votes(model), prior))  # a prior need not suit answers that are left out


def _read_data(run: Run, data: str | None, *, needed: bool) -> tuple[Known | None, str]:
    """Return what the run was trained on; where that is gone, why, or, if it is `needed`, the error that says so."""
    try:
        known = know_splits(run, source=data)
        if needed:
            known.require("train", "valid")
    except DataError as error:
        if needed:
            advice = "`int8` needs the faces that the run was trained on"
            raise DataError(error.where, f"{error.problem}; {advice}") from None
        return None, str(error)
    return known, ""


def _calibrate(run: Run, known: Known | None, views: tuple[str, ...], *, data: str | None, head_alone: bool) -> Run:
    if known is None or known.splits.valid is None:
        return run
    if run.whole is None or head_alone:
        return calibrate_run(run, known.splits.valid, views=views)
    every = know_splits(run.whole, source=data).splits
    return run if every.valid is None else calibrate_all(run, every.valid, views=views)


def _tell(size: str, run: Run, made: Export, views: tuple[str, ...], *, head_alone: bool) -> Iterator[str]:
    facts = describe_run(run, views, head_alone=head_alone)
    calibrated = f"temperature {facts['temperature']:.3f}" if facts["calibrated"] else "not calibrated"
    yield f"{size}, {run.recipe.name}, {len(run.expressions)} expressions"
    yield f"  in   uint8 faces (N, {facts['size']}, {facts['size']}), grey"
    yield f"  out  probabilities (N, {len(run.expressions)}): views {' + '.join(views)}, {calibrated}"
    before = "before 8 bits, " if made.accuracies else ""
    yield f"  {before}largest difference from torch over {made.faces:,} faces: {made.difference:.1e}"
    if made.accuracies:
        exact, rounded = made.accuracies
        gain = f"{100 * (rounded - exact):+.2f} points"
        yield f"  8 bits: accuracy {rounded:.2%} on valid ({made.measured:,} faces), {exact:.2%} as float32: {gain}"
    if run.synthetic:
        yield "  trained on synthetic faces"

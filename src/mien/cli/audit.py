"""`mien audit`: what is wrong with a data set; a page with the pictures, a table, and a clean list to train on."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.options import VotesFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mien.auditing import Audit, Finding
    from mien.faces import Splits


def audit(
    path: Annotated[str, typer.Argument(help="A file or folder of faces, or synthetic.")] = "synthetic",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the page, the table and the list.")] = Path(
        "audit"
    ),
    run: Annotated[
        Path | None, typer.Option(help="A run that doubts labels: of faces that it was not trained on alone.")
    ] = None,
    votes: VotesFile = None,
    drop: Annotated[
        str | None, typer.Option(help="Kinds of findings that the clean list leaves out: exact-copies,blank,…")
    ] = None,
    drop_from: Annotated[str, typer.Option(help="The splits that may lose faces: train,valid,test.")] = "train",
    size: Annotated[int | None, typer.Option(min=8, max=512, help="Side in pixels; none: the data's own.")] = None,
    classes: Annotated[
        str | None, typer.Option(help="Names of labels that are numbers: neutral,happy,… or 0=neutral,1=happy,…")
    ] = None,
    columns: Annotated[str | None, typer.Option(help="Columns of a table: path=NAME,label=NAME,split=NAME.")] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out unreadable faces and list them.")] = False,
) -> None:
    """Say what is wrong with a data set before anybody trains on it, and show it.

    Copies within and across splits, contradictory labels, pictures that show nothing; with a trained run, likely wrong
    labels; with FER+ votes, faces that people do not agree on. The data itself is never changed.
    """
    from mien.auditing import examine
    from mien.auditing.clean import DROPPABLE, DROPPED_FROM, check_sought, parse_names
    from mien.auditing.examine import list_sought
    from mien.data.loading import load
    from mien.data.votes import read_votes
    from mien.reports.audit_files import save_audit

    kinds = () if drop is None else parse_names(drop, DROPPABLE, "`drop`")
    check_sought(kinds, list_sought(by_votes=votes is not None, by_run=run is not None))
    losing = parse_names(drop_from, DROPPED_FROM, "`drop_from`")
    splits = load(path, size=size, classes=classes, columns=columns, skip_bad=skip_bad)
    tagged = None if votes is None else read_votes(votes)
    doubts = None if run is None else _ask_run(splits, run, skip_bad, columns)
    found = examine(splits, votes=tagged, doubts=doubts)
    _print(found, out, save_audit(found, out, kinds, losing))


def _ask_run(splits: Splits, path: Path, skip_bad: bool, columns: str | None) -> tuple[Finding, ...]:
    from mien.auditing.finding import call_roll
    from mien.auditing.judge import report_doubts
    from mien.runs.run import load_run

    return tuple(report_doubts(call_roll(splits), load_run(path), skip_bad=skip_bad, columns=columns))


def _print(found: Audit, out: Path, notes: Sequence[str]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from mien.auditing import KINDS
    from mien.reports.audit_files import CLEAN_LIST, PAGE, TABLE
    from mien.reports.audit_page import list_facts

    console = Console(highlight=False)
    names = list(found.splits.named())
    console.print(f"{found.splits.source}: {sum(map(len, found.splits.named().values())):,} faces", markup=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("findings")
    for heading in (*names, "groups", "--drop"):
        table.add_column(heading, justify="left" if heading == "--drop" else "right")
    for kind in found.sought:
        counts, groups = found.count(kind), found.count_groups(kind)
        cells = (f"{counts[name]:,}" if name in counts else "–" for name in names)
        table.add_row(
            KINDS[kind].title, *cells, f"{groups:,}" if groups else "", kind if KINDS[kind].is_droppable else ""
        )
    console.print(table)
    for line in (*list_facts(found), *notes):
        console.print(f"{line}.", markup=False, soft_wrap=True)
    for name in (PAGE, TABLE, *([CLEAN_LIST] if notes else [])):
        console.print(f"  {out / name}", markup=False, soft_wrap=True)
    if notes:
        data, kept = shlex.quote(found.splits.source), shlex.quote(str(out / CLEAN_LIST))
        console.print(f"next: mien train --data {data} --only {kept} --out runs/clean", markup=False, soft_wrap=True)

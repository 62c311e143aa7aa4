"""`mien stress`: how a network holds up when its faces are blurred, noisy, dark, turned, cut wrongly or covered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from mien.robustness import Robustness

ARGUMENTS = ("only", "severity", "split", "answer_from")
"""Arguments of `mien.stress` whose flags are called the same."""


def stress(
    run: Annotated[
        Path,
        typer.Argument(
            help="Folder of a run, an ONNX file of mien export, or bundled, the network that ships.", show_default=False
        ),
    ],
    data: Annotated[
        str | None, typer.Option(help="Labelled faces; without it, the data that the run was trained on.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Which faces: valid, test or train. Without it valid, or what --data has alone.")
    ] = None,
    only: Annotated[
        str | None, typer.Option(help="Some corruptions: gaussian-noise,jpeg,…; without it, all of them.")
    ] = None,
    severity: Annotated[str | None, typer.Option(help="1 to 5, or some: 1,3,5; without it, all five.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of noise, directions and places.")] = 0,
    answer_from: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Confidence from which an answer counts in the answer rate.")
    ] = 0.5,
    save: Annotated[
        Path | None,
        typer.Option(help="Folder of the table, the figures and the plot; without it, the run's, if all was measured."),
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="Whose labels count: own, ferplus or ferplus8; without it, those of training.")
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(help="Which head answers, of a network with several; without it, the one that learnt --labels."),
    ] = None,
    votes: Annotated[Path | None, typer.Option(help="The file of FER+ votes, fer2013new.csv.")] = None,
    classes: Annotated[
        str | None, typer.Option(help="Names of the labels of --data that are numbers: neutral,happy,…")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Columns of a table of --data: path=NAME,label=NAME,split=NAME.")
    ] = None,
    known_only: Annotated[
        bool, typer.Option("--known-only", help="Leave out faces of classes that the network does not know.")
    ] = False,
    views: Annotated[
        str, typer.Option(help="How each face is shown to a run: see evaluate. A file has its views inside.")
    ] = "plain",
    device: Annotated[str, typer.Option(help="Of a run: auto, cpu, cuda or mps.")] = "auto",
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out unreadable faces and say how many.")] = False,
) -> None:
    """Measure how a network holds up: accuracy, confidence, calibration error and answer rate under corruptions.

    Blur, noise, light, JPEG, low resolution, turned, shifted, badly cut and covered faces, each of five
    severities, after Hendrycks and Dietterich 2019. Choose on valid; test has to be asked for.
    """
    from rich.console import Console

    from mien.cli.advance import show_advance
    from mien.robustness.corruptions import choose_corruptions, choose_severities
    from mien.robustness.measure import measure
    from mien.robustness.subject import Reading, prepare_subject

    chosen = {"labels": labels, "votes": None if votes is None else str(votes), "classes": classes, "columns": columns}
    with _name_flags():
        corruptions, severities = choose_corruptions(only), choose_severities(severity)
        reading = Reading(
            split=split,
            chosen={name: text for name, text in chosen.items() if text is not None},
            head=head,
            views=views,
            device=device,
            known_only=known_only,
            skip_bad=skip_bad,
        )
        subject = prepare_subject(str(run), data, reading)
    console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    for warning in subject.warnings:
        errors.print(f"mien: {warning}", markup=False, soft_wrap=True)
    total = 1 + len(corruptions) * len(severities)
    with show_advance("under corruption", total, "conditions", errors) as advance:
        found = measure(subject, corruptions, severities, seed=seed, answer_from=answer_from, advance=advance)
    _print(found, console)
    _save(found, save or choose_folder(found, subject.home, is_own=subject.is_own, head=head), console)


def choose_folder(found: Robustness, home: Path | None, *, is_own: bool, head: str | None = None) -> Path | None:
    """Return where in a run's folder the files go; None where nothing is written that was not asked for.

    What lacks some corruption or severity would take the place of the whole, and a network in a file has no folder.
    """
    from mien.robustness import CORRUPTIONS, SEVERITIES
    from mien.robustness.kept import FOLDER

    if home is None or len(found) < len(CORRUPTIONS) * len(SEVERITIES):
        return None
    parts = [FOLDER, *([] if found.split == "valid" and is_own else [found.split])]
    parts += [] if is_own else [Path(found.source).stem]
    parts += [] if head is None else [f"head-{head}"]
    parts += [] if found.labelled_by == "own" else [f"by-{found.labelled_by}"]
    return home / "-".join(parts)


@contextmanager
def _name_flags() -> Iterator[None]:
    """Turn the name of a Python argument at the beginning of an error into that of its flag."""
    try:
        yield
    except ConfigError as error:
        told = re.sub(rf"^({'|'.join(ARGUMENTS)})\b", lambda name: f"--{name[0].replace('_', '-')}", str(error))
        raise ConfigError(told.replace("give data, labelled faces", "give --data FACES")) from None


def _print(found: Robustness, console: Console) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    first, clean, mean = found.tell()
    console.print(Text(first), soft_wrap=True)
    console.print(Text(clean), soft_wrap=True)
    console.print(Text(mean, style="bold"), soft_wrap=True)
    headings, rows = found.tabulate()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(Text(heading), justify="left" if place < 2 else "right")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)
    console.print(f"Answered: with a confidence of at least {found.answer_from:g}.")


def _save(found: Robustness, folder: Path | None, console: Console) -> None:
    from mien.robustness.kept import write_robustness

    if folder is None:
        console.print("Nothing was written: --save FOLDER keeps the table and the plot.")
        return
    for path in write_robustness(found, folder):
        console.print(f"  {path}", markup=False, soft_wrap=True)

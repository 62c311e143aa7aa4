"""`mien stress`: how a network holds up when its faces are blurred, noisy, dark, turned, cut wrongly or covered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.flags import name_flags
from mien.cli.options import ClassNames, Columns, HeadName, LabelsThatCount, SkipBad, VotesFile

if TYPE_CHECKING:
    from rich.console import Console

    from mien.robustness import Robustness


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
    labels: LabelsThatCount = None,
    head: HeadName = None,
    votes: VotesFile = None,
    classes: ClassNames = None,
    columns: Columns = None,
    known_only: Annotated[
        bool, typer.Option("--known-only", help="Leave out faces of classes that the network does not know.")
    ] = False,
    views: Annotated[
        str, typer.Option(help="How each face is shown to a run: see evaluate. A file has its views inside.")
    ] = "plain",
    device: Annotated[str, typer.Option(help="Of a run: auto, cpu, cuda or mps.")] = "auto",
    skip_bad: SkipBad = False,
) -> None:
    """Measure how a network holds up: accuracy, confidence, calibration error and answer rate under corruptions.

    Blur, noise, light, JPEG, low resolution, turned, shifted, badly cut and covered faces, each of five
    severities, after Hendrycks and Dietterich 2019. Choose on valid; test has to be asked for.
    """
    from rich.console import Console

    from mien.cli.advance import show_advance
    from mien.robustness.corruptions import choose_corruptions, choose_severities
    from mien.robustness.kept import choose_folder
    from mien.robustness.measure import measure_robustness
    from mien.robustness.show import open_console, render_robustness
    from mien.robustness.subject import Reading, prepare_subject

    chosen = {"labels": labels, "votes": None if votes is None else str(votes), "classes": classes, "columns": columns}
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
    console, errors = open_console(), Console(stderr=True, highlight=False)
    for warning in subject.warnings:
        errors.print(f"mien: {name_flags(warning)}", markup=False, soft_wrap=True)
    total = 1 + len(corruptions) * len(severities)
    with show_advance("under corruption", total, "conditions", errors) as advance:
        found = measure_robustness(
            subject, corruptions, severities, seed=seed, answer_from=answer_from, advance=advance
        )
    for part in render_robustness(found, console.width):
        console.print(part, soft_wrap=True)
    _save(found, save or choose_folder(found, subject.home, is_own=subject.is_own, head=head), console)


def _save(found: Robustness, folder: Path | None, console: Console) -> None:
    from mien.robustness.kept import write_robustness

    if folder is None:
        console.print("Nothing was written: --save FOLDER keeps the table and the plot.")
        return
    for path in write_robustness(found, folder):
        console.print(f"  {path}", markup=False, soft_wrap=True)

"""Options that several commands have, each with one meaning and one help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

MinDetection = Annotated[
    float | None, typer.Option(min=0.0, max=1.0, help="Leave out finds less sure.", show_default="the detector's")
]
MinFace = Annotated[
    float, typer.Option(min=0.0, help="Pixels a side of faces that get a name in drawings and on the page.")
]
MinSharpness = Annotated[
    float, typer.Option(min=0.0, help="Sharpness of faces that get a name there; about 1 is sharp, 0: any.")
]
MinReadability = Annotated[
    float | None,
    typer.Option(min=0.0, max=1.0, help="What is less readable has no expression; 0: all have.", show_default="0.5"),
]
AnswerBy = Annotated[
    str | None, typer.Option(help="By whose labels: people, ferplus, ferplus8 or fer2013; none: people, if known.")
]
SetMethod = Annotated[
    str, typer.Option(help="Sets that hold for each expression (classes), the smallest (lac), or raps.")
]
LabelsThatCount = Annotated[
    str | None, typer.Option(help="Whose labels count: own, ferplus or ferplus8; without it, those of training.")
]
HeadName = Annotated[
    str | None,
    typer.Option(help="Which head answers, of a network with several; without it, the one that learnt --labels."),
]
VotesFile = Annotated[Path | None, typer.Option(help="The file of FER+ votes, fer2013new.csv.")]
ClassNames = Annotated[str | None, typer.Option(help="Names of the labels of --data that are numbers: neutral,happy,…")]
Columns = Annotated[str | None, typer.Option(help="Columns of a table of --data: path=NAME,label=NAME,split=NAME.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave out unreadable faces and say how many.")]

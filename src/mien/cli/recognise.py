"""`mien recognise`: expressions in pictures, folders of them, videos and what a camera sees."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli.options import AnswerBy, MinDetection, MinFace, MinReadability, MinSharpness
from mien.errors import ConfigError

ENGINES = ("local", "ray")


def recognise(
    paths: Annotated[
        list[str] | None,
        typer.Argument(help="Pictures, videos, folders, quoted patterns, streams.", show_default=False),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A table, one row a face: .csv, .jsonl or .parquet.")] = None,
    draw: Annotated[Path | None, typer.Option(help="Folder for copies with the faces drawn in, and timelines.")] = None,
    min_confidence: Annotated[float, typer.Option(min=0.0, max=1.0, help="Leave out faces named with less.")] = 0.0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with --out: what is done is left out.")] = False,
    run: Annotated[Path | None, typer.Option(help="A run, or a file of mien export; none: mien's own network.")] = None,
    detector: Annotated[
        str, typer.Option(help="How faces are found: auto, yunet, yunet:FILE, cascade, none.")
    ] = "auto",
    min_detection: MinDetection = None,
    no_detect: Annotated[bool, typer.Option("--no-detect", help="Each picture is one face already.")] = False,
    min_face: MinFace = 24,
    min_sharpness: MinSharpness = 0.5,
    min_readability: MinReadability = None,
    labels: AnswerBy = None,
    coverage: Annotated[
        float | None,
        typer.Option(help="Add sets of expressions that hold the true one of so many faces, 0.5 to 0.99."),
    ] = None,
    sets: Annotated[str | None, typer.Option(help="As --coverage, 0.9 without it: classes, lac or raps.")] = None,
    prior: Annotated[
        str | None,
        typer.Option(help="How often each expression occurs: training, uniform, happy=0.4,… or estimate."),
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Of a video, look at each so many-th frame.")] = 1,
    smooth: Annotated[float, typer.Option(min=0.0, help="Of a video, average over about so many seconds.")] = 0.5,
    camera: Annotated[int | None, typer.Option(min=0, help="Number of a camera, until Ctrl-C.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Threads that read, or Ray's; none: a core each.")] = None,
    engine: Annotated[str, typer.Option(help="local: this process; ray: all machines of a Ray cluster.")] = "local",
) -> None:
    """Find the faces in pictures and videos and name their expressions.

    Files that cannot be read are listed and left out. A run over many files that was stopped, by whatever, goes on with
    --resume. In a video, faces are followed from frame to frame.
    """
    import os

    if engine not in ENGINES:
        raise ConfigError(f"--engine {engine}: expected local or ray")
    if not paths and camera is None:
        raise ConfigError("give pictures, videos or folders, or --camera 0")
    if camera is not None and (paths or resume):
        raise ConfigError("--camera looks at the camera alone, and begins anew: leave out files and --resume")
    if resume and out is None:
        raise ConfigError("--resume goes on with a table: name it with --out")
    from mien.beliefs.sets import COVERAGE, DEFAULT
    from mien.cli.recognition import show_recognition
    from mien.recognition import Clarity
    from mien.stream.request import Request

    request = Request(
        names=tuple(paths or ()),
        camera=camera,
        out=out,
        draw_to=draw,
        resume=resume,
        run=None if run is None else str(run),
        detector="none" if no_detect else detector,
        min_detection=min_detection,
        min_confidence=min_confidence,
        clarity=Clarity(min_side=min_face, min_sharpness=min_sharpness),
        labels=labels,
        prior=prior,
        coverage=COVERAGE if coverage is None and sets is not None else coverage,
        sets=sets or DEFAULT,
        min_readability=min_readability,
        every=every,
        smoothing_seconds=smooth,
        workers=workers or os.cpu_count() or 1,
        engine=engine,
    )
    show_recognition(request)

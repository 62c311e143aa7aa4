"""What was recognised, for a terminal. In: outcomes and counts. Out: what rich prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from mien.data.show import draw_bar
from mien.recognition.face import BETWEEN, name_columns
from mien.recognition.layout import UNREADABLE

if TYPE_CHECKING:
    from mien.beliefs.base_rates import BaseRates
    from mien.stream.pictures import Outcome
    from mien.stream.rows import Row
    from mien.stream.tally import Tally
    from mien.stream.timeline import Timeline

BAR_CELLS = 20


def tell_picture(
    outcome: Outcome, expressions: Sequence[str], *, bars: bool, sets: bool = False
) -> Iterator[RenderableType]:
    """Yield a line about a picture: its faces, each with its expression and confidence; then bars, if wanted.

    With `sets` each face tells which expressions it may show, where there are more than one.
    """
    faces = [row for row in outcome.rows if row["face"] is not None]
    told = ", ".join(
        f"{_tell_answer(row)}{_tell_set(row) if sets else ''}{_tell_place(row['left'], row['top'])}" for row in faces
    )
    yield Text.assemble((outcome.file, "bold"), f"  {told or 'no face'}")
    named = [row for row in faces if row["expression"] is not None]
    if bars and named:
        columns = dict(zip(expressions, name_columns(expressions), strict=True))
        yield render_bars([(row["face"], {name: row[column] for name, column in columns.items()}) for row in named])


def tell_video(name: str, timeline: Timeline) -> Text:
    """Return a line about a video, then one for each face that was followed for longest."""
    faces = timeline.longest()
    told = f"{len(timeline)} face{'s' * (len(timeline) != 1)} followed" if faces else tell_none(timeline)
    lines = [
        f"\n  face {one.number}: {one.start:.1f} to {one.end:.1f} s, mostly {one.mostly} ({one.share:.0%})"
        for one in faces
    ]
    return Text.assemble((name, "bold"), f"  {told}", *lines)


def render_bars(faces: Sequence[tuple[int, Mapping[str, float]]]) -> Table:
    """Return a bar for each expression of each numbered face."""
    table = Table(box=None, pad_edge=False)
    table.add_column("face", justify="right")
    for _ in range(3):
        table.add_column()
    for number, probabilities in faces:
        if not probabilities:
            table.add_row(str(number), UNREADABLE)
            continue
        most = max(probabilities.values())
        for index, (name, share) in enumerate(probabilities.items()):
            style = "bold" if share == most else ""
            bar = Text(draw_bar(share * BAR_CELLS), style="cyan")
            table.add_row(str(number) if index == 0 else "", Text(name, style=style), f"{share:.0%}".rjust(4), bar)
    if not faces:
        table.add_row("–", "no face")
    return table


def render_rates(found: BaseRates) -> Table:
    """Return how often each expression occurs, with intervals."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("expression")
    for heading in ("rate", "95% interval"):
        table.add_column(heading, justify="right")
    for name, rate in found.rates.items():
        low, high = found.intervals[name]
        table.add_row(Text(name), f"{rate:.1%}", f"{low:.1%} to {high:.1%}")
    return table


def render_tally(tally: Tally, expressions: Sequence[str]) -> Iterator[RenderableType]:
    """Yield the counts of everything that was recognised."""
    total = sum(tally.count_faces(name) for name in expressions)
    if total:
        yield Text()
        yield _render_expressions(tally, expressions, total)
    yield Text(", ".join(_list_counts(tally)))


def _render_expressions(tally: Tally, expressions: Sequence[str], total: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_footer=True)
    table.add_column("expression", footer="all")
    table.add_column("faces", justify="right", footer=f"{total:,}")
    for heading in ("share", "mean confidence"):
        table.add_column(heading, justify="right")
    table.add_column("")
    most = max(tally.count_faces(name) for name in expressions)
    for name in expressions:
        count = tally.count_faces(name)
        sure = f"{tally.mean_confidence(name):.0%}" if count else "–"
        bar = Text(draw_bar(BAR_CELLS * count / most), style="cyan")
        table.add_row(Text(name), f"{count:,}", f"{count / total:.1%}", sure, bar)
    return table


def _list_counts(tally: Tally) -> Iterator[str]:
    if tally["pictures"] or not tally["videos"]:
        yield _count(tally["pictures"], "picture")
    if tally["empty"]:
        yield f"{tally['empty']:,} of them without a face"
    if tally["unreadable"]:
        yield f"{tally['unreadable']:,} found and {UNREADABLE}"
    if tally["videos"]:
        frames = _count(tally["frames"], "frame")
        yield f"{_count(tally['videos'], 'video')} with {frames} looked at (each counts its faces)"
    if tally["damaged"]:
        yield f"{tally['damaged']:,} of them read in part"
    if tally["bad"]:
        yield f"{_count(tally['bad'], 'file')} left out"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def tell_none(timeline: Timeline) -> str:
    """Return what is told of a video in which no face has an expression."""
    return "no face that can be read" if timeline.unreadable else "no face"


def _tell_answer(row: Row) -> str:
    return UNREADABLE if row["expression"] is None else f"{row['expression']} {row['confidence']:.0%}"


def _tell_set(row: Row) -> str:
    """Return the set as people write it; nothing where it is the expression alone.

    >>> _tell_set({"expressions": "sad|neutral"}), _tell_set({"expressions": "sad"})
    (' {sad, neutral}', '')
    """
    among = (row.get("expressions") or "").split(BETWEEN)
    return f" {{{', '.join(among)}}}" if len(among) > 1 else ""


def _tell_place(left: int | None, top: int | None) -> str:
    return "" if left is None else f" at {left},{top}"

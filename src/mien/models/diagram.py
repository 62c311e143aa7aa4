"""The block diagram of a network. In: a `Network`. Out: an SVG as text, readable on light and dark pages.

Feature maps are boxes, vectors are bars; colours tell the kinds of layers; shapes and parameters stand below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from mien.models.boxes import LABELS, MARGIN, RISE, TALLEST, Box, Column, arrange, labels
from mien.models.network import Network
from mien.models.stages import Slice, Stage, group_stages
from mien.models.summary import Summary, summarise

COLOURS: dict[str, str] = {
    "face": "#e2bd97",
    "other": "#7d8aa0",
    "convolution": "#4a7fc1",
    "norm": "#a58bd0",
    "activation": "#e7a83e",
    "pool": "#cf5f45",
    "dropout": "#a3abb5",
    "linear": "#46a383",
}
"""Family of layers -> colour, in the order of the legend; told apart by colour-blind eyes too."""

NAMES = {"norm": "normalisation", "other": "other layers"}
HEAD, LINE = 118.0, 22.0
"""Height in pixels above the largest box, and of a line of text."""

STYLE = """
.mien-net text{font:14px system-ui,'Segoe UI',Helvetica,Arial,sans-serif;fill:#1f2733}
.mien-net .bold{font-weight:600} .mien-net .middle{text-anchor:middle}
.mien-net text.big{font-size:22px} .mien-net text.muted{fill:#5d6878}
.mien-net .paper{fill:#fff} .mien-net .edge{stroke:#fff;stroke-width:.8;stroke-linejoin:round}
.mien-net .line{fill:none;stroke:#5d6878;stroke-width:1.4} .mien-net .tip{fill:#5d6878}
.mien-net .lit{fill:#fff;fill-opacity:.38} .mien-net .shade{fill:#000;fill-opacity:.2}
.mien-net .look{fill:none;stroke:#4b3420;stroke-width:.05;stroke-linecap:round}
"""
DARK_STYLE = """
.mien-net text{fill:#e6eaf0} .mien-net text.muted{fill:#9aa6b5}
.mien-net .paper{fill:#12161c} .mien-net .edge{stroke:#12161c}
.mien-net .line{stroke:#9aa6b5} .mien-net .tip{fill:#9aa6b5}
"""


def draw_network(network: Network, *, title: str) -> str:
    """Return the diagram of `network` as SVG, headed by `title`.

    Raises:
        ConfigError: the network cannot take faces of its size.
    """
    summary = summarise(network)
    side = summary.size
    input_slice = Slice(family="face", channels=1, side=side)
    face = Stage(title="Face", slices=(input_slice,), shape=(1, side, side), parameters=0)
    columns = arrange((face, *group_stages(network, summary)), size=side)
    axis = HEAD + TALLEST * (1 + RISE) / 2
    floor = axis + TALLEST * (1 + RISE) / 2 + 2 * LINE
    body = [*_draw_heading(title, summary), *_draw_columns(columns, axis), *_draw_labels(columns, floor)]
    body += _draw_legend(columns, floor + 4.5 * LINE)
    return _wrap(body, _tell(title, columns, summary), columns[-1].right + MARGIN, floor + 4.5 * LINE + MARGIN)


def _wrap(body: list[str], told: list[str], width: float, height: float) -> str:
    colours = "".join(f".mien-net .{family}{{fill:{colour}}}\n" for family, colour in COLOURS.items())
    style = f"<style>{STYLE}{colours}@media (prefers-color-scheme:dark){{{DARK_STYLE}}}</style>"
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    paper = f'<rect class="paper" width="{width:.0f}" height="{height:.0f}" rx="10"/>'
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" class="mien-net" role="img" {size}>'
    return "\n".join((opening, *told, style, paper, *body, "</svg>", ""))


def _tell(title: str, columns: Sequence[Column], summary: Summary) -> list[str]:
    """Return title and description, for those who hear the picture."""
    steps = "; ".join(f"{name} to {shape}" for name, shape, _ in (labels(column.stage) for column in columns[1:]))
    desc = f"{_count(summary)}. From a face of {summary.size} × {summary.size} pixels: {steps}."
    return [f"<title>Block diagram of {escape(title)}</title>", f"<desc>{escape(desc)}</desc>"]


def _count(summary: Summary) -> str:
    millions = summary.multiply_adds / 1e6
    return f"{len(summary.layers)} layers, {summary.parameters:,} parameters, {millions:,.1f} M multiply-adds per face"


def _draw_heading(title: str, summary: Summary) -> Iterator[str]:
    yield _text(MARGIN, 42, title, "big bold")
    yield _text(MARGIN, 42 + LINE, _count(summary), "muted")


def _draw_columns(columns: Sequence[Column], axis: float) -> Iterator[str]:
    """Yield boxes from left to right, so that the nearer hide the farther, and the arrows between them."""
    yield _draw_look(columns[0].boxes[0], axis)
    for column in columns[1:]:
        yield from (_draw_box(box, axis) for box in column.boxes)
        if column.stage.skip:
            yield _draw_skip(column.boxes[: column.stage.skip], axis)
    for before, after in pairwise(columns):
        yield _draw_arrow(before.boxes[-1], after.boxes[0], axis)


def _draw_box(box: Box, axis: float) -> str:
    left, width = box.x - box.depth / 2, box.width
    top, bottom = axis + box.rise / 2 - box.height / 2, axis + box.rise / 2 + box.height / 2
    back = f"l{box.depth:.1f},{-box.rise:.1f}"
    upper = f"M{left:.1f},{top:.1f}{back}h{width:.1f}l{-box.depth:.1f},{box.rise:.1f}z"
    right = f"M{left + width:.1f},{bottom:.1f}{back}v{-box.height:.1f}l{-box.depth:.1f},{box.rise:.1f}z"
    return (
        f'<g class="edge"><rect class="{box.family}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
        f'height="{box.height:.1f}"/><path class="{box.family}" d="{upper}{right}"/></g>'
        f'<path class="lit" d="{upper}"/><path class="shade" d="{right}"/>'
    )


def _draw_look(box: Box, axis: float) -> str:
    """Return the input's box, with two eyes and a smile on its right side."""
    left = box.x + box.width - box.depth / 2
    top = axis + box.rise / 2 - box.height / 2
    place = f"matrix({box.depth:.1f},{-box.rise:.1f},0,{box.height:.1f},{left:.1f},{top:.1f})"
    look = "M.32,.36v.07M.68,.36v.07M.27,.62Q.5,.86 .73,.62"
    return f'{_draw_box(box, axis)}<path class="look" transform="{place}" d="{look}"/>'


def _draw_skip(boxes: Sequence[Box], axis: float) -> str:
    """Return the arc of a skip connection, from above the first box to above the last."""
    start, end = boxes[0].x + boxes[0].depth / 2, boxes[-1].x + boxes[-1].width + boxes[-1].depth / 2
    top = axis - (boxes[0].height + boxes[0].rise) / 2
    arc = f"M{start:.1f},{top - 3:.1f}v-8q0,-10 10,-10H{end - 10:.1f}q10,0 10,10v3"
    tip = f"M{end:.1f},{top - 2:.1f}l-4,-7h8z"
    return f'<path class="line" d="{arc}"/><path class="tip" d="{tip}"/>'


def _draw_arrow(before: Box, after: Box, axis: float) -> str:
    """Return an arrow from the middle of one box's right side (from the edge of a face: it would be its nose)."""
    start = before.x + before.width + (before.depth / 2 + 3 if before.family == "face" else 0)
    end = after.x - after.depth / 2 - 4
    tip = f'<path class="tip" d="M{end:.1f},{axis:.1f}l-8,-4v8z"/>'
    return f'<path class="line" d="M{start:.1f},{axis:.1f}H{end - 7:.1f}"/>{tip}'


def _draw_labels(columns: Sequence[Column], floor: float) -> Iterator[str]:
    for row, (name, style) in enumerate((("layer", "bold"), ("output", ""), ("parameters", "muted"))):
        y = floor + row * LINE
        yield _text(MARGIN, y, name, "muted")
        for column in columns:
            yield _text(column.middle, y, labels(column.stage)[row], f"middle {style}".strip())


def _draw_legend(columns: Sequence[Column], y: float) -> Iterator[str]:
    found = {piece.family for column in columns for piece in column.stage.slices}
    x = MARGIN + LABELS
    for family in (family for family in COLOURS if family in found and family != "face"):
        name = NAMES.get(family, family)
        yield f'<rect class="{family}" x="{x:.0f}" y="{y - 11:.0f}" width="13" height="13" rx="3"/>'
        yield _text(x + 20, y, name, "")
        x += 20 + 8 * len(name) + 24


def _text(x: float, y: float, words: str, style: str) -> str:
    attributes = f' class="{style}"' if style else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{attributes}>{escape(words)}</text>'

"""The one style of all pictures, and titles. In: where it goes. Out: an empty figure, written whole or not at all.

Figures are made as objects, without pyplot's global state.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.errors import MissingExtraError
from mien.files import write_aside

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT, RULE = "#22303c", "#5d6b75", "#dfe5e8"
TRAIN, VALID, MARK = "#8c9aa4", "#1f749d", "#b4572e"
SHADES = ("#f7fafc", "#cde3ec", "#9bcbdc", "#5fb0cb", "#2b92b8", "#1f749d", "#1d577e", "#183b5c", "#0f2138")
"""From light to dark in even steps of CIE lightness: twice the share looks twice as dark, in grey print, too."""

WHITE_INK_FROM = 0.585
"""From this share on, white reads better on the shade than black; either has a contrast of at least 4.5 to 1."""

STYLE: dict[Any, Any] = {
    "font.size": 10.0,
    "font.family": "sans-serif",
    "text.color": INK,
    "axes.labelcolor": FAINT,
    "axes.edgecolor": RULE,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "text.parse_math": False,  # a class may be called $_$: names are no formulas
    "svg.fonttype": "none",  # letters stay letters: a small file with text that can be searched
    "svg.hashsalt": "mien",  # without it, names inside the file differ from one drawing to the next
}
METADATA = {".svg": {"Date": None, "Creator": None}, ".png": {"Software": None}}
PIXELS_PER_INCH = 160


@contextmanager
def open_figure(target: Path | StringIO | None, *, width: float, height: float) -> Iterator[Figure]:
    """Yield an empty figure, sizes in inches; what was drawn on it is then written to `target`, all of it or nothing.

    Args:
        target: a file, .svg or .png; a buffer for an SVG without a ground of its own, to stand in a page; None: the
            figure is all that is wanted.
        width: in inches.
        height: in inches.

    Raises:
        MissingExtraError: matplotlib is not installed.
        MienError: the file cannot be written.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("matplotlib", "train") from None
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        # Of letters that matplotlib's font lacks, as Chinese ones: an SVG has them in the fonts of the reader.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Figure(figsize=(width, height))
        yield figure
        if isinstance(target, Path):
            with write_aside(target) as aside:
                figure.savefig(aside, dpi=PIXELS_PER_INCH, bbox_inches="tight", metadata=METADATA[target.suffix])
        elif target is not None:
            figure.savefig(target, format="svg", bbox_inches="tight", transparent=True, metadata=METADATA[".svg"])


def write_title(axes: Axes, title: str, about: str) -> None:
    """Write a title and, below it, lines that say more, above the panel."""
    lines = 1 + about.count("\n")
    axes.annotate(about, (0, 1), (0, 22), "axes fraction", "offset points", size=9.5, color=FAINT, linespacing=1.4)
    place = (0, 24 + 14 * lines)
    axes.annotate(title, (0, 1), place, "axes fraction", "offset points", size=13.5, weight="bold")

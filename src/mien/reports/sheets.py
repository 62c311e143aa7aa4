"""The pictures of a Markdown report, as files. In: `ReportData`. Out: a folder of SVGs and of sheets of faces."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from mien.files import make_folder, write_aside, write_text
from mien.reports.data import Absent, ReportData
from mien.reports.page import draw_plots
from mien.reports.thumbnails import WIDEST
from mien.reports.words import open_catalogue

COLUMNS, GAP = 8, 6
WHITE = (255, 255, 255)


def write_pictures(data: ReportData, language: str, folder: Path) -> None:
    """Write the pictures that `render_markdown` names into `folder`.

    Raises:
        ConfigError: no such language.
        MienError: a file cannot be written.
    """
    plots = draw_plots(data, open_catalogue(language))
    make_folder(folder)
    write_text(folder / "network.svg", data.network.diagram)
    for name, plot in plots.items():
        write_text(folder / f"{name}.svg", plot.svg)
    sheets = {f"pair-{number}": [face.png for face in pair.faces] for number, pair in enumerate(data.pairs, start=1)}
    sheets["wrong"] = [face.png for face in data.wrong]
    if not isinstance(data.saliency, Absent):
        sheets["saliency-right"] = [face.saliency[face.given] for face in data.saliency.right]
        sheets["saliency-wrong"] = [
            face.saliency[name] for face in data.saliency.wrong for name in (face.given, face.true)
        ]
    for name, pictures in sheets.items():
        if pictures:
            with write_aside(folder / f"{name}.png") as aside:
                compose_sheet(pictures).save(aside)


def compose_sheet(pictures: Sequence[str]) -> Image.Image:
    """Return base64 PNGs side by side, eight to a row, in their order."""
    tiles = [Image.open(io.BytesIO(base64.b64decode(picture))) for picture in pictures]
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    step = WIDEST + GAP
    sheet = Image.new("RGB", (columns * step - GAP, rows * step - GAP), WHITE)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        resized = tile.convert("RGB").resize((WIDEST, WIDEST), Image.Resampling.BICUBIC)
        sheet.paste(resized, (column * step, row * step))
    return sheet

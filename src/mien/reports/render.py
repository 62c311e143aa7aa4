"""Render a report: `ReportData` goes in, HTML, Markdown or JSON comes out; the same bytes for the same data."""

from __future__ import annotations

import json
import re
from dataclasses import asdict

from mien.evaluation.metrics import Scores
from mien.reports.data import FacePicture, ReportData
from mien.reports.figures import inline_svg
from mien.reports.numbers import write_percent
from mien.reports.page import draw_plots, prepare_page
from mien.reports.shades import name_shade, write_shade_rules
from mien.reports.table import Cell
from mien.reports.templates import open_templates, read_style
from mien.reports.words import open_catalogue


def render_html(data: ReportData, language: str) -> str:
    """Return one page that needs nothing else: style, plots and faces are inside.

    Raises:
        ConfigError: no such language.
        MissingExtraError: jinja2 or matplotlib is not installed.
    """
    say = open_catalogue(language)
    plots = draw_plots(data, say)
    return (
        open_templates(is_html=True)
        .get_template("report.html.jinja")
        .render(
            **prepare_page(data, say),
            language=say("lang"),
            style=read_style() + write_shade_rules(),
            figures={name: inline_svg(plot.svg, name=name, label=plot.label) for name, plot in plots.items()},
            shade=_shade_cell,
            width=lambda part: f"{100.0 * part:.1f}%",
        )
    )


def render_markdown(data: ReportData, language: str, folder: str) -> str:
    """Return the same as Markdown; its pictures are those of `write_pictures`, in `folder` beside it.

    Raises:
        ConfigError: no such language.
        MissingExtraError: jinja2 or matplotlib is not installed.
    """
    say = open_catalogue(language)
    templates = open_templates(is_html=False)
    templates.filters |= {"cell": _write_cell, "sureness": _write_sureness}
    page = {**prepare_page(data, say), "plots": draw_plots(data, say), "folder": folder}
    text = templates.get_template("report.md.jinja").render(page)
    return re.sub(r"\n{3,}", "\n\n", text).lstrip()


def render_json(data: ReportData) -> str:
    """Return everything that a report says, as plain values; the pictures are base64 PNGs."""
    return json.dumps(asdict(data), indent=2, ensure_ascii=False) + "\n"


def _shade_cell(scores: Scores, row: int, column: int) -> str:
    return name_shade(scores.confusion[row][column] / max(scores.classes[row].support, 1))


def _write_cell(cell: Cell | str) -> str:
    text = cell if isinstance(cell, str) else f"{cell.text} · {cell.under}" if cell.under else cell.text
    return text.replace("|", "\\|").replace("\n", " ")


def _write_sureness(picture: FacePicture) -> str:
    return write_percent(picture.probability, 0)

"""Render a report: `ReportData` goes in, HTML, Markdown or JSON comes out; the same bytes for the same data."""

from __future__ import annotations

import json
import re
from dataclasses import asdict

from mien.report.data import ReportData
from mien.report.figures import inline_svg
from mien.report.numbers import write_percent
from mien.report.page import draw_plots, prepare_page
from mien.report.shades import write_shade_rules
from mien.report.templates import open_templates, read_style
from mien.report.words import open_catalogue


def render_html(data: ReportData, language: str) -> str:
    """Return one page that needs nothing else: style, plots and faces are inside.

    Raises:
        ConfigError: no such language.
        MissingExtraError: jinja2 or matplotlib is not installed.
    """
    say = open_catalogue(language)
    templates = open_templates(is_html=True)
    style = read_style() + write_shade_rules()
    plots = draw_plots(data, say)
    figures = {name: inline_svg(plot.svg, name=name, label=plot.label) for name, plot in plots.items()}
    return templates.get_template("report.html.jinja").render(**prepare_page(data, say), style=style, figures=figures)


def render_markdown(data: ReportData, language: str, folder: str) -> str:
    """Return the same as Markdown; its pictures are those of `write_pictures`, in `folder` beside it.

    Raises:
        ConfigError: no such language.
        MissingExtraError: jinja2 or matplotlib is not installed.
    """
    say = open_catalogue(language)
    templates = open_templates(is_html=False)
    templates.filters |= {
        "cell": lambda value: str(value).replace("|", "\\|").replace("\n", " "),
        "named": lambda expression: say(f"expression.{expression}"),
        "number": lambda number: f"{number:,}",
        "percentage": lambda part: write_percent(part, 0),
    }
    plots = draw_plots(data, say)
    text = templates.get_template("report.md.jinja").render(**prepare_page(data, say), plots=plots, folder=folder)
    return re.sub(r"\n{3,}", "\n\n", text)


def render_json(data: ReportData) -> str:
    """Return everything that a report says, as plain values; the pictures are base64 PNGs."""
    return json.dumps(asdict(data), indent=2, ensure_ascii=False) + "\n"

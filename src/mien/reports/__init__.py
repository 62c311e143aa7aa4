"""Explain a run: its folder goes in, one page comes out that says what it is, how it learned and what it confuses.

`gather_report` collects everything as plain values (`ReportData`), `render_html`, `render_markdown` and `render_json`
turn them into text. Nothing is asserted that is not computed from the files of the run.
"""

from mien.reports.data import ReportData
from mien.reports.gather import gather_report
from mien.reports.render import render_html, render_json, render_markdown
from mien.reports.sheets import write_pictures

__all__ = ["ReportData", "gather_report", "render_html", "render_json", "render_markdown", "write_pictures"]

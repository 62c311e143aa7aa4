"""The templates of the report, and how they are opened. In: a name. Out: a jinja2 environment that finds it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent


def open_templates(*, is_html: bool) -> Environment:
    """Return the environment; what is filled in is escaped where the result is HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup, escape

    def mark_code(text: str) -> Markup:
        return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 (escaped just now)

    templates = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=is_html,  # noqa: S701 (Markdown is no HTML)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=None if is_html else _write_tags_as_text,
    )
    templates.filters["code"] = mark_code if is_html else str
    return templates


def _write_tags_as_text(value: Any) -> Any:
    """Return a text with what Markdown would take for HTML, as in a class called <b>, told apart from it."""
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", value) if isinstance(value, str) else value


def read_style() -> str:
    """Return the style sheet of the page."""
    return (FOLDER / "report.css").read_text(encoding="utf-8")

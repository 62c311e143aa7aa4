"""The templates of the report, and how they are opened. In: a name. Out: a jinja2 environment that finds it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from mien.errors import MissingExtraError

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent


def open_templates(*, is_html: bool) -> Environment:
    """Return the environment; what is filled in is escaped where the result is HTML.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
        from markupsafe import Markup, escape
    except ImportError:
        raise MissingExtraError("jinja2", "train") from None

    def mark_code(text: str) -> Markup:
        return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 (escaped just now)

    templates = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=is_html,  # noqa: S701 (Markdown is no HTML)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters["code"] = mark_code if is_html else str
    return templates


def read_style() -> str:
    """Return the style sheet of the page."""
    return (FOLDER / "report.css").read_text(encoding="utf-8")

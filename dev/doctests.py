"""Griffe's extension for the site: the examples in docstrings are shown as code."""

from __future__ import annotations

from typing import Any

import griffe


class Doctests(griffe.Extension):
    """Puts a fence around each example: without one, Markdown takes `>>>` for quotes and lists for links."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of one module, class, function or attribute."""
        if obj.docstring is not None and ">>>" in obj.docstring.value:
            obj.docstring.value = fence_examples(obj.docstring.value)


def fence_examples(text: str) -> str:
    r"""Return a docstring whose examples stand between fences; an example ends with an empty line.

    >>> fence_examples(">>> 1 + 1\n2")
    '```pycon\n>>> 1 + 1\n2\n```'
    """
    lines: list[str] = []
    within = False
    for line in (*text.split("\n"), ""):
        if line.startswith(">>>") and not within:
            lines.append("```pycon")
            within = True
        elif within and not line.strip():
            lines.append("```")
            within = False
        lines.append(line)
    return "\n".join(lines[:-1])

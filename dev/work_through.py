"""Run the Python of a page of the documents and write what each cell answers under it, as a notebook does.

    python dev/work_through.py docs/guides/my-faces.md [--in FOLDER]

A cell is a block of ```python; its answer, what it printed and the value of its last line, is the block of ```text that
follows it, which is written anew. Cells share their names and run in FOLDER, by default a new one that is thrown away.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

CELL = re.compile(r"```python\n(?P<code>.*?)```\n(?:\n```text\n.*?```\n)?", flags=re.DOTALL)
MAX_LINES = 30


def run_cell(code: str, names: dict[str, Any]) -> str:
    """Return what a cell printed, and the value of its last line unless that is None."""
    tree = ast.parse(code)
    last = ast.Expression(tree.body.pop().value) if isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "page", "exec"), names)  # noqa: S102 (the page is our own)
        value = None if last is None else eval(compile(last, "page", "eval"), names)  # noqa: S307
    return printed.getvalue() + ("" if value is None else f"{value!r}\n")


def work_through(text: str) -> str:
    """Return the page with the answers of today."""
    names: dict[str, Any] = {"__name__": "page"}

    def answer(found: re.Match[str]) -> str:
        lines = run_cell(found["code"], names).rstrip().splitlines()
        if len(lines) > MAX_LINES:
            lines[MAX_LINES:] = [f"… {len(lines) - MAX_LINES} more lines"]
        told = "\n".join(line.rstrip() for line in lines)
        return f"```python\n{found['code']}```\n" + (f"\n```text\n{told}\n```\n" if told else "")

    return CELL.sub(answer, text)


def main() -> None:
    """Rewrite the page that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("--in", dest="folder", type=Path)
    asked = parser.parse_args()
    page = asked.page.resolve()
    with tempfile.TemporaryDirectory() as place:
        os.chdir(asked.folder or place)
        text = work_through(page.read_text(encoding="utf-8"))
        os.chdir(Path(sys.executable).parent)  # so that Windows can remove the folder
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

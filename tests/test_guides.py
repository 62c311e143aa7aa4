"""Pages with Python run as they stand: the README's, the tutorial's and the guides'."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from conftest import ROOT

PAGES = ["README.md", "docs/tutorial.md", *(f"docs/guides/{path.name}" for path in (ROOT / "docs/guides").glob("*.md"))]


def read_cells(page: str) -> list[str]:
    """Return the Python of a page, block by block."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_python_of_a_page_runs_as_it_stands(page: str, tmp_path: Path) -> None:
    """Cell after cell in one program, beside a photograph and nothing else; warnings are errors."""
    Image.open(ROOT / "docs" / "astronaut.jpg").save(tmp_path / "photo.jpg")
    cells = read_cells(page)
    assert cells
    script = "import warnings\nwarnings.simplefilter('error', UserWarning)\n" + "\n".join(cells)
    (tmp_path / "page.py").write_text(f"def main():\n    pass\n\n\nif __name__ == '__main__':\n{indent(script)}\n")
    environment = {**os.environ, "MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, "page.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stderr[-3000:]


def indent(script: str) -> str:
    """Return a script as the body of a block."""
    return "\n".join(f"    {line}" if line else line for line in script.split("\n"))


def test_the_tutorial_has_fifteen_cells() -> None:
    """From a folder of faces to a served model."""
    assert 15 == len(read_cells("docs/tutorial.md"))

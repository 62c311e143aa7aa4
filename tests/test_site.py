"""The site of the documents: built strictly, so that a dead link or a docstring out of step with its function fails."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mien
from conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.site]

VALUES = {name for name in mien.__all__ if name[0].isupper()}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the site, built as `make docs` does."""
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(out)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr[-3000:]
    assert "" == done.stdout + done.stderr
    return out


def test_the_site_describes_every_name_of_the_front_door(site: Path) -> None:
    """Functions on one page, values on the next, each from its docstring."""
    pages = {name: (site / "api" / name).read_text(encoding="utf-8") for name in ("index.html", "values.html")}
    told = {name: set(re.findall(r'id="mien\.(\w+)"', text)) for name, text in pages.items()}
    assert VALUES <= told["values.html"]
    assert set(mien.__all__) - VALUES - {"__version__"} <= told["index.html"]


def test_each_package_has_a_page(site: Path) -> None:
    """The rooms beneath the front door; the command line documents itself."""
    rooms = {path.parent.name for path in (ROOT / "src" / "mien").glob("*/__init__.py")} - {"cli"}
    assert rooms <= {path.stem for path in (site / "api").glob("*.html")}


def test_a_page_of_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    """No fonts, scripts, styles or pictures of other hosts."""
    fetched = re.compile(r'(?:src="|<link[^>]+(?:stylesheet|preconnect|icon)[^>]+href=")((?:https?:)?//[^"]+)')
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    assert [] == [found for page in pages for found in fetched.findall(page.read_text(encoding="utf-8"))]


def test_formulas_are_drawn_by_the_browser_itself(site: Path) -> None:
    """As MathML: no script has to be fetched for them, and no TeX is left."""
    page = (site / "theory.html").read_text(encoding="utf-8")
    assert page.count("<math") > 100
    assert "arithmatex" not in page


def test_docs_target_builds_strictly() -> None:
    """`make docs` is the build that is tested here."""
    rule = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\ndocs:")[2].partition("\n\n")[0]
    assert "mkdocs build --quiet --strict" in rule

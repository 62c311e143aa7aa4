"""docs/theory.md and the code name each other, and its numbers are those of the claims."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

from mien.plots import open_figure
from mien.theory import claims, derivations, page
from mien.theory.derivations import TOPICS, list_functions, open_topic
from mien.theory.witnesses import CLAIMS, autograd

PAGE = Path(__file__).resolve().parents[2] / "docs" / "theory.md"
MODULES = [*map(open_topic, TOPICS), claims, page, derivations, autograd]


def read_sections() -> dict[str, str]:
    """Return the text of each numbered section of the page."""
    parts = re.split(r"^### (\d\.\d) ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def find_names(text: str) -> list[str]:
    """Return the functions that a section names."""
    return re.findall(r"`(mien\.theory\.[\w.]+)`", text)


def test_every_name_on_the_page_is_a_function_that_names_its_section() -> None:
    """From the page to the code."""
    for section, text in read_sections().items():
        for name in find_names(text):
            module, _, member = name.rpartition(".")
            docstring = " ".join((inspect.getdoc(getattr(importlib.import_module(module), member)) or "").split())
            assert f"docs/theory.md, section {section}" in docstring, name


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_public_function_stands_on_the_page(module) -> None:  # type: ignore[no-untyped-def]
    """From the code to the page."""
    on_page = {name for text in read_sections().values() for name in find_names(text)}
    assert {f"{module.__name__}.{name}" for name in list_functions(module)} <= on_page


def test_the_table_has_every_claim_and_every_one_holds() -> None:
    """The block that the command wrote is not older than the claims."""
    rows = re.findall(r"^\| (\d\.\d) \| (\w+) \| (.+?) \| .* \| (\w+) \|$", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    assert [(claim.section, claim.topic, claim.name, "holds") for claim in CLAIMS] == rows


def test_every_claim_belongs_to_a_section_and_a_module() -> None:
    """So that a reader of the table finds the derivation."""
    sections = read_sections()
    assert [] == [claim.name for claim in CLAIMS if claim.section not in sections or claim.topic not in TOPICS]


def test_convergence_on_the_page_is_what_is_measured_now() -> None:
    """Its table is made of seeded numbers, the same on every machine to three digits."""
    table = page.tabulate_convergence(page.measure_convergence()).split("\n\nMeasured")[0]
    assert table in PAGE.read_text(encoding="utf-8")


def test_only_the_block_is_filled() -> None:
    """Prose before and after it stays, and a page without the block is an error."""
    text = "before\n<!-- a -->\nold\nolder\n<!-- /a -->\nafter"
    assert page.fill_block(text, "a", r"\new") == "before\n<!-- a -->\n\\new\n<!-- /a -->\nafter"
    with pytest.raises(page.PageError, match="expected a block between <!-- b -->"):
        page.fill_block(text, "b", "new")


def test_the_same_points_draw_the_same_plot(tmp_path: Path) -> None:
    """The picture in the repository changes only if the numbers do."""
    points = page.measure_convergence()
    for name in ("one.svg", "two.svg"):
        with open_figure(tmp_path / name, width=6.4, height=4.2) as figure:
            page.draw_convergence(points, figure)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    drawn = (tmp_path / "one.svg").read_text("utf-8")
    assert (True, True, False) == ("Adam becomes Adagrad" in drawn, "1e-03" in drawn, "mathdefault" in drawn)

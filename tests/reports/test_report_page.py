"""The three ways of writing a report down, and that they say the same."""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien.evaluation.differences import Difference
from mien.plots import SHADES
from mien.reports.data import Absent, BalancePart, ReportData
from mien.reports.figures import THEME, draw_balance, inline_svg
from mien.reports.gather import gather_report
from mien.reports.render import render_html, render_json, render_markdown
from mien.reports.shades import NIGHT, measure_contrast, pick_shades
from mien.reports.sheets import compose_sheet, write_pictures
from mien.reports.templates import open_templates
from mien.reports.thumbnails import WIDEST, encode_picture
from mien.reports.words import LANGUAGES, open_catalogue
from mien.studies.results import Figure, Results, Row
from reported import make_run

GOLD = Path(__file__).with_name("report_outline.txt")
OUTLINED = {"section", "h1", "h2", "h3", "h4", "caption", "figure", "svg", "dt", "th", "details", "pre", "nav"}
ALONE = {"meta", "link", "img", "br", "path", "use", "rect", "image"}


class Outline(HTMLParser):
    """What a page is made of: headings, tables and figures, in order, and every element with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.lines: list[str] = []
        self.open: list[str] = []
        self.in_row = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))
        if tag not in ALONE:
            self.open.append(tag)
        self.in_row = dict(attrs).get("scope") == "row"
        if tag in OUTLINED and not self.in_row and "svg" not in self.open[:-1]:
            self.lines.append(f"{'  ' * self.open.count('section')}{tag}")

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        if tag not in ALONE:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note the words of a heading, without numbers."""
        is_outlined = {self.open[-1]} <= OUTLINED - {"section", "svg"} if self.open else False
        if is_outlined and not self.in_row and data.strip():
            self.lines[-1] += " " + re.sub(r"\d[\d.,]*", "#", " ".join(data.split()))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run with known answers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_CACHE", str(tmp_path_factory.mktemp("cache")))
        return make_run(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def told(run: Path) -> ReportData:
    """Return its report, with a study."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_CACHE", str(run.parent / "cache"))
        return replace(gather_report(run), study=make_study())


@pytest.fixture(scope="module")
def page(told: ReportData) -> str:
    """Return its page."""
    return render_html(told, "en")


def make_study() -> Results:
    """Return a study of two variants, of which the second gains six points."""
    figures = {name: Figure(mean=0.5, sd=0.01, values=(0.49, 0.51)) for name in ("accuracy", "balanced accuracy")}
    gain = Difference(value=0.06, low=0.04, high=0.08, values=(0.05, 0.07))
    noise = Difference(value=0.001, low=-0.01, high=0.012, values=(0.0, 0.002))
    facts: dict[str, Any] = {"seeds": (0, 1), "figures": figures, "minutes": 1.0, "is_ensemble": False}
    base = Row(name="base", differences={}, paired=(), **facts)
    better = Row(name="mirrored", differences={"accuracy": gain, "balanced accuracy": noise}, paired=(0, 1), **facts)
    known: dict[str, Any] = {"data": "shapes", "synthetic": False, "recipe": "quick", "changes": (), "missing": ()}
    return Results(**known, split="valid", faces=60, same_faces=True, keeps_best=True, rows=(base, better))


def lose_everything(told: ReportData) -> ReportData:
    """Return the report of a run of which little is left."""
    gone = Absent(reason="data-moved", detail={"problem": "it does not exist"})
    parts = ("training", "study", "pictured", "saliency", "balance", "rules", "calibration", "robustness", "audit")
    lost: dict[str, Any] = dict.fromkeys(parts, gone)
    return replace(told, evaluated=(), unevaluated=(gone,), pairs=(), wrong=(), **lost)


def test_the_page_has_the_structure_that_was_agreed(page: str) -> None:
    """Set MIEN_GOLD=write to accept a change, then read what changed."""
    pytest.importorskip("captum")
    outline = "\n".join(Outline(page).lines) + "\n"
    if os.environ.get("MIEN_GOLD") == "write":
        GOLD.write_text(outline, encoding="utf-8")
    assert GOLD.read_text(encoding="utf-8") == outline


def test_nothing_in_the_page_leads_out_of_it(page: str) -> None:
    """No address but the names of SVG, no script, no import."""
    addresses = set(re.findall(r"https?://[^\s\"'<]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert not {"script", "iframe", "object"} & {tag for tag, _ in Outline(page).elements}
    links = [attributes.get("href") or "" for _, attributes in Outline(page).elements if "href" in attributes]
    assert all(link.startswith(("#", "data:")) for link in links)
    assert "@import" not in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_part_can_be_reached_without_eyes(told: ReportData, language: str) -> None:
    """Pictures have words, tables headings, places names that stand only once, and the page its language."""
    elements = Outline(render_html(told, language)).elements
    assert all(attributes.get("alt") for tag, attributes in elements if tag == "img")
    assert all(attributes.get("role") == "img" for tag, attributes in elements if tag == "svg")
    assert all(attributes.get("scope") in ("col", "row") for tag, attributes in elements if tag == "th")
    names = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert sorted(set(names)) == sorted(names)
    links = [attributes["href"] or "" for tag, attributes in elements if tag == "a"]
    assert {link.removeprefix("#") for link in links} <= set(names)
    assert {"en": "en", "zh-TW": "zh-Hant-TW"}[language] == dict(elements)["html"]["lang"]


def test_plots_take_the_colours_of_the_page(page: str) -> None:
    """One drawing serves light and dark."""
    plots = re.findall(r'<figure class="plot">.*?</svg>', page, flags=re.DOTALL)
    assert 3 == len(plots)
    assert set() == {color for color in THEME for plot in plots if color in plot}
    assert all("var(--ink)" in plot or "var(--faint)" in plot for plot in plots)


@pytest.mark.parametrize("ladder", [SHADES, NIGHT], ids=["light", "dark"])
def test_words_on_every_shade_can_be_read(ladder: tuple[str, ...]) -> None:
    """WCAG asks for 4.5 to 1."""
    assert [] == [ground for ground, ink in pick_shades(ladder) if measure_contrast(ground, ink) < 4.5]


def test_the_same_report_gives_the_same_bytes(told: ReportData, page: str) -> None:
    """So that two reports can be compared."""
    assert page == render_html(told, "en")


def test_names_of_classes_cannot_become_markup(told: ReportData) -> None:
    """A folder of faces may be called anything."""
    pair = replace(told.pairs[0], true="<script>alert(1)</script>", given="a|b")
    changed = replace(told, pairs=(pair,))
    assert "<script>" not in render_html(changed, "en")
    assert "&lt;script&gt;" in render_html(changed, "en")


def test_the_page_says_the_most_confused_pair_in_words(page: str) -> None:
    """With its share, its interval and the other direction."""
    assert "5 of the 20 faces of bottom (25%, 95% interval 11% to 47%) were taken for top." in page
    assert "The other way round it is 1 of 20 (5%). That is mostly one way." in page


def test_markdown_says_what_the_page_says(told: ReportData, page: str) -> None:
    """Every figure of the page's tables stands in the Markdown file, too."""
    text = render_markdown(told, "en", "pictures")
    cells = re.findall(r'<td class="n">([\d.,%]+)</td>', page)
    assert len(cells) > 100
    assert [] == [cell for cell in cells if cell not in text]
    assert all(heading in text for heading in re.findall(r"<h[123][^>]*>([^<]+)</h", page))
    assert "5 of the 20 faces of bottom" in text


def test_every_picture_that_markdown_names_is_written(told: ReportData, tmp_path: Path) -> None:
    """Plots as SVG, faces as sheets."""
    write_pictures(told, "zh-TW", tmp_path / "pictures")
    named = set(re.findall(r"\]\(pictures/([\w.-]+)\)", render_markdown(told, "zh-TW", "pictures")))
    assert named == {path.name for path in (tmp_path / "pictures").iterdir()}
    assert "網路架構" in render_markdown(told, "zh-TW", "pictures")


def test_json_holds_every_part(told: ReportData) -> None:
    """As plain values; what is missing, with its reason."""
    found = json.loads(render_json(told))
    assert "mien report" == found["kind"]
    assert told.evaluated[0].scores.accuracy == found["evaluated"][0]["scores"]["accuracy"]
    assert 5 == found["pairs"][0]["count"]
    assert "data-moved" == json.loads(render_json(lose_everything(told)))["balance"]["reason"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_of_little_is_still_a_report(told: ReportData, language: str) -> None:
    """Every part that is missing says so in its place."""
    lost = lose_everything(told)
    page, text = render_html(lost, language), render_markdown(lost, language, "pictures")
    assert 8 == page.count('class="note absent"')
    assert 8 == text.count("it does not exist")


def test_a_matrix_of_very_many_expressions_is_left_out(told: ReportData) -> None:
    """And the page says where it is."""
    many = replace(told, origin=replace(told.origin, expressions=tuple(f"face {index}" for index in range(61))))
    page = render_html(replace(many, balance=lose_everything(told).balance), "en")
    assert 'class="matrix"' not in page
    assert "<code>mien report --format json</code> holds it" in page


def test_synthetic_faces_are_called_so(told: ReportData) -> None:
    """At the top of the page."""
    drawn = replace(told, origin=replace(told.origin, synthetic=True))
    assert "Synthetic faces" in render_html(drawn, "en")
    assert "Synthetic faces" not in render_html(told, "en")


def test_large_faces_are_made_small() -> None:
    """So that the report of a data set of large faces is a small file."""
    large = np.random.default_rng(0).integers(0, 256, (512, 512), dtype=np.uint8)
    sheet = compose_sheet([encode_picture(large)] * 9)
    assert (8 * (WIDEST + 6) - 6, 2 * (WIDEST + 6) - 6) == sheet.size
    assert isinstance(sheet, Image.Image)
    assert len(encode_picture(large)) < 20_000


def test_names_of_the_user_are_no_formulas_no_tags_and_no_colours() -> None:
    """In a drawing of the page, which rewrites colours and ids of its own alone; in Markdown they are no HTML."""
    names = ("$_$", "<b>", "#22303c", 'id="x', "url(#x)")
    balance = BalancePart(counts={"train": (1, 2, 3, 4, 5)}, recall=None, ratio=5.0)
    svg = inline_svg(draw_balance(balance, names, open_catalogue("en")), name="plot", label="$_$")
    words = [word.strip() for word in ET.fromstring(svg).itertext()]  # noqa: S314
    assert [] == [name for name in names if name not in words]
    text = open_templates(is_html=False).from_string("{{ name }} <i>{{ share }}</i>").render(name="<b>x", share="<1%")
    assert "&lt;b>x <i><1%</i>" == text

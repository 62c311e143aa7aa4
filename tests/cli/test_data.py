"""`mien data`: what a newcomer sees of a data set, and the files that it writes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.bad_input import run_data
from PIL import Image
from rich.console import Console

from conftest import SHAPES, draw_shapes, run_mien, write_shapes
from mien.data.describe import describe
from mien.data.show import draw_bar, render_description
from mien.faces import Splits


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of splits of class folders: 20 faces of each of three classes in each split."""
    return write_shapes(tmp_path_factory.mktemp("data") / "shapes")


def find_rows(text: str) -> dict[str, list[str]]:
    """Return the numbers and percentages of each line by its first word; bars are left out."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    return {words[0]: [word for word in words[1:] if word[0].isdigit()] for words in lines}


def test_format_size_and_counts_are_printed(shapes: Path) -> None:
    """One row an expression: count and percentage in each split; the last row has the totals."""
    ending = run_data(shapes)
    rows = find_rows(ending.out)
    assert (0, "") == (ending.status or 0, ending.err)
    assert f"class folders  {shapes}\n180 faces of 16×16 pixels, 3 expressions\n" in ending.out
    assert {name: ["20", "33.3%"] * 3 for name in SHAPES} == {name: rows[name] for name in SHAPES}
    assert ["60", "60", "60"] == rows["all"]


def test_without_a_path_it_shows_the_synthetic_faces_and_says_so() -> None:
    """The default needs no download; nobody can take the faces for photographs."""
    result = run_mien("data", "--size", "16")
    assert (0, "") == (result.status, result.err)
    assert "Synthetic: every face is drawn, none is a photograph." in result.out


def test_faces_are_shown_at_the_size_asked_for(shapes: Path) -> None:
    """`--size` resizes on reading."""
    assert "180 faces of 24×24 pixels" in run_data(shapes, "--size", "24").out


def test_what_training_would_hold_out_is_shown(shapes: Path) -> None:
    """A quarter of train becomes valid, of each class alike; the data's own valid is left aside."""
    out = run_data(shapes, "--valid-fraction", "0.25", "--seed", "3").out
    rows = find_rows(out)
    assert "valid: 25.0% of train, held out class by class with seed 3\n" in out
    assert ["15", "33.3%", "5", "33.3%", "20", "33.3%"] == rows[SHAPES[0]]
    assert ["45", "15", "60"] == rows["all"]


def test_without_strata_only_the_total_is_held(shapes: Path) -> None:
    """`--no-stratify` draws from all faces alike: the sum is exact, the classes need not be."""
    rows = find_rows(run_data(shapes, "--valid-fraction", "0.25", "--no-stratify").out)
    assert ["45", "15", "60"] == rows["all"]
    assert 15 == sum(int(rows[name][2]) for name in SHAPES if len(rows[name]) == 6)


def test_faces_are_written_as_folders_that_show_the_same_counts(shapes: Path, tmp_path: Path) -> None:
    """`--out` writes what was shown; the second time it refuses, and the folder stays."""
    out = tmp_path / "copy"
    first = run_data(shapes, "--out", out)
    assert f"{out}: 180 faces written\n" in first.out
    shown = find_rows(first.out)
    again = find_rows(run_data(out).out)
    assert [shown[name] for name in (*SHAPES, "all")] == [again[name] for name in (*SHAPES, "all")]
    refused = run_data(shapes, "--out", out)
    assert (2, "", 1) == (refused.status, refused.out, refused.err.count("\n"))
    assert "expected a new or empty folder" in refused.err


def test_the_augmentation_of_a_recipe_is_drawn(shapes: Path, tmp_path: Path) -> None:
    """A picture as wide as the steps of the recipe need: `report` has five, `quick` three."""
    widths = []
    for recipe in ("report", "quick"):
        out = tmp_path / f"{recipe}.png"
        ending = run_data(shapes, "--show-augmentation", out, "--recipe", recipe)
        assert f"{out}: augmentation of recipe {recipe} drawn\n" in ending.out
        with Image.open(out) as picture:
            widths.append(picture.width)
    assert 2 * (144 + 8) == widths[0] - widths[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--recipe", "reprot"], "did you mean report?"),
        (["--show-augmentation", "sheet.txt"], "expected a picture to write, such as sheet.png"),
        (["--show-augmentation", "missing/sheet.png"], "cannot be written"),
    ],
)
def test_options_that_cannot_be_are_told_in_one_line(
    shapes: Path, options: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit status 2, one line, nothing else printed, no file."""
    monkeypatch.chdir(tmp_path)
    ending = run_data(shapes, *options)
    assert (2, "", 1) == (ending.status, ending.out, ending.err.count("\n"))
    assert message in ending.err
    assert [] == list(tmp_path.iterdir())


def show(splits: Splits, width: int = 80) -> str:
    """Return what a terminal of that width shows."""
    console = Console(width=width)
    with console.capture() as captured:
        for part in render_description(describe(splits), width=width):
            console.print(part, highlight=False)
    return captured.get()


SPLITS = Splits(expressions=tuple(SHAPES), source="shapes", kind="shapes", train=draw_shapes(20))


def test_only_the_first_few_that_were_left_out_are_listed() -> None:
    """The others are counted."""
    text = show(replace(SPLITS, skipped=tuple(f"{number}.png: broken" for number in range(1207))))
    assert "Left out as bad: 1,207\n" in text
    assert [True, False] == [f"  {number}.png: broken\n" in text for number in (4, 5)]
    assert "  and 1,202 more\n" in text


def test_copies_and_warnings_are_listed() -> None:
    """With numbers, and with the part of the split that they make up."""
    text = show(replace(SPLITS, test=draw_shapes(20), warnings=("resized",)))
    assert "  test: 60 of 60 faces (100.0%) stand in train, too\n" in text
    assert "Warnings:\n  resized\n" in text


@pytest.mark.parametrize("width", [80, 100, 140])
def test_the_table_fits_the_terminal(width: int) -> None:
    """Names are not cut off; three splits fit into eighty columns."""
    names = ("disgust", "surprise", "neutral")
    faces = {
        name: draw_shapes(2000 if name == "train" else 200, seed=seed) for seed, name in enumerate(("train", "test"))
    }
    text = show(replace(SPLITS, expressions=names, valid=draw_shapes(150, seed=9), **faces), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


def test_bars_are_drawn_to_the_eighth_of_a_cell() -> None:
    """Length rounds to eighths; nothing is nothing."""
    assert ["", "▏", "█", "█▍", "████"] == [draw_bar(cells) for cells in (0.01, 0.125, 1.0, 1.374, 4.0)]


def test_splits_with_and_without_labels_stand_beside_each_other() -> None:
    """Faces without labels are counted, and their cells stay empty."""
    nameless = draw_shapes(4, seed=5)
    text = show(replace(SPLITS, unlabelled=replace(nameless, labels=nameless.labels * 0 - 1)))
    assert ["60", "12"] == find_rows(text)["all"]
    assert ["20", "33.3%"] == find_rows(text)[SHAPES[0]]

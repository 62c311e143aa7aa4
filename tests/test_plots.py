"""The pictures of a run."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mien
from mien.errors import MienError
from mien.evaluation.confusion import draw_confusion
from mien.evaluation.metrics import score
from mien.labels import EXPRESSIONS
from mien.plots import SHADES, VALID, WHITE_INK_FROM
from mien.training.curves import draw_curves

HISTORY = [
    {
        "epoch": epoch,
        "seconds": 1.0,
        "lr": 0.1 / epoch,
        "train_loss": 2.0 / epoch,
        "train_accuracy": 1.0 - 0.8 / epoch,
        "valid_loss": 2.1 / epoch,
        "valid_accuracy": 0.9 - 0.8 / epoch,
        "valid_balanced_accuracy": 0.8 - 0.8 / epoch,
    }
    for epoch in range(1, 6)
]
SYNTHETIC = "synthetic faces"


def score_some(expressions=EXPRESSIONS):
    """Return scores of faces of which the last class has none."""
    rng = np.random.default_rng(2)
    labels = rng.integers(0, len(expressions) - 1, 300)
    mistaken = rng.integers(0, len(expressions), 300)
    predicted = np.where(rng.random(300) < 0.6, labels, mistaken)
    return score(labels, np.eye(len(expressions))[predicted], expressions=expressions)


def read_words(path):
    """Return the text of an SVG file, which has to be well-formed XML."""
    return " ".join(" ".join(ET.fromstring(path.read_text(encoding="utf-8")).itertext()).split())  # noqa: S314


def luminance(color):
    """Return the relative luminance of #rrggbb (WCAG 2.2)."""
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_confusion_matrix_tells_accuracy_interval_faces_split_and_every_expression(tmp_path):
    """Words stay words in the SVG, so that it can be searched and read aloud."""
    scores = score_some()
    draw_confusion(scores, tmp_path / "confusion.svg", split="valid", synthetic=False)
    words = read_words(tmp_path / "confusion.svg")
    for expected in (f"Accuracy {scores.accuracy:.1%}", "95% interval", "valid split, 300 faces", *EXPRESSIONS):
        assert expected in words
    assert SYNTHETIC not in words


def test_a_matrix_of_drawn_faces_says_so(tmp_path):
    """A synthetic result is always labelled as such."""
    draw_confusion(score_some(), tmp_path / "confusion.svg", split="test", synthetic=True)
    assert SYNTHETIC in read_words(tmp_path / "confusion.svg")


def test_a_matrix_of_several_views_names_them(tmp_path):
    """What one view reaches is another figure."""
    for name, views in (("one.svg", ("plain",)), ("two.svg", ("plain", "mirror"))):
        draw_confusion(score_some(), tmp_path / name, split="test", synthetic=False, views=views)
    assert "views: plain + mirror" in read_words(tmp_path / "two.svg")
    assert "views" not in read_words(tmp_path / "one.svg")


@pytest.mark.parametrize("count", [2, 12])
def test_any_number_of_classes_with_long_names_can_be_drawn(tmp_path, count):
    """Two classes or twelve, the picture is one that opens."""
    names = tuple(f"expression number {index} & co" for index in range(count))
    draw_confusion(score_some(names), tmp_path / "confusion.png", split="test", synthetic=False)
    with Image.open(tmp_path / "confusion.png") as picture:
        assert picture.width > 300 < picture.height


@pytest.mark.parametrize("name", ["picture.svg", "picture.png"])
def test_the_same_numbers_give_the_same_bytes(tmp_path, name):
    """No date, no random names: a picture under version control changes only when its numbers do."""
    drawn = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        draw_confusion(score_some(), folder / name, split="test", synthetic=False)
        drawn.append((folder / name).read_bytes())
        draw_curves(HISTORY, folder / name, title="small", kept_epoch=4, stopped="patience")
        drawn.append((folder / name).read_bytes())
    assert drawn[:2] == drawn[2:]


def test_pictures_in_svg_are_small(tmp_path):
    """Under 80 kB each: they go into reports and repositories."""
    draw_confusion(score_some(), tmp_path / "confusion.svg", split="test", synthetic=False)
    draw_curves(HISTORY * 12, tmp_path / "curves.svg", title="small", kept_epoch=4, stopped=None)
    assert 80_000 > max(path.stat().st_size for path in tmp_path.iterdir())


def test_shades_darken_evenly():
    """Each step of the scale takes away 9 to 13 points of CIE lightness: no step looks larger than it is."""
    lightness = [116 * luminance(shade) ** (1 / 3) - 16 for shade in SHADES]
    assert all(9 <= lighter - darker <= 13 for lighter, darker in pairwise(lightness))


def test_numbers_are_readable_on_every_shade():
    """Black below the turning point and white above it have a contrast of at least 4.5 to 1 (WCAG 2.2, AA)."""
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    shades = LinearSegmentedColormap.from_list("mien", SHADES)
    for share in np.linspace(0, 1, 201):
        shade = luminance(to_hex(shades(float(share)))) + 0.05
        assert 4.5 <= (1.05 / shade if share >= WHITE_INK_FROM else shade / 0.05)


def test_curves_tell_the_kept_epoch_and_why_training_stopped(tmp_path):
    """Title, kept epoch with its accuracy, the reason, and both splits."""
    draw_curves(
        HISTORY, tmp_path / "curves.svg", title="small on x.csv", kept_epoch=4, stopped="no progress (patience)"
    )
    words = read_words(tmp_path / "curves.svg")
    for expected in (
        "small on x.csv",
        "kept epoch 4: valid accuracy 70.0%",
        "no progress (patience)",
        "train",
        "valid",
    ):
        assert expected in words


def test_a_valid_split_that_was_looked_at_once_is_a_dot(tmp_path):
    """A line through one point would be invisible."""
    records = [{"epoch": epoch, "lr": 0.1, "train_loss": 1.0, "train_accuracy": 0.5} for epoch in range(1, 21)]
    records[-1] |= {"valid_loss": 1.1, "valid_accuracy": 0.4}
    draw_curves(records, tmp_path / "curves.svg", title="fast", kept_epoch=None, stopped=None)
    dots = [line for line in (tmp_path / "curves.svg").read_text().splitlines() if "<use " in line and VALID in line]
    assert len(dots) >= 2  # one in each of two panels


def test_curves_without_a_valid_split_show_train_alone(tmp_path):
    """There is no kept epoch to tell then."""
    records = [{name: value for name, value in record.items() if "valid" not in name} for record in HISTORY]
    draw_curves(records, tmp_path / "curves.svg", title="small", kept_epoch=None, stopped=None)
    words = read_words(tmp_path / "curves.svg")
    assert "train" in words
    assert "valid" not in words


def test_one_epoch_is_a_visible_point(tmp_path):
    """More than the grid and the marks is drawn: the point of the valid accuracy has its colour."""
    draw_curves(HISTORY[:1], tmp_path / "curves.png", title="quick", kept_epoch=None, stopped=None)
    with Image.open(tmp_path / "curves.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    blue = np.array([0x1F, 0x74, 0x9D])
    assert 100 < int((pixels == blue).all(axis=2).sum())


def test_a_picture_that_cannot_be_written_leaves_the_old_one_and_says_why(tmp_path):
    """The folder is missing: one line, no half-written file."""
    with pytest.raises(MienError, match="cannot be written"):
        draw_confusion(score_some(), tmp_path / "no" / "confusion.png", split="test", synthetic=False)
    assert [] == list(tmp_path.iterdir())


def test_importing_the_module_loads_no_matplotlib():
    """The command line imports it before it knows whether anything is to be drawn."""
    code = "import sys, mien.plots; sys.exit('matplotlib' in sys.modules)"
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode


ODD_NAMES = ("$_$", "a_b^c", r"\frac", "<b>&amp;", "生气", "_hidden", "100%")


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_names_of_the_user_are_no_formulas_and_no_markup(tmp_path, kind):
    """Classes and titles stand in the picture as they are, in letters of any kind."""
    draw_confusion(score_some(ODD_NAMES), tmp_path / f"confusion.{kind}", split="$valid$", synthetic=False)
    draw_curves(HISTORY, tmp_path / f"curves.{kind}", title=" ".join(ODD_NAMES), kept_epoch=4, stopped="$_$")
    if kind == "svg":
        confusion, curves = (read_words(tmp_path / f"{name}.svg") for name in ("confusion", "curves"))
        assert all(name in confusion and name in curves for name in ODD_NAMES)
        assert "$valid$ split" in confusion


def test_one_module_opens_figures_and_no_module_writes_a_page_by_hand():
    """Figures are `mien.plots`'s, pages are templates; a table that a notebook shows is no page."""
    root = Path(mien.__file__).parent
    sources = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in root.rglob("*.py")}
    assert ["plots.py"] == [name for name, text in sources.items() if re.search(r"\bFigure\(figsize|rc_context", text)]
    assert [] == [name for name, text in sources.items() if "<html lang" in text]

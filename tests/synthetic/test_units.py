"""The action units: the table, their intensities, and that each of them moves the right part of a face."""

import numpy as np
import pytest

from mien.labels import EXPRESSIONS
from mien.synthetic.scene import draw_people
from mien.synthetic.traits import TRAIT_RANGES
from mien.synthetic.units import ACTION_UNITS, CONTROLS, UNIT_EFFECTS, UNITS, add_effects, sample_intensities

STRAIGHT = (
    "roll_degrees",
    "shift_x",
    "shift_y",
    "yaw",
    "pitch",
    "light_strength",
    "eye_tilt",
    "asymmetry",
    "brightness",
)
BARE = {"barred": 0, "handed": 0, "bespectacled": 0, "bearded": 0, "noise": 0, "zoom": 1, "contrast": 1, "skin": 200}


def draw_one(*units, size=96):
    """Return an average person, looking straight ahead, who shows `units` at full intensity: float (size, size)."""
    values = {name: (low + high) / 2 for name, (low, high) in TRAIT_RANGES.items()}
    values |= dict.fromkeys(STRAIGHT, 0.0) | BARE
    traits = {name: np.full((1, 1, 1), value, np.float32) for name, value in values.items()}
    intensities = np.array([[unit in units for unit in UNITS]], dtype=np.float32)
    return draw_people(traits, intensities, np.random.default_rng(0), size)[0].astype(float)


def test_every_expression_has_known_units_and_neutral_has_none():
    """The table names all seven expressions, neutral moves nothing, and each unit has an effect."""
    assert set(EXPRESSIONS) == set(ACTION_UNITS)
    assert ACTION_UNITS["neutral"] == ()
    assert {unit for units in ACTION_UNITS.values() for unit in units} <= set(UNIT_EFFECTS)
    assert len(set(ACTION_UNITS.values())) == len(EXPRESSIONS)


def test_a_face_shows_the_units_of_its_expression():
    """Where a unit belongs to the expression its intensity is 0.7 to 1.2, elsewhere it is zero."""
    labels = np.repeat(np.arange(7), 20)
    intensities = sample_intensities(labels, np.random.default_rng(0))
    for label, expression in enumerate(EXPRESSIONS):
        shown = intensities[labels == label][:, [UNITS.index(unit) for unit in ACTION_UNITS[expression]]]
        assert ((shown >= 0.7) & (shown <= 1.2)).all()
    assert not intensities[labels == EXPRESSIONS.index("neutral")].any()
    smiles = intensities[labels == EXPRESSIONS.index("happy"), UNITS.index(25)] > 0
    assert 0 < smiles.sum() < 20


def test_effects_of_units_add_up():
    """Inner brows that are raised and lowered at once end where the sum of both effects puts them."""
    both = np.array([[unit in (1, 4) for unit in UNITS]], dtype=np.float32)
    controls = add_effects(both)
    assert tuple(controls) == CONTROLS
    assert controls["brow_inner"].item() == pytest.approx(0.22 - 0.10)


UPPER, LOWER = slice(0, 52), slice(52, 96)
"""Rows of a face 96 pixels high: from the hair to under the eyes, and from there to the chin."""


@pytest.mark.parametrize(
    ("unit", "rows"),
    [*((unit, UPPER) for unit in (1, 2, 4, 5, 7)), *((unit, LOWER) for unit in (12, 15, 16, 20, 23, 25, 26))],
)
def test_a_unit_changes_the_part_of_the_face_that_it_moves(unit, rows):
    """Units of brows and lids change the upper half of a face, units of lips and jaw the lower half, and only it."""
    change = np.abs(draw_one(unit) - draw_one())
    assert change[rows].sum() > 0.999 * change.sum()
    assert change.max() > 40


@pytest.mark.parametrize("unit", [6, 9])
def test_a_unit_of_the_middle_changes_the_middle(unit):
    """Cheek raiser and nose wrinkler act from the brows to the mouth; forehead and chin stay."""
    change = np.abs(draw_one(unit) - draw_one())
    assert change[22:82].sum() > 0.999 * change.sum()
    assert change.max() > 40


def darkest_row(image, columns, rows):
    """Return the row, within `rows`, where `columns` are darkest on average."""
    return rows.start + int(image[rows, columns].mean(axis=1).argmin())


@pytest.mark.parametrize(("unit", "direction"), [(12, -1), (15, 1)])
def test_lip_corners_rise_and_fall_against_the_middle_of_the_mouth(unit, direction):
    """The line between the lips ends above its middle for a lip corner puller, below it for a depressor."""
    image = draw_one(unit)
    corner = darkest_row(image, slice(34, 37), slice(66, 88))
    middle = darkest_row(image, slice(46, 50), slice(66, 88))
    assert direction == np.sign(corner - middle)


@pytest.mark.parametrize(("unit", "direction"), [(1, -1), (4, 1)])
def test_inner_brows_rise_and_fall(unit, direction):
    """The inner ends of the brows stand higher for the inner brow raiser, lower for the brow lowerer."""
    rows, columns = slice(15, 36), slice(58, 62)
    moved = darkest_row(draw_one(unit), columns, rows) - darkest_row(draw_one(), columns, rows)
    assert direction == np.sign(moved)


def test_a_dropped_jaw_shows_a_dark_mouth():
    """A jaw drop makes the middle of the mouth near black over several rows."""
    rows, columns = slice(66, 90), slice(44, 52)
    dark = [(image[rows, columns].mean(axis=1) < 60).sum() for image in (draw_one(), draw_one(26))]
    assert dark[0] <= 1
    assert dark[1] >= 4

"""The augmentation sheet: a row for each expression, a column for each step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from conftest import SHAPES, draw_shapes
from mien.errors import ConfigError, DataError, MienError
from mien.faces import UNLABELLED, Splits
from mien.recipes.named import REPORT
from mien.recipes.schema import AugmentConfig
from mien.training.augment_sheet import augment_columns, choose_faces, draw_augmentation_sheet, single_steps

SPLITS = Splits(expressions=tuple(SHAPES), source="shapes", kind="shapes", train=draw_shapes(4))
NOTHING = AugmentConfig(mirror=0.0)
EVERYTHING = AugmentConfig(
    rotation_degrees=9.0,
    shift=0.1,
    scale=0.1,
    perspective=0.1,
    brightness=0.1,
    contrast=0.1,
    blur_probability=0.5,
    noise=0.1,
    erase_probability=0.5,
)


def test_the_five_steps_of_the_report_have_a_column_each() -> None:
    """Only steps that are switched on are shown, in the order in which they are taken."""
    titles = [title.split()[0] for title, _ in single_steps(REPORT.augment)]
    assert ["mirror", "rotation", "perspective", "blur", "noise"] == titles


def test_no_step_is_forgotten() -> None:
    """All fields that switch something on have a column, and each column changes the picture."""
    faces = draw_shapes(2).images
    original, *steps = augment_columns(faces, EVERYTHING, torch.Generator().manual_seed(0))[:-4]
    assert 10 == len(steps) == len(single_steps(EVERYTHING))
    assert [] == [step.title for step in steps if np.array_equal(original.images, step.images)]


def test_the_first_column_is_the_faces_themselves() -> None:
    """Bit for bit; where nothing is switched on, the columns of examples are the same."""
    faces = draw_shapes(2).images
    columns = augment_columns(faces, NOTHING, torch.Generator().manual_seed(0))
    assert 5 == len(columns)
    for column in columns:
        np.testing.assert_array_equal(faces, column.images)


def test_a_step_with_a_probability_is_shown_taken() -> None:
    """A column of mirror images mirrors every face, whatever the recipe's probability."""
    faces = draw_shapes(2).images
    mirrored = augment_columns(faces, AugmentConfig(mirror=0.01), torch.Generator().manual_seed(0))[1]
    np.testing.assert_array_equal(faces[:, :, ::-1], mirrored.images)


def test_rows_are_one_face_of_each_expression() -> None:
    """Chosen from train by the generator, named by expression."""
    names, images = choose_faces(SPLITS, np.random.default_rng(0))
    train = SPLITS.train
    assert train is not None
    assert list(SHAPES) == names
    assert [0, 1, 2] == [int(train.labels[(train.images == image).all(axis=(1, 2))][0]) for image in images]


def test_faces_without_labels_can_be_drawn_too() -> None:
    """Eight of them, without names."""
    faces = draw_shapes(4)
    splits = replace(SPLITS, train=None, unlabelled=replace(faces, labels=np.full(len(faces), UNLABELLED)))
    names, images = choose_faces(splits, np.random.default_rng(0))
    assert ([""] * 8, (8, 16, 16)) == (names, images.shape)


def test_the_sheet_shows_each_face_enlarged_by_a_whole_number(tmp_path: Path) -> None:
    """The original is found pixel for pixel in the first column, nine times as large."""
    out = tmp_path / "sheet.png"
    draw_augmentation_sheet(SPLITS, out, config=NOTHING, seed=0)
    _, images = choose_faces(SPLITS, np.random.default_rng(0))
    sheet = np.asarray(Image.open(out))
    enlarged = images[0].repeat(9, axis=0).repeat(9, axis=1)
    top = 60
    found = [left for left in range(200) if np.array_equal(enlarged, sheet[top : top + 144, left : left + 144])]
    assert 1 == len(found)


def test_the_same_seed_draws_the_same_sheet(tmp_path: Path) -> None:
    """Another seed draws another one."""
    pictures = []
    for number, seed in enumerate((3, 3, 4)):
        draw_augmentation_sheet(SPLITS, tmp_path / f"{number}.png", config=EVERYTHING, seed=seed)
        pictures.append((tmp_path / f"{number}.png").read_bytes())
    assert pictures[0] == pictures[1]
    assert pictures[0] != pictures[2]


@pytest.mark.parametrize("name", ["sheet", "sheet.txt", "sheet.webm"])
def test_a_name_that_is_no_picture_is_refused(name: str, tmp_path: Path) -> None:
    """The message tells a name that would do, and no file is made."""
    with pytest.raises(ConfigError, match=r"expected a picture to write, such as sheet\.png"):
        draw_augmentation_sheet(SPLITS, tmp_path / name, config=NOTHING, seed=0)
    assert [] == list(tmp_path.iterdir())


def test_what_cannot_be_drawn_or_written_is_told(tmp_path: Path) -> None:
    """No faces, or no folder to write to."""
    with pytest.raises(DataError, match="expected faces to augment, found none"):
        draw_augmentation_sheet(replace(SPLITS, train=None), tmp_path / "sheet.png", config=NOTHING, seed=0)
    with pytest.raises(MienError, match=r"sheet\.png: cannot be written"):
        draw_augmentation_sheet(SPLITS, tmp_path / "no" / "sheet.png", config=NOTHING, seed=0)

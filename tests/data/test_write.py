"""`write_folders`: any data set as folders of PNGs, complete or not there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import SHAPES, draw_shapes
from mien.data.loading import load
from mien.data.write import write_folders
from mien.errors import DataError, MienError
from mien.faces import UNLABELLED, Faces, Splits

SPLITS = Splits(
    expressions=tuple(SHAPES),
    source="shapes",
    kind="shapes",
    train=draw_shapes(4),
    valid=draw_shapes(2, seed=1),
    test=draw_shapes(3, seed=2),
)


def by_pixels(faces: Faces | None) -> dict[bytes, int]:
    """Return the label of each face by its pixels, whatever their order."""
    assert faces is not None
    return {image.tobytes(): int(label) for image, label in zip(faces.images, faces.labels, strict=True)}


def test_reading_back_gives_equal_pixels_and_labels(tmp_path: Path) -> None:
    """Every split survives the way to disk and back."""
    write_folders(SPLITS, tmp_path / "faces")
    again = load(tmp_path / "faces")
    assert SPLITS.expressions == again.expressions
    assert list(SPLITS.named()) == list(again.named())
    for name, faces in SPLITS.named().items():
        assert by_pixels(faces) == by_pixels(again.named()[name])


def test_the_faces_of_a_class_keep_their_order(tmp_path: Path) -> None:
    """Files are numbered as the split numbers its faces, with leading zeros, so that their names sort."""
    write_folders(SPLITS, tmp_path / "faces")
    again = load(tmp_path / "faces").train
    assert SPLITS.train is not None
    assert again is not None
    for label in range(len(SHAPES)):
        expected = SPLITS.train.images[SPLITS.train.labels == label]
        np.testing.assert_array_equal(expected, again.images[again.labels == label])


def test_faces_without_labels_are_written_and_read_back(tmp_path: Path) -> None:
    """They stand in a folder of their own and come back without labels."""
    train = draw_shapes(2)
    nameless = replace(train, labels=np.full(len(train), UNLABELLED))
    write_folders(replace(SPLITS, train=None, valid=None, test=None, unlabelled=nameless), tmp_path / "faces")
    again = load(tmp_path / "faces")
    assert ["unlabelled"] == list(again.named())
    assert by_pixels(nameless) == by_pixels(again.unlabelled)


def test_drawn_faces_say_so_inside_their_files(tmp_path: Path) -> None:
    """The folder of a synthetic data set is read back as synthetic."""
    write_folders(replace(SPLITS, synthetic=True), tmp_path / "drawn")
    write_folders(SPLITS, tmp_path / "real")
    assert (True, False) == (load(tmp_path / "drawn").synthetic, load(tmp_path / "real").synthetic)


def test_an_empty_folder_may_be_filled_once(tmp_path: Path) -> None:
    """The second time it holds something, which stays as it is."""
    out = tmp_path / "faces"
    out.mkdir()
    write_folders(SPLITS, out)
    before = sorted(out.rglob("*"))
    with pytest.raises(MienError, match=r"faces: expected a new or empty folder"):
        write_folders(SPLITS, out)
    assert before == sorted(out.rglob("*"))
    assert [out] == list(tmp_path.iterdir())


def test_a_file_in_the_way_stays(tmp_path: Path) -> None:
    """A folder cannot take the place of a file."""
    (tmp_path / "faces").write_text("mine")
    with pytest.raises(MienError, match="found a file"):
        write_folders(SPLITS, tmp_path / "faces")
    assert "mine" == (tmp_path / "faces").read_text()


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full at the tenth face leaves neither the folder nor a part of it."""
    save, saved = Image.Image.save, []

    def fill_up(image: Image.Image, *arguments: object, **options: object) -> None:
        saved.append(image)
        if len(saved) == 10:
            raise OSError(28, "No space left on device")
        save(image, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Image.Image, "save", fill_up)
    with pytest.raises(MienError, match="No space left on device"):
        write_folders(SPLITS, tmp_path / "faces")
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../happy", "a/b", "..", "", ".hidden", "a:b"])
def test_a_class_that_no_folder_can_be_called_is_refused(name: str, tmp_path: Path) -> None:
    """Nothing is ever written outside of the folder."""
    with pytest.raises(DataError, match="expected a name that a folder can have"):
        write_folders(replace(SPLITS, expressions=(*SHAPES[:2], name)), tmp_path / "faces")
    assert [] == list(tmp_path.iterdir())

"""A list of the faces to keep: written, read again, and refused where it does not fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conftest import SHAPES, draw_shapes
from mien.data.only import keep_only, write_list
from mien.data.prepare import prepare_splits
from mien.errors import DataError
from mien.faces import Splits
from mien.recipes.schema import DataConfig

SPLITS = Splits(
    expressions=tuple(SHAPES), source="shapes", kind="shapes", train=draw_shapes(4), test=draw_shapes(2, seed=1)
)


def list_ids(splits: Splits) -> dict[str, list[str]]:
    """Return the ids of each split."""
    return {name: faces.ids.tolist() for name, faces in splits.named().items()}


def test_what_is_written_is_what_is_kept(tmp_path: Path) -> None:
    """Images, labels and ids go together; a warning says how many a split loses."""
    kept = {"train": np.arange(12) % 3 > 0, "test": np.ones(6, dtype=bool)}
    write_list(tmp_path / "clean.txt", SPLITS, kept, remarks=["made by a test"])
    found = keep_only(SPLITS, tmp_path / "clean.txt")
    assert found.train is not None
    assert SPLITS.train is not None
    assert SPLITS.train.ids[kept["train"]].tolist() == found.train.ids.tolist()
    assert SPLITS.train.images[kept["train"]].tolist() == found.train.images.tolist()
    assert list_ids(SPLITS)["test"] == list_ids(found)["test"]
    assert ("train: 4 of 12 faces left out, which clean.txt does not name",) == found.warnings
    assert "# made by a test" == (tmp_path / "clean.txt").read_text().split("\n")[0]


def test_faces_that_share_an_id_are_kept_as_often_as_they_are_named(tmp_path: Path) -> None:
    """The first ones."""
    assert SPLITS.train is not None
    twins = replace(SPLITS, train=replace(SPLITS.train, ids=np.array(["same"] * 12)))
    (tmp_path / "clean.txt").write_text("train same\ntrain same\ntest 0.png\n")
    found = keep_only(twins, tmp_path / "clean.txt")
    assert {"train": ["same", "same"], "test": ["0.png"]} == list_ids(found)


def test_a_split_without_a_line_is_gone(tmp_path: Path) -> None:
    """The list is all there is."""
    (tmp_path / "clean.txt").write_text("train 0.png\n\ntrain 5.png\n")
    assert ["train"] == list(keep_only(SPLITS, tmp_path / "clean.txt").named())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "train 0.png\ntrian 1.png\n",
            "clean.txt line 2: expected a split and an id, as train 17, found 'trian 1.png'",
        ),
        ("train 0.png\ntrain 99.png\n", "expected faces of shapes, found train 99.png, which it does not hold: make"),
        ("train 0.png\nvalid 0.png\n", "expected faces of shapes, found valid 0.png, which it does not hold"),
        ("test 0.png\n", "expected faces of train of shapes, found none"),
        ("# nothing\n", "expected faces of train of shapes, found none"),
        (None, "cannot be read"),
    ],
)
def test_a_list_that_does_not_fit_is_told_in_one_line(tmp_path: Path, text: str | None, message: str) -> None:
    """Which line or face, and what to do."""
    if text is not None:
        (tmp_path / "clean.txt").write_text(text)
    with pytest.raises(DataError, match=message):
        keep_only(SPLITS, tmp_path / "clean.txt")


def test_bytes_that_are_no_text_are_told_in_one_line(tmp_path: Path) -> None:
    """Somebody gave a picture."""
    (tmp_path / "clean.txt").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(DataError, match="expected a list of faces as text, found something else"):
        keep_only(SPLITS, tmp_path / "clean.txt")


def test_an_id_of_two_lines_is_refused(tmp_path: Path) -> None:
    """It could not be read again."""
    assert SPLITS.train is not None
    torn = replace(SPLITS, train=replace(SPLITS.train, ids=np.array(["a\nb"] * 12)), test=None)
    with pytest.raises(DataError, match="expected ids of one line"):
        write_list(tmp_path / "clean.txt", torn, {"train": np.ones(12, dtype=bool)})
    assert [] == list(tmp_path.iterdir())


def test_training_holds_valid_out_of_what_is_kept(tmp_path: Path) -> None:
    """A face that the list leaves out is in no split that training sees."""
    all_faces = prepare_splits("synthetic", DataConfig(size=16), seed=0)
    assert all_faces.train is not None
    kept = {name: np.arange(len(faces)) % 2 == 0 for name, faces in all_faces.named().items()}
    write_list(tmp_path / "clean.txt", all_faces, kept)
    config = DataConfig(size=16, only=str(tmp_path / "clean.txt"), valid_fraction=0.5)
    found = prepare_splits("synthetic", config, seed=0)
    assert found.train is not None
    assert found.valid is not None
    expected = set(all_faces.train.ids[kept["train"]].tolist())
    assert expected == {*found.train.ids.tolist(), *found.valid.ids.tolist()}

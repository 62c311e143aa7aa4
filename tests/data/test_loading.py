"""`load`: every kind of source, end to end."""

from __future__ import annotations

import gzip
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from benchmarks.bad_files import draw_face, encode_face, write_table
from PIL import Image

from conftest import SHAPES, draw_shapes, write_shapes
from mien.data import load
from mien.errors import ConfigError, DataError
from mien.faces import UNLABELLED
from mien.labels import EXPRESSIONS


def pack_csv(folder: Path, form: str) -> Path:
    """Write the table of `bad_files`, sound, in this form."""
    plain = folder / "fer2013.csv"
    plain.write_text(write_table())
    path = folder / f"fer2013.{form}"
    if form == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(plain, "data/fer2013.csv")
    elif form in ("tar.gz", "tgz", "tar"):
        with tarfile.open(path, "w" if form == "tar" else "w:gz") as archive:
            archive.add(plain, "fer2013/fer2013.csv")
    elif form == "csv.gz":
        path.write_bytes(gzip.compress(plain.read_bytes()))
    elif form == "folder":
        path.mkdir()
        plain.rename(path / "fer2013.csv")
    return path


@pytest.mark.parametrize("form", ["csv", "csv.gz", "zip", "tar.gz", "tgz", "tar", "folder"])
def test_the_table_of_pixels_is_read_in_every_wrapping(form: str, tmp_path: Path) -> None:
    """Alone, packed, in an archive, in a folder: the same faces by split."""
    splits = load(pack_csv(tmp_path, form))
    assert {"train": 7, "valid": 7, "test": 7} == {name: len(faces) for name, faces in splits.named().items()}
    assert (EXPRESSIONS, list(range(7))) == (splits.expressions, splits.named()["valid"].labels.tolist())
    np.testing.assert_array_equal(draw_face(8), splits.named()["valid"].images[1])


def write_pair(folder: Path) -> Path:
    """Write the challenge's train.csv and test.csv."""
    rows = [line.split(",") for line in write_table().splitlines()[1:]]
    (folder / "train.csv").write_text("emotion,pixels\n" + "\n".join(f"{row[0]},{row[1]}" for row in rows[:14]))
    (folder / "test.csv").write_text("pixels\n" + "\n".join(row[1] for row in rows[14:]))
    return folder


def test_the_pair_of_the_challenge_is_read_together(tmp_path: Path) -> None:
    """test.csv has no labels: it is there to be predicted."""
    splits = load(write_pair(tmp_path))
    assert {"train": 14, "unlabelled": 7} == {name: len(faces) for name, faces in splits.named().items()}
    assert {UNLABELLED} == set(splits.named()["unlabelled"].labels.tolist())


def test_each_of_the_pair_is_read_alone(tmp_path: Path) -> None:
    """Training needs the one, a submission the other."""
    write_pair(tmp_path)
    assert ["train"] == list(load(tmp_path / "train.csv").named())
    test = load(tmp_path / "test.csv")
    assert ["unlabelled"] == list(test.named())
    assert EXPRESSIONS == test.expressions


def test_the_table_that_has_everything_is_preferred(tmp_path: Path) -> None:
    """The challenge's archive holds the same faces three times."""
    write_pair(tmp_path)
    (tmp_path / "icml_face_data.csv").write_text(write_table("emotion, pixels, Usage"))
    assert {"train": 7, "valid": 7, "test": 7} == {name: len(f) for name, f in load(tmp_path).named().items()}


def zip_folder(folder: Path) -> Path:
    """Pack a folder, with itself as the outermost one."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder.parent))
    return path


def test_a_zip_of_class_folders_is_read_without_unpacking(tmp_path: Path) -> None:
    """It comes to what the folder comes to, and leaves nothing behind."""
    folder = write_shapes(tmp_path / "shapes", 4)
    path = zip_folder(folder)
    before = sorted(tmp_path.rglob("*"))
    from_folder, from_zip = load(folder), load(path)
    assert ("class folders", "class folders in a zip archive") == (from_folder.kind, from_zip.kind)
    assert tuple(sorted(SHAPES)) == from_folder.expressions == from_zip.expressions
    for name, faces in from_folder.named().items():
        np.testing.assert_array_equal(faces.images, from_zip.named()[name].images)
        np.testing.assert_array_equal(faces.labels, from_zip.named()[name].labels)
    assert before == sorted(tmp_path.rglob("*"))


def test_two_classes_in_a_plain_folder_are_enough(tmp_path: Path) -> None:
    """Without split folders everything is train."""
    for number in range(6):
        target = tmp_path / ("joy" if number % 2 else "Anger") / f"{number}.png"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(encode_face(number, "png"))
    splits = load(tmp_path)
    assert (("angry", "happy"), ["train"]) == (splits.expressions, list(splits.named()))
    assert [3, 3] == np.bincount(splits.named()["train"].labels).tolist()


def write_listed(folder: Path, header: str, rows: list[str]) -> Path:
    """Write six pictures and a table that lists them."""
    (folder / "images").mkdir(parents=True)
    for number in range(6):
        (folder / "images" / f"{number}.png").write_bytes(encode_face(number, "png"))
    (folder / "labels.csv").write_text("\n".join([header, *rows]))
    return folder


@pytest.mark.parametrize("given", ["", "labels.csv"])
def test_a_table_beside_pictures_is_read_by_folder_or_by_table(given: str, tmp_path: Path) -> None:
    """In the order of its rows."""
    folder = write_listed(
        tmp_path / "faces", "id,label", [f"{n},{('sad', 'happy')[n % 2]}" for n in (5, 4, 3, 2, 1, 0)]
    )
    splits = load(folder / given)
    train = splits.named()["train"]
    assert ("table beside pictures", ("happy", "sad")) == (splits.kind, splits.expressions)
    assert (list("543210"), [0, 1, 0, 1, 0, 1]) == (train.ids.tolist(), train.labels.tolist())
    np.testing.assert_array_equal(draw_face(5), train.images[0])


def test_a_table_without_labels_and_a_folder_without_classes_are_unlabelled(tmp_path: Path) -> None:
    """For predictions."""
    folder = write_listed(tmp_path / "faces", "id", ["2", "1"])
    assert ["2", "1"] == load(folder).named()["unlabelled"].ids.tolist()
    assert 6 == len(load(folder / "images").named()["unlabelled"])


@pytest.mark.parametrize("source", ["csv", "folder"])
def test_faces_are_resized_to_the_size_asked_for(source: str, tmp_path: Path) -> None:
    """Whatever they are read from."""
    path = pack_csv(tmp_path, "csv") if source == "csv" else write_shapes(tmp_path / "shapes", 2)
    assert {(24, 24)} == {faces.images.shape[1:] for faces in load(path, size=24).named().values()}


def test_pictures_of_several_sizes_become_48_pixels_wide_and_a_warning(tmp_path: Path) -> None:
    """The warning names the option that chooses another size."""
    folder = write_shapes(tmp_path / "shapes", 2)
    Image.fromarray(draw_shapes(1, size=20).images[0]).save(folder / "train" / SHAPES[0] / "large.png")
    splits = load(folder)
    assert {(48, 48)} == {faces.images.shape[1:] for faces in splits.named().values()}
    message = "pictures are not squares of one size (16x16 and 20x20): made 48x48; choose with `size`"
    assert (message,) == splits.warnings
    assert () == load(folder, size=16).warnings


def test_a_class_that_train_lacks_cannot_be_measured(tmp_path: Path) -> None:
    """With skip_bad its faces are left out."""
    folder = write_shapes(tmp_path / "shapes", 2)
    (folder / "test" / "other").mkdir()
    (folder / "test" / "other" / "1.png").write_bytes(encode_face(1, "png"))
    message = "shapes: train, class other: expected faces, found none, though other splits have 1"
    with pytest.raises(DataError, match=message):
        load(folder, size=16)
    splits = load(folder, size=16, skip_bad=True)
    assert (tuple(sorted(SHAPES)), 6, 1) == (splits.expressions, len(splits.named()["test"]), len(splits.skipped))


def test_a_test_split_alone_may_hold_one_class(tmp_path: Path) -> None:
    """Two classes are needed to train, not to measure."""
    (tmp_path / "test" / "happy").mkdir(parents=True)
    (tmp_path / "test" / "happy" / "1.png").write_bytes(encode_face(1, "png"))
    assert ("happy",) == load(tmp_path).expressions


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("fer.csv", b"", "fer.csv: expected a table with a column pixels, path or id, .*, found an empty file"),
        ("fer.txt", b"Dear diary, today", "fer.txt line 1: expected a column pixels, path or id, found dear diary"),
        ("face.bin", bytes(100), "face.bin: expected a table with a column pixels, .*, found something else"),
        ("fer.zip", b"PK\x03\x04", "fer.zip: expected a whole archive, found a truncated or damaged one"),
        ("fer.tgz", b"\x1f\x8b\x08", "fer.tgz: expected a whole archive, found a truncated or damaged one"),
        ("a/b.txt", b"", "a: expected a table with a column pixels, .*, found none of these in it"),
    ],
)
def test_what_is_not_recognised_is_refused(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    """With what would have been read instead."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        load(tmp_path / name.split("/")[0])


@pytest.mark.parametrize("size", [0, 7, 1025, -48])
def test_a_size_is_8_to_1024_pixels(size: int, tmp_path: Path) -> None:
    """Less is no face, more is a mistake."""
    with pytest.raises(ConfigError, match=f"`size`: expected 8 to 1024 pixels, found {size}"):
        load(tmp_path, size=size)


def test_an_empty_path_is_not_the_current_folder() -> None:
    """A variable that was never set gives one."""
    with pytest.raises(DataError, match="expected a path, found an empty one"):
        load("")


def test_the_drawn_faces_are_a_source_like_any_other() -> None:
    """And say that they are drawn."""
    splits = load("synthetic", size=16)
    assert (True, "synthetic", EXPRESSIONS) == (splits.synthetic, splits.source, splits.expressions)

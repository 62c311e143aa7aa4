"""Files of pictures are recognised in batches, in order."""

import numpy as np
import pytest
from PIL import Image

from conftest import draw_shapes
from mien.recognition import Box, Recogniser
from mien.stream import pictures as module
from mien.stream.pictures import Look, place_drawing, recognise_files
from tiny_network import CLASSES, write_network


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Return the file of a network."""
    return write_network(tmp_path_factory.mktemp("network") / "tiny.onnx")


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Return a folder of 70 faces, and their classes."""
    folder = tmp_path_factory.mktemp("faces")
    drawn = draw_shapes(24)
    files = []
    for index, image in enumerate(drawn.images[:70]):
        files.append(str(folder / f"{index:03d}.png"))
        Image.fromarray(image).save(files[-1])
    return files, [CLASSES[label] for label in drawn.labels[:70]]


def recognise(recogniser, files, look=None, *, workers=2):
    """Return the outcomes of files that are one face each."""
    look = look or Look(detect=False)
    return [one for batch in recognise_files(recogniser, files, look, workers=workers) for one in batch]


def test_every_file_is_recognised_in_its_order(network, faces):
    """More files than fit a batch, in several threads."""
    files, classes = faces
    outcomes = recognise(Recogniser(network), files)
    assert files == [one.file for one in outcomes]
    assert classes == [one.rows[0]["expression"] for one in outcomes]
    assert {1} == {len(one.rows) for one in outcomes}


def test_files_that_cannot_be_read_keep_their_place_and_say_why(network, faces, tmp_path):
    """The others are recognised all the same."""
    (tmp_path / "text.jpg").write_text("hello")
    files = [faces[0][0], str(tmp_path / "text.jpg"), str(tmp_path / "missing.jpg"), faces[0][1]]
    outcomes = recognise(Recogniser(network), files)
    assert [False, True, True, False] == [bool(one.problem) for one in outcomes]
    assert "expected a picture" in outcomes[1].problem
    assert "does not exist" in outcomes[2].problem


def test_a_detector_that_fails_on_one_picture_does_not_end_the_others(network, faces):
    """One odd file among a million is no reason to stop."""

    def find(picture):
        if picture[0, 0, 0] == first:
            raise ValueError("odd")
        return []

    first = np.asarray(Image.open(faces[0][0]))[0, 0]
    outcomes = recognise(Recogniser(network, detector=find), faces[0][:1], Look())
    assert ["ValueError: odd"] == [one.problem for one in outcomes]


def test_a_picture_without_a_face_has_one_row_that_says_so(network, faces):
    """So that nobody takes it for one that was not looked at."""
    (outcome,) = recognise(Recogniser(network, detector=lambda _: []), faces[0][:1], Look())
    assert [(faces[0][0], None)] == [(row["file"], row["face"]) for row in outcome.rows]


def test_faces_that_are_not_sure_enough_are_left_out(network, faces):
    """They count as not found."""
    sure = recognise(Recogniser(network), faces[0][:9], Look(detect=False, min_confidence=0.0))
    least = sum(sorted(one.rows[0]["confidence"] for one in sure)[3:5]) / 2
    kept = recognise(Recogniser(network), faces[0][:9], Look(detect=False, min_confidence=least))
    assert 5 == sum(one.rows[0]["face"] is not None for one in kept)


def test_few_pictures_wait_however_many_there_are(network, faces, monkeypatch):
    """Paths are taken from the list only as fast as their faces are named."""
    monkeypatch.setattr(module, "BATCH_FILES", 4)
    taken = []
    batches = recognise_files(
        Recogniser(network), (taken.append(file) or file for file in faces[0]), Look(detect=False), workers=1
    )
    next(batches)
    assert 4 * (1 + module.BATCHES_AHEAD) == len(taken)
    batches.close()


def test_drawings_repeat_the_folders_of_the_pictures(network, tmp_path):
    """Each file has a place of its own, and a format that can be written."""
    for name in ("a/one.png", "b/one.png", "b/one.gif"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (64, 64), 90).save(tmp_path / "in" / name)
    look = Look(draw_to=tmp_path / "out", above=tmp_path / "in")
    recogniser = Recogniser(network, detector=lambda _: [Box(left=8, top=20, width=30, height=30)])
    recognise(recogniser, sorted(map(str, (tmp_path / "in").glob("*/*"))), look)
    drawn = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert ["a/one.png", "b/one.gif.png", "b/one.png"] == drawn
    with Image.open(tmp_path / "out" / "a" / "one.png") as copy:
        assert ((64, 64), "RGB") == (copy.size, copy.mode)
        assert np.asarray(copy).std() > 10
    place = place_drawing(str(tmp_path / "in" / "film.avi"), look, kept=(".mp4",), added=".mp4")
    assert tmp_path / "out" / "film.avi.mp4" == place

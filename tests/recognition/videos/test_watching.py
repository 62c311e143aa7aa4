"""Faces are followed through videos, and `Recogniser.watch` yields them."""

import gc
import weakref

import numpy as np
import pytest

from films import FPS, FRAMES, find_square, write_film
from mien.errors import ConfigError, DataError
from mien.recognition import Recogniser
from mien.recognition.videos.watching import FRAMES_AT_ONCE, Watch, open_video
from tiny_network import write_network


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Return a film of two seconds."""
    return write_film(tmp_path_factory.mktemp("film") / "film.avi", codec="mjpeg")


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory):
    """Return a recogniser that finds the square."""
    return Recogniser(write_network(tmp_path_factory.mktemp("network") / "tiny.onnx"), detector=find_square)


def follow(recogniser, source, **options):
    """Return the frames of a video."""
    return list(recogniser.watch(source, workers=1, **options))


def test_every_frame_is_looked_at_and_the_face_keeps_its_number(recogniser, film):
    """It drifts; what it shows changes in the middle."""
    frames = follow(recogniser, film, smoothing_seconds=0.0)
    assert list(range(FRAMES)) == [frame.number for frame in frames]
    assert [number / FPS for number in range(FRAMES)] == pytest.approx([frame.seconds for frame in frames])
    assert {1} == {face.id for frame in frames for face in frame.faces}
    assert ["high"] * 12 + ["low"] * 12 == [frame.faces[0].expression for frame in frames]


def test_smoothing_delays_a_change_by_about_its_time(recogniser, film):
    """One frame of another expression is not shown as one."""
    shown = [frame.faces[0].expression for frame in follow(recogniser, film, smoothing_seconds=0.3)]
    assert FRAMES // 2 < shown.index("low") < FRAMES // 2 + 0.6 * FPS
    assert ["high", "low"] == [name for index, name in enumerate(shown) if name not in shown[:index]]


def test_every_so_many_frames_are_looked_at_and_the_others_can_be_kept(recogniser, film):
    """A copy needs all of them, with the faces of the last one that was looked at."""
    assert [0, 5, 10, 15, 20] == [frame.number for frame in follow(recogniser, film, every=5)]
    kept = follow(recogniser, film, every=5, keep_all=True)
    assert [number % 5 == 0 for number in range(FRAMES)] == [frame.looked_at for frame in kept]
    assert kept[0].faces == kept[4].faces != kept[5].faces == kept[9].faces


def test_a_face_tells_its_number_with_all_else_and_a_frame_can_be_drawn(recogniser, film):
    """In plain values, ready for JSON."""
    frame = next(recogniser.watch(str(film)))
    assert {"id": 1, "expression": "high"}.items() <= frame.faces[0].to_dict().items()
    assert np.abs(frame.draw().astype(int) - frame.picture).max() > 100


def test_without_a_detector_every_frame_is_one_face(recogniser, film):
    """Of crops, say."""
    frame = next(recogniser.watch(film, detect=False))
    assert [None] == [face.box for face in frame.faces]


def test_what_is_watched_may_stop_at_any_frame_and_the_file_is_closed(recogniser, film):
    """A loop that breaks leaves nothing open: warnings of unclosed files are errors here."""
    frames = recogniser.watch(film)
    next(frames)
    frames.close()
    assert [] == list(frames)


@pytest.mark.parametrize(("kept", "every"), [(False, 1), (True, 4)])
def test_a_long_video_takes_no_more_memory_than_a_short_one(recogniser, tmp_path, kept, every):
    """However long it is, the pictures of a few frames are alive at a time: those of two batches and the one shown."""
    path = write_film(tmp_path / "long.avi", codec="mjpeg", frames=200)
    alive: list[weakref.ref[np.ndarray]] = []
    most = 0
    for frame in recogniser.watch(path, every=every, keep_all=kept, workers=1):
        alive.append(weakref.ref(frame.picture))
        del frame
        most = max(most, sum(picture() is not None for picture in alive))
    gc.collect()
    assert 200 // (1 if kept else every) == len(alive)
    assert FRAMES_AT_ONCE >= most
    assert 0 == sum(picture() is not None for picture in alive)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"every": 0}, "every: expected 1 or more, found 0"),
        ({"smoothing_seconds": -1.0}, "smoothing_seconds: expected"),
    ],
)
def test_impossible_options_are_told_at_once(recogniser, film, options, expected):
    """Before the video is opened."""
    with pytest.raises(ConfigError, match=expected):
        recogniser.watch(film, **options)


def test_a_camera_that_is_not_there_is_told_in_one_line(capfd):
    """And OpenCV is silent."""
    with (
        pytest.raises(DataError, match=r"camera 97: expected a camera of this number, found none that opens"),
        open_video(97),
    ):
        pytest.fail("there is a camera of that number")
    assert ("", "") == capfd.readouterr()


def test_a_watch_says_what_is_impossible():
    """The command line gives it as options."""
    with pytest.raises(ConfigError, match="workers: expected 1 or more, found 0"):
        Watch(workers=0)

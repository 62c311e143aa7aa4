"""Faces in videos."""

import cv2
import numpy as np
import pytest

from mien.errors import DataError
from mien.recognition import Box, Face, Recogniser
from mien.stream.timeline import Timeline, draw_timeline, shrink
from mien.stream.video import Watch, follow_faces, open_copy, open_video
from tiny_network import CLASSES, write_network

FRAMES, FPS = 24, 12.0


def draw_frame(number):
    """Return uint8 (64, 96, 3): a square that drifts, bright at the top in the first half, at the bottom later."""
    frame = np.full((64, 96, 3), 40, np.uint8)
    left = 10 + number
    rows = slice(12, 24) if number < FRAMES // 2 else slice(36, 48)
    frame[rows, left : left + 36] = 250
    return frame


def find_square(picture):
    """Return where the square is: its bright stripe tells left and width."""
    columns = np.flatnonzero((picture[12:48] > 150).any(axis=(0, 2)))
    return [Box(left=int(columns[0]), top=12, width=36, height=36)] if len(columns) else []


def write_film(path, codec, frames=FRAMES):
    """Write a film and return its path."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), FPS, (96, 64))
    for number in range(frames):
        writer.write(draw_frame(number))
    writer.release()
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Return a film of two seconds."""
    return write_film(tmp_path_factory.mktemp("film") / "film.avi", "MJPG")


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory):
    """Return a recogniser that finds the square."""
    return Recogniser(write_network(tmp_path_factory.mktemp("network") / "tiny.onnx"), detector=find_square)


def follow(recogniser, path, **options):
    """Return the frames of a video."""
    with open_video(str(path)) as video:
        return list(follow_faces(recogniser, video, Watch(**options)))


def test_every_frame_is_looked_at_and_the_face_keeps_its_number(recogniser, film):
    """It drifts; what it shows changes in the middle."""
    frames = follow(recogniser, film, smoothing_seconds=0.0)
    assert list(range(FRAMES)) == [frame.number for frame in frames]
    assert [number / FPS for number in range(FRAMES)] == pytest.approx([frame.seconds for frame in frames])
    assert {1} == {number for frame in frames for number, _ in frame.faces}
    assert ["high"] * 12 + ["low"] * 12 == [frame.faces[0][1].expression for frame in frames]


def test_smoothing_delays_a_change_by_about_its_time(recogniser, film):
    """One frame of another expression is not shown as one."""
    shown = [frame.faces[0][1].expression for frame in follow(recogniser, film, smoothing_seconds=0.3)]
    assert FRAMES // 2 < shown.index("low") < FRAMES // 2 + 0.6 * FPS
    assert ["high", "low"] == [name for index, name in enumerate(shown) if name not in shown[:index]]


def test_every_so_many_frames_are_looked_at_and_the_others_can_be_kept(recogniser, film):
    """A copy needs all of them, with the faces of the last one that was looked at."""
    assert [0, 5, 10, 15, 20] == [frame.number for frame in follow(recogniser, film, every=5)]
    kept = follow(recogniser, film, every=5, keep_all=True)
    assert [number % 5 == 0 for number in range(FRAMES)] == [frame.looked_at for frame in kept]
    assert kept[0].faces == kept[4].faces != kept[5].faces == kept[9].faces


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "mp4v"), (".webm", "VP80")])
def test_usual_formats_are_read(recogniser, tmp_path, suffix, codec):
    """OpenCV's wheels bring what decodes them."""
    frames = follow(recogniser, write_film(tmp_path / f"film{suffix}", codec, frames=6), every=5)
    assert ["high", "high"] == [frame.faces[0][1].expression for frame in frames]


def test_a_copy_has_all_frames_and_the_faces_drawn_in(recogniser, film, tmp_path):
    """As an mp4 file of the same size and speed."""
    with open_video(str(film)) as video, open_copy(tmp_path / "copy.mp4", video) as write:
        for frame in follow_faces(recogniser, video, Watch(every=4, keep_all=True)):
            write(frame)
    capture = cv2.VideoCapture(str(tmp_path / "copy.mp4"))
    assert (FRAMES, FPS) == (capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS))
    copied = capture.read()[1].astype(int)
    assert np.abs(copied - draw_frame(0)).max() > 100
    assert copied.shape == draw_frame(0).shape


@pytest.mark.parametrize("content", [b"", b"hello" * 100])
def test_a_file_that_is_no_video_is_told_in_one_line(tmp_path, content):
    """Whatever it holds."""
    (tmp_path / "film.mp4").write_bytes(content)
    with pytest.raises(DataError, match=r"film.mp4: expected a video that OpenCV can decode"):
        follow(None, tmp_path / "film.mp4")


def test_a_video_that_ends_before_its_time_gives_what_it_has_and_says_so(recogniser, film, tmp_path):
    """A download that broke off, for instance."""
    content = film.read_bytes()
    (tmp_path / "film.avi").write_bytes(content[: len(content) // 2])
    with open_video(str(tmp_path / "film.avi")) as video:
        assert list(follow_faces(recogniser, video, Watch()))
        assert "of 24 frames: the file may be damaged" in video.tell_damage()


def test_a_camera_that_is_not_there_is_told_in_one_line(capfd):
    """And OpenCV is silent."""
    with (
        pytest.raises(DataError, match=r"camera 97: expected a camera of this number, found none that opens"),
        open_video(97),
    ):
        pytest.fail("there is a camera of that number")
    assert ("", "") == capfd.readouterr()


def test_a_timeline_tells_how_long_a_face_was_there_and_what_it_showed(recogniser, film, tmp_path):
    """In numbers, and as a picture that is the same each time."""
    timeline = Timeline(CLASSES)
    for frame in follow(recogniser, film, smoothing_seconds=0.0):
        timeline.add(frame.seconds, frame.faces)
    (span,) = timeline.longest()
    assert (1, 0.0, 0.5) == (span.number, span.start, span.share)
    assert (FRAMES - 1) / FPS == pytest.approx(span.end)
    for name in ("one.svg", "two.svg"):
        draw_timeline(timeline, tmp_path / name, title="film.avi")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert all(text in (tmp_path / "one.svg").read_text() for text in ("film.avi", "face 1", *CLASSES))


def test_a_face_that_was_seen_once_is_no_part_of_a_timeline(recogniser, film):
    """A detector now and then takes something else for a face."""
    faces = follow(recogniser, film)[0].faces
    timeline = Timeline(CLASSES)
    timeline.add(0.0, [(7, faces[0][1])])
    assert [7] == [span.number for span in timeline.longest()]
    timeline.add(0.1, faces)
    timeline.add(0.2, faces)
    assert (1, [1]) == (len(timeline), [span.number for span in timeline.longest()])


def test_a_timeline_without_faces_can_be_drawn(tmp_path):
    """It says that there are none."""
    draw_timeline(Timeline(CLASSES), tmp_path / "none.svg", title="film.avi")
    assert "no face was found" in (tmp_path / "none.svg").read_text()


def test_a_long_timeline_is_drawn_with_few_points():
    """The mean of neighbours stands for them."""
    values = np.arange(100_000, dtype=np.float32).reshape(-1, 1)
    assert 800 == len(shrink(values))
    assert values.mean() == pytest.approx(shrink(values).mean(), rel=1e-3)


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_timeline_names_every_class_whatever_it_is_called(tmp_path, kind):
    """Also those that a drawing would take for a formula, or leave out of its legend."""
    names = ("$_$", "_hidden", "<b>")
    timeline, shares = Timeline(names), dict(zip(names, (0.5, 0.3, 0.2), strict=True))
    face = Face(box=None, expression="$_$", confidence=0.5, probabilities=shares)
    for seconds in (0.0, 0.1):
        timeline.add(seconds, [(1, face)])
    draw_timeline(timeline, tmp_path / f"odd.{kind}", title="$_$.avi")
    if kind == "svg":
        drawn = (tmp_path / "odd.svg").read_text(encoding="utf-8")
        assert all(text in drawn for text in ("$_$", "_hidden", "&lt;b&gt;", "$_$.avi"))

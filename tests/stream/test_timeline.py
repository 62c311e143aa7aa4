"""Timelines of videos."""

import numpy as np
import pytest

from films import FPS, FRAMES, find_square, write_film
from mien.recognition import Face, Recogniser
from mien.stream.timeline import Timeline, draw_timeline, shrink
from tiny_network import CLASSES, write_network


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Return a film of two seconds."""
    return write_film(tmp_path_factory.mktemp("film") / "film.avi", codec="mjpeg")


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory):
    """Return a recogniser that finds the square."""
    return Recogniser(write_network(tmp_path_factory.mktemp("network") / "tiny.onnx"), detector=find_square)


def test_a_timeline_tells_how_long_a_face_was_there_and_what_it_showed(recogniser, film, tmp_path):
    """In numbers, and as a picture that is the same each time."""
    timeline = Timeline(CLASSES)
    for frame in recogniser.watch(film, smoothing_seconds=0.0):
        timeline.add(frame.seconds, frame.numbered)
    (span,) = timeline.longest()
    assert (1, 0.0, 0.5) == (span.number, span.start, span.share)
    assert (FRAMES - 1) / FPS == pytest.approx(span.end)
    for name in ("one.svg", "two.svg"):
        draw_timeline(timeline, tmp_path / name, title="film.avi")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert all(text in (tmp_path / "one.svg").read_text() for text in ("film.avi", "face 1", *CLASSES))


def test_a_face_that_was_seen_once_is_no_part_of_a_timeline(recogniser, film):
    """A detector now and then takes something else for a face."""
    faces = next(recogniser.watch(film)).numbered
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

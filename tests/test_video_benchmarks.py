"""The benchmarks of videos count what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from benchmarks import tracking, watching

from films import read_times
from mien.recognition import Box


def find(left: int) -> Box:
    """Return a box of 100 pixels a side."""
    return Box(left=left, top=0, width=100, height=100)


def test_faces_that_lose_their_number_and_numbers_that_change_hands_are_counted() -> None:
    """Face 0 leaves its place to face 1, and comes back far away; what is no face does not count."""
    looks = [(0.0, [(find(0), 0), (find(900), -1)]), (0.1, [(find(0), 1), (find(400), 0)])]
    assert [1, 1, 1] == tracking.count(looks, 1).tolist()
    assert [0, 0, 0] == tracking.count(looks, 2).tolist()


def test_a_camera_that_pans_stays_below_its_speed() -> None:
    """Widths of a face a second, apart from the shaking."""
    path = tracking.draw_paths(1.5, np.random.default_rng(0))
    assert (tracking.FPS * tracking.SECONDS, 3) == path.shape
    assert 1.5 / tracking.FPS + 0.15 > np.abs(np.diff(path[:, :2], axis=0)).max()


def test_the_film_that_is_watched_has_as_many_frames_as_it_should(tmp_path: Path) -> None:
    """Thirty a second."""
    count = watching.write_film(tmp_path / "film.mp4", Path("docs/astronaut.jpg"), 0.2)
    assert 6 == count == len(read_times(tmp_path / "film.mp4"))

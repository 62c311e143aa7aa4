"""Signed distances and the paint that fills them."""

import numpy as np
import pytest

from mien.synthetic.shapes import box, cover, ellipse, paint


def line(*values):
    """Return float32 (1, 1, N)."""
    return np.array(values, dtype=np.float32).reshape(1, 1, -1)


def test_distances_are_negative_inside_zero_on_the_edge_positive_outside():
    """A circle of radius 2 and a box of half width 2, along their horizontal axis."""
    x, y = line(0, 2, 3), line(0, 0, 0)
    assert [-2, 0, 1] == ellipse(x, y, 2.0, 2.0).ravel().tolist()
    assert [-1, 0, 1] == box(x, y, 2.0, 1.0).ravel().tolist()


def test_an_edge_is_smooth_over_its_width():
    """Half a width inside is fully covered, the edge itself half, half a width outside not at all."""
    assert [1, 1, 0.5, 0, 0] == cover(line(-3, -0.5, 0, 0.5, 3), np.float32(1)).ravel().tolist()


def test_paint_blends_by_coverage():
    """Where coverage is 0, 0.5 and 1, black paint leaves 100, 50 and 0 of a grey 100."""
    canvas = line(100, 100, 100)
    paint(canvas, 0.0, line(0, 0.5, 1))
    assert pytest.approx([100, 50, 0]) == canvas.ravel().tolist()

"""The contact sheet, and that the one in the documentation is what the code draws."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.errors import ConfigError
from mien.synthetic import draw_sheet

COMMITTED = Path(__file__).parents[2] / "docs" / "synthetic.png"


def test_a_sheet_has_seven_columns_and_as_many_rows_as_asked_for():
    """Its size follows from 7 columns, the rows, the zoom, the gaps and the heading."""
    assert (18 + 2 * (48 * 3 + 2) - 2, 7 * (48 * 3 + 2) - 2) == draw_sheet(rows=2, zoom=3).shape


def test_the_sheet_in_the_documentation_is_the_one_that_is_drawn():
    """docs/synthetic.png is small and shows the faces of today's code (the heading's font may differ)."""
    assert COMMITTED.stat().st_size < 150_000
    with Image.open(COMMITTED) as picture:
        found, drawn = np.asarray(picture, dtype=float), draw_sheet().astype(float)
    assert found.shape == drawn.shape
    assert np.abs(found - drawn)[18:].mean() < 0.1


@pytest.mark.parametrize("arguments", [{"rows": 0}, {"zoom": 0}])
def test_a_sheet_without_rows_or_pixels_is_refused(arguments):
    """Rows and zoom start at 1."""
    with pytest.raises(ConfigError, match="1 or above"):
        draw_sheet(**arguments)

"""Packing a data set for the way to another machine: nothing may change on the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from benchmarks.pack_faces import pack, unpack, write_table

from mien.data.loading import load


def test_a_packed_data_set_comes_back_pixel_for_pixel(tmp_path: Path) -> None:
    """Every split, every label, in the same order: through the picture, and through the table written from it."""
    before = load("synthetic").named()
    pack("synthetic", tmp_path / "faces.png")
    packed = unpack(tmp_path / "faces.png")
    chosen = {name: np.unique(faces.labels, return_index=True)[1] for name, faces in before.items()}
    few = {name: faces.take(chosen[name]) for name, faces in packed.items()}
    write_table(few, tmp_path / "fer2013.csv")
    table = load(str(tmp_path / "fer2013.csv")).named()
    assert list(before) == list(packed) == list(table)
    for name, faces in before.items():
        np.testing.assert_array_equal(faces.images, packed[name].images)
        np.testing.assert_array_equal(faces.labels, packed[name].labels)
        np.testing.assert_array_equal(faces.images[chosen[name]], table[name].images)
        np.testing.assert_array_equal(faces.labels[chosen[name]], table[name].labels)

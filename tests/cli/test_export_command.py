"""`mien export`, as a user meets it."""

from __future__ import annotations

import pytest

from conftest import SHAPES, run_mien
from mien import Recogniser
from mien.cli.export import export
from mien.errors import MienError


def test_a_run_becomes_a_file_and_everything_is_told(trained, tmp_path):
    """Shapes, views, the difference from torch; lost data and drawn faces are admitted."""
    out = tmp_path / "model.onnx"
    result = run_mien("export", trained, "-o", out)
    assert (0, SHAPES) == (result.status, Recogniser(out).expressions), result.err
    for expected in ("uint8 faces (N, 16, 16)", "probabilities (N, 3): views plain", "over 1,000 faces", "synthetic"):
        assert expected in result.out
    assert "checked on drawn faces instead" in result.err
    assert 1 == result.err.count("\n")


def test_eight_bits_without_the_data_are_one_clear_line(trained, tmp_path):
    """No faces are drawn in their place."""
    result = run_mien("export", trained, "-o", tmp_path / "model.onnx", "--int8")
    assert (2, 1) == (result.status, result.err.count("\n"))
    assert "--int8 needs the faces that the run was trained on" in result.err
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"out": "model.pb"}, "expected a name that ends in .onnx, found .pb"),
        ({"out": "there.onnx"}, "is there already: give another `out`, or `force`"),
        ({"out": "model.onnx", "run": "nowhere"}, "no such run folder or weights file"),
        ({"out": "model.onnx", "views": "upside-down"}, "expected some of plain,mirror"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(trained, tmp_path, options, expected):
    """One line each."""
    (tmp_path / "there.onnx").write_text("precious")
    run = tmp_path / options["run"] if "run" in options else trained
    with pytest.raises(MienError) as caught:
        export(run, tmp_path / options["out"], views=options.get("views", "plain"), int8=False, force=False)
    assert expected in str(caught.value)
    assert ["there.onnx"] == [path.name for path in tmp_path.iterdir()]
    assert "precious" == (tmp_path / "there.onnx").read_text()

"""The same recogniser on several machines."""

from importlib.util import find_spec

import pytest
from PIL import Image

from conftest import draw_shapes, run_mien
from tiny_network import write_network

has_ray = find_spec("ray") is not None


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a network and faces, one file of which cannot be read."""
    write_network(tmp_path / "tiny.onnx")
    (tmp_path / "faces").mkdir()
    for index, image in enumerate(draw_shapes(15).images):
        Image.fromarray(image).save(tmp_path / "faces" / f"{index:03d}.png")
    (tmp_path / "faces" / "text.jpg").write_text("hello")
    return tmp_path


def recognise(folder, out, *options):
    """Run `mien recognise` on the faces."""
    return run_mien(
        "recognise", "faces", "--no-detect", "--run", "tiny.onnx", "--out", folder / out, *options, cwd=folder
    )


@pytest.mark.slow
@pytest.mark.ray
def test_two_workers_give_the_bytes_of_one_process(folder):
    """Rows, errors and their order; and what is done is left out when resumed."""
    assert 0 == recognise(folder, "one.csv").status
    options = ("--engine", "ray", "--workers", 2)
    assert 0 == recognise(folder, "two.csv", *options).status
    assert (folder / "one.csv").read_bytes() == (folder / "two.csv").read_bytes()
    assert (folder / "one.csv.errors.csv").read_bytes() == (folder / "two.csv.errors.csv").read_bytes()
    assert 0 == recognise(folder, "two.csv", *options, "--resume").status
    assert (folder / "one.csv").read_bytes() == (folder / "two.csv").read_bytes()


@pytest.mark.skipif(has_ray, reason="Ray is installed")
def test_without_ray_the_command_that_installs_it_is_told(folder):
    """In one line, before anything is written."""
    result = recognise(folder, "two.csv", "--engine", "ray")
    assert (2, "mien: ray is not installed: run pip install 'mien[ray]'\n") == (result.status, result.err)
    assert not (folder / "two.csv").exists()

"""The benchmarks run, measure what they say, and their figures find the way into one table."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks import card, large_data, pipeline, recorded_steps, startup, step_parts, table, train_throughput
from PIL import Image

from conftest import ROOT, draw_shapes, tiny_recipe
from mien.native.rrelu import RReLU
from mien.recognition import Recogniser


def test_the_start_of_each_command_is_measured_over_a_bare_interpreter() -> None:
    """`make bench` shows the milliseconds beside their goal; that no torch comes along is held elsewhere."""
    found = startup.measure(rounds=1)
    assert {"import mien", "mien --help"} == startup.least_over_bare(found).keys()
    assert {1} == {len(values) for values in found.values()}


def test_a_command_that_fails_is_no_contestant() -> None:
    """Nothing is quicker than failing."""
    with pytest.raises(RuntimeError, match="ended with status 3"):
        startup.time_start(("-c", "raise SystemExit(3)"))


def test_shares_and_ratios_of_a_step_follow_from_its_seconds() -> None:
    """The smallest network on small faces; how large they are is for `make bench` to say."""
    parts = step_parts.measure(tiny_recipe(), steps=3, side=16, classes=3)
    assert 16 == parts.batch
    assert parts.evaluation_speed > 0.0
    assert parts.augmentation_share == parts.augmentation_seconds / parts.step_seconds


def test_a_step_without_a_gpu_is_measured_unrecorded() -> None:
    """Nothing says that it was recorded."""
    milliseconds, is_recorded = recorded_steps.measure(tiny_recipe(), steps=2, device="cpu")
    assert (True, False) == (milliseconds > 0.0, is_recorded)


@pytest.mark.filterwarnings("ignore:Converting a tensor")
def test_the_plain_loop_and_mien_come_to_the_same_first_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same mathematics, or a comparison of speeds means nothing; the order within a batch does not matter."""
    monkeypatch.setattr(train_throughput, "BATCH", 4)
    for layer in (torch.nn.RReLU, RReLU):  # the benchmark replaces them for good
        monkeypatch.setattr(layer, "forward", layer.forward)
    for limit in ("lower", "upper"):
        monkeypatch.setattr(RReLU, limit, getattr(RReLU, limit))
    plain, mien = (train_throughput.first_losses(name, 2) for name in ("plain", "mien"))
    assert plain == pytest.approx(mien, rel=1e-3)
    assert plain == pytest.approx(train_throughput.first_losses("plain", 2, backwards=True), rel=1e-3)


def test_the_many_drawn_faces_are_all_different() -> None:
    """Out of two people; otherwise copies, and not faces, would be measured."""
    pool = draw_shapes(1, classes=2).images
    faces = large_data.vary(pool, np.arange(200) % 2, np.random.default_rng(0))
    assert (200, 16, 16) == faces.shape
    assert 200 == len(np.unique(faces, axis=0))


def test_each_figure_is_a_row_with_goal_and_command() -> None:
    """And what was left out is named."""
    figure = table.Figure(what="share", found="3 %", goal="≤ 5 %", command="python -m x")
    page = table.render([figure], ["reading"], load=0.5)
    assert "| share | 3 % | ≤ 5 % | `python -m x` |" in page
    assert "Left out in this run: reading." in page


def test_the_table_reads_what_the_benchmarks_print(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Their lines, as they print them."""
    printed = {
        "benchmarks.train_throughput": "| mien | 28.1 | 26.4 to 29.8 | 1.28 | 0.37 |",
        "benchmarks.csv_read": "mien, first read: 9.6 times as fast (9.5 to 9.7) as pandas.read_csv + np.fromstring.",
        "benchmarks.inference": "| mien, a.onnx (float32) | 0.90 ms | 1.2 ms | 0.9 ms | 1,277 faces/s | 0.8 ms |",
    }
    monkeypatch.setattr(table, "run", lambda name, *_: printed[name])
    options = argparse.Namespace(csv=tmp_path / "fer2013.csv", model=tmp_path, recipe="fast")
    assert ["28.1 faces/s (26.4 to 29.8)", "1.28", "0.37"] == [row.found for row in table.measure_training(options)]
    assert ["9.6 (9.5 to 9.7)"] == [row.found for row in table.measure_reading(options)]
    assert ["0.90 ms", "1,277 faces/s"] == [row.found for row in table.measure_inference(options)]


def test_a_benchmark_that_prints_something_else_is_an_error() -> None:
    """With what it printed."""
    with pytest.raises(ValueError, match="found: nothing of the kind"):
        table.find(r"(\d+) faces", "nothing of the kind")


def test_each_step_from_a_file_to_its_answer_is_measured() -> None:
    """One face is in the picture, so that none of them has nothing to do."""
    with Image.open(ROOT / "docs" / "astronaut.jpg") as photograph:
        data = pipeline.write_jpeg(photograph.convert("RGB"), (320, 240))
    recogniser = Recogniser(threads=1)
    assert 1 == len(recogniser.recognise(data))
    spent = pipeline.time_steps(recogniser, data, rounds=1)
    assert set(pipeline.STEPS) == spent.keys()
    assert min(spent.values()) > 0.0


def test_the_load_is_answered_and_not_refused() -> None:
    """Each kind of request with the status that is right for it: the command ends with 0."""
    command = [sys.executable, "-m", "benchmarks.load", "--seconds", "0.5", "--connections", "2", "--only", "face"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (0, True) == (done.returncode, "| face | 200 | " in done.stdout), done.stdout + done.stderr


def test_the_corruptions_of_the_card_are_thirteen_and_the_same_each_time() -> None:
    """uint8 faces of the same shape, all changed; the ones that were given stay."""
    faces = np.random.default_rng(3).integers(40, 200, (4, 48, 48)).astype(np.uint8)
    before, found = faces.copy(), dict(card.corrupt(faces))
    assert 13 == len(found)
    assert {(faces.shape, np.dtype(np.uint8))} == {(shown.shape, shown.dtype) for shown in found.values()}
    assert [] == [name for name, shown in found.items() if np.array_equal(shown, faces)]
    assert np.array_equal(before, faces)
    again = dict(card.corrupt(faces))
    assert all(np.array_equal(again[name], shown) for name, shown in found.items())

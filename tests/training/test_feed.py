"""Pictures on their way to the device: the same ones, whether they are kept there or read as they come."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import mien.faces
from conftest import FACTS, draw_shapes, map_faces, tiny_recipe
from mien.faces import Faces, Picked
from mien.runs.folder import RunFolder
from mien.runs.run import load_tensors
from mien.training import train
from mien.training.engine import Engine
from mien.training.feed import Resident, Streamed, open_feed

CPU = torch.device("cpu")
VALID = draw_shapes(8, seed=1)


def train_in(path: Path, faces: Faces) -> dict[str, torch.Tensor]:
    """Return everything that a training on `faces` leaves in its last checkpoint."""
    folder = RunFolder(path)
    folder.create()
    train(tiny_recipe("augment.mirror_alternately=true"), faces, VALID, folder=folder, facts=FACTS)
    return load_tensors(folder.last)[0]


def test_what_is_trained_is_the_same_to_the_last_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From memory, from a map, and from some faces of a map in another order."""
    faces = map_faces(tmp_path / "entry")
    resident = train_in(tmp_path / "resident", faces)
    monkeypatch.setattr(mien.faces, "RESIDENT_BYTES", 0)
    turned = faces.take(np.arange(96)[::-1]).take(np.arange(96)[::-1])
    assert isinstance(turned.images, Picked)
    for name, shown in (("mapped", faces), ("picked", turned)):
        found = train_in(tmp_path / name, shown)
        assert resident.keys() == found.keys()
        assert [] == [key for key, value in resident.items() if not torch.equal(value, found[key])]


def test_an_engine_holds_a_map_and_no_copy_of_many_faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The very array that the cache gave: several processes share its pages."""
    monkeypatch.setattr(mien.faces, "RESIDENT_BYTES", 96 * 256 - 1)
    faces = map_faces(tmp_path / "entry")
    engine = Engine(tiny_recipe(), faces, classes=3, device="cpu")
    assert isinstance(engine.feed, Streamed)
    assert engine.feed.images is faces.images
    assert not faces.images.flags.owndata


def test_faces_that_fit_stay_on_the_device() -> None:
    """FER2013 does: 83 MB."""
    feed = open_feed(draw_shapes(4).images, CPU)
    assert isinstance(feed, Resident)
    assert torch.uint8 == feed.pixels.dtype


class Counting:
    """Pictures that remember which of them were read, one reading after the other."""

    def __init__(self, images: np.ndarray) -> None:
        self.images, self.read = images, list[list[int]]()

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        self.read.append(rows.tolist())
        return self.images[rows]


def test_a_batch_that_was_expected_is_read_once_and_nothing_beside_it() -> None:
    """Another one than was expected is read when it is asked for."""
    images = draw_shapes(4).images
    counting = Counting(images)
    feed = Streamed(counting, CPU)  # type: ignore[arg-type]
    first, second = np.array([3, 1]), np.array([0, 2])
    feed.expect(first)
    feed.expect(second)  # as while a batch is learnt from
    assert images[first].tolist() == feed.take(first).tolist()
    assert images[second].tolist() == feed.take(second).tolist()
    assert [[3, 1], [0, 2]] == counting.read
    feed.expect(first)
    assert images[second].tolist() == feed.take(second).tolist()
    assert [0, 2] in counting.read


def test_a_training_reads_each_face_of_its_batches_once_an_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """96 faces in 6 batches of 16, three epochs; the first batch of an epoch is read when it is wanted."""
    monkeypatch.setattr(mien.faces, "RESIDENT_BYTES", 0)
    read: list[int] = []
    whole = Streamed.__init__

    def count(feed: Streamed, images: mien.faces.Images, device: torch.device) -> None:
        counting = Counting(images)
        counting.read = _Flat(read)  # type: ignore[assignment]
        whole(feed, counting, device)  # type: ignore[arg-type]

    monkeypatch.setattr(Streamed, "__init__", count)
    train_in(tmp_path / "run", map_faces(tmp_path / "entry"))
    assert sorted([*range(96)] * 3) == sorted(read)


class _Flat:
    """Takes lists of rows, and adds their rows to one list."""

    def __init__(self, rows: list[int]) -> None:
        self.rows = rows

    def append(self, more: list[int]) -> None:
        self.rows += more

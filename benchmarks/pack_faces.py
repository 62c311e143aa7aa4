"""A data set as one lossless picture, small enough to travel to a machine with an accelerator, and back to a table.

    python -m benchmarks.pack_faces pack fer2013.csv faces.png      # 35,887 faces: 55 MiB instead of 301 MB
    python -m benchmarks.pack_faces unpack faces.png fer2013.csv    # the same pixels, labels and order

The picture is a grid of all faces, split after split; split names, counts and labels stand in a text chunk of the PNG.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from mien.data.loading import load
from mien.faces import Faces
from mien.files import write_aside

USAGES = {"train": "Training", "valid": "PublicTest", "test": "PrivateTest"}
NOTE = "faces"


def pack(source: str, out: Path) -> None:
    """Write all faces of `source` with their labels as one grey PNG."""
    splits = load(source).named()
    images = np.concatenate([faces.images for faces in splits.values()])
    side, columns = images.shape[1], math.isqrt(len(images) - 1) + 1
    rows = math.ceil(len(images) / columns)
    grid = np.zeros((rows * columns, side, side), dtype=np.uint8)
    grid[: len(images)] = images
    mosaic = grid.reshape(rows, columns, side, side).swapaxes(1, 2).reshape(rows * side, columns * side)
    note = PngImagePlugin.PngInfo()
    labels = {name: faces.labels.tolist() for name, faces in splits.items()}
    note.add_text(NOTE, json.dumps({"side": side, "labels": labels}), zip=True)
    with write_aside(out) as aside:
        Image.fromarray(mosaic).save(aside, format="PNG", optimize=True, pnginfo=note)


@contextmanager
def trust_size() -> Iterator[None]:
    """Let Pillow open a picture of any size: this one is our own, and as large as the data."""
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def unpack(packed: Path) -> dict[str, Faces]:
    """Return the splits that `pack` wrote."""
    with trust_size(), Image.open(packed) as picture:
        note = json.loads(picture.text[NOTE])  # type: ignore[attr-defined]
        mosaic, side = np.asarray(picture), note["side"]
    rows, columns = mosaic.shape[0] // side, mosaic.shape[1] // side
    grid = mosaic.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(-1, side, side)
    splits, start = {}, 0
    for name, labels in note["labels"].items():
        ids = np.array([f"{name}/{index}" for index in range(len(labels))])
        images = grid[start : start + len(labels)]
        splits[name] = Faces(images=images, labels=np.array(labels, dtype=np.int64), ids=ids)
        start += len(labels)
    return splits


def write_table(splits: dict[str, Faces], out: Path) -> None:
    """Write `splits` in the form of fer2013.csv: emotion, pixels, Usage."""
    with write_aside(out) as aside, aside.open("w", encoding="ascii") as table:
        table.write("emotion,pixels,Usage\n")
        for name, faces in splits.items():
            for image, label in zip(faces.images, faces.labels.tolist(), strict=True):
                table.write(f"{label},{' '.join(map(str, image.ravel().tolist()))},{USAGES[name]}\n")


def main() -> None:
    """Pack or unpack."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("way", choices=["pack", "unpack"])
    parser.add_argument("source")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    if options.way == "pack":
        pack(options.source, options.out)
    else:
        write_table(unpack(Path(options.source)), options.out)
    print(f"{options.out}: {options.out.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()

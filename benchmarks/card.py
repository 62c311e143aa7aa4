"""The figures of the model card: the file that ships, by each of its heads, clean and under 13 corruptions.

    python -m benchmarks.card --data fer2013.csv --votes fer2013new.csv [--split valid]

Choose on valid; test is read for a finished network alone. The corruptions are OpenCV's and NumPy's, so that they stand
apart from those of `mien stress`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial

import cv2
import numpy as np
import numpy.typing as npt

from mien.data.prepare import label, read_data
from mien.evaluation.metrics import Scores, score
from mien.faces import Faces
from mien.recipes.schema import DataConfig
from mien.recognition import Recogniser

Images = npt.NDArray[np.uint8]
ASKED = (("fer2013", "own"), ("people", "own"), ("ferplus", "ferplus"), ("people", "ferplus"), ("ferplus8", "ferplus8"))
"""Which head is measured by whose labels."""


def main() -> None:
    """Measure and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--votes", required=True)
    parser.add_argument("--split", choices=("valid", "test"), default="valid")
    options = parser.parse_args()
    print("| head | labels | n | accuracy | 95 % interval | balanced | ECE | log loss |")
    print("|---|---|---:|---:|---|---:|---:|---:|")
    held = {}
    for head, labels in ASKED:
        if labels not in held:
            votes = None if labels == "own" else options.votes
            config = DataConfig(labels=labels, votes=votes)  # type: ignore[arg-type]
            held[labels] = label(read_data(options.data, config), config)
        faces, names = held[labels].named()[options.split], held[labels].expressions
        recogniser = Recogniser(detector="none", labels=head, threads=1)
        print(tell(head, labels, measure(recogniser, faces, faces.images, names)))
    for head, labels in (("fer2013", "own"), ("ferplus", "ferplus")):
        faces, names = held[labels].named()[options.split], held[labels].expressions
        recogniser = Recogniser(detector="none", labels=head, threads=1)
        found = {name: measure(recogniser, faces, shown, names) for name, shown in corrupt(faces.images)}
        told = " · ".join(f"{name} {each.accuracy:.1%} ({each.calibration.ece:.3f})" for name, each in found.items())
        mean = np.mean([each.accuracy for each in found.values()])
        print(f"\n{head}: mean of {len(found)} corruptions {mean:.1%}; accuracy (ECE): {told}")


def measure(recogniser: Recogniser, faces: Faces, images: Images, names: tuple[str, ...]) -> Scores:
    """Return how right the recogniser is about `images` in the place of those of `faces`."""
    order = [recogniser.expressions.index(name) for name in names]
    return score(faces.labels, recogniser.predict(np.ascontiguousarray(images))[:, order], expressions=names)


def tell(head: str, labels: str, found: Scores) -> str:
    """Return a row of the table."""
    interval = f"{found.interval.low:.1%} to {found.interval.high:.1%}"
    figures = f"{found.accuracy:.1%} | {interval} | {found.balanced_accuracy:.1%} | {found.calibration.ece:.3f}"
    return f"| {head} | {labels} | {found.n:,} | {figures} | {found.log_loss:.3f} |"


def corrupt(images: Images) -> Iterator[tuple[str, Images]]:
    """Yield the name of each corruption and the faces under it; what is random is drawn with seed 0, in this order."""
    rng = np.random.default_rng(0)

    def each(change: Callable[[Images], Images]) -> Images:
        return np.stack([change(image) for image in images])

    for sigma in (1, 2):
        yield f"blur σ {sigma}", each(partial(cv2.GaussianBlur, ksize=(0, 0), sigmaX=sigma))  # type: ignore[arg-type]
    for deviation in (10, 25):
        yield f"noise σ {deviation}", clip(images + rng.normal(0, deviation, images.shape))
    yield "darkened ×0.4", clip(images * 0.4)
    yield "brightened ×1.5", clip(images * 1.5)
    yield "contrast ×0.4", clip((images - 128.0) * 0.4 + 128)
    yield "JPEG 20", each(lambda image: cv2.imdecode(cv2.imencode(".jpg", image, [1, 20])[1], 0))  # type: ignore[arg-type, return-value]
    for side in (24, 16):
        yield f"at {side} px", each(partial(shrink, side=side))
    for degrees in (15, 30):
        yield f"turned {degrees}°", each(partial(turn, degrees=degrees))
    covered = images.copy()
    for image in covered:
        top = rng.integers(0, 33)
        image[top : top + 16] = rng.integers(0, 256)
    yield "a third covered", covered


def clip(values: npt.NDArray[np.floating]) -> Images:
    """Return grey levels as uint8."""
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def shrink(image: Images, side: int) -> Images:
    """Return a face that has lost what is smaller than `side` lets through."""
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, image.shape[::-1])  # type: ignore[return-value]


def turn(image: Images, degrees: float) -> Images:
    """Return a face turned counter-clockwise, its border repeated."""
    height, width = image.shape
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


if __name__ == "__main__":
    main()

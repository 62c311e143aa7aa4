"""Teach a file that is made to tell whether a face can be read, and measure how well it does.

    python -m benchmarks.readable src/mien/weights/mien.onnx --data fer2013.csv --votes fer2013new.csv \
        --photographs FOLDER [--measure [--split test]]

A logistic regression on the features that the network's last layer takes tells faces from what is none: train's faces
as they are and corrupted, drawn ones and those of half of the photographs; against train's faces that most of FER+'s
taggers call none, drawn pictures and pieces of the same photographs (`benchmarks.not_faces`, `benchmarks.photographs`).
A score of a half is where `LOST` of valid's faces stay below. Nothing that is fitted is measured; the answers of the
network stay as they are. Without photographs their parts are left out, and the file is another one than what ships.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from benchmarks.not_faces import KEPT, TAUGHT, draw_all, turn_away
from benchmarks.photographs import UNSURE, cut_photographs, list_photographs
from mien.data.loading import load
from mien.data.votes import NO_FACE, Votes, check_rows, find_majority, find_rows, read_votes
from mien.evaluation.metrics import wilson_interval
from mien.exporting.readability import add_readability, read_features
from mien.exporting.run import write_model
from mien.faces import Faces, Splits
from mien.recognition import Recogniser
from mien.recognition.network import OnnxNetwork
from mien.robustness.corruptions import CORRUPTIONS, corrupt
from mien.synthetic import draw_faces

LOST = 0.005
"""Of valid's faces so many may come out as not readable."""

STRENGTH = 0.001
"""Inverse strength of the penalty; 0.01, 0.1 and 1 give AUROCs that are up to 0.006 lower."""

PLAIN, CORRUPTED, DRAWN, EACH = 12_000, 3_600, 700, 1_500
"""Faces of train as they are, corrupted, drawn ones, and pictures of each kind that is drawn and none."""

WEIGHTS = {
    **{"faces": 4.0, "corrupted": 2.0, "drawn faces": 0.5, "photographs' faces": 1.0},
    **{"taggers' none": 1.0, "the same, corrupted": 0.5, "drawn": 1.0},
    **{"pieces": 1.5, "beside faces": 0.75, "taken for faces": 0.75},
}
"""How much each group counts, whatever its number."""

ARE_FACES = ("faces", "corrupted", "drawn faces", "photographs' faces")
SPOILT = ("gaussian-blur", "gaussian-noise", "dark", "contrast", "shift", "jpeg", "wide-crop", "tight-crop")
"""Corruptions of what is none: as those of faces, so that being corrupted tells nothing."""

Pictures = npt.NDArray[np.uint8]


def main() -> None:
    """Teach the file, or measure it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--votes", type=Path, required=True)
    parser.add_argument("--photographs", type=Path)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--split", choices=("valid", "test"), default="valid")
    given = parser.parse_args()
    splits, votes = load(given.data), read_votes(given.votes)
    if given.measure:
        print("\n".join(measure(given.file, splits, votes, given.photographs, given.split)))
        return
    teach(given.file, splits, votes, given.photographs)
    print(f"{given.file}: {given.file.stat().st_size / 1e6:.2f} MB, tells whether a face can be read")


def teach(file: Path, splits: Splits, votes: Votes, photographs: Path | None) -> None:
    """Write the file anew, with its readability fitted."""
    check_rows(splits, votes)
    assert splits.train is not None
    assert splits.valid is not None
    model = onnx.load(file)
    groups = gather(splits.train, votes, photographs)
    weights, shift = fit(model, groups)
    valid = read_features(model, part(splits.valid, votes)[0]) @ weights + shift
    shift -= float(np.quantile(valid, LOST))
    facts = {"lost": LOST, "faces": {name: len(pictures) for name, pictures in groups.items()}}
    write_model(add_readability(model, weights, shift, facts), file)


def gather(train: Faces, votes: Votes, photographs: Path | None) -> dict[str, Pictures]:
    """Return what is learnt from, by group."""
    rng = np.random.default_rng(0)
    faces, none = part(train, votes)
    chosen = rng.permutation(len(faces))
    spoilt, names = faces[np.sort(chosen[:CORRUPTED])], list(CORRUPTIONS)
    groups = {
        "faces": faces[np.sort(chosen[:PLAIN])],
        "corrupted": np.concatenate(
            [corrupt(spoilt[at :: len(names)], name, 2 + at % 3, seed=1) for at, name in enumerate(names)]
        ),
        "drawn faces": draw_faces(np.arange(DRAWN) % 7, np.random.default_rng(1), size=train.images.shape[1]),
        "taggers' none": none,
        "the same, corrupted": np.concatenate([none[:, :, ::-1], *(corrupt(none, name, 3, seed=3) for name in SPOILT)]),
        "drawn": np.concatenate([draw_all(draw, EACH, seed=10) for draw in TAUGHT.values()]),
    }
    if photographs is not None:
        groups |= cut_half(photographs, teaching=True)
    return {name: pictures for name, pictures in groups.items() if len(pictures)}


def cut_half(photographs: Path, *, teaching: bool) -> dict[str, Pictures]:
    """Return the squares of one half of the photographs by group."""
    recogniser = Recogniser(min_detection=UNSURE, threads=1)
    found = cut_photographs(list_photographs(photographs, teaching=teaching), recogniser, seed=int(teaching))
    return {"photographs' faces" if kind == "faces" else kind: squares for kind, squares in found.items()}


def part(faces: Faces, votes: Votes) -> tuple[Pictures, Pictures]:
    """Return the pictures of faces, and those that most taggers call none; those with two such votes are neither."""
    counts = votes.counts[find_rows(faces)]
    is_none = find_majority(counts) == NO_FACE
    return faces.images[np.flatnonzero(counts[:, NO_FACE] < 2)], faces.images[np.flatnonzero(is_none)]


def fit(model: onnx.ModelProto, groups: dict[str, Pictures]) -> tuple[npt.NDArray[np.float64], float]:
    """Return the weights (F,) and the shift of the regression, in the network's own features."""
    features = {name: read_features(model, pictures) for name, pictures in groups.items()}
    rows = np.concatenate(list(features.values()))
    labels = np.concatenate([np.full(len(rows), name in ARE_FACES) for name, rows in features.items()])
    shares = np.concatenate([np.full(len(rows), WEIGHTS[name] / len(rows)) for name, rows in features.items()])
    scaler = StandardScaler().fit(rows)
    found = LogisticRegression(C=STRENGTH, max_iter=3000)
    found.fit(scaler.transform(rows), labels, sample_weight=shares / shares.mean())
    weights = found.coef_[0] / scaler.scale_
    return weights, float(found.intercept_[0] - weights @ scaler.mean_)


def measure(file: Path, splits: Splits, votes: Votes, photographs: Path | None, split: str) -> Iterator[str]:
    """Yield the rows of two tables: what is none and found out, and faces that are lost."""
    network = OnnxNetwork(file, threads=1)
    faces, none = part(splits.named()[split], votes)

    def score(pictures: Pictures) -> npt.NDArray[np.float32]:
        readability = network.answer(pictures).readability
        assert readability is not None
        return readability

    known = score(faces)
    others = {f"{split}: what most of FER+'s taggers call no face": none}
    others |= {f"drawn: {name}": draw_all(draw, 500, seed=12) for name, draw in KEPT.items()}
    others |= {f"{split}: heads as from behind": turn_away(faces[:500], seed=12)}
    real = {f"{split}: faces as they are": faces}
    if photographs is not None:
        cut = cut_half(photographs, teaching=False)
        real["photographs: faces that are found"] = cut.pop("photographs' faces")
        others |= {f"photographs: {kind}": squares for kind, squares in cut.items()}
    for name, corruption in CORRUPTIONS.items():
        for severity in (3, 5):
            told = f"{split}: {corruption.about}, severity {severity}"
            real[told] = corrupt(faces[: len(faces) // 4], name, severity, seed=2)
    yield "| no faces | n | AUROC | found out | 95 % interval |\n|---|---:|---:|---:|---|"
    for name, pictures in others.items():
        if not len(pictures):
            continue
        found = score(pictures)
        truth = np.concatenate([np.ones(len(known)), np.zeros(len(found))])
        area = roc_auc_score(truth, np.concatenate([known, found]))
        yield f"| {name} | {len(found):,} | {area:.4f} | {tell_share(found < 0.5)} |"
    yield "\n| faces | n | taken for none | 95 % interval |\n|---|---:|---:|---|"
    for name, pictures in real.items():
        yield f"| {name} | {len(pictures):,} | {tell_share(score(pictures) < 0.5)} |"


def tell_share(is_so: npt.NDArray[np.bool_]) -> str:
    """Return how many of all, and the interval, as two cells."""
    interval = wilson_interval(int(is_so.sum()), len(is_so))
    return f"{is_so.mean():.1%} | {interval.low:.1%} to {interval.high:.1%}"


if __name__ == "__main__":
    main()

"""Is a model what torch computes? In: a model, a run and faces. Out: the largest difference of any probability."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.data.images import resize_faces
from mien.errors import MienError
from mien.evaluation.predict import predict_probabilities
from mien.exporting.heads import ORDER
from mien.faces import Images, Splits
from mien.labels import EXPRESSIONS
from mien.runs.run import Run
from mien.runs.temperatures import scale_probabilities
from mien.synthetic import draw_faces

CHECKED_FACES = 1000
TOLERANCE = 1e-5
"""Largest difference of a probability from torch's that a file may have; 8-bit files are measured instead."""

BATCH_SIZE = 128


def run_model(
    model: Any, faces: Images, *, output: str = "probabilities", threads: int | None = None
) -> npt.NDArray[np.float32]:
    """Return what a model answers: probabilities (N, K) of uint8 (N, S, S); of one with heads, those of `output`."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    batches = (np.ascontiguousarray(faces[start : start + BATCH_SIZE]) for start in range(0, len(faces), BATCH_SIZE))
    return np.concatenate([session.run([output], {"faces": batch})[0] for batch in batches])


def compare_with_torch(model: Any, run: Run, faces: Images, *, views: tuple[str, ...] = ("plain",)) -> float:
    """Return the largest difference of any probability of any face between the model and torch."""
    differences = []
    for output, answering in list_answers(model, run).items():
        probabilities = predict_probabilities(answering.network, faces, views=views, accelerated=False)
        expected = scale_probabilities(probabilities, answering.temperature(views))
        differences.append(float(np.abs(run_model(model, faces, output=output) - expected).max()))
    return max(differences)


def list_answers(model: Any, run: Run) -> dict[str, Run]:
    """Return output -> the run as it answers there: one of a single answer, or each head."""
    outputs = [entry.name for entry in model.graph.output]
    return {outputs[0]: run} if len(outputs) == 1 else dict(zip(outputs, map(run.head, ORDER), strict=True))


def check_difference(difference: float) -> None:
    """Refuse a model that is further from torch than `TOLERANCE`.

    Raises:
        MienError: it is.
    """
    if not difference <= TOLERANCE:
        raise MienError(
            f"the ONNX model differs from torch by {difference:.1e}, more than {TOLERANCE:.0e}: not written"
        )


def gather_faces(splits: Splits | None, size: int) -> Images:
    """Return `CHECKED_FACES` faces, uint8 (N, size, size): of the data, and drawn ones where it has fewer."""
    parts = [] if splits is None else [part.images for part in (splits.valid, splits.train) if part is not None]
    known = [resize_faces(spread(part, CHECKED_FACES), size) for part in parts]
    missing = CHECKED_FACES - sum(map(len, known))
    if missing > 0:
        drawn = draw_faces(np.arange(missing) % len(EXPRESSIONS), np.random.default_rng(0), size=max(16, size))
        known.append(resize_faces(drawn, size))
    return np.concatenate(known)[:CHECKED_FACES]


def spread(images: Images, count: int) -> Images:
    """Return at most `count` of `images`, evenly spread over them."""
    return images[:: max(1, len(images) // count)][:count]

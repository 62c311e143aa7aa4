"""A network in an ONNX file that `mien export` wrote. In: uint8 faces (N, H, W). Out: probabilities (N, K)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

from mien.data.images import resize_faces
from mien.errors import DataError, RunError

BATCH_SIZE = 256
"""Faces shown at a time: more are not faster, and take memory."""


@final
class OnnxNetwork:
    """A session of onnxruntime with what the file says of itself; may be shared between threads.

    Attributes:
        card: facts by name: expressions, recipe, size, views, temperature, version of mien, …
    """

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        self._session = _open_session(path, threads)
        self.card: dict[str, Any] = _read_card(self._session, path)
        self.expressions: tuple[str, ...] = tuple(self.card["expressions"])
        self.size: int = self.card["size"]

    def predict(self, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return float32 (N, K) of uint8 (N, H, W), resized where the network takes another size; N may be 0.

        Raises:
            DataError: another shape or type.
        """
        if not isinstance(crops, np.ndarray) or crops.ndim != 3 or crops.dtype != np.uint8:
            found = f"{crops.dtype} {crops.shape}" if isinstance(crops, np.ndarray) else type(crops).__name__
            raise DataError("faces", f"expected uint8 (N, H, W), found {found}")
        faces = resize_faces(crops, self.size)
        parts = [
            self._session.run(None, {"faces": faces[start : start + BATCH_SIZE]})[0]
            for start in range(0, len(faces), BATCH_SIZE)
        ]
        return np.concatenate(parts) if parts else np.empty((0, len(self.expressions)), np.float32)


def _open_session(path: Path, threads: int | None) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads or 0
    if not path.exists():
        raise RunError(f"{path}: expected a model file, but it does not exist")
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a class of its own for each kind of damage
        reason = " ".join(str(error).split())[:120]
        raise RunError(f"{path}: expected an ONNX file of `mien export`, found another kind ({reason})") from error


def _read_card(session: Any, path: Path) -> dict[str, Any]:
    texts = session.get_modelmeta().custom_metadata_map
    try:
        card = {
            name.removeprefix("mien."): json.loads(text) for name, text in texts.items() if name.startswith("mien.")
        }
        outputs, classes = session.get_outputs()[0].shape[1], len(card["expressions"])
        int(card["size"])
    except (KeyError, ValueError, IndexError, TypeError):
        raise RunError(
            f"{path}: expected an ONNX file of `mien export`, found one that does not tell its expressions"
        ) from None
    if outputs != classes:
        raise RunError(f"{path}: expected an output for each of its {classes} expressions, found {outputs}")
    return card

"""A model that computes with 8-bit numbers. In: a model and faces. Out: another model, of a quarter of the size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, final

import numpy as np

from mien.exporting.graph import describe
from mien.exporting.quiet import keep_quiet, require
from mien.faces import Images

BATCH_SIZE = 128
QUANTISED = ("Conv", "Gemm", "MatMul", "Add", "MaxPool", "Relu")
"""Operators that 8 bits make faster; normalisation and softmax stay float32."""


def quantise(model: Any, faces: Images) -> Any:
    """Return the model with 8-bit weights and activations, their ranges taken from `faces`, uint8 (N, S, S).

    Post-training static quantisation, weights a scale for each channel (Jacob et al. 2018; Krishnamoorthi 2018,
    section 3), by onnxruntime. Weights take 7 of the 8 bits: processors without VNNI (Intel's before 2019, AMD's before
    Zen 4) add two products of 8 bits in 16, which overflows: they would answer otherwise than the others.
    """
    require("onnx")
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    with TemporaryDirectory() as folder, keep_quiet():
        before, after = Path(folder) / "before.onnx", Path(folder) / "after.onnx"
        onnx.save(model, before)
        quantize_static(
            before,
            after,
            _FaceReader(faces),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            op_types_to_quantize=list(QUANTISED),
        )
        quantised = onnx.load(after)
    return describe(quantised, {**_read_facts(model), "precision": "int8"})


@final
class _FaceReader:
    """What onnxruntime asks for faces while it sets ranges."""

    def __init__(self, faces: Images) -> None:
        starts = range(0, len(faces), BATCH_SIZE)
        self._batches: Iterator[Images] = (np.ascontiguousarray(faces[at : at + BATCH_SIZE]) for at in starts)

    def get_next(self) -> dict[str, Images] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"faces": batch}

    def __iter__(self) -> Iterator[dict[str, Images]]:
        return iter(self.get_next, None)


def _read_facts(model: Any) -> dict[str, Any]:
    return {entry.key.removeprefix("mien."): json.loads(entry.value) for entry in model.metadata_props}

"""A network in an ONNX file, made in a millisecond: the brightest third of a face, from top to bottom, is its class."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE = 12
CLASSES = ("low", "mid", "high")


def write_network(path: Path, *, classes: tuple[str, ...] = CLASSES, size: int = SIZE, **told: Any) -> Path:
    """Write the network with the facts that `mien export` writes, and others that are told, and return its path."""
    third = size // 3
    weights = np.zeros((size * size, len(classes)), np.float32)
    for index, rows in enumerate((slice(-third, None), slice(third, -third), slice(third))):
        mask = np.zeros((size, size), np.float32)
        mask[rows] = 0.05 / third / size
        weights[:, index] = mask.ravel()
    nodes = [
        helper.make_node("Cast", ["faces"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["pixels"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("faces", TensorProto.UINT8, ["n", size, size])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", len(classes)])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    facts = {"expressions": classes, "size": size, "recipe": {"name": "tiny"}, **told}
    helper.set_model_props(model, {f"mien.{name}": json.dumps(value) for name, value in facts.items()})
    onnx.save(model, path)
    return path


def write_readable(path: Path, **options: Any) -> Path:
    """Write the network with one more answer: what is darker than a grey of 40, in the mean, is no face."""
    from mien.exporting.readability import add_readability, read_size

    model = onnx.load(write_network(path, **options))
    pixels = read_size(model) ** 2
    onnx.save(add_readability(model, np.full(pixels, 0.25 / pixels), -10.0, {"lost": 0.0}), path)
    return path

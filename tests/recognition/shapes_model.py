"""A network that needs no training: it tells which third of a face is brightest. In the form of `mien export`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from conftest import SHAPES

SIDE = 18
FACTS: dict[str, Any] = {"expressions": list(SHAPES), "size": SIDE, "recipe": {"name": "thirds"}}


def write_shapes_model(path: Path, *, outputs: int = 3, **facts: Any) -> Path:
    """Write the network, its metadata changed by `facts` (None leaves one out), and return its path."""
    rows = np.repeat(np.arange(SIDE) // (SIDE // 3), SIDE)
    thirds = (rows[:, None] == np.array([2, 1, 0])[None, :]).astype(np.float32)
    weights = (thirds / thirds.sum(axis=0) / 10)[:, :outputs]
    nodes = [
        helper.make_node("Cast", ["faces"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["floats"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    faces = helper.make_tensor_value_info("faces", TensorProto.UINT8, ["n", SIDE, SIDE])
    answers = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", outputs])
    graph = helper.make_graph(nodes, "thirds", [faces], [answers], [numpy_helper.from_array(weights, "weights")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    told = {name: value for name, value in {**FACTS, **facts}.items() if value is not None}
    helper.set_model_props(model, {f"mien.{name}": json.dumps(value) for name, value in told.items()})
    onnx.save(model, path)
    return path

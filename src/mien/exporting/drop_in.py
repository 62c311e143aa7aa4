"""A model in the form of `emotion-ferplus-8.onnx`, for programs that were written for that file.

In: a model of `mien export` that knows FER+ votes with contempt. Out: the same network behind the other's input and
output: `Input3`, float32 (1, 1, 64, 64) grey from 0 to 255, and `Plus692_Output_0`, eight logits in its order.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.errors import ConfigError
from mien.exporting.graph import describe
from mien.exporting.quiet import require

INPUT, OUTPUT, SIDE = "Input3", "Plus692_Output_0", 64
ORDER = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt")
"""The classes of its eight outputs, as the ONNX model zoo states them."""

HEAD = "ferplus8"
LEAST = 1e-9
"""Smaller probabilities have no logarithm worth telling."""

OPSET = 18
"""The first in which Resize smooths as it shrinks."""


def imitate_ferplus(model: Any) -> Any:
    """Return `model` with the input and output of `emotion-ferplus-8.onnx`.

    The softmax of what it answers are the calibrated probabilities. Faces are shrunk from 64 pixels smoothly.

    Raises:
        ConfigError: the model has no head that learnt FER+ votes with contempt.
        MissingExtraError: onnx is not installed.
    """
    require("onnx")
    from onnx import compose, helper

    facts = {entry.key.removeprefix("mien."): json.loads(entry.value) for entry in model.metadata_props}
    head = facts.get("heads", {}).get(HEAD) or facts
    if set(head["expressions"]) != set(ORDER):
        found = ", ".join(head["expressions"])
        raise ConfigError(f"`like` ferplus: expected a network of {', '.join(ORDER)} (`labels` both), found {found}")
    answer = head.get("output", "probabilities")
    version = max(OPSET, next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")))
    inner = _keep_output(model, answer, version)
    front = helper.make_model(_draw_front(int(facts["size"])), opset_imports=inner.opset_import)
    back = helper.make_model(_draw_back(head["expressions"]), opset_imports=inner.opset_import)
    for part in (front, back):
        part.ir_version = inner.ir_version
    joined = compose.merge_models(front, inner, io_map=[("shrunk", "faces")])
    joined = compose.merge_models(joined, back, io_map=[(answer, "answers")])
    kept = {name: value for name, value in facts.items() if name not in ("heads", "readability")}
    made = describe(joined, {**kept, "expressions": list(ORDER), "like": "emotion-ferplus-8"})
    made.doc_string = "float32 grey faces 0 to 255 (1, 1, 64, 64) to eight logits: " + ", ".join(ORDER)
    return made


def _keep_output(model: Any, name: str, version: int) -> Any:
    """Return a copy of the model with one output and without what leads to the others alone, at an opset."""
    import onnx
    from onnx import version_converter

    kept = onnx.ModelProto()
    kept.CopyFrom(model)
    outputs = [entry for entry in kept.graph.output if entry.name == name]
    del kept.graph.output[:]
    kept.graph.output.extend(outputs)
    wanted, nodes = {name}, []
    for node in reversed(kept.graph.node):
        if wanted & set(node.output):
            wanted |= set(node.input)
            nodes.append(node)
    del kept.graph.node[:]
    kept.graph.node.extend(reversed(nodes))
    del kept.graph.value_info[:]
    found = next(entry.version for entry in kept.opset_import if entry.domain in ("", "ai.onnx"))
    return kept if found >= version else version_converter.convert_version(kept, version)


def _draw_front(side: int) -> Any:
    """Return the graph from `INPUT` to uint8 `shrunk` (1, side, side)."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node(
            "Resize",
            [INPUT, "", "", "front.sizes"],
            ["front.small"],
            mode="linear",
            antialias=1,
            coordinate_transformation_mode="half_pixel",
        ),
        helper.make_node("Squeeze", ["front.small", "front.channel"], ["front.flat"]),
        helper.make_node("Clip", ["front.flat", "front.black", "front.white"], ["front.grey"]),
        helper.make_node("Round", ["front.grey"], ["front.whole"]),
        helper.make_node("Cast", ["front.whole"], ["shrunk"], to=TensorProto.UINT8),
    ]
    constants: dict[str, npt.NDArray[Any]] = {
        "front.sizes": np.array([1, 1, side, side], np.int64),
        "front.channel": np.array([1], np.int64),
        "front.black": np.array(0.0, np.float32),
        "front.white": np.array(255.0, np.float32),
    }
    return helper.make_graph(
        nodes,
        "front",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1, 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("shrunk", TensorProto.UINT8, [1, side, side])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )


def _draw_back(expressions: list[str]) -> Any:
    """Return the graph from probabilities of `expressions` to `OUTPUT`."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Gather", ["answers", "back.order"], ["back.ordered"], axis=1),
        helper.make_node("Max", ["back.ordered", "back.least"], ["back.positive"]),
        helper.make_node("Log", ["back.positive"], [OUTPUT]),
    ]
    constants: dict[str, npt.NDArray[Any]] = {
        "back.order": np.array([expressions.index(name) for name in ORDER], np.int64),
        "back.least": np.array(LEAST, np.float32),
    }
    return helper.make_graph(
        nodes,
        "back",
        [helper.make_tensor_value_info("answers", TensorProto.FLOAT, [None, len(expressions)])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [1, len(ORDER)])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )

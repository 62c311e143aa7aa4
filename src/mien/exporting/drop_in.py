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

OF_ONE_ANSWER = ("expressions", "temperature", "rates", "own_rates", "sets")
"""What a file of several answers tells of each."""

OPSET = 18
"""The first in which Resize smooths as it shrinks."""


def keep_votes(model: Any) -> Any:
    """Return the model with the answer alone that learnt FER+ votes, and with what its metadata say of that.

    Raises:
        ConfigError: the model has no head that learnt FER+ votes with contempt.
        MissingExtraError: onnx is not installed.
    """
    require("onnx")
    facts = {entry.key.removeprefix("mien."): json.loads(entry.value) for entry in model.metadata_props}
    head = facts.get("heads", {}).get(HEAD) or facts
    if set(head["expressions"]) != set(ORDER):
        found = ", ".join(head["expressions"])
        raise ConfigError(f"`like` ferplus: expected a network of {', '.join(ORDER)} (`labels` both), found {found}")
    version = max(OPSET, next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")))
    others = ("heads", "readability", *OF_ONE_ANSWER)
    kept = {name: value for name, value in facts.items() if name not in others}
    made = _keep_output(model, head.get("output", model.graph.output[0].name), version)
    return describe(made, {**kept, **{name: head[name] for name in OF_ONE_ANSWER if name in head}})


def imitate_ferplus(model: Any) -> Any:
    """Return `model` with the input and output of `emotion-ferplus-8.onnx`.

    The softmax of what it answers are the calibrated probabilities. Faces are shrunk from 64 pixels smoothly.

    Raises:
        ConfigError: the model has no head that learnt FER+ votes with contempt.
        MissingExtraError: onnx is not installed.
    """
    model = keep_votes(model)
    from onnx import compose, helper

    facts = {entry.key.removeprefix("mien."): json.loads(entry.value) for entry in model.metadata_props}
    known, answer = facts["expressions"], model.graph.output[0].name
    front = helper.make_model(_draw_front(int(facts["size"])), opset_imports=model.opset_import)
    back = helper.make_model(_draw_back(known), opset_imports=model.opset_import)
    for part in (front, back):
        part.ir_version = model.ir_version
    joined = compose.merge_models(front, model, io_map=[("shrunk", "faces")])
    joined = compose.merge_models(joined, back, io_map=[(answer, "answers")])
    del joined.opset_import[:]
    joined.opset_import.extend(model.opset_import)
    places = [known.index(name) for name in ORDER]
    ordered = {name: [facts[name][place] for place in places] for name in ("rates", "own_rates") if facts.get(name)}
    told = {name: value for name, value in facts.items() if name != "sets"}  # which nobody reads from such a file
    made = describe(joined, {**told, **ordered, "expressions": list(ORDER), "like": "emotion-ferplus-8"})
    made.doc_string = "float32 grey faces 0 to 255 (1, 1, 64, 64) to eight logits: " + ", ".join(ORDER)
    return made


def _keep_output(model: Any, name: str, version: int) -> Any:
    """Return a copy of the model with one output and without what leads to the others alone, at an opset."""
    import onnx
    from onnx import helper, version_converter

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
    constants = [entry for entry in kept.graph.initializer if entry.name in wanted]
    del kept.graph.initializer[:]
    kept.graph.initializer.extend(constants)
    del kept.graph.value_info[:]
    imports = {"" if entry.domain == "ai.onnx" else entry.domain: entry.version for entry in kept.opset_import}
    del kept.opset_import[:]
    kept.opset_import.extend(helper.make_opsetid(domain, number) for domain, number in imports.items())
    found = imports[""]
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
        helper.make_node("MatMul", ["answers", "back.order"], ["back.ordered"]),  # OpenCV's Gather fails here
        helper.make_node("Max", ["back.ordered", "back.least"], ["back.positive"]),
        helper.make_node("Log", ["back.positive"], [OUTPUT]),
    ]
    constants: dict[str, npt.NDArray[Any]] = {
        "back.order": np.array([[known == name for name in ORDER] for known in expressions], np.float32),
        "back.least": np.array(LEAST, np.float32),
    }
    return helper.make_graph(
        nodes,
        "back",
        [helper.make_tensor_value_info("answers", TensorProto.FLOAT, [None, len(expressions)])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [1, len(ORDER)])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )

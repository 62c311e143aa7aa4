"""A further answer of a file: is this a face at all, and can it be read? In: a model and weights. Out: another model.

The answer is a logistic regression on the features that the last layer of the network takes, and so costs as many
products. It stands beside the expressions, in float32 also where they are in 8 bits, and leaves them as they are.
"""

from __future__ import annotations

import json
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mien.data.images import resize_faces
from mien.errors import ConfigError
from mien.exporting.graph import describe
from mien.exporting.quiet import require
from mien.faces import Images

OUTPUT: Final = "readability"
BATCH_SIZE = 128
BETWEEN = ("QuantizeLinear", "DequantizeLinear")
"""Operators that may stand between features and the last layer: roundings to 8 bits, which change little."""


def find_features(model: Any) -> str:
    """Return the name of the float32 features (N, F) that the last layer of a model takes.

    Raises:
        ConfigError: the model does not end in one dense layer that all of its answers share.
    """
    makers = {output: node for node in model.graph.node for output in node.output}
    dense = [node for node in model.graph.node if node.op_type in ("Gemm", "MatMul")]
    if not dense:
        raise ConfigError("expected a network that ends in a dense layer, found none")
    name: str = dense[-1].input[0]
    while name in makers and makers[name].op_type in BETWEEN:
        name = makers[name].input[0]
    return name


def read_size(model: Any) -> int:
    """Return the side S in pixels of the faces that a model takes, as its metadata say."""
    return int(next(entry.value for entry in model.metadata_props if entry.key == "mien.size"))


def read_features(model: Any, faces: Images) -> npt.NDArray[np.float32]:
    """Return the features (N, F) that the last layer of a model takes, of uint8 faces (N, H, W), resized for it."""
    require("onnx")
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper

    shown, name = onnx.ModelProto(), find_features(model)
    shown.CopyFrom(model)
    shown.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(shown.SerializeToString(), options, providers=["CPUExecutionProvider"])
    faces = resize_faces(faces, read_size(model))
    starts = range(0, len(faces), BATCH_SIZE)
    batches = (np.ascontiguousarray(faces[start : start + BATCH_SIZE]) for start in starts)
    return np.concatenate([session.run([name], {"faces": batch})[0] for batch in batches])


def add_readability(model: Any, weights: npt.NDArray[np.floating], shift: float, facts: dict[str, Any]) -> Any:
    """Return the model with one more output, float32 `readability` (N, 1), 0 to 1; one that it had is replaced.

    Args:
        model: of `mien export`.
        weights: (F,), of the features of `read_features`.
        shift: is added to their product, before a sigmoid.
        facts: what the metadata shall tell of it beside its name.

    Raises:
        ConfigError: the model has other features.
        MissingExtraError: onnx is not installed.
    """
    require("onnx")
    from onnx import TensorProto, helper, numpy_helper

    made = remove_readability(model)
    features = find_features(made)
    logits, column = f"{OUTPUT}.logit", f"{OUTPUT}.weights"
    values = {
        column: np.asarray(weights, np.float32).reshape(-1, 1),
        f"{OUTPUT}.shift": np.array([shift], np.float32),
    }
    made.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in values.items())
    made.graph.node.extend(
        [
            helper.make_node("Gemm", [features, column, f"{OUTPUT}.shift"], [logits], name=logits),
            helper.make_node("Sigmoid", [logits], [OUTPUT], name=OUTPUT),
        ]
    )
    count = made.graph.output[0].type.tensor_type.shape.dim[0].dim_param or "count"
    made.graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [count, 1]))
    known = {entry.key.removeprefix("mien."): json.loads(entry.value) for entry in made.metadata_props}
    return describe(made, {**known, OUTPUT: {"output": OUTPUT, **facts}})


def remove_readability(model: Any) -> Any:
    """Return a copy of the model without the answer of `add_readability`."""
    require("onnx")
    import onnx

    made = onnx.ModelProto()
    made.CopyFrom(model)
    for kept, ours in (
        (made.graph.node, lambda entry: entry.name in (OUTPUT, f"{OUTPUT}.logit")),
        (made.graph.initializer, lambda entry: entry.name.startswith(f"{OUTPUT}.")),
        (made.graph.output, lambda entry: entry.name == OUTPUT),
        (made.metadata_props, lambda entry: entry.key == f"mien.{OUTPUT}"),
    ):
        for entry in [entry for entry in kept if ours(entry)]:
            kept.remove(entry)
    return made

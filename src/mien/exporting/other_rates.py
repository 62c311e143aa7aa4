"""A model that answers at other base rates. In: a model of `mien export` and a prior. Out: another model, whole.

Each answer is multiplied by new over old rate and normalised again, inside the graph: in 8 bits or not.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from mien.beliefs.base_rates import ESTIMATE, TINY, TRAINING, Prior, choose_rates, parse_prior
from mien.errors import ConfigError
from mien.exporting.graph import describe
from mien.exporting.quiet import require

LEAST = 1e-30
"""No probability counts as less, so that every row can be normalised."""


def build_in_prior(model: Any, prior: Prior) -> Any:
    """Return the model at the base rates of `prior`, which its metadata tell as those that it assumes.

    Of a network with heads each is shifted from its own rates; rates by name have to suit all of them.

    Raises:
        ConfigError: an impossible prior, or the model does not tell which rates it assumes.
        MissingExtraError: onnx is not installed.
    """
    require("onnx")
    given = parse_prior(prior)
    if given == ESTIMATE:
        raise ConfigError("`prior` 'estimate': expected rates, because a file sees no pictures while it is written")
    if given == TRAINING:
        return model
    import onnx

    made = onnx.ModelProto()
    made.CopyFrom(model)
    facts = {entry.key.removeprefix("mien."): json.loads(entry.value) for entry in model.metadata_props}
    heads = facts.get("heads", {})
    for answer in list(heads.values()) or [facts]:
        _shift(made, answer, given)
    first = next((head for head in heads.values() if head["output"] == made.graph.output[0].name), facts)
    return describe(made, {**facts, "rates": first["rates"], "own_rates": first["own_rates"], "prior": given})


def _shift(model: Any, answer: dict[str, Any], prior: Prior) -> None:
    """Put the shift behind one output, and into what is told of it."""
    from onnx import helper, numpy_helper

    if not answer.get("rates"):
        raise ConfigError("`prior`: expected a run that knows which base rates it assumes, found none: it has no valid")
    answer["own_rates"] = answer.get("own_rates") or answer["rates"]  # at which the thresholds of sets hold
    rates = choose_rates(prior, answer["expressions"], answer["own_rates"])
    ratio = np.array(rates) / np.maximum(np.array(answer["rates"]), TINY)
    name = answer.get("output", model.graph.output[0].name)
    for node in model.graph.node:
        node.output[:] = [f"{name}.before" if output == name else output for output in node.output]
        node.input[:] = [f"{name}.before" if used == name else used for used in node.input]
    model.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), f"{name}.{what}")
        for what, value in (
            ("ratio", ratio.astype(np.float32)),
            ("least", np.float32(LEAST)),
            ("classes", np.array([1], np.int64)),
        )
    )
    model.graph.node.extend(
        [
            helper.make_node("Max", [f"{name}.before", f"{name}.least"], [f"{name}.positive"]),
            helper.make_node("Mul", [f"{name}.positive", f"{name}.ratio"], [f"{name}.weighted"]),
            helper.make_node("ReduceSum", [f"{name}.weighted", f"{name}.classes"], [f"{name}.sum"], keepdims=1),
            helper.make_node("Div", [f"{name}.weighted", f"{name}.sum"], [name]),
        ]
    )
    answer["rates"] = list(rates)

"""The graph of a model. In: a `Run` and views. Out: an `onnx.ModelProto` that says in its metadata what it is."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, final

import torch
from torch import Tensor, nn

import mien
from mien.errors import ConfigError
from mien.exporting.heads import DEFAULT, ORDER, Answers, describe_beliefs, describe_heads, name_outputs
from mien.exporting.quiet import keep_quiet, require
from mien.models import Network
from mien.models.network import WHITE
from mien.models.views import VIEWS
from mien.recipes.schema import leave_out_folders
from mien.runs.run import Run
from mien.runs.temperatures import LEAST

FORMAT = 1


def build_model(run: Run, *, views: tuple[str, ...] = ("plain",), head_alone: bool = False) -> Any:
    """Return an `onnx.ModelProto` of `run`: uint8 `faces` (N, S, S) to float32 `probabilities` (N, K).

    Args:
        run: the trained network; its temperature for `views` goes in. Of one with heads all go in, each an output of
            its own, unless `head_alone`.
        views: ways of showing a face, averaged.
        head_alone: answer as the head that `run` looks at, and as no other.

    Raises:
        MissingExtraError: onnx or onnxscript is not installed.
        ConfigError: the network holds something that ONNX has no word for.
    """
    require("onnx", "onnxscript")
    whole = None if head_alone else run.whole
    if whole is None:
        answer: nn.Module = _Answer(_plain(run.network), views, run.temperature(views))
        outputs = ["probabilities"]
    else:
        facts = describe_heads(run, views)
        answer = Answers(_plain(whole.network), views, {name: facts[name]["temperature"] for name in ORDER})
        outputs = name_outputs()
    shown = torch.zeros(2, run.network.size, run.network.size, dtype=torch.uint8)
    try:
        with keep_quiet():
            program = torch.onnx.export(
                answer.eval(),
                (shown,),
                dynamo=True,
                verbose=False,
                input_names=["faces"],
                output_names=outputs,
                dynamic_shapes={"faces": {0: torch.export.Dim("count")}},
            )
    except torch.onnx.errors.OnnxExporterError as error:
        reason = " ".join(str(error).split())[-200:]
        raise ConfigError(f"{run.path}: {run.recipe.model.name} cannot be written as ONNX ({reason})") from error
    assert program is not None
    return describe(_fold(program.model_proto), describe_run(run, views, head_alone=head_alone))


def describe_run(run: Run, views: tuple[str, ...], *, head_alone: bool = False) -> dict[str, Any]:
    """Return the metadata of a model: plain values by name. What is told of one head is that of the first output."""
    heads = {} if head_alone or run.whole is None else describe_heads(run, views)
    trained, run = run.whole or run, run.head(DEFAULT) if heads else run
    temperature = run.temperature(views)
    return {
        **({"heads": heads} if heads else {}),
        "format": FORMAT,
        "version": mien.__version__,
        "expressions": list(run.expressions),
        "size": run.network.size,
        "recipe": leave_out_folders(trained.recipe).to_dict(),
        "members": [member.name for member in run.members],
        "trained_on": Path(run.source).name,
        "synthetic": run.synthetic,
        "epoch": run.epoch,
        "weights": run.mark,
        "views": list(views),
        "temperature": temperature,
        **describe_beliefs(run, views),
        "calibrated": run.name_answer(views) in run.temperatures,
        "precision": "float32",
    }


def describe(model: Any, facts: Mapping[str, Any]) -> Any:
    """Return the model with `facts` as its metadata, `mien.NAME` each."""
    del model.metadata_props[:]
    for name, value in facts.items():
        model.metadata_props.add(key=f"mien.{name}", value=json.dumps(value))
    model.producer_name, model.producer_version = "mien", mien.__version__
    model.doc_string = "uint8 faces (N, S, S), grey, to probabilities (N, K); normalisation and views are inside."
    return model


@final
class _Answer(nn.Module):
    """From uint8 (N, S, S) to the mean probabilities (N, K) of `views`, scaled by `temperature`."""

    def __init__(self, network: Network, views: Sequence[str], temperature: float) -> None:
        super().__init__()
        self.network = network
        self.views = tuple(views)
        self.temperature = temperature

    def forward(self, faces: Tensor) -> Tensor:
        images = faces.unsqueeze(1).float() / WHITE
        shown = [tuple(VIEWS[view](images)) for view in self.views]
        # One pass for all of them: one for each view would store the weights as often, in 8 bits.
        pictures = torch.cat([picture for view in shown for picture in view])
        answers = self.network(pictures).float().softmax(dim=1)
        shares = torch.tensor([1 / len(view) / len(shown) for view in shown for _ in view])
        mean: Tensor = (answers.unflatten(0, (len(shares), -1)) * shares.view(-1, 1, 1)).sum(dim=0)
        if self.temperature == 1.0:
            return mean
        return (mean.clamp_min(LEAST).log() / self.temperature).softmax(dim=1)


def _plain(network: Network) -> Network:
    """Return a copy whose random leaky units are fixed ones, which is what they are when not trained."""
    plain = copy.deepcopy(network).to("cpu").eval()
    for parent in plain.modules():
        for name, child in parent.named_children():
            if isinstance(child, nn.RReLU):
                setattr(parent, name, nn.LeakyReLU((child.lower + child.upper) / 2))
            elif isinstance(child, (nn.Dropout, nn.Dropout2d)):
                setattr(parent, name, nn.Identity())
    return plain


def _fold(model: Any) -> Any:
    """Return the model with constants computed and batch norms folded into convolutions, by onnxruntime.

    Its basic level only, which any runtime understands.
    """
    import onnx
    import onnxruntime

    with TemporaryDirectory() as folder:
        target = Path(folder) / "folded.onnx"
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(target)
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        folded = onnx.load(target)
    used = {node.domain for node in folded.graph.node}
    for entry in [entry for entry in folded.opset_import if entry.domain not in used]:
        folded.opset_import.remove(entry)
    return folded

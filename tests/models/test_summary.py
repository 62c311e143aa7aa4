"""The table of layers, held row by row against that of the course report."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mien.errors import ConfigError
from mien.models import Network, build_model
from mien.models.summary import Summary, render_table, summarise
from mien.recipes.schema import ModelConfig

REPORT_ROWS = (
    ("Conv2d", (64, 64, 64), 640),
    ("BatchNorm2d", (64, 64, 64), 128),
    ("RReLU", (64, 64, 64), 0),
    ("MaxPool2d", (64, 32, 32), 0),
    ("Dropout", (64, 32, 32), 0),
    ("Conv2d", (128, 32, 32), 73_856),
    ("BatchNorm2d", (128, 32, 32), 256),
    ("ReLU", (128, 32, 32), 0),
    ("MaxPool2d", (128, 16, 16), 0),
    ("Dropout", (128, 16, 16), 0),
    ("Conv2d", (256, 16, 16), 295_168),
    ("BatchNorm2d", (256, 16, 16), 512),
    ("ReLU", (256, 16, 16), 0),
    ("MaxPool2d", (256, 8, 8), 0),
    ("Dropout", (256, 8, 8), 0),
    ("Conv2d", (512, 8, 8), 1_180_160),
    ("BatchNorm2d", (512, 8, 8), 1_024),
    ("ReLU", (512, 8, 8), 0),
    ("MaxPool2d", (512, 4, 4), 0),
    ("Dropout", (512, 4, 4), 0),
    ("Dropout", (8192,), 0),
    ("Linear", (4096,), 33_558_528),
    ("RReLU", (4096,), 0),
    ("Dropout", (4096,), 0),
    ("Linear", (1024,), 4_195_328),
    ("RReLU", (1024,), 0),
    ("Linear", (256,), 262_400),
    ("RReLU", (256,), 0),
    ("Linear", (7,), 1_799),
)


@pytest.fixture(scope="module")
def report() -> Summary:
    """The summary of the report's network as the report has it."""
    return summarise(build_model(ModelConfig(name="report-cnn"), classes=7, size=64))


@pytest.mark.parametrize(("index", "row"), list(enumerate(REPORT_ROWS)))
def test_each_layer_of_the_report_is_as_the_report_has_it(
    report: Summary, index: int, row: tuple[str, tuple[int, ...], int]
) -> None:
    """Kind, output shape and parameters of each row are those of the report's table."""
    layer = report.layers[index]
    assert row == (layer.kind, layer.shape, layer.parameters)


def test_the_totals_are_those_of_the_report(report: Summary) -> None:
    """29 layers, 39,569,799 parameters, and the four sizes to two digits."""
    sizes = (report.input_megabytes, report.pass_megabytes, report.parameter_megabytes, report.total_megabytes)
    assert (len(REPORT_ROWS), 39_569_799) == (len(report.layers), report.parameters)
    assert ["0.02", "13.30", "150.95", "164.26"] == [f"{size:.2f}" for size in sizes]


def test_multiply_adds_follow_from_the_shapes(report: Summary) -> None:
    """Each output of a convolution costs 9 per input channel, each of a linear layer one per input."""
    convolutions = ((1, 64, 64), (64, 128, 32), (128, 256, 16), (256, 512, 8))
    maps = sum(9 * before * after * side**2 for before, after, side in convolutions)
    dense = 8192 * 4096 + 4096 * 1024 + 1024 * 256 + 256 * 7
    assert maps + dense == report.multiply_adds


def test_a_grouped_convolution_costs_its_share() -> None:
    """A depthwise 3×3 convolution multiplies nine times for each output, whatever its channels."""
    layers = nn.Sequential(nn.Conv2d(1, 4, 1), nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Flatten(), nn.Linear(256, 2))
    assert [4 * 64, 9 * 4 * 64, 2 * 256] == [layer.multiply_adds for layer in summarise(Network(layers, size=8)).layers]


def test_the_table_looks_as_torchsummary_prints_it(report: Summary) -> None:
    """The first rows, character for character, and the totals."""
    lines = render_table(report).splitlines()
    assert [
        "----------------------------------------------------------------",
        "        Layer (type)               Output Shape         Param #",
        "================================================================",
        "            Conv2d-1           [-1, 64, 64, 64]             640",
    ] == lines[:4]
    assert "           Linear-22                 [-1, 4096]      33,558,528" in lines
    for line in (
        "Total params: 39,569,799",
        "Multiply-adds for one face: 266,864,384",
        "Input size (MB): 0.02",
        "Forward/backward pass size (MB): 13.30",
        "Params size (MB): 150.95",
        "Estimated Total Size (MB): 164.26",
    ):
        assert line in lines


def test_looking_at_a_network_leaves_it_as_it_was() -> None:
    """Modes, statistics and hooks are the same after as before, even where a part is frozen."""
    network = build_model(ModelConfig(name="small"), classes=3, size=16).train()
    frozen = network.get_submodule("layers.2").eval()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    summarise(network)
    assert network.training
    assert not frozen.training
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


def test_parameters_outside_of_leaves_are_rows_too() -> None:
    """A module that owns parameters beside its children is a row of its own, so the rows add up to the total."""
    layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 8))
    layers.register_parameter("scale", nn.Parameter(torch.ones(5)))
    summary = summarise(Network(layers, size=8))
    assert summary.parameters == sum(layer.parameters for layer in summary.layers) == 64 * 8 + 8 + 5


def test_a_network_that_cannot_take_its_size_is_told_in_one_sentence() -> None:
    """PyTorch's complaint about shapes becomes an error that names the size."""
    network = Network(nn.Sequential(nn.Flatten(), nn.Linear(9, 2)), size=8)
    with pytest.raises(ConfigError, match="cannot take faces of 8×8 pixels"):
        summarise(network)
    assert not any(module._forward_hooks for module in network.modules())

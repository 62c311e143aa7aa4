"""One contract, walked by every network of the dict; and what happens where a network cannot be had."""

from __future__ import annotations

import importlib.util

import pytest
import torch

from mien.errors import ConfigError, MissingExtraError
from mien.models import MODELS, SIZE_MULTIPLES, Network, build_model
from mien.recipes.schema import ModelConfig

CLASSES = 5
BUDGETS = {
    "report-cnn": 45_000_000,
    "small": 500_000,
    "compact": 800_000,
    "slim": 500_000,
    "resnet9": 2_100_000,
    "resnet9-wide": 8_000_000,
}
SIZES = {"report-cnn": 64} | dict.fromkeys(("small", "compact", "slim", "resnet9", "resnet9-wide"), 48)


@pytest.fixture(params=MODELS)
def name(request: pytest.FixtureRequest) -> str:
    """Each network's name in turn."""
    return str(request.param)


def build(name: str, size: int | None = None) -> Network:
    """Return the network `name` from a fixed seed, small enough to be quick."""
    torch.manual_seed(0)
    return build_model(ModelConfig(name=name), classes=CLASSES, size=size or 2 * SIZE_MULTIPLES[name])


def draw_images(network: Network, count: int = 3) -> torch.Tensor:
    """Return uint8 (count, S, S) noise from a fixed seed."""
    shape = (count, network.size, network.size)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def test_every_network_gives_one_finite_logit_a_class(name: str) -> None:
    """Three faces give three rows of finite float32 logits, one column a class."""
    network = build(name).eval()
    logits = network(draw_images(network))
    assert (3, CLASSES) == logits.shape
    assert torch.float32 == logits.dtype
    assert logits.isfinite().all()


def test_every_network_takes_bytes_and_fractions_alike(name: str) -> None:
    """uint8 0–255 and float in [0, 1] are the same faces."""
    network = build(name).eval()
    images = draw_images(network)
    assert torch.equal(network(images.float() / 255), network(images))


def test_every_network_takes_faces_with_and_without_a_channel(name: str) -> None:
    """(N, S, S) and (N, 1, S, S) are the same faces."""
    network = build(name).eval()
    images = draw_images(network)
    assert torch.equal(network(images.unsqueeze(1)), network(images))


def test_every_network_says_the_same_twice_in_evaluation(name: str) -> None:
    """No dropout, no random slope and no batch statistic is left in evaluation mode."""
    network = build_model(
        ModelConfig(name=name, dropout_conv=0.5, dropout_dense=0.5), classes=CLASSES, size=2 * SIZE_MULTIPLES[name]
    ).eval()
    images = draw_images(network)
    both = network(images)
    assert torch.equal(both, network(images))
    torch.testing.assert_close(network(images[:1]), both[:1], rtol=1e-4, atol=1e-5)


def test_a_gradient_reaches_every_parameter_of_every_network(name: str) -> None:
    """After one backward pass no parameter is left without a gradient that is somewhere not zero."""
    network = build(name).train()
    network(draw_images(network, 8)).square().sum().backward()
    reached = {key for key, weight in network.named_parameters() if weight.grad is not None and weight.grad.any()}
    assert {key for key, _ in network.named_parameters()} == reached


def test_every_network_keeps_its_budget(name: str) -> None:
    """`small` stays within half a million parameters, `resnet9` within what fits 5 MB at half precision."""
    network = build(name, SIZES[name])
    assert BUDGETS[name] >= sum(parameter.numel() for parameter in network.parameters())


def test_every_network_follows_the_dropout_rates_of_the_recipe(name: str) -> None:
    """Both rates of the recipe arrive in dropout layers."""
    config = ModelConfig(name=name, dropout_conv=0.25, dropout_dense=0.75)
    network = build_model(config, classes=CLASSES, size=2 * SIZE_MULTIPLES[name])
    rates = {m.p for m in network.modules() if isinstance(m, (torch.nn.Dropout, torch.nn.Dropout2d))}
    assert {0.25, 0.75} == rates


@pytest.mark.parametrize("off", [1, -1])
def test_a_size_that_a_network_cannot_halve_is_told_with_what_to_set(name: str, off: int) -> None:
    """A side that is no multiple of what the network needs names the multiple, the size and the field."""
    multiple = SIZE_MULTIPLES[name]
    with pytest.raises(ConfigError, match=rf"multiple of {multiple}, found {4 * multiple + off}: set data\.size"):
        build(name, 4 * multiple + off)


def test_the_report_network_has_the_parameters_of_the_report() -> None:
    """39,569,799 for seven expressions and faces of 64 pixels."""
    network = build_model(ModelConfig(name="report-cnn"), classes=7, size=64)
    assert 39_569_799 == sum(parameter.numel() for parameter in network.parameters())


def test_an_unknown_network_suggests_the_nearest() -> None:
    """A slip of the finger is answered with the name that was meant."""
    names = "report-cnn, small, compact, slim, resnet9, resnet9-wide"
    with pytest.raises(ConfigError, match=rf"'smal'.*{names}, or timm:NAME; did you mean small\?"):
        build("smal", 48)


@pytest.mark.skipif(importlib.util.find_spec("timm") is not None, reason="timm is installed")
def test_without_timm_its_networks_name_the_extra_to_install() -> None:
    """The message holds the install command."""
    with pytest.raises(MissingExtraError, match=r"timm is not installed: run  pip install 'mien\[zoo\]'"):
        build("timm:resnet18", 64)


@pytest.mark.timm
def test_with_timm_its_networks_take_grey_faces() -> None:
    """`timm:resnet10t` gives logits for one-channel faces; another name suggests what is near it."""
    network = build("timm:resnet10t", 32).eval()
    assert (2, CLASSES) == network(draw_images(network, 2)).shape
    with pytest.raises(ConfigError, match="timm has no network of this name"):
        build("timm:resnet10x", 32)

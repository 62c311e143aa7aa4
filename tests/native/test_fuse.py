"""`Chain`: torch's layers, quicker. Same names, same numbers, and torch's own way wherever the loops do not fit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from mien.config import ModelConfig
from mien.models import MODELS, build_model
from mien.native import Chain, torch_alone
from mien.native import fuse as chain_module
from mien.native.build import load_library
from mien.native.rrelu import RReLU

pytestmark = pytest.mark.skipif(load_library() is None, reason="no C compiler on this machine, or MIEN_NATIVE=0")


def layers(*, dropout: float = 0.0) -> list[nn.Module]:
    """Return layers that the loops know, and one that they do not."""
    torch.manual_seed(0)
    first = [
        nn.Conv2d(1, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Dropout(dropout),
    ]
    return [
        *first,
        nn.Conv2d(32, 64, 3, padding=1),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
    ]


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Note which compiled loops a chain uses."""
    names: list[str] = []
    for name in ("convolve", "normalise", "apply_norm", "convolve_normalised", "fold"):
        real = getattr(chain_module, name)
        monkeypatch.setattr(chain_module, name, lambda *given, name=name, real=real: names.append(name) or real(*given))
    return names


def faces(seed: int = 1, side: int = 12) -> Tensor:
    """Return grey noise."""
    return torch.randn((4, 1, side, side), generator=torch.Generator().manual_seed(seed))


def test_a_step_is_that_of_torch_and_so_are_the_running_statistics(called: list[str]) -> None:
    """Outputs, gradients and buffers of both, from the same weights."""
    ours, theirs = Chain(*layers()), nn.Sequential(*layers())
    outputs = [network(faces()) for network in (ours, theirs)]
    for out in outputs:
        out.square().sum().backward()
    assert ["convolve", "normalise", "convolve", "normalise"] == called
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-4, atol=1e-4)
    for (name, mine), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert mine.grad is not None
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-3, atol=2e-3, msg=name)
    for (name, mine), other in zip(ours.named_buffers(), theirs.buffers(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_network_answers_in_evaluation_as_torch_does(name: str, called: list[str]) -> None:
    """Within a millionth or so of a probability, after a few steps have moved the statistics."""
    torch.manual_seed(0)
    network = build_model(ModelConfig(name=name), classes=7, size=64 if name == "report-cnn" else 48)
    images = torch.rand((4, 1, network.size, network.size))
    for _ in range(3):
        network.train()(images)
    network.eval()
    with torch.inference_mode():
        called.clear()
        found = network(images).softmax(1)
        assert "convolve_normalised" in called
        with torch_alone():
            called.clear()
            expected = network(images).softmax(1)
            assert not called
    torch.testing.assert_close(found, expected, rtol=0.0, atol=5e-6)


def test_names_and_shapes_of_tensors_are_those_of_a_sequential() -> None:
    """A checkpoint of one fits the other."""
    ours, theirs = Chain(*layers()), nn.Sequential(*layers())
    assert list(theirs.state_dict()) == list(ours.state_dict())
    ours.load_state_dict(theirs.state_dict())


def test_hooks_are_heard(called: list[str]) -> None:
    """A layer that somebody listens to is called as torch calls it."""
    network, heard = Chain(*layers()), []
    network[2].register_forward_hook(lambda *_: heard.append(True))
    network(faces())
    assert [True] == heard
    assert not called


@pytest.mark.parametrize("case", ["float64", "no gradient", "autocast", "torch alone", "evaluation with gradients"])
def test_what_the_loops_do_not_fit_goes_torchs_way(case: str, called: list[str]) -> None:
    """Without an error, and with torch's result."""
    network, images = Chain(*layers()), faces()
    if case == "float64":
        network.double()(images.double())
    elif case == "no gradient":
        with torch.no_grad():
            network(images)
    elif case == "autocast":
        with torch.autocast("cpu", torch.bfloat16):
            network(images)
    elif case == "torch alone":
        with torch_alone():
            network(images)
    else:
        network.eval()(images)
    assert not called


@pytest.mark.parametrize(
    "convolution",
    [
        nn.Conv2d(32, 32, 3),
        nn.Conv2d(32, 32, 3, padding=1, stride=2),
        nn.Conv2d(32, 32, 3, padding=2, dilation=2),
        nn.Conv2d(32, 32, 3, padding=1, groups=2),
        nn.Conv2d(32, 32, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(32, 48, 3, padding=1),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.Conv2d(32, 32, 1),
    ],
)
def test_other_convolutions_are_torchs(convolution: nn.Conv2d, called: list[str]) -> None:
    """Strides, holes, groups, other borders, other widths."""
    maps = torch.randn(2, convolution.in_channels, 8, 8)
    assert torch.equal(convolution(maps), Chain(convolution)(maps))
    assert not called


def test_a_norm_alone_an_odd_side_and_other_pools_are_torchs() -> None:
    """What follows decides what is taken together; the numbers stay."""
    cases: list[list[nn.Module]] = [
        [nn.BatchNorm2d(32)],
        [nn.BatchNorm2d(32), nn.Sigmoid()],
        [nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)],
        [nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(3, 1, 1)],
        [nn.BatchNorm2d(32), nn.ReLU(), nn.Identity()],
    ]
    maps = torch.randn(2, 32, 7, 7)
    for case in cases:
        torch.testing.assert_close(Chain(*case)(maps), nn.Sequential(*case)(maps), rtol=1e-4, atol=1e-5)


def test_dropout_and_random_slopes_rest_in_evaluation() -> None:
    """Twice the same answer, that of torch."""
    network = Chain(nn.BatchNorm2d(32), RReLU(), nn.MaxPool2d(2), nn.Dropout(0.5)).eval()
    maps = torch.randn(2, 32, 8, 8)
    with torch.inference_mode():
        torch.testing.assert_close(network(maps), nn.Sequential(*network)(maps), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("behind", "folds"),
    [
        ([nn.BatchNorm2d(64), nn.ReLU()], True),
        ([nn.BatchNorm2d(64), RReLU(), nn.MaxPool2d(2), nn.Dropout(0.5)], True),
        ([nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 1, 1)], True),
        ([nn.BatchNorm2d(64)], False),
        ([nn.BatchNorm2d(64, affine=False), nn.ReLU()], False),
        ([nn.BatchNorm2d(64, track_running_stats=False), nn.ReLU()], False),
        ([nn.ReLU()], False),
        ([], False),
    ],
)
def test_a_convolution_is_taken_with_its_norm_in_evaluation_alone(
    behind: list[nn.Module], folds: bool, called: list[str]
) -> None:
    """Whatever follows it, and its output may be wider than its input."""
    network = Chain(nn.Conv2d(32, 64, 3, padding=1), *behind)
    maps = torch.randn(2, 32, 8, 8)
    network.train()(maps)
    assert "convolve_normalised" not in called
    with torch.inference_mode():
        found, expected = network.eval()(maps), nn.Sequential(*network)(maps)
    assert folds == ("convolve_normalised" in called)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("behind", "shape"),
    [
        ([nn.BatchNorm2d(64), nn.ReLU()], (2, 64, 8, 8)),
        ([nn.BatchNorm2d(64), nn.ReLU()], (1, 64, 8, 8)),
        ([nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2)], (2, 64, 4, 4)),
        ([nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 1, 1)], (2, 64, 8, 8)),
        ([], (2, 64, 8, 8)),
    ],
)
def test_maps_that_skip_a_chain_are_added_to_its_result(behind: list[nn.Module], shape: tuple[int, ...]) -> None:
    """As a residual block wants it, in training and in evaluation, whether one loop does both or not."""
    network = Chain(nn.Conv2d(32, 64, 3, padding=1), *behind)
    maps, plus = torch.randn(2, 32, 8, 8), torch.randn(shape)
    for training in (True, False):
        network.train(training)
        with torch.inference_mode(not training):
            expected = nn.Sequential(*network)(maps) + plus
            torch.testing.assert_close(network(maps, plus=plus), expected, rtol=1e-4, atol=1e-4)
            with torch_alone():
                torch.testing.assert_close(network(maps, plus=plus), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("place", [1, 2, 3])
def test_what_trains_inside_a_chain_in_evaluation_is_not_folded_away(place: int, called: list[str]) -> None:
    """A norm that still measures, slopes and zeros that are still drawn."""
    network = Chain(nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), RReLU(), nn.Dropout(0.5)).eval()
    network[place].train()
    maps = torch.randn(2, 32, 8, 8).contiguous(memory_format=torch.channels_last)  # draws follow the order in memory
    with torch.inference_mode():
        torch.manual_seed(0)
        found = network(maps)
        torch.manual_seed(0)
        expected = nn.Sequential(*network)(maps)
    assert ["convolve"] == called
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_only_part_of_a_chain_may_be_frozen() -> None:
    """A norm in evaluation inside a chain that trains keeps its statistics and lets gradients through."""
    network = Chain(nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU())
    network[1].eval()
    before = network[1].running_mean.clone()
    maps = torch.randn(2, 32, 8, 8).requires_grad_()
    network(maps).sum().backward()
    assert maps.grad is not None
    assert maps.grad.abs().sum() > 0
    assert torch.equal(before, network[1].running_mean)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv2d(64, 64, 3, padding=1), (1, 32, 4, 4)),
        (nn.Conv2d(32, 32, 3, padding=1), (1, 64, 4, 4)),
        (nn.BatchNorm2d(32), (1, 64, 4, 4)),
        (nn.BatchNorm2d(32), (1, 32, 1, 1)),
    ],
)
def test_maps_that_do_not_fit_are_refused_as_torch_refuses_them(layer: nn.Module, shape: tuple[int, ...]) -> None:
    """Nothing is read beyond the weights, and a mean of one value is none."""
    with pytest.raises((RuntimeError, ValueError)):
        Chain(layer, nn.ReLU())(torch.randn(shape))


@pytest.mark.parametrize("begins", ["fold", "convolution"])
def test_pictures_that_want_a_gradient_get_torchs(begins: str, called: list[str]) -> None:
    """As for saliency maps: the loops of a first layer give none."""
    first = [nn.PixelUnshuffle(2), nn.Conv2d(4, 32, 3, padding=1)] if begins == "fold" else layers()[:1]
    grads = []
    for network in (Chain(*first), nn.Sequential(*first)):
        images = faces().requires_grad_()
        network(images).square().sum().backward()
        grads.append(images.grad)
    assert not called
    torch.testing.assert_close(grads[0], grads[1])


def test_one_picture_without_a_batch_goes_torchs_way(called: list[str]) -> None:
    """(C, H, W), as torch's convolutions take it."""
    layer, maps = nn.Conv2d(32, 32, 3, padding=1), torch.randn(32, 6, 6)
    assert torch.equal(layer(maps), Chain(layer)(maps))
    assert not called


def test_defaults_of_torch_do_not_matter() -> None:
    """Results have the type of the maps, whatever new tensors have."""
    network, maps = Chain(nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU()), torch.randn(2, 32, 4, 4)
    expected = network(maps)
    torch.set_default_dtype(torch.float64)
    try:
        found = network(maps)
    finally:
        torch.set_default_dtype(torch.float32)
    torch.testing.assert_close(expected, found)


def test_torch_alone_may_be_nested(called: list[str]) -> None:
    """The end of the inner one is not the end of the outer one."""
    network = Chain(*layers())
    with torch_alone():
        with torch_alone():
            pass
        network(faces())
    assert not called


def test_a_pool_lets_no_missing_number_vanish() -> None:
    """One NaN among four is the largest, in evaluation as in training, wherever it stands: a loss must show it."""
    network = Chain(nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)).eval()
    for place in ((0, 0), (0, 1), (1, 0), (1, 1)):
        maps = torch.zeros(1, 32, 2, 2)
        maps[0, 0][place] = torch.nan
        with torch.inference_mode():
            assert network(maps)[0, 0].isnan().all()


def test_weights_may_lie_apart_in_memory() -> None:
    """Every second number of a longer tensor."""
    network, maps = Chain(nn.BatchNorm2d(32), nn.ReLU()), torch.randn(2, 32, 4, 4)
    network[0].weight = nn.Parameter(torch.randn(32, 2)[:, 0])
    torch.testing.assert_close(nn.Sequential(*network)(maps), network(maps), rtol=1e-4, atol=1e-5)

"""`accelerate`: torch's layers, quicker. Same names, same numbers, torch's own layers wherever the loops do not fit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from mien.models import MODELS, build_model
from mien.models.small import Residual
from mien.native import accelerate, rules
from mien.native.rrelu import RReLU
from mien.recipes.schema import ModelConfig

pytestmark = pytest.mark.compiler


def fuse(*layers: nn.Module) -> nn.Module:
    """Return the layers one after the other, accelerated."""
    return accelerate(nn.Sequential(*layers))


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
    """Note which compiled loops are used on the way forth."""
    names: list[str] = []
    for name in ("convolve", "norm_train", "norm_apply", "convolve_epilogue"):
        real = getattr(rules, name)
        monkeypatch.setattr(rules, name, lambda *given, name=name, real=real: names.append(name) or real(*given))
    return names


def faces(seed: int = 1, side: int = 12) -> Tensor:
    """Return grey noise."""
    return torch.randn((4, 1, side, side), generator=torch.Generator().manual_seed(seed))


def test_a_step_is_that_of_torch_and_so_are_the_running_statistics(called: list[str]) -> None:
    """Outputs, gradients and buffers of both, from the same weights."""
    ours, theirs = fuse(*layers()), nn.Sequential(*layers())
    outputs = [network(faces()) for network in (ours, theirs)]
    assert ["convolve", "norm_train", "convolve", "norm_train"] == called
    for out in outputs:
        out.square().sum().backward()
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
    called.clear()
    with torch.inference_mode():
        expected = network(images).softmax(1)
        assert not called
        found = accelerate(network)(images).softmax(1)
        assert "convolve_epilogue" in called
    torch.testing.assert_close(found, expected, rtol=0.0, atol=5e-6)


def test_names_of_tensors_are_those_of_the_network_and_the_tensors_are_the_same() -> None:
    """A checkpoint of one fits the other, and what trains one trains the other."""
    network = build_model(ModelConfig(name="small"), classes=7, size=16)
    view = accelerate(network)
    expected, found = network.state_dict(keep_vars=True), view.state_dict(keep_vars=True)
    assert list(expected) == list(found)
    assert all(expected[name] is found[name] for name in expected)


def test_the_network_itself_stays_as_it_is(called: list[str]) -> None:
    """Its modules, its mode, and torch's layers."""
    network = nn.Sequential(*layers()).eval()
    before = [type(module) for module in network.modules()]
    view = accelerate(network).train()
    assert before == [type(module) for module in network.modules()]
    assert not any(module.training for module in network.modules())
    assert all(module.training for module in view.modules())
    network(faces())
    assert not called


def test_layers_may_still_be_counted_gone_through_and_picked() -> None:
    """As a network of one's own does with its `Sequential`."""
    network = nn.Sequential(*layers())
    view = accelerate(network)
    assert len(network) == len(view)
    assert [type(layer) for layer in network] == [type(layer) for layer in view]
    assert network[0].weight is view[0].weight


def test_modules_around_are_left_alone(called: list[str]) -> None:
    """A network of one's own keeps its class and forward pass; its sequences are accelerated."""

    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = nn.ModuleDict({"body": nn.Sequential(*layers())})
            self.scale = nn.Parameter(torch.tensor(2.0))

        def forward(self, pixels: Tensor) -> Tensor:
            return self.scale * self.parts["body"](pixels)

    network = Own().eval()
    view = accelerate(network)
    assert isinstance(view, Own)
    torch.testing.assert_close(view(faces()), network(faces()), rtol=1e-4, atol=1e-4)
    assert ["convolve_epilogue"] * 2 == called


def test_hooks_are_heard_on_the_network_and_on_modules_that_are_not_replaced(called: list[str]) -> None:
    """The network calls layer by layer; the copy has the hook of the whole, not that of a layer that is fused."""
    network, heard = build_model(ModelConfig(name="small"), classes=7, size=16), []
    network.layers[2].register_forward_hook(lambda *_: heard.append("layer"))
    network.register_forward_hook(lambda *_: heard.append("network"))
    network(torch.rand(2, 1, 16, 16))
    assert ["layer", "network"] == heard
    assert not called
    accelerate(network)(torch.rand(2, 1, 16, 16))
    assert ["layer", "network", "network"] == heard


def test_other_number_types_are_torchs(called: list[str]) -> None:
    """Float64, and what autocast makes of a layer that the loops do not know."""
    network = nn.Sequential(*layers()).double().eval()
    assert torch.equal(network(faces().double()), accelerate(network)(faces().double()))
    assert not called
    mixed = nn.Sequential(nn.Conv2d(1, 32, 1), *layers()[5:]).eval()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(mixed(faces()), accelerate(mixed)(faces()))
    assert not called


@pytest.mark.parametrize("training", [True, False])
def test_the_same_weights_give_the_same_bits_with_and_without_gradients(training: bool) -> None:
    """Under no_grad, under inference_mode, and while gradients are wanted."""
    network = fuse(*layers()).train(training)
    with torch.no_grad():
        expected = network(faces())
    with torch.inference_mode():
        assert torch.equal(expected, network(faces()))
    assert torch.equal(expected, network(faces()).detach())


def test_frozen_kernels_give_the_bits_of_others(called: list[str]) -> None:
    """They are made once; a copy that is not frozen sees a change of the weights."""
    network = nn.Sequential(*layers()).eval()
    frozen, fresh = accelerate(network, frozen=True), accelerate(network)
    before = fresh(faces())
    assert torch.equal(before, frozen(faces()))
    with torch.no_grad():
        network[5].weight.mul_(2.0)
    assert torch.equal(before, frozen(faces()))
    assert not torch.equal(before, fresh(faces()))
    assert ["convolve_epilogue"] * 8 == called


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
    assert torch.equal(convolution(maps), fuse(convolution)(maps))
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
        torch.testing.assert_close(fuse(*case)(maps), nn.Sequential(*case)(maps), rtol=1e-4, atol=1e-5)


def test_dropout_and_random_slopes_rest_in_evaluation() -> None:
    """Twice the same answer, that of torch."""
    network = nn.Sequential(nn.BatchNorm2d(32), RReLU(), nn.MaxPool2d(2), nn.Dropout(0.5)).eval()
    maps = torch.randn(2, 32, 8, 8)
    torch.testing.assert_close(accelerate(network)(maps), network(maps), rtol=1e-4, atol=1e-5)


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
    network = nn.Sequential(nn.Conv2d(32, 64, 3, padding=1), *behind)
    maps = torch.randn(2, 32, 8, 8)
    view = accelerate(network)
    view.train()(maps)
    assert "convolve_epilogue" not in called
    found, expected = view.eval()(maps), network.eval()(maps)
    assert folds == ("convolve_epilogue" in called)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [16, 24])
def test_a_residual_block_adds_its_input_in_its_last_loop(size: int, called: list[str]) -> None:
    """In evaluation; in training and with torch's layers it is added behind."""
    network = nn.Sequential(Residual(32))
    maps = torch.randn(2, 32, size, size)
    network(maps)  # moves the statistics
    view = accelerate(network.eval())
    torch.testing.assert_close(view(maps), network(maps), rtol=1e-4, atol=1e-4)
    assert ["convolve_epilogue"] * 2 == called
    torch.testing.assert_close(view.train()(maps), network.train()(maps), rtol=1e-4, atol=1e-4)
    double = network.eval().double()
    assert torch.equal(accelerate(double)(maps.double()), double(maps.double()))


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
def test_maps_that_skip_layers_are_added_to_their_result(behind: list[nn.Module], shape: tuple[int, ...]) -> None:
    """In training and in evaluation, whether one loop does both or not."""
    network = nn.Sequential(nn.Conv2d(32, 64, 3, padding=1), *behind)
    view = accelerate(network)
    maps, residual = torch.randn(2, 32, 8, 8), torch.randn(shape)
    for training in (True, False):
        expected = network.train(training)(maps) + residual
        torch.testing.assert_close(view.train(training)(maps, residual), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("place", [1, 2, 3])
def test_what_trains_inside_layers_in_evaluation_is_not_folded_away(place: int, called: list[str]) -> None:
    """A norm that still measures, slopes and zeros that are still drawn."""
    network = nn.Sequential(nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), RReLU(), nn.Dropout(0.5)).eval()
    network[place].train()
    view = accelerate(network)
    maps = torch.randn(2, 32, 8, 8).contiguous(memory_format=torch.channels_last)  # draws follow the order in memory
    with torch.no_grad():
        torch.manual_seed(0)
        found = view(maps)
        torch.manual_seed(0)
        expected = network(maps)
    assert ["convolve"] == called
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_one_layer_may_be_frozen() -> None:
    """A norm in evaluation among layers that train keeps its statistics and lets gradients through."""
    network = fuse(nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU())
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
        fuse(layer, nn.ReLU())(torch.randn(shape))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("begins", ["unshuffle", "convolution"])
def test_pictures_may_have_a_gradient(begins: str, training: bool) -> None:
    """As for saliency maps."""
    torch.manual_seed(0)
    first = [nn.PixelUnshuffle(2), nn.Conv2d(4, 32, 3, padding=1), *layers()[1:]] if begins == "unshuffle" else layers()
    network = nn.Sequential(*first)
    grads = []
    for each in (accelerate(network).train(training), network.train(training)):
        images = faces().requires_grad_()
        each(images).square().sum().backward()
        grads.append(images.grad)
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("side", [1, 2, 3])
def test_pictures_are_unshuffled_as_torch_does_it(side: int) -> None:
    """Pixel by pixel, for one channel and for more, and odd sides are refused."""
    layer = nn.PixelUnshuffle(side)
    for channels in (1, 2):
        maps = torch.randn(2, channels, 12, 18)
        assert torch.equal(layer(maps), fuse(layer)(maps))
    if side > 1:
        with pytest.raises(RuntimeError):
            fuse(layer)(torch.randn(2, 1, 7, 12))


def test_one_picture_without_a_batch_goes_torchs_way(called: list[str]) -> None:
    """(C, H, W), as torch's convolutions take it."""
    layer, maps = nn.Conv2d(32, 32, 3, padding=1), torch.randn(32, 6, 6)
    assert torch.equal(layer(maps), fuse(layer)(maps))
    assert not called


def test_defaults_of_torch_do_not_matter() -> None:
    """Results have the type of the maps, whatever new tensors have."""
    network, maps = fuse(nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU()), torch.randn(2, 32, 4, 4)
    expected = network(maps)
    torch.set_default_dtype(torch.float64)
    try:
        found = network(maps)
    finally:
        torch.set_default_dtype(torch.float32)
    torch.testing.assert_close(expected, found)


def test_a_pool_lets_no_missing_number_vanish() -> None:
    """One NaN among four is the largest, in evaluation as in training, wherever it stands: a loss must show it."""
    network = fuse(nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)).eval()
    for place in ((0, 0), (0, 1), (1, 0), (1, 1)):
        maps = torch.zeros(1, 32, 2, 2)
        maps[0, 0][place] = torch.nan
        with torch.inference_mode():
            assert network(maps)[0, 0].isnan().all()


@pytest.mark.parametrize("behind", [[], [nn.MaxPool2d(2)]])
@pytest.mark.parametrize("begins", [[], [nn.Conv2d(32, 32, 3, padding=1, bias=False)]])
def test_a_rectifier_makes_nothing_of_minus_infinity(begins: list[nn.Module], behind: list[nn.Module]) -> None:
    """0, as torch's does, not a missing number; and a missing number stays one."""
    network = nn.Sequential(*begins, nn.BatchNorm2d(32), nn.ReLU(), *behind).eval()
    maps = torch.full((2, 32, 4, 4), -torch.inf)
    maps[1] = torch.nan
    if begins:
        network[1].bias.data.fill_(-torch.inf)
        maps[0] = 0.0
    with torch.no_grad():
        expected, found = network(maps), accelerate(network)(maps)
    assert torch.equal(torch.zeros_like(found[0]), found[0])
    torch.testing.assert_close(found, expected, equal_nan=True)


def test_weights_may_lie_apart_in_memory() -> None:
    """Every second number of a longer tensor."""
    network, maps = nn.Sequential(nn.BatchNorm2d(32), nn.ReLU()), torch.randn(2, 32, 4, 4)
    network[0].weight = nn.Parameter(torch.randn(32, 2)[:, 0])
    torch.testing.assert_close(network(maps), accelerate(network)(maps), rtol=1e-4, atol=1e-5)

"""What torch does with functions (compile, trace, differentiate twice, batch) goes through the loops, or says so."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, jvp, vmap
from torch.nn import functional as F

from mien.models import build_model
from mien.native import accelerate
from mien.native.rrelu import RReLU
from mien.recipes.schema import ModelConfig

pytestmark = pytest.mark.compiler

LABELS = torch.arange(6)
DEPRECATED = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
MODES = pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])


@pytest.fixture
def network() -> nn.Sequential:
    """Return a small network of all that the loops know, and of layers that they do not."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Conv2d(32, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.BatchNorm2d(64)]
    layers += [nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(64, 7)]
    return nn.Sequential(*layers)


def faces() -> Tensor:
    """Return six grey pictures; with those of seed 1, a max-pool's two largest values differ by rounding alone."""
    return torch.rand((6, 1, 16, 16), generator=torch.Generator().manual_seed(2))


def loss_of(network: nn.Module, tensors: dict[str, Tensor], pixels: Tensor, labels: Tensor = LABELS) -> Tensor:
    """Return the loss of `network` with `tensors` in place of its own."""
    return F.cross_entropy(functional_call(network, tensors, (pixels,)), labels)


def split_state(network: nn.Module) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return copies of parameters and buffers by name."""
    parameters = {name: value.detach().clone() for name, value in network.named_parameters()}
    return parameters, {name: value.clone() for name, value in network.named_buffers()}


def differ(found: Iterable[Tensor], expected: Iterable[Tensor]) -> float:
    """Return the largest difference, as a part of the largest value of all."""
    pairs = [(one.detach(), other.detach()) for one, other in zip(found, expected, strict=True)]
    largest = max(float(other.abs().max()) for _, other in pairs)
    return max(float((one - other).abs().max()) for one, other in pairs) / largest


def both(network: nn.Module, training: bool, function: Callable[[nn.Module], Iterable[Tensor]]) -> float:
    """Return by how much `function` of the accelerated network differs from that of torch's layers."""
    view = accelerate(network).train(training)
    return differ(function(view), function(copy.deepcopy(network).train(training)))


@MODES
def test_torch_compile_gives_the_same_values_and_gradients(network: nn.Sequential, training: bool) -> None:
    """As one graph without a break."""

    def compute(network: nn.Module) -> list[Tensor]:
        torch.compiler.reset()
        compiled = torch.compile(network, backend="aot_eager", fullgraph=True)
        out = compiled(faces())
        return [out, *torch.autograd.grad(out.square().sum(), list(network.parameters()))]

    assert both(network, training, compute) < 1e-5


def test_torch_export_knows_the_operators(network: nn.Sequential) -> None:
    """By their shapes alone, and for batches of any size."""
    batch = torch.export.Dim("batch", min=2)
    program = torch.export.export(accelerate(network).eval(), (faces(),), dynamic_shapes=({0: batch},))
    assert torch.ops.mien.convolve_epilogue.default in {node.target for node in program.graph.nodes}
    more = torch.cat((faces(), faces()))
    assert differ([program.module()(more)], [network.eval()(more)]) < 1e-5


@MODES
def test_torch_func_grad_is_that_of_torch(network: nn.Sequential, training: bool) -> None:
    """With buffers as arguments, which torch asks for in training."""

    def compute(network: nn.Module) -> Iterable[Tensor]:
        parameters, buffers = split_state(network)
        return grad(lambda p, b: loss_of(network, {**p, **b}, faces()))(parameters, buffers).values()

    assert both(network, training, compute) < 1e-5


def test_torch_vmap_gives_a_gradient_for_each_face(network: nn.Sequential) -> None:
    """As for the privacy or the influence of single faces, in evaluation."""

    def compute(network: nn.Module) -> Iterable[Tensor]:
        def alone(parameters: dict[str, Tensor], pixels: Tensor, label: Tensor) -> Tensor:
            return loss_of(network, parameters, pixels[None], label[None])

        return vmap(grad(alone), in_dims=(None, 0, 0))(split_state(network)[0], faces(), LABELS).values()

    assert both(network, False, compute) < 1e-5


def test_torch_vmap_over_a_norm_in_training_says_why_not(network: nn.Sequential) -> None:
    """Its running statistics are one for all, as torch says of its own norm."""
    with pytest.raises(RuntimeError, match="put it into evaluation mode"):
        vmap(accelerate(network))(torch.rand(2, 4, 1, 8, 8))


@DEPRECATED  # torch.func.jvp compiles a script of its own
def test_forward_derivatives_say_that_there_are_none(network: nn.Sequential) -> None:
    """Instead of derivatives that are 0."""
    with pytest.raises(NotImplementedError, match="jvp"):
        jvp(accelerate(network).eval(), (faces(),), (faces(),))


@MODES
def test_a_gradient_penalty_is_that_of_torch(network: nn.Sequential, training: bool) -> None:
    """The gradient of the gradient of the pictures."""

    def compute(network: nn.Module) -> Iterable[Tensor]:
        pixels = faces().requires_grad_()
        (slope,) = torch.autograd.grad(network(pixels).square().sum(), pixels, create_graph=True)
        penalty = slope.square().sum()
        return torch.autograd.grad(penalty, list(network.parameters()), materialize_grads=True)

    assert both(network, training, compute) < 1e-4


@MODES
def test_a_product_with_the_hessian_is_that_of_torch(network: nn.Sequential, training: bool) -> None:
    """The gradient of the sum of the gradient of the weights."""

    def compute(network: nn.Module) -> Iterable[Tensor]:
        weights = list(network.parameters())
        slopes = torch.autograd.grad(F.cross_entropy(network(faces()), LABELS), weights, create_graph=True)
        total = torch.stack([slope.sum() for slope in slopes]).sum()
        return torch.autograd.grad(total, weights, materialize_grads=True)

    assert both(network, training, compute) < 1e-4


def test_a_random_epilogue_is_differentiated_twice_with_the_numbers_that_it_drew() -> None:
    """The second derivative by differences of the first, with the generator set back."""
    network = accelerate(nn.Sequential(nn.BatchNorm2d(32), RReLU(), nn.MaxPool2d(2), nn.Dropout(0.3)))
    draw = torch.Generator().manual_seed(0)
    maps, direction = (torch.randn((4, 32, 6, 6), generator=draw) for _ in range(2))

    def slope_at(maps: Tensor, *, twice: bool = False) -> Tensor:
        torch.manual_seed(5)
        leaf = maps.clone().requires_grad_()
        (slope,) = torch.autograd.grad(network(leaf).pow(3).sum(), leaf, create_graph=twice)
        return torch.autograd.grad((slope * direction).sum(), leaf)[0] if twice else slope

    step = 1e-3
    numeric = (slope_at(maps + step * direction) - slope_at(maps - step * direction)) / (2 * step)
    found = slope_at(maps, twice=True)
    cosine = F.cosine_similarity(found.flatten(), numeric.flatten(), dim=0)
    assert pytest.approx(1.0, abs=1e-3) == float(cosine)
    assert pytest.approx(float(numeric.norm()), rel=0.02) == float(found.norm())


def test_differentiating_twice_does_not_change_the_first_gradient(network: nn.Sequential) -> None:
    """The same bits, whether a graph of it is kept or not."""
    view = accelerate(network)
    weights = list(view.parameters())
    once = torch.autograd.grad(F.cross_entropy(view(faces()), LABELS), weights)
    again = torch.autograd.grad(F.cross_entropy(view(faces()), LABELS), weights, create_graph=True)
    assert all(torch.equal(one, other) for one, other in zip(once, again, strict=True))


@DEPRECATED
@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad, torch.enable_grad])
def test_a_trace_is_of_torchs_layers(network: nn.Sequential, mode: Callable[[], torch.no_grad]) -> None:
    """So that its file loads where mien is not."""
    view = accelerate(network).eval()
    with mode():
        traced = torch.jit.trace(view, faces())
    assert "mien::" not in str(traced.inlined_graph)
    assert differ([traced(faces())], [network.eval()(faces())]) < 1e-6


@pytest.mark.parametrize("name", ["report-cnn", "small"])
def test_networks_of_mien_go_through_torch_func(name: str) -> None:
    """With random slopes and dropout in training, the same for the same seed, and their gradient in evaluation."""
    torch.manual_seed(0)
    network = build_model(ModelConfig(name=name), classes=7, size=32)
    pixels = torch.rand(6, 1, 32, 32)
    view, found = accelerate(network), []
    for _ in range(2):
        parameters, buffers = split_state(network)
        torch.manual_seed(1)
        one = grad(lambda p, b: loss_of(view, {**p, **b}, pixels))(parameters, buffers)
        found.append(torch.cat([value.flatten() for value in one.values()]))
    assert torch.equal(found[0], found[1])
    assert found[0].isfinite().all()
    compute = lambda network: grad(lambda p: loss_of(network, p, pixels))(split_state(network)[0]).values()  # noqa: E731
    assert both(network, False, compute) < 1e-5

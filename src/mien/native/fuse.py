"""`Chain`: layers one after the other, compiled loops in place of those that they know. See `mien.native`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeGuard, final

import torch
from torch import Tensor, nn
from torch.nn.modules.module import _has_any_global_hook

from mien.native.build import load_library
from mien.native.ops import FEW, WIDTH, After, apply_norm, convolve, convolve_normalised, fold, normalise
from mien.native.rrelu import RReLU


@final
class Chain(nn.Sequential):
    """`torch.nn.Sequential` that trains faster on a CPU where a C compiler is at hand.

    3×3 convolutions run in compiled loops, and so does a batch norm with the rectifier, max-pool and dropout behind
    it, as one: while training, and in evaluation under torch's inference mode, where they are one with the convolution
    before them. Faces are folded (`PixelUnshuffle`) by plain copies. Names, parameters and, but for
    rounding, results are those of the layers one by one. Other devices, other number types and layers that somebody
    listens to (hooks) go torch's way.
    """

    def forward(self, maps: Tensor, plus: Tensor | None = None) -> Tensor:
        """Return what the last layer makes of (N, C, H, W), with `plus` added where it is given."""
        layers = list(self)
        if not _suits(maps, self.training) or any(map(_is_watched, layers)):
            result: Tensor = super().forward(maps)  # type: ignore[no-untyped-call]
            return result if plus is None else plus + result
        at = 0
        while at < len(layers):
            layer = layers[at]
            taken = 1
            if not _fits(maps):
                maps = layer(maps)
            elif _is_fold(layer, maps):
                maps = fold(maps, layer.downscale_factor)
            elif _is_convolution(layer, maps) and maps.shape[1] == layer.in_channels:
                folded = None if self.training else _look_behind_convolution(layer, layers[at + 1 :], maps)
                if folded is None:
                    maps = convolve(maps, layer.weight, layer.bias)
                else:
                    norm, after, taken = folded
                    is_last = at + taken == len(layers) and not after.pool
                    if is_last and plus is not None and _fits(plus) and plus.shape == _shape_behind(layer, maps):
                        return convolve_normalised(maps, layer, norm, after, plus)
                    maps = convolve_normalised(maps, layer, norm, after)
            elif (
                _is_norm(layer, maps, maps.shape[1], self.training)
                and (behind := _look_behind(layers[at:], maps)) is not None
            ):
                after, taken = behind
                maps = _normalise(layer, maps, after)
            elif not self.training and _takes_largest(layer):
                maps = maps.amax((2, 3), keepdim=True)  # torch's layer is slow with channels last
            else:
                maps = layer(maps)
            at += taken
        return maps if plus is None else plus + maps


@contextmanager
def torch_alone() -> Iterator[None]:
    """Let everything go torch's way meanwhile, in this thread: to compare with what torch computes."""
    before = getattr(_held, "back", False)
    _held.back = True
    try:
        yield
    finally:
        _held.back = before


_held = threading.local()


def _suits(maps: Tensor, training: bool) -> bool:
    """Say whether the library is there and takes these numbers in this mode."""
    if not _fits(maps):
        return False
    mode = torch.is_grad_enabled() if training else torch.is_inference_mode_enabled()
    as_usual = not torch.is_autocast_enabled("cpu") and not torch.compiler.is_compiling()
    return mode and as_usual and not getattr(_held, "back", False) and load_library() is not None


def _fits(maps: Tensor) -> bool:
    """Say whether these are maps that the library takes."""
    plain = type(maps) is Tensor and maps.ndim == 4 and maps.numel() > 0
    return plain and maps.device.type == "cpu" and maps.dtype == torch.float32


def _shape_behind(convolution: nn.Conv2d, maps: Tensor) -> tuple[int, ...]:
    return (len(maps), convolution.out_channels, *maps.shape[2:])


def _is_watched(layer: nn.Module) -> bool:
    own = layer._forward_hooks or layer._forward_pre_hooks or layer._backward_hooks or layer._backward_pre_hooks
    return bool(own or _has_any_global_hook())  # type: ignore[no-untyped-call]


def _is_fold(layer: nn.Module, maps: Tensor) -> TypeGuard[nn.PixelUnshuffle]:
    """Say whether `layer` folds maps of one channel that come from no layer."""
    if type(layer) is not nn.PixelUnshuffle or maps.requires_grad or maps.shape[1] != 1:
        return False
    return maps.shape[2] % layer.downscale_factor == 0 == maps.shape[3] % layer.downscale_factor


def _is_convolution(layer: nn.Module, maps: Tensor) -> TypeGuard[nn.Conv2d]:
    """Say whether `layer` is a 3×3 convolution that the library knows: for few channels it has no gradient for maps."""
    if type(layer) is not nn.Conv2d or layer.out_channels % WIDTH:
        return False
    if layer.in_channels % WIDTH and (layer.in_channels > FEW or maps.requires_grad):
        return False
    found = (layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.groups, layer.padding_mode)
    return found == ((3, 3), (1, 1), (1, 1), (1, 1), 1, "zeros") and _fits_weight(layer.weight)


def _fits_weight(weight: Tensor) -> bool:
    return weight.dtype == torch.float32 and weight.device.type == "cpu"


def _is_norm(layer: nn.Module, maps: Tensor, channels: int, training: bool) -> TypeGuard[nn.BatchNorm2d]:
    """Say whether `layer` is a batch norm for `channels` that the library knows, in the mode of the chain.

    It may be frozen alone.
    """
    if type(layer) is not nn.BatchNorm2d or layer.num_features % WIDTH or layer.training != training:
        return False
    usual = layer.affine and layer.track_running_stats and layer.momentum is not None
    enough = channels == layer.num_features and maps.numel() > maps.shape[1]  # one value has no variance
    return usual and enough and _fits_weight(layer.weight)


def _look_behind_convolution(
    convolution: nn.Conv2d, layers: list[nn.Module], maps: Tensor
) -> tuple[nn.BatchNorm2d, After, int] | None:
    """Return norm and what follows it, and how many layers that makes with the convolution; None: no such norm."""
    if not layers or not _is_norm(norm := layers[0], maps, convolution.out_channels, False):
        return None
    behind = _look_behind(layers, maps)
    return None if behind is None else (norm, behind[0], behind[1] + 1)


def _look_behind(layers: list[nn.Module], maps: Tensor) -> tuple[After, int] | None:
    """Return what follows the batch norm `layers[0]`, and how many layers that makes with it; None: no rectifier."""
    norm, *behind = layers[:4]
    if not behind or any(layer.training != norm.training for layer in behind):
        return None
    rectifier = behind[0]
    if type(rectifier) is nn.ReLU:
        lower = upper = 0.0
    elif type(rectifier) is RReLU:
        lower, upper = rectifier.lower, rectifier.upper
        if not rectifier.training:  # the mean slope
            lower = upper = (lower + upper) / 2.0
    else:
        return None
    is_even = maps.shape[2] % 2 == 0 and maps.shape[3] % 2 == 0
    pool = is_even and len(behind) > 1 and _halves(behind[1])
    taken, dropout = 2 + pool, 0.0
    if len(layers) > taken and type(last := layers[taken]) is nn.Dropout and last.p < 1.0:
        dropout = last.p if last.training else 0.0
        taken += 1
    return After(lower=lower, upper=upper, pool=pool, dropout=dropout), taken


def _halves(layer: nn.Module) -> bool:
    """Say whether `layer` takes the largest of each 2×2."""
    if type(layer) is not nn.MaxPool2d or layer.return_indices or layer.ceil_mode:
        return False
    return (layer.kernel_size, layer.stride, layer.padding, layer.dilation) == (2, 2, 0, 1)


def _takes_largest(layer: nn.Module) -> bool:
    """Say whether `layer` takes the largest of each map."""
    if type(layer) is not nn.AdaptiveMaxPool2d or layer.return_indices:
        return False
    return layer.output_size in (1, (1, 1))


def _normalise(norm: nn.BatchNorm2d, maps: Tensor, after: After) -> Tensor:
    """Return the batch norm of `maps` with what follows it, and keep running statistics as torch does."""
    if not norm.training:
        return apply_norm(maps, norm, after)
    result, mean, variance = normalise(maps, norm.weight, norm.bias, norm.eps, after)
    count = maps.numel() // maps.shape[1]
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.num_batches_tracked is not None
    assert norm.momentum is not None
    with torch.no_grad():
        norm.num_batches_tracked.add_(1)
        norm.running_mean.lerp_(mean, norm.momentum)
        norm.running_var.lerp_(variance * (count / (count - 1.0)), norm.momentum)
    return result

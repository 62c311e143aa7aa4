"""What the compiled loops compute as one: a few layers of a sequence, with torch's own layers where they do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard, final

import torch
from torch import Tensor, nn

from mien.native import ops, rules
from mien.native.rrelu import RReLU


@dataclass(frozen=True, slots=True, kw_only=True)
class Epilogue:
    """What follows a batch norm.

    Attributes:
        lower: least factor of what is below zero, drawn evenly up to `upper`; both are 0 for ReLU.
        upper: the largest.
        pool: whether the largest of each 2×2 is taken.
        dropout: rate of zeros at the end.
    """

    lower: float
    upper: float
    pool: bool
    dropout: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """Layers that are computed as one: a convolution, a norm with what follows it, or both.

    Attributes:
        convolution: 3×3; or None.
        norm: or None.
        rectifier: behind the norm: both are there, or neither.
        pool: behind the rectifier; or None.
        dropout: behind that; or None.
        kept: kernels and shift into which the norm is folded, where weights do not change any more.
    """

    convolution: nn.Conv2d | None
    norm: nn.BatchNorm2d | None = None
    rectifier: nn.ReLU | RReLU | None = None
    pool: nn.MaxPool2d | None = None
    dropout: nn.Dropout | None = None
    kept: tuple[Tensor, Tensor] | None = None

    @property
    def behind(self) -> list[nn.Module]:
        """The norm and the layers behind it that are there."""
        layers = (self.norm, self.rectifier, self.pool, self.dropout)
        return [layer for layer in layers if layer is not None]

    def run(self, x: Tensor, training: bool, residual: Tensor | None = None) -> Tensor:
        """Return what the layers make of `x` (N, C, H, W), with `residual` added if `can_add` says so."""
        convolution, norm = self.convolution, self.norm
        if convolution is not None:
            if not _fits(x, convolution.weight, convolution.in_channels):
                return run_one_by_one([convolution, *self.behind], x)
            if self._folds(training):
                return self._run_folded(convolution, x, residual)
            x = rules.convolve(x, convolution.weight.permute(2, 3, 1, 0))
            x = x if convolution.bias is None else x + convolution.bias.view(1, -1, 1, 1)
        if norm is None:
            return x
        one_value = x.numel() <= x.shape[1]  # has no variance: torch says so
        if not _fits(x, norm.weight, norm.num_features) or one_value or not self._agrees(training):
            return run_one_by_one(self.behind, x)
        epilogue, left = self._describe(x)
        return run_one_by_one(left, _normalise(norm, x, epilogue))

    def can_add(self, residual: Tensor, x: Tensor, training: bool) -> bool:
        """Say whether the loop that ends the block adds `residual`, too."""
        convolution = self.convolution
        if convolution is None or self.pool is not None or not self._folds(training):
            return False
        shape = (x.shape[0], convolution.out_channels, *x.shape[2:])
        fits = _fits(x, convolution.weight, convolution.in_channels)
        return fits and residual.shape == shape and residual.dtype == x.dtype and residual.device == x.device

    def _agrees(self, training: bool) -> bool:
        """Say whether all layers are in the mode of the whole: one may be frozen, or still draw, alone."""
        return all(layer.training == training for layer in self.behind)

    def _folds(self, training: bool) -> bool:
        return self.norm is not None and not training and self._agrees(training)

    def _describe(self, x: Tensor) -> tuple[Epilogue, list[nn.Module]]:
        """Return what follows the norm in the same loop, and the layers that do not: a pool for odd sides."""
        lower = upper = 0.0
        if isinstance(self.rectifier, RReLU):
            lower, upper = self.rectifier.lower, self.rectifier.upper
            if not self.rectifier.training:  # the mean slope
                lower = upper = (lower + upper) / 2.0
        if self.pool is not None and (x.shape[2] % 2 or x.shape[3] % 2):
            rest: list[nn.Module] = [layer for layer in (self.pool, self.dropout) if layer is not None]
            return Epilogue(lower=lower, upper=upper, pool=False, dropout=0.0), rest
        rate = self.dropout.p if self.dropout is not None and self.dropout.training else 0.0
        return Epilogue(lower=lower, upper=upper, pool=self.pool is not None, dropout=rate), []

    def _run_folded(self, convolution: nn.Conv2d, x: Tensor, residual: Tensor | None) -> Tensor:
        assert self.norm is not None
        kernels, shift = self.kept or fold_norm(convolution, self.norm)
        epilogue, left = self._describe(x)
        x = rules.convolve_epilogue(x, kernels, shift, residual, epilogue.lower, epilogue.pool)
        return run_one_by_one(left, x)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Unshuffle:
    """`torch.nn.PixelUnshuffle` of one channel, by plain copies."""

    layer: nn.PixelUnshuffle

    def run(self, x: Tensor, training: bool) -> Tensor:
        """Return (N, side², H / side, W / side) for (N, 1, H, W)."""
        side = self.layer.downscale_factor
        if x.ndim != 4 or x.shape[1] != 1 or x.shape[2] % side or x.shape[3] % side:
            result: Tensor = self.layer(x)
            return result
        parts = [x[:, 0, place // side :: side, place % side :: side] for place in range(side * side)]
        return torch.stack(parts, dim=-1).permute(0, 3, 1, 2)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Largest:
    """The largest of each map, in evaluation: torch's layer is slow with channels last."""

    layer: nn.AdaptiveMaxPool2d

    def run(self, x: Tensor, training: bool) -> Tensor:
        """Return (N, C, 1, 1) for (N, C, H, W)."""
        if training or x.requires_grad:  # of equal values torch's layer gives one the gradient, `amax` each a part
            result: Tensor = self.layer(x)
            return result
        return x.amax((-2, -1), keepdim=True)


def find_block(layers: Sequence[nn.Module]) -> Block | None:
    """Return the longest block with which `layers` begin, if they begin with one."""
    convolution = layers[0] if _is_known_convolution(layers[0]) else None
    norm, rectifier, pool, dropout = [*layers[convolution is not None :], None, None, None, None][:4]
    channels = None if convolution is None else convolution.out_channels
    if not _is_known_norm(norm, channels) or not (type(rectifier) is nn.ReLU or type(rectifier) is RReLU):
        return None if convolution is None else Block(convolution=convolution)
    known_pool = pool if _halves(pool) else None
    last = pool if known_pool is None else dropout
    return Block(
        convolution=convolution,
        norm=norm,
        rectifier=rectifier,
        pool=known_pool,
        dropout=last if type(last) is nn.Dropout and last.p < 1.0 else None,
    )


def keep_kernels(block: Block) -> Block:
    """Return `block` with its norm folded into its kernels once and for all."""
    if block.convolution is None or block.norm is None:
        return block
    with torch.no_grad():
        kept = fold_norm(block.convolution, block.norm)
    return Block(
        convolution=block.convolution,
        norm=block.norm,
        rectifier=block.rectifier,
        pool=block.pool,
        dropout=block.dropout,
        kept=kept,
    )


def fold_norm(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return kernels (3, 3, C, D) and a shift (D,) that do what `convolution` and then `norm` do in evaluation."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    shift = norm.bias - norm.running_mean * scale
    if convolution.bias is not None:
        shift = shift + convolution.bias * scale
    return (convolution.weight.permute(2, 3, 1, 0) * scale).contiguous(), shift.contiguous()


def _normalise(norm: nn.BatchNorm2d, x: Tensor, epilogue: Epilogue) -> Tensor:
    """Return batch norm of `x` with its epilogue, and keep running statistics as torch does.

    Random numbers follow from seeds that torch's global generator gives.
    """
    assert norm.running_mean is not None
    assert norm.running_var is not None
    lower, upper, pool, rate = epilogue.lower, epilogue.upper, epilogue.pool, epilogue.dropout
    if not norm.training:
        given = (norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.eps)
        result: Tensor = rules.norm_apply(x, *given, lower, pool)
        return result
    assert norm.num_batches_tracked is not None
    assert norm.momentum is not None
    is_random = upper > lower or rate > 0.0
    seeds = torch.randint(2**62, (2,)) if is_random else torch.zeros(2, dtype=torch.int64)
    result, mean, variance = rules.norm_train(x, norm.weight, norm.bias, seeds, norm.eps, lower, upper, pool, rate)
    count = x.numel() // x.shape[1]
    with torch.no_grad():
        unbiased = variance * (count / (count - 1.0))
        statistics = (norm.running_mean, norm.running_var, norm.num_batches_tracked)
        ops.update_statistics(*statistics, mean, unbiased, norm.momentum)
    return result


def run_one_by_one(layers: Sequence[nn.Module], x: Tensor) -> Tensor:
    """Return what torch's own layers make of `x`."""
    for layer in layers:
        x = layer(x)
    return x


def _fits(x: Tensor, weight: Tensor, channels: int) -> bool:
    """Say whether these are maps of `channels` channels that the library takes, with such a weight."""
    is_known = x.ndim == 4 and x.shape[1] == channels and x.numel() > 0
    return is_known and all(value.dtype == torch.float32 and value.device.type == "cpu" for value in (x, weight))


def _is_known_convolution(layer: nn.Module) -> TypeGuard[nn.Conv2d]:
    if type(layer) is not nn.Conv2d or layer.out_channels % ops.WIDTH:
        return False
    if layer.in_channels % ops.WIDTH and layer.in_channels > ops.FEW:
        return False
    found = (layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.groups, layer.padding_mode)
    return found == ((3, 3), (1, 1), (1, 1), (1, 1), 1, "zeros")


def _is_known_norm(layer: nn.Module | None, channels: int | None) -> TypeGuard[nn.BatchNorm2d]:
    if type(layer) is not nn.BatchNorm2d or layer.num_features % ops.WIDTH:
        return False
    is_usual = layer.affine and layer.track_running_stats and layer.momentum is not None
    return is_usual and channels in (None, layer.num_features)


def _halves(layer: nn.Module | None) -> TypeGuard[nn.MaxPool2d]:
    """Say whether `layer` takes the largest of each 2×2."""
    if type(layer) is not nn.MaxPool2d or layer.return_indices or layer.ceil_mode:
        return False
    sizes = (layer.kernel_size, layer.stride, layer.padding, layer.dilation)
    return sizes in ((2, 2, 0, 1), ((2, 2), (2, 2), (0, 0), (1, 1)))

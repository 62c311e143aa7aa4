"""`RReLU`: torch's randomised leaky rectifier with its random numbers drawn several times faster on a CPU.

An ordinary layer of a model, which the compiled loops know. torch draws the slopes one after the other on one core,
which took a quarter of a training step of `report-cnn`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.library import custom_op, register_fake, register_vmap
from torch.nn import functional as F

LOWER, UPPER = 1.0 / 8.0, 1.0 / 3.0
"""Limits of the slope (Xu et al. 2015, section 3.4, as torch has them)."""
STREAMS = 8
"""Independent streams of random numbers: fixed, so that the numbers do not depend on the number of cores."""


@final
class RReLU(nn.Module):
    """x where x ≥ 0, a·x elsewhere; a is drawn evenly from 1/8 to 1/3 while training and is their mean in evaluation.

    The distribution is that of `torch.nn.RReLU`; the numbers themselves are others, drawn from a seed that torch's
    global generator gives.
    """

    lower, upper = LOWER, UPPER

    def forward(self, inputs: Tensor) -> Tensor:
        """Return a tensor of the same shape."""
        if not self.training:
            return F.leaky_relu(inputs, (LOWER + UPPER) / 2.0)
        if inputs.device.type != "cpu" or inputs.dtype != torch.float32:
            return F.rrelu(inputs, LOWER, UPPER, training=True)
        slopes = draw_slopes(inputs).masked_fill_(inputs >= 0.0, 1.0)
        outputs: Tensor = _Slope.apply(inputs, slopes)  # type: ignore[no-untyped-call]
        return outputs


def draw_slopes(like: Tensor) -> Tensor:
    """Return float32 numbers drawn evenly from `LOWER` to `UPPER`, in the shape and memory order of `like`."""
    slopes: Tensor = _draw(like.detach(), torch.randint(2**62, ()))
    return slopes


@custom_op("mien::draw_slopes", mutates_args=(), device_types="cpu")
def _draw(like: Tensor, seed: Tensor) -> Tensor:
    """Return `draw_slopes` from a seed: an operator, so that torch.compile and torch.func can go through it."""
    slopes = torch.empty_like(like)
    flat = slopes.as_strided((slopes.numel(),), (1,)).numpy()
    seeds = np.random.SeedSequence(int(seed)).spawn(STREAMS)
    bounds = np.linspace(0, len(flat), STREAMS + 1).astype(int)

    def fill(stream: int) -> None:
        part = flat[bounds[stream] : bounds[stream + 1]]
        np.random.Generator(np.random.SFC64(seeds[stream])).random(dtype=np.float32, out=part)
        part *= UPPER - LOWER
        part += LOWER

    with ThreadPoolExecutor(torch.get_num_threads()) as threads:  # NumPy draws without holding Python's lock
        list(threads.map(fill, range(STREAMS)))
    return slopes


register_fake("mien::draw_slopes", lambda like, seed: torch.empty_like(like))


@register_vmap("mien::draw_slopes")  # type: ignore[untyped-decorator]
def _draw_each(info: Any, in_dims: tuple[int | None, int | None], like: Tensor, seed: Tensor) -> tuple[Tensor, int]:
    """Draw for each of a batch, from a seed of its own where there is one."""
    likes = [like] * info.batch_size if in_dims[0] is None else like.unbind(in_dims[0])
    seeds = [seed] * info.batch_size if in_dims[1] is None else seed.unbind(in_dims[1])
    return torch.stack([_draw(one, own) for one, own in zip(likes, seeds, strict=True)]), 0


@final
class _Slope(Function):
    """Product with the slope, which is all that the gradient needs: nothing else is kept for it."""

    generate_vmap_rule = True

    @staticmethod
    def forward(inputs: Tensor, slopes: Tensor) -> Tensor:
        return inputs * slopes

    @staticmethod
    def setup_context(context: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        context.save_for_backward(inputs[1])

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (slopes,) = context.saved_tensors
        return gradient * slopes, None

"""The witnesses of `mien.theory.convolution`: its definition as loops, differences, and torch."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from mien.theory.arrays import Array, Integers, ShapeError
from mien.theory.claims import Claim, Results, slopes_of
from mien.theory.convolution import conv_output_shape, convolve, convolve_backward
from mien.theory.gradcheck import Named, measure_difference
from mien.theory.witnesses.autograd import differentiate

GEOMETRIES = 200
IMPOSSIBLE = (0, 0, 0, 0)
SOURCE = "Dumoulin & Visin 2016"


def draw_geometries(rng: np.random.Generator) -> Named:
    """Return rows W, H, k1, k2, s1, s2, p1, p2, d1, d2, many of them impossible."""
    rows = [rng.integers(low, high, (GEOMETRIES, 2)) for low, high in ((1, 9), (1, 6), (1, 4), (0, 3), (1, 4))]
    return {"geometry": np.concatenate(rows, axis=1)}


def split_row(row: Integers) -> list[tuple[int, int]]:
    """Return (W, H), kernel, stride, padding and dilation of a row."""
    return [(int(row[i]), int(row[i + 1])) for i in range(0, 10, 2)]


def name_shapes(at: Named) -> Results:
    """Return what the formula says of each row; zeros where it refuses."""
    shapes = []
    for size, *geometry in map(split_row, at["geometry"]):
        try:
            shapes.append(conv_output_shape((2, *size, 3), 4, *geometry))
        except ShapeError:
            shapes.append(IMPOSSIBLE)
    return {"shape": np.array(shapes, dtype=np.float64)}


def count_shapes(at: Named) -> Results:
    """Count, cell by cell, the places in which the whole kernel lies inside the padded axis."""

    def count(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
        cells = range(-padding, size + padding)
        return sum(all(start + dilation * u in cells for u in range(kernel)) for start in cells[::stride])

    rows = [[count(*axis) for axis in zip(*split_row(row), strict=True)] for row in at["geometry"]]
    return {"shape": np.array([(2, *row, 4) if min(row) else IMPOSSIBLE for row in rows], dtype=np.float64)}


def measure_shapes(at: Named, results: Results, rng: np.random.Generator) -> float:
    """Return the difference to the shapes of convolutions that were really computed."""
    shapes = []
    for size, kernel, *geometry in map(split_row, at["geometry"]):
        try:
            y = convolve(np.zeros((2, 3, *size)), np.zeros((4, 3, *kernel)), np.zeros(4), *geometry)
            shapes.append((2, *y.shape[2:], 4))
        except ShapeError:
            shapes.append(IMPOSSIBLE)
    return measure_difference(results["shape"], np.array(shapes))


def ask_torch_shapes(at: Named) -> Results:
    """Return the shapes of torch's convolutions; zeros where it refuses."""
    import torch
    from torch.nn import functional as F

    shapes = []
    for size, kernel, stride, padding, dilation in map(split_row, at["geometry"]):
        kernels = torch.zeros(4, 3, *kernel, dtype=torch.float64)
        try:
            y = F.conv2d(torch.zeros(2, 3, *size, dtype=torch.float64), kernels, None, stride, padding, dilation)
            shapes.append((2, y.shape[2], y.shape[3], 4))
        except RuntimeError:
            shapes.append(IMPOSSIBLE)
    return {"shape": np.array(shapes, dtype=np.float64)}


def draw_images(rng: np.random.Generator) -> Named:
    """Return images, kernels, a geometry that fits them, and ∂L/∂y."""
    geometry = {"stride": rng.integers(1, 4, 2), "padding": rng.integers(0, 3, 2), "dilation": rng.integers(1, 3, 2)}
    x, weight, bias = rng.normal(size=(2, 3, 7, 6)), rng.normal(size=(4, 3, 3, 2)), rng.normal(size=4)
    y = convolve(x, weight, bias, **pairs(geometry))
    return {"x": x, "weight": weight, "bias": bias, "grad_y": rng.normal(size=y.shape), **geometry}


def pairs(at: Named) -> dict[str, Any]:
    """Return stride, padding and dilation as pairs of plain numbers."""
    return {name: (int(at[name][0]), int(at[name][1])) for name in ("stride", "padding", "dilation")}


def answer(at: Named) -> Results:
    """Return the formulas' convolution and gradients."""
    grads = convolve_backward(at["grad_y"], at["x"], at["weight"], **pairs(at))
    y = convolve(at["x"], at["weight"], at["bias"], **pairs(at))
    return {"y": y, **dict(zip(("x", "weight", "bias"), grads, strict=True))}


def compute_by_loops(at: Named) -> Results:
    """Walk through the definition: each product of a weight and a pixel, and what it hands back to both."""
    x, weight, grad_y = at["x"], at["weight"], at["grad_y"]
    (s1, s2), (p1, p2), (d1, d2) = pairs(at).values()
    y: Array = np.zeros(grad_y.shape)
    grad_x, grad_weight, grad_bias = np.zeros(x.shape), np.zeros(weight.shape), np.zeros(len(weight))
    for b, o, i, j in product(*map(range, grad_y.shape)):
        y[b, o, i, j] += at["bias"][o]
        grad_bias[o] += grad_y[b, o, i, j]
        for c, u, v in product(*map(range, weight.shape[1:])):
            p, q = s1 * i + d1 * u - p1, s2 * j + d2 * v - p2
            if 0 <= p < x.shape[2] and 0 <= q < x.shape[3]:
                y[b, o, i, j] += weight[o, c, u, v] * x[b, c, p, q]
                grad_weight[o, c, u, v] += grad_y[b, o, i, j] * x[b, c, p, q]
                grad_x[b, c, p, q] += grad_y[b, o, i, j] * weight[o, c, u, v]
    return {"y": y, "x": grad_x, "weight": grad_weight, "bias": grad_bias}


def ask_torch(at: Named) -> Results:
    """Return torch's convolution and gradients."""
    from torch.nn import functional as F

    return differentiate(lambda t: F.conv2d(t.x, t.weight, t.bias, **pairs(at)), at, ("x", "weight", "bias"))


def weigh(at: Named) -> float:
    """Return L = Σ ∂L/∂y · y, whose gradient by y is ∂L/∂y."""
    return float((at["grad_y"] * convolve(at["x"], at["weight"], at["bias"], **pairs(at))).sum())


CLAIMS = (
    Claim(
        topic="convolution",
        name="output shape, 200 geometries",
        source=SOURCE,
        section="1.1",
        draw=draw_geometries,
        formula=name_shapes,
        by_hand=count_shapes,
        numerical=measure_shapes,
        autograd=ask_torch_shapes,
    ),
    Claim(
        topic="convolution",
        name="y, ∂L/∂x, ∂L/∂weight, ∂L/∂bias",
        source=SOURCE,
        section="1.3",
        draw=draw_images,
        formula=answer,
        by_hand=compute_by_loops,
        numerical=slopes_of(weigh),
        autograd=ask_torch,
    ),
)

"""Augmentation of whole batches, with fresh random numbers for every face.

In: float images (N, 1, H, W) in [0, 1], an `AugmentConfig`, a generator on the same device. Out: the same shape and
range. Rotation, shift, scale and perspective are one homography and so one interpolation: cheaper than one warp each,
and the face is blurred once instead of four times. Same generator state, same batch.
"""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from mien.recipes.schema import AugmentConfig

SMALLEST_ERASED_AREA = 0.02
LONGEST_ERASED_SIDE = 3.3
"""Smallest area and largest ratio of sides of an erased rectangle (Zhong et al. 2020, section 4.2)."""


@final
class Dice:
    """Random numbers for some faces of a batch: those that they get when the whole batch is in one place.

    Processes that share a batch draw the same numbers for all of it, and each takes those of its own faces.

    Args:
        generator: lives on the device of the faces.
        faces: number of faces of the whole batch.
        share: which of them are here.
    """

    def __init__(self, generator: Generator, faces: int, share: slice = slice(None)) -> None:
        self.generator, self.faces, self.share = generator, faces, share

    def uniform(self, low: float, high: float) -> Tensor:
        """Return (N, 1, 1, 1) numbers drawn evenly between `low` and `high`, one for each face."""
        drawn = torch.rand((self.faces, 1, 1, 1), generator=self.generator, device=self.generator.device)
        return low + (high - low) * drawn[self.share]

    def normal(self, height: int, width: int) -> Tensor:
        """Return (N, 1, height, width) normal numbers, one for each pixel."""
        shape = (self.faces, 1, height, width)
        return torch.randn(shape, generator=self.generator, device=self.generator.device)[self.share]


def augment(
    images: Tensor,
    config: AugmentConfig,
    generator: Generator,
    *,
    faces: int | None = None,
    share: slice = slice(None),
    side: int | None = None,
) -> Tensor:
    """Return a randomly changed copy of `images`.

    Args:
        images: float (N, 1, H, W) in [0, 1].
        config: how much of what; a step at zero is left out and draws no random numbers.
        generator: lives on the device of `images`.
        faces: number of faces in the batch that `images` are a share of; None: they are all of it.
        share: which of those are here; they change as they would if all were.
        side: of the pictures returned; None: that of `images`. The one interpolation makes both.
    """
    dice = Dice(generator, len(images) if faces is None else faces, share)
    if config.mirror:
        images = mirror(images, config.mirror, dice)
    resized = side is not None and side != images.shape[-1]
    if resized or config.rotation_degrees or config.shift or config.scale or config.perspective:
        images = warp(images, config, dice, side=side)
    if config.blur_probability:
        images = blur(images, config, dice)
    if config.brightness or config.contrast:
        images = relight(images, config, dice)
    if config.noise:
        deviation = config.noise * dice.uniform(0.0, 1.0)
        images = images + deviation * dice.normal(*images.shape[-2:])
    if config.erase_probability:
        images = erase(images, config, dice)
    return images.clamp(0.0, 1.0)


def mirror(images: Tensor, probability: float, dice: Dice) -> Tensor:
    """Return `images` with left and right swapped in each with `probability`."""
    return mirror_those(images, (dice.uniform(0.0, 1.0) < probability).view(-1))


def mirror_those(images: Tensor, chosen: Tensor) -> Tensor:
    """Return `images` (N, 1, H, W) with left and right swapped where `chosen` (N,) is True."""
    return torch.where(chosen.view(-1, 1, 1, 1), images.flip(-1), images)


def warp(images: Tensor, config: AugmentConfig, dice: Dice, *, side: int | None = None) -> Tensor:
    """Return `images` rotated, shifted, scaled and seen in perspective; what comes into view is reflected."""
    height, width = images.shape[-2:] if side is None else (side, side)
    matrices = draw_homographies(config, dice)
    y = ((torch.arange(height, device=images.device) + 0.5) * 2 / height - 1).view(1, -1, 1)
    x = ((torch.arange(width, device=images.device) + 0.5) * 2 / width - 1).view(1, 1, -1)
    weights = matrices.view(-1, 3, 3, 1, 1)
    planes = [row[:, 0] * x + row[:, 2] + row[:, 1] * y for row in weights.unbind(1)[: 3 if config.perspective else 2]]
    grid = torch.stack(planes[:2], dim=-1)
    if config.perspective:  # otherwise the third plane is 1
        grid = grid / planes[2].unsqueeze(-1)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def draw_homographies(config: AugmentConfig, dice: Dice) -> Tensor:
    """Return (N, 3, 3): from output to input coordinates, both from -1 to 1 across the image."""

    def draw(limit: float) -> Tensor:
        return dice.uniform(-limit, limit).view(-1)

    angle = draw(math.radians(config.rotation_degrees))
    zoom = 1.0 / (1.0 + draw(config.scale))
    shift_x, shift_y = draw(2.0 * config.shift), draw(2.0 * config.shift)
    # An edge that is p nearer than the opposite one: the homogeneous coordinate runs from 1 - p/2 to 1 + p/2.
    tilt_x, tilt_y = draw(config.perspective / 2.0), draw(config.perspective / 2.0)
    cosine, sine, one = torch.cos(angle) * zoom, torch.sin(angle) * zoom, torch.ones_like(angle)
    if config.unwarped:
        still = (dice.uniform(0.0, 1.0) < config.unwarped).view(-1)
        cosine, moves = cosine.masked_fill(still, 1.0), (sine, shift_x, shift_y, tilt_x, tilt_y)
        sine, shift_x, shift_y, tilt_x, tilt_y = (value.masked_fill(still, 0.0) for value in moves)
    rows = (cosine, -sine, shift_x, sine, cosine, shift_y, tilt_x, tilt_y, one)
    return torch.stack(rows, dim=-1).view(-1, 3, 3)


def blur(images: Tensor, config: AugmentConfig, dice: Dice) -> Tensor:
    """Return `images` blurred, some of them, each by a Gaussian of its own width (two passes, one per axis)."""
    count, _, height, width = images.shape
    radius = min(math.ceil(3.0 * config.blur_sigma), min(height, width) - 1)
    sigma = dice.uniform(0.05, config.blur_sigma).view(-1, 1)
    left = dice.uniform(0.0, 1.0).view(-1, 1) >= config.blur_probability
    sigma = sigma.masked_fill(left, 0.05)  # so narrow that only the centre weighs: the image stays as it is
    offsets = torch.arange(-radius, radius + 1, device=images.device)
    kernel = torch.softmax(-(offsets**2) / (2.0 * sigma**2), dim=-1)
    flat = F.pad(images.view(1, count, height, width), (radius, radius, radius, radius), mode="reflect")
    flat = F.conv2d(flat, kernel.view(count, 1, -1, 1), groups=count)
    return F.conv2d(flat, kernel.view(count, 1, 1, -1), groups=count).view_as(images)


def relight(images: Tensor, config: AugmentConfig, dice: Dice) -> Tensor:
    """Return `images` with contrast scaled about the mean of each, and brightness shifted."""
    means = images.mean(dim=(1, 2, 3), keepdim=True)
    contrast = 1.0 + dice.uniform(-config.contrast, config.contrast)
    brightness = dice.uniform(-config.brightness, config.brightness)
    return (images - means) * contrast + means + brightness


def erase(images: Tensor, config: AugmentConfig, dice: Dice) -> Tensor:
    """Return `images` with a rectangle of one random grey in some of them (Random Erasing, Zhong et al. 2020)."""
    height, width = images.shape[-2:]
    area = dice.uniform(min(SMALLEST_ERASED_AREA, config.erase_area), config.erase_area)
    ratio = torch.exp(dice.uniform(-1.0, 1.0) * math.log(LONGEST_ERASED_SIDE))
    half_height, half_width = torch.sqrt(area * ratio) * height / 2.0, torch.sqrt(area / ratio) * width / 2.0
    row, column = dice.uniform(0.0, height), dice.uniform(0.0, width)
    rows = torch.arange(height, device=images.device).view(1, 1, -1, 1) + 0.5
    columns = torch.arange(width, device=images.device).view(1, 1, 1, -1) + 0.5
    inside = ((rows - row).abs() < half_height) & ((columns - column).abs() < half_width)
    chosen = dice.uniform(0.0, 1.0) < config.erase_probability
    return torch.where(inside & chosen, dice.uniform(0.0, 1.0), images)

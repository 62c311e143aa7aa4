"""Augmentation: reproducible, in range, different for every face, and each step does what its name says."""

import math

import numpy as np
import pytest
import torch

from mien.recipes.schema import AugmentConfig
from mien.training.augment import Dice, augment, blur, draw_homographies, erase, mirror, relight, warp

EVERYTHING = AugmentConfig(
    mirror=0.5,
    rotation_degrees=15.0,
    shift=0.1,
    scale=0.1,
    perspective=0.2,
    brightness=0.1,
    contrast=0.2,
    blur_probability=0.5,
    noise=0.05,
    erase_probability=0.5,
)
NOTHING = AugmentConfig(mirror=0.0)


def generator(seed: int = 0) -> torch.Generator:
    """Return a seeded generator."""
    return torch.Generator().manual_seed(seed)


def dice(faces: int, seed: int = 0) -> Dice:
    """Return the numbers for a whole batch."""
    return Dice(generator(seed), faces)


@pytest.fixture
def images() -> torch.Tensor:
    """Return (16, 1, 24, 24) smooth pictures, all equal, so that differences come from augmentation alone."""
    rows, columns = torch.meshgrid(torch.linspace(0, 1, 24), torch.linspace(0, 1, 24), indexing="ij")
    return (0.3 + 0.4 * rows * columns).expand(16, 1, 24, 24).clone()


def test_the_same_seed_gives_the_same_batch_and_another_seed_another(images: torch.Tensor) -> None:
    """Reproducibility is the point of passing the generator."""
    first = augment(images, EVERYTHING, generator(3))
    assert torch.equal(first, augment(images, EVERYTHING, generator(3)))
    assert not torch.equal(first, augment(images, EVERYTHING, generator(4)))


def test_every_face_of_a_batch_is_changed_in_its_own_way(images: torch.Tensor) -> None:
    """Equal faces come out pairwise different."""
    changed = augment(images, EVERYTHING, generator())
    assert len(images) == len(torch.unique(changed.flatten(1), dim=0))


def test_augmented_images_keep_shape_and_range(images: torch.Tensor) -> None:
    """Noise and brightness never leave [0, 1]."""
    changed = augment(images, AugmentConfig(brightness=1.0, noise=1.0, contrast=0.9), generator())
    assert images.shape == changed.shape
    assert changed.min() >= 0.0
    assert changed.max() <= 1.0


def test_nothing_asked_for_changes_nothing_and_draws_nothing(images: torch.Tensor) -> None:
    """A step at zero is free."""
    source = generator()
    before = source.get_state()
    assert torch.equal(images, augment(images, NOTHING, source))
    assert torch.equal(before, source.get_state())


def test_mirror_swaps_left_and_right_in_about_the_asked_fraction(images: torch.Tensor) -> None:
    """With probability one, all; with a quarter, about a quarter."""
    assert torch.equal(images.flip(-1), mirror(images, 1.0, dice(16)))
    many = images[:1].expand(4000, 1, 24, 24)
    swapped = (mirror(many, 0.25, dice(len(many))) != many).flatten(1).any(1).double().mean()
    assert swapped == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("processes", [2, 3])
def test_the_shares_of_several_processes_are_the_batch_of_one(images: torch.Tensor, processes: int) -> None:
    """Each process draws the numbers of the whole batch and takes those of its own faces."""
    whole = augment(images, EVERYTHING, generator(3))
    for process in range(processes):
        share = slice(process, None, processes)
        own = augment(images[share], EVERYTHING, generator(3), faces=len(images), share=share)
        torch.testing.assert_close(whole[share], own, rtol=0, atol=1e-6)


def test_a_warp_by_nothing_is_the_identity(images: torch.Tensor) -> None:
    """The grid of the warp meets the pixel centres exactly."""
    torch.testing.assert_close(images, warp(images, NOTHING, dice(16)), atol=1e-5, rtol=0)


@pytest.mark.parametrize("perspective", [0.0, 0.1])
def test_a_warp_agrees_with_the_same_homography_applied_point_by_point(
    images: torch.Tensor, perspective: float
) -> None:
    """A smooth picture, sampled where its own formula says, has the values that the warp interpolates."""
    config = AugmentConfig(rotation_degrees=10.0, scale=0.1, shift=0.05, perspective=perspective)
    matrices = draw_homographies(config, dice(16, seed=5)).numpy()
    warped = warp(images, config, dice(16, seed=5)).numpy()[:, 0]
    side = images.shape[-1]
    centres = (np.arange(side) + 0.5) * 2 / side - 1
    for face in range(3):
        for row in range(8, 16):
            for column in range(8, 16):
                x, y, w = matrices[face] @ np.array([centres[column], centres[row], 1.0])
                across, down = (((value / w + 1) * side / 2 - 0.5) / (side - 1) for value in (x, y))
                assert warped[face, row, column] == pytest.approx(0.3 + 0.4 * across * down, abs=2e-3)


def test_drawn_homographies_stay_within_the_asked_limits() -> None:
    """The angle of a pure rotation never exceeds its limit, and reaches near it."""
    matrices = draw_homographies(AugmentConfig(rotation_degrees=20.0), dice(2000))
    degrees = torch.rad2deg(torch.atan2(matrices[:, 1, 0], matrices[:, 0, 0]))
    assert degrees.abs().max() <= 20.0 + 1e-3
    assert degrees.abs().max() > 19.0


def test_blur_keeps_the_mean_and_lowers_the_contrast_of_chosen_faces_only() -> None:
    """Noise loses variance under blur; with probability zero it stays as it was."""
    noise = torch.rand((8, 1, 24, 24), generator=generator())
    blurred = blur(noise, AugmentConfig(blur_probability=1.0, blur_sigma=2.0), dice(8))
    assert blurred.mean() == pytest.approx(noise.mean().item(), abs=0.02)
    assert (blurred.flatten(1).std(1) < noise.flatten(1).std(1)).sum() >= 7
    torch.testing.assert_close(noise, blur(noise, AugmentConfig(blur_probability=0.0), dice(8)))


def test_contrast_turns_about_the_mean_of_each_face(images: torch.Tensor) -> None:
    """Contrast alone leaves the mean alone."""
    changed = relight(images, AugmentConfig(contrast=0.5), dice(16))
    torch.testing.assert_close(images.mean((1, 2, 3)), changed.mean((1, 2, 3)))
    assert changed.flatten(1).std(1).unique().numel() == len(images)


def test_erasing_changes_at_most_the_asked_area() -> None:
    """The erased rectangle is inside its largest area, and some faces stay whole."""
    white = torch.full((200, 1, 32, 32), 2.0)  # a grey level that erasing never draws
    erased = (erase(white, AugmentConfig(erase_probability=0.5, erase_area=0.2), dice(200)) != 2.0).flatten(1)
    assert erased.any(1).double().mean() == pytest.approx(0.5, abs=0.12)
    side = 2 * math.sqrt(0.2 * 3.3) + 3 / 32  # rounding to whole pixels adds up to a row and a column
    assert erased.double().mean(1).max() <= 0.2 + side / 32 * 2


def test_noise_has_at_most_the_asked_deviation() -> None:
    """Each face draws its own deviation between zero and the limit."""
    grey = torch.full((300, 1, 24, 24), 0.5)
    deviations = (augment(grey, AugmentConfig(mirror=0.0, noise=0.1), generator()) - 0.5).flatten(1).std(1)
    assert deviations.max() < 0.11
    assert deviations.mean() == pytest.approx(0.05, abs=0.01)

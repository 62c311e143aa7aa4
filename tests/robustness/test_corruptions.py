"""Every corruption: shape, type, chance, and that more of it is more."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image

from mien.errors import ConfigError, DataError
from mien.faces import Images
from mien.robustness import CORRUPTIONS, SEVERITIES, corrupt
from mien.robustness.corruptions import CHUNK, choose_corruptions, choose_severities, distort, start_chance
from mien.robustness.covering import EYES
from mien.synthetic import load_synthetic

NAMES = tuple(CORRUPTIONS)
AMOUNTS = {
    ("gaussian-blur", 3): 1,
    ("gaussian-blur", 5): 2,
    ("gaussian-noise", 3): 10,
    ("gaussian-noise", 5): 25,
    ("dark", 3): 0.4,
    ("bright", 3): 1.5,
    ("contrast", 3): 0.4,
    ("jpeg", 3): 20,
    ("low-resolution", 3): 24,
    ("low-resolution", 5): 16,
    ("rotation", 2): 15,
    ("rotation", 3): 30,
    ("cover", 3): 1 / 3,
}
"""Amounts that figures elsewhere were taken at: one that moves makes them incomparable."""


@pytest.fixture(scope="module")
def faces() -> Images:
    """Return drawn faces of 48 pixels."""
    valid = load_synthetic(size=48).valid
    assert valid is not None
    return np.array(valid.images[:40])


@pytest.mark.parametrize("name", NAMES)
def test_every_corruption_keeps_shape_and_type_and_leaves_the_faces_alone(name: str, faces: Images) -> None:
    """New uint8 faces come out, also of pictures that are not square, and of none."""
    before = faces.copy()
    for images in (faces, faces[:5, :, 4:41], faces[:0]):
        for severity in (1, 5):
            shown = corrupt(images, name, severity)
            assert (images.shape, np.uint8) == (shown.shape, shown.dtype)
    assert np.array_equal(before, faces)


@pytest.mark.parametrize("name", NAMES)
def test_a_higher_severity_is_further_from_the_clean_face(name: str, faces: Images) -> None:
    """Mean absolute difference of grey values grows from each severity to the next."""
    distances = [np.abs(corrupt(faces, name, severity).astype(int) - faces).mean() for severity in SEVERITIES]
    assert sorted(distances) == distances
    assert 0.0 < 1.3 * distances[0] < distances[-1]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_pixels(name: str, faces: Images) -> None:
    """Another seed gives others, wherever chance has a part in it."""
    first = corrupt(faces, name, 3, seed=1)
    assert np.array_equal(first, corrupt(faces, name, 3, seed=1))
    by_rule = {"gaussian-blur", "dark", "bright", "contrast", "jpeg", "low-resolution", "tight-crop", "wide-crop"}
    assert (name in by_rule) == np.array_equal(first, corrupt(faces, name, 3, seed=2))


@pytest.mark.parametrize("name", NAMES)
def test_a_face_is_corrupted_alike_however_many_are_shown_at_a_time(name: str) -> None:
    """Blocks that begin at a multiple of `CHUNK`, their chance going on, are the whole."""
    images = np.random.default_rng(0).integers(0, 256, (2 * CHUNK + 3, 8, 8)).astype(np.uint8)
    rng = start_chance(CORRUPTIONS[name], 0)
    parts = [distort(images[:CHUNK], CORRUPTIONS[name], 3, rng), distort(images[CHUNK:], CORRUPTIONS[name], 3, rng)]
    assert np.array_equal(corrupt(images, name, 3), np.concatenate(parts))


def test_the_amounts_are_those_that_figures_were_taken_at() -> None:
    """And severities of one corruption go one way."""
    assert AMOUNTS == {key: CORRUPTIONS[key[0]].amounts[key[1] - 1] for key in AMOUNTS}
    for corruption in CORRUPTIONS.values():
        assert list(corruption.amounts) in (sorted(corruption.amounts), sorted(corruption.amounts, reverse=True))


def test_blur_is_a_gaussian_with_mirrored_borders() -> None:
    """As scipy's, cut off at three standard deviations."""
    ndimage = pytest.importorskip("scipy.ndimage")
    images = np.random.default_rng(0).integers(0, 256, (3, 48, 48)).astype(np.uint8)
    for severity, sigma in enumerate(CORRUPTIONS["gaussian-blur"].amounts, 1):
        reach = math.ceil(3 * sigma)
        filtered = (ndimage.gaussian_filter(one.astype(float), sigma, mode="mirror", radius=reach) for one in images)
        expected = np.stack(list(filtered))
        assert np.abs(corrupt(images, "gaussian-blur", severity) - expected).max() <= 0.51


def test_blur_grows_with_the_face() -> None:
    """A bar of a face of 96 pixels is blurred twice as wide as one of 48."""
    small, large = (np.zeros((1, side, side), np.uint8) for side in (48, 96))
    small[:, :, 24:], large[:, :, 48:] = 200, 200
    widths = [int(np.ptp(np.flatnonzero(np.diff(corrupt(one, "gaussian-blur", 5)[0, 5])))) for one in (small, large)]
    assert 1.8 * widths[0] < widths[1] < 2.4 * widths[0]


def test_noise_has_the_standard_deviation_that_it_says() -> None:
    """σ 10 on middle grey; 325 photons are about as much there, and less in the dark."""
    grey = np.full((40, 48, 48), 128, np.uint8)
    assert 10.0 == pytest.approx(corrupt(grey, "gaussian-noise", 3).std(), rel=0.03)
    assert 255 * math.sqrt(128 / 255 / 325) == pytest.approx(corrupt(grey, "shot-noise", 3).std(), rel=0.03)
    assert corrupt(grey // 4, "shot-noise", 3).std() < 6.0


def test_light_scales_grey_values_and_cuts_them_off() -> None:
    """0.4 of 200 is 80, 1.5 times 200 is white, 0.4 of the contrast of 28 is 88."""
    grey = np.full((1, 4, 4), 200, np.uint8)
    assert {80} == set(corrupt(grey, "dark", 3).ravel().tolist())
    assert {255} == set(corrupt(grey, "bright", 3).ravel().tolist())
    assert {88} == set(corrupt(np.full((1, 4, 4), 28, np.uint8), "contrast", 3).ravel().tolist())


def test_wrong_gamma_makes_some_faces_darker_and_others_brighter(faces: Images) -> None:
    """Black and white stay."""
    grey = np.full((50, 1, 3), (0, 128, 255), np.uint8)
    assert {(0, 64, 255), (0, 181, 255)} == {tuple(row) for row in corrupt(grey, "gamma", 3)[:, 0].tolist()}


def test_low_resolution_leaves_blocks() -> None:
    """What is finer than a new pixel is gone: a checkerboard of 24 pixels' blocks is plain grey."""
    board = np.indices((48, 48)).sum(0)[None] % 2 * 255
    assert set(corrupt(board.astype(np.uint8), "low-resolution", 3).ravel().tolist()) <= {127, 128}


def test_a_jpeg_is_that_of_pillow(faces: Images) -> None:
    """Quality 20."""
    file = io.BytesIO()
    Image.fromarray(faces[0]).save(file, "JPEG", quality=20)
    assert np.array_equal(np.asarray(Image.open(file)), corrupt(faces[:1], "jpeg", 3)[0])


def test_turning_goes_both_ways_around_the_middle() -> None:
    """A bar that stands upright leans by 30 degrees, in some faces to the left and in others to the right."""
    bar = np.zeros((30, 49, 49), np.uint8)
    bar[:, :, 23:26] = 255
    leans = []
    for shown in corrupt(bar, "rotation", 3):
        assert 255 == shown[24, 24]
        rows, columns = np.nonzero(shown[10:39] > 128)
        leans.append(round(math.degrees(math.atan(np.polyfit(rows, columns, 1)[0]))))
    assert {-30, 30} == {30 * round(lean / 30) for lean in leans}
    assert all(25 <= abs(lean) <= 35 for lean in leans)


def test_shifting_moves_a_face_by_a_part_of_its_side() -> None:
    """A dot in the middle of 49 pixels goes 0.12 x 49 pixels off it, whatever the direction."""
    dot = np.zeros((20, 49, 49), np.uint8)
    dot[:, 23:26, 23:26] = 255
    for shown in corrupt(dot, "shift", 3).astype(float):
        middle = [(shown.sum(axis) * np.arange(49)).sum() / shown.sum() for axis in (0, 1)]
        assert 0.12 * 49 == pytest.approx(math.dist(middle, (24, 24)), abs=0.15)


def test_crops_that_are_too_tight_enlarge_and_too_wide_ones_shrink() -> None:
    """A square of 24 pixels takes 24 / 0.75 or 24 x 0.7 of them."""
    square = np.zeros((1, 48, 48), np.uint8)
    square[:, 12:36, 12:36] = 255
    assert 32 == pytest.approx(math.sqrt(corrupt(square, "tight-crop", 3).sum() / 255), abs=0.5)
    assert 16.8 == pytest.approx(math.sqrt(corrupt(square, "wide-crop", 3).sum() / 255), abs=0.5)


def test_covers_hide_what_they_say() -> None:
    """A third anywhere, the lower part for a mask, the eyes for glasses."""
    grey = np.full((60, 48, 48), 100, np.uint8)
    hidden = corrupt(grey, "cover", 3) != 100
    rows = hidden.any(axis=2)
    assert {0, 16} >= set(rows.sum(axis=1).tolist())  # 0 where the band has the very grey of the face
    assert len({int(np.flatnonzero(row)[0]) for row in rows if row.any()}) > 8
    mask, glasses = (corrupt(grey, name, 3)[0] != 100 for name in ("mask", "glasses"))
    assert (29, 47) == (np.flatnonzero(mask.any(1)).min(), np.flatnonzero(mask.any(1)).max())
    assert EYES == pytest.approx((np.flatnonzero(glasses.any(1)).mean() + 0.5) / 48, abs=0.02)
    assert not mask[:, 0].any()
    assert not glasses[:, -1].any()


@pytest.mark.parametrize(
    ("name", "severity", "words"),
    [
        ("gausian-noise", 3, "`only` 'gausian-noise': expected some of .*did you mean gaussian-noise"),
        ("jpeg", 0, "`severity` 0: expected a whole number from 1 to 5"),
        ("jpeg", 2.5, "`severity` 2.5: expected a whole number"),
        ("jpeg", True, "`severity` True: expected a whole number"),
    ],
)
def test_a_name_or_severity_that_is_none_is_told(name: str, severity: int, words: str, faces: Images) -> None:
    """In one line."""
    with pytest.raises(ConfigError, match=words):
        corrupt(faces, name, severity)


def test_other_pictures_are_refused(faces: Images) -> None:
    """Floats, and a single picture."""
    for images in (faces / 255.0, faces[0], "faces.png"):
        with pytest.raises(DataError, match=r"expected uint8 \(N, H, W\), found"):
            corrupt(images, "jpeg", 1)  # type: ignore[arg-type]


def test_several_names_and_severities_are_read_from_text_and_lists() -> None:
    """In the usual order, each once; of none asked for, all."""
    assert ["dark", "jpeg"] == [one.name for one in choose_corruptions("jpeg, dark,jpeg")]
    assert NAMES == tuple(one.name for one in choose_corruptions(None))
    assert (1, 5) == choose_severities("5,1,5") == choose_severities([5, 1]) == choose_severities((1, 5))
    assert ((3,), SEVERITIES) == (choose_severities(3), choose_severities(None))
    for empty in (lambda: choose_corruptions([]), lambda: choose_severities([])):
        with pytest.raises(ConfigError, match="found none"):
            empty()

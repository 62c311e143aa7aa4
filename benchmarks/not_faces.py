"""Pictures that are no faces: drawn ones by kind, and pieces of photographs. Out: grey squares, uint8 (N, S, S).

`TAUGHT` are the kinds that the network's readability is fitted to, `KEPT` those that it is only measured on: other
generators, none of which resembles another but in being no face.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

SIDE = 48
Picture = npt.NDArray[np.uint8]
Field = npt.NDArray[np.floating]
Draw = Callable[[np.random.Generator], Field]


def draw_plain(rng: np.random.Generator) -> Field:
    """Return one grey, in half of all cases with a little noise, as of a covered lens."""
    grey = rng.choice([0.0, 255.0, rng.uniform(0, 255)], p=[0.2, 0.2, 0.6])
    return np.full((SIDE, SIDE), grey) + rng.normal(0, rng.choice([0.0, rng.uniform(0.5, 6)]), (SIDE, SIDE))


def draw_slope(rng: np.random.Generator) -> Field:
    """Return a grey that changes evenly in one direction."""
    angle, (first, last) = rng.uniform(0, 2 * np.pi), rng.uniform(0, 255, 2)
    x, y = np.meshgrid(np.linspace(-1, 1, SIDE), np.linspace(-1, 1, SIDE))
    along = (x * np.cos(angle) + y * np.sin(angle)) / np.sqrt(2)
    return first + (last - first) * (along + 1) / 2 + rng.normal(0, rng.uniform(0, 4), (SIDE, SIDE))


def draw_noise(rng: np.random.Generator) -> Field:
    """Return independent pixels, Gaussian or even."""
    if rng.random() < 0.5:
        return rng.uniform(0, 255, (SIDE, SIDE))
    return rng.normal(rng.uniform(40, 215), rng.uniform(8, 90), (SIDE, SIDE))


def draw_clouds(rng: np.random.Generator) -> Field:
    """Return smooth noise: a few random greys, enlarged, some of them in several layers."""
    canvas = np.zeros((SIDE, SIDE))
    for cells in rng.choice([2, 3, 4, 6, 8, 12, 16, 24], rng.integers(1, 4), replace=False):
        coarse = rng.normal(0, 1, (cells, cells)).astype(np.float32)
        canvas += cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) / np.sqrt(cells)
    return stretch(canvas, rng)


def draw_stripes(rng: np.random.Generator) -> Field:
    """Return waves of one direction, soft or hard, sometimes crossed by others."""
    x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    canvas = np.zeros((SIDE, SIDE))
    for _ in range(rng.integers(1, 3)):
        angle, length = rng.uniform(0, np.pi), rng.uniform(3, 30)
        canvas += np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / length + rng.uniform(0, 7))
    return stretch(np.sign(canvas) if rng.random() < 0.4 else canvas, rng)


def draw_shapes(rng: np.random.Generator) -> Field:
    """Return some rectangles, discs and lines on a grey."""
    canvas = np.full((SIDE, SIDE), rng.uniform(0, 255), np.float32)
    for _ in range(rng.integers(1, 12)):
        grey, thick = float(rng.uniform(0, 255)), int(rng.choice([-1, -1, 1, 3]))
        one, other = (tuple(map(int, rng.integers(-8, SIDE + 8, 2))) for _ in range(2))
        kind = rng.integers(3)
        if kind == 0:
            cv2.rectangle(canvas, one, other, grey, thick)
        elif kind == 1:
            cv2.circle(canvas, one, int(rng.integers(2, 30)), grey, thick, cv2.LINE_AA)
        else:
            cv2.line(canvas, one, other, grey, int(rng.integers(1, 6)), cv2.LINE_AA)
    return soften(canvas, rng)


def draw_even(rng: np.random.Generator) -> Field:
    """Return black, white or the middle, exactly."""
    return np.full((SIDE, SIDE), float(rng.choice([0, 1, 127, 128, 254, 255])))


def draw_glow(rng: np.random.Generator) -> Field:
    """Return a round glow or shade: a lamp, a vignette."""
    x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    far = np.hypot(x - rng.uniform(0, SIDE), y - rng.uniform(0, SIDE)) / rng.uniform(10, 50)
    return stretch(np.exp(-(far ** rng.uniform(1, 3))), rng)


def draw_specks(rng: np.random.Generator) -> Field:
    """Return salt and pepper, or Laplace noise, on a grey or a slope."""
    canvas = draw_slope(rng)
    if rng.random() < 0.5:
        return canvas + rng.laplace(0, rng.uniform(5, 60), canvas.shape)
    hit = rng.random(canvas.shape) < rng.uniform(0.02, 0.6)
    return np.where(hit, rng.choice([0.0, 255.0], canvas.shape), canvas)


def draw_mosaic(rng: np.random.Generator) -> Field:
    """Return squares of random greys: a mosaic, a board."""
    cells = int(rng.choice([2, 3, 4, 6, 8, 12, 16]))
    greys = rng.choice(rng.uniform(0, 255, int(rng.integers(2, 6))), (cells, cells))
    return np.kron(greys, np.ones((SIDE // cells, SIDE // cells)))


def draw_words(rng: np.random.Generator) -> Field:
    """Return letters and digits: signs, pages, pictures that say that there is none."""
    ink, paper = (int(grey) for grey in rng.choice([0, 40, 90, 165, 215, 255], 2, replace=False))
    image = Image.new("L", (SIDE, SIDE), paper)
    pen, letters = ImageDraw.Draw(image), list("ABCDEFGHKLMNPRSTUVWXYZabdeghkmnprt0123456789 ")
    for top in range(int(rng.integers(-4, 8)), SIDE, size := int(rng.integers(7, 30))):
        text = "".join(rng.choice(letters, int(rng.integers(2, 10))))
        pen.text((int(rng.integers(-4, 12)), top), text, fill=ink, font=ImageFont.load_default(size=size))
    return np.asarray(image, np.float64)


def draw_polygons(rng: np.random.Generator) -> Field:
    """Return overlapping polygons with three to six corners, as of walls, roofs and paper."""
    canvas = np.full((SIDE, SIDE), rng.uniform(0, 255), np.float32)
    for _ in range(rng.integers(2, 9)):
        corners = rng.integers(-12, SIDE + 12, (int(rng.integers(3, 7)), 2)).astype(np.int32)
        cv2.fillPoly(canvas, [corners], float(rng.uniform(0, 255)), cv2.LINE_AA)
    return soften(canvas, rng)


TAUGHT: dict[str, Draw] = {
    "plain": draw_plain,
    "slopes": draw_slope,
    "noise": draw_noise,
    "clouds": draw_clouds,
    "stripes": draw_stripes,
    "shapes": draw_shapes,
}
KEPT: dict[str, Draw] = {
    "black, white, grey": draw_even,
    "glows": draw_glow,
    "specks": draw_specks,
    "mosaics": draw_mosaic,
    "letters": draw_words,
    "polygons": draw_polygons,
}


def draw_all(draw: Draw, count: int, seed: int) -> Picture:
    """Return uint8 (count, S, S) of one kind."""
    rng = np.random.default_rng(seed)
    return np.stack([np.clip(np.rint(draw(rng)), 0, 255) for _ in range(count)]).astype(np.uint8)


def turn_away(faces: Picture, seed: int) -> Picture:
    """Return heads as from behind, uint8 (N, S, S): faces whose middle is covered by what is at their upper rim.

    That is hair most often, else skin: a head without features in the surroundings of a real one.
    """
    rng = np.random.default_rng(seed)
    return np.stack([_turn_away(face, rng) for face in faces])


def _turn_away(face: Picture, rng: np.random.Generator) -> Picture:
    side = len(face)
    strip = face[: int(side * rng.uniform(0.1, 0.25)), int(side * 0.15) : int(side * 0.85)]
    tiled = np.pad(strip, ((0, side - len(strip)), (0, 0)), "reflect" if rng.random() < 0.5 else "symmetric")
    hair = cv2.resize(tiled, (side, side), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    hair = cv2.GaussianBlur(hair, (0, 0), rng.uniform(0.3, 2.5))
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), rng.uniform(-40, 40), rng.uniform(1, 1.6))
    hair = cv2.warpAffine(hair, turn, (side, side), borderMode=cv2.BORDER_REFLECT)
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    middle, axes = side * rng.uniform(0.46, 0.56, 2), side * rng.uniform((0.36, 0.42), (0.46, 0.54))
    far = np.hypot((x - middle[0]) / axes[0], (y - middle[1]) / axes[1])
    cover = 1 / (1 + np.exp((far - 1) * rng.uniform(8, 30)))
    seen = cover * (hair * rng.uniform(0.6, 1.2) + rng.uniform(-15, 15)) + (1 - cover) * face
    return np.clip(np.rint(seen + rng.normal(0, rng.uniform(0, 5), face.shape)), 0, 255).astype(np.uint8)


def stretch(canvas: Field, rng: np.random.Generator) -> Field:
    """Return a canvas with random limits of its greys."""
    low, high = canvas.min(), canvas.max()
    first, last = rng.uniform(0, 255, 2)
    return (
        first + (last - first) * (canvas - low) / max(high - low, 1e-9) + rng.normal(0, rng.uniform(0, 5), canvas.shape)
    )


def soften(canvas: Field, rng: np.random.Generator) -> Field:
    """Return a canvas as a camera might see it: half of the time a little blurred, with a little noise."""
    seen = cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.3, 2)) if rng.random() < 0.5 else canvas
    return np.asarray(seen + rng.normal(0, rng.uniform(0, 6), canvas.shape))

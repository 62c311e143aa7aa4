"""From people and action units to pictures: pose, light, what stands before the face, and the camera.

In: labels, or traits and intensities, and a generator. Out: uint8 (N, size, size).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mien.faces import Images
from mien.synthetic.features import draw_parts
from mien.synthetic.shapes import Plane, clip_unit, cover, paint
from mien.synthetic.units import Field, add_effects

CHUNK_PIXELS = 64 * 48 * 48
"""Pixels drawn at once: their fields stay in the processor's cache, which halves the time, and memory stays small."""


def draw_people(traits: Mapping[str, Field], intensities: Field, rng: np.random.Generator, size: int) -> Images:
    """Return uint8 (N, size, size): the people of `traits`, showing action units at `intensities` (N, units)."""
    faces = {**traits, **add_effects(intensities)}
    chunk = max(1, CHUNK_PIXELS // size**2)
    parts = [slice(start, start + chunk) for start in range(0, len(intensities), chunk)]
    drawn = [_draw_chunk({name: value[part] for name, value in faces.items()}, rng, size) for part in parts]
    return np.concatenate(drawn) if drawn else np.empty((0, size, size), np.uint8)


def _draw_chunk(face: Mapping[str, Field], rng: np.random.Generator, size: int) -> Images:
    x, y = _grid(size)
    canvas = face["backdrop"] + face["backdrop_slope"] * (x + y)
    draw_parts(canvas, _pose(x, y, face, size), face)
    _light(canvas, x, y, face)
    _put_before(canvas, x, y, face)
    return _photograph(canvas, face, rng)


def _grid(size: int) -> tuple[Field, Field]:
    """Return x (1, 1, size) and y (1, size, 1): pixel centres from -1 to 1."""
    axis = ((np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / size)) - np.float32(1)
    return axis[None, None, :], axis[None, :, None]


def _turn(x: Field, y: Field, degrees: Field) -> tuple[Field, Field]:
    """Return the coordinates turned by `degrees`; angles in float64, so that sin and cos round alike everywhere."""
    angle = np.radians(degrees.astype(np.float64))
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    return cos * x + sin * y, cos * y - sin * x


def _pose(x: Field, y: Field, face: Mapping[str, Field], size: int) -> Plane:
    """Return the plane of faces that are moved, scaled and rolled, and turned a little to the side and up or down."""
    across, down = _turn(x - face["shift_x"], y - face["shift_y"], face["roll_degrees"])
    scale = np.float32(1.04) / face["zoom"]
    across, down = across * scale, down * scale
    # A turned head moves its middle, not its outline: a bulge that fades towards the rim.
    bulge = clip_unit(1 - across**2 - (0.8 * down) ** 2)
    across, down = across + face["yaw"] * bulge, down + face["pitch"] * bulge
    side = np.where(across < 0, np.float32(-1), np.float32(1))
    return Plane(across=across, down=down, outward=np.abs(across), side=side, pixel=scale * np.float32(2 / size))


def _light(canvas: Field, x: Field, y: Field, face: Mapping[str, Field]) -> None:
    """Make one side of the picture brighter than the other."""
    towards, _ = _turn(x, y, face["light_degrees"])
    canvas *= 1 + face["light_strength"] * towards


def _put_before(canvas: Field, x: Field, y: Field, face: Mapping[str, Field]) -> None:
    """Put a bar or a hand before some faces."""
    for draw, name, threshold in ((_draw_bar, "barred", 0.9), (_draw_hand, "handed", 0.9)):
        shown = np.flatnonzero(face[name] > threshold)
        some = canvas[shown]
        draw(some, x, y, {key: value[shown] for key, value in face.items()})
        canvas[shown] = some


def _draw_bar(canvas: Field, x: Field, y: Field, face: Mapping[str, Field]) -> None:
    across, _ = _turn(x, y, face["bar_degrees"])
    edge = np.abs(across - face["bar_offset"]) - face["bar_width"]
    paint(canvas, face["bar_tone"], cover(edge, np.float32(2 / x.size)))


def _draw_hand(canvas: Field, x: Field, y: Field, face: Mapping[str, Field]) -> None:
    """Paint four fingers that reach in from one side."""
    side = np.where(face["hand_side"] < 0, np.float32(-1), np.float32(1))
    along, over = _turn(1 - side * x, y - face["hand_height"], face["hand_degrees"])
    # Fingers are one shape repeated: `bend` is 0 in the middle of each and 1 between two.
    place = over * np.float32(1 / 0.2)
    bend = (np.abs(place - np.floor(place) - np.float32(0.5)) * 2) ** 2
    edge = np.maximum(along - face["hand_reach"] + 0.1 * bend, np.abs(over) - 0.4)
    tone = face["skin"] * (1.05 - 0.4 * bend**2)
    paint(canvas, tone, cover(edge, np.float32(2 / x.size)))


def _photograph(canvas: Field, face: Mapping[str, Field], rng: np.random.Generator) -> Images:
    """Return the canvas as a camera with little contrast, blur and noise would record it."""
    canvas = (canvas - 128) * face["contrast"] + (128 + face["brightness"])
    wide = np.pad(canvas, ((0, 0), (1, 1), (1, 1)), mode="edge")
    around = wide[:, :-2, 1:-1] + wide[:, 2:, 1:-1] + wide[:, 1:-1, :-2] + wide[:, 1:-1, 2:]
    canvas += face["blur"] * (around - 4 * canvas)
    canvas += face["noise"] * rng.standard_normal(canvas.shape, np.float32)
    return np.clip(np.rint(canvas), 0, 255).astype(np.uint8)

"""The parts of a face, painted one over the other, and who shows them.

In: a canvas (N, H, W), the plane of the faces, and each face's traits and controls (what the action units move) by
name. Out: the canvas, painted in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from mien.synthetic.shapes import Plane, box, clip_unit, ellipse, paint
from mien.synthetic.units import Field

Face = Mapping[str, Field]


def draw_parts(canvas: Field, plane: Plane, face: Face) -> None:
    """Paint every part of `PARTS` on the faces that show it."""
    for draw, name, threshold in PARTS:
        shown = np.flatnonzero(face[name] > threshold)
        if len(shown) == len(canvas):
            draw(canvas, plane, face)
        elif len(shown):
            some = canvas[shown]
            draw(some, plane.take(shown), {key: value[shown] for key, value in face.items()})
            canvas[shown] = some


def _draw_hair_behind(canvas: Field, plane: Plane, face: Face) -> None:
    x, y = plane.outward, plane.down
    back = np.maximum(ellipse(x, y + 0.12, face["face_width"] + face["hair_width"], 1.0), y - face["hair_length"])
    paint(canvas, face["hair"] * 0.8, plane.cover(back, 2))


def _draw_head(canvas: Field, plane: Plane, face: Face) -> None:
    skin, width, x, y = face["skin"], face["face_width"], plane.outward, plane.down
    paint(canvas, face["shirt"], plane.cover(ellipse(x, y - 2.05, 1.35, 0.85)))
    paint(canvas, skin * 0.72, plane.cover(box(x, y - 1.0, width * 0.5, 0.4)))
    paint(canvas, skin * 0.85, plane.cover(ellipse(x - width, y - 0.02, 0.09, 0.17)))
    shade = 1.04 - 0.22 * (x / width) ** 2
    paint(canvas, skin * shade, plane.cover(_outline(plane, face)))


def _outline(plane: Plane, face: Face) -> Field:
    """Return the distance to the face's edge: its lower half narrows to the chin, a dropped jaw lengthens it."""
    chin = 0.96 + face["jaw"]
    low = clip_unit(plane.down / chin)
    narrowing = 1 - (1 - face["jaw_width"]) * low * low
    length = 0.96 + face["jaw"] * (plane.down > 0)
    return ellipse(plane.outward / narrowing, plane.down, face["face_width"], length)


def _draw_fringe(canvas: Field, plane: Plane, face: Face) -> None:
    line = face["hairline"] + face["parting"] * plane.across + 0.5 * plane.across**2
    head = ellipse(plane.outward, plane.down, face["face_width"] + 0.03, 0.99)
    paint(canvas, face["hair"], plane.cover(np.maximum(plane.down - line, head), 1.5))


def _draw_beard(canvas: Field, plane: Plane, face: Face) -> None:
    x, y = plane.outward, plane.down
    edge = np.maximum(_outline(plane, face), face["nose_length"] + 0.14 - 0.5 * x**2 - y)
    bare = -ellipse(x, y - face["mouth_height"] - 0.03, face["mouth_breadth"] + 0.02, 0.1)
    paint(canvas, face["hair"] * 0.7 + 0.2 * face["skin"], 0.7 * plane.cover(np.maximum(edge, bare), 3))


def _brow_top(plane: Plane, face: Face) -> Field:
    return face["eye_height"] - face["brow_distance"] + face["asymmetry"] * plane.side


def _draw_brows(canvas: Field, plane: Plane, face: Face) -> None:
    x, top = plane.outward, _brow_top(plane, face)
    inner_x = 0.13 + face["brow_gap"]
    along = (x - inner_x) / (face["eye_gap"] + face["eye_width"] + 0.06 - inner_x)
    inner, outer = top + face["brow_slope"] - face["brow_inner"], top - face["brow_outer"]
    arch = (0.05 + face["brow_arch"]) * 4 * along * (1 - along)
    off = np.abs(plane.down - inner - (outer - inner) * along + arch) - face["brow_weight"] * (1.2 - 0.6 * along)
    tone = np.minimum(face["hair"], face["skin"] * 0.75) * 0.55
    paint(canvas, tone, plane.cover(np.maximum(off, np.maximum(inner_x - x, (along - 1) * 0.4)), 1.3))


def _draw_frown(canvas: Field, plane: Plane, face: Face) -> None:
    lines = box(plane.outward - 0.055, plane.down - _brow_top(plane, face) - 0.06, 0.018, 0.12)
    paint(canvas, face["skin"] * 0.5, plane.cover(lines, 1.5) * (0.7 * face["frown"]))


def _draw_forehead(canvas: Field, plane: Plane, face: Face) -> None:
    ripple = np.abs(plane.down + 0.62 + 0.06 * (plane.outward - 0.4) ** 2)
    lines = np.maximum(np.minimum(ripple, np.abs(ripple - 0.13)) - 0.012, plane.outward - 0.38)
    paint(canvas, face["skin"] * 0.6, plane.cover(lines, 1.5) * (0.5 * face["forehead"]))


def _draw_eyes(canvas: Field, plane: Plane, face: Face) -> None:
    skin, width = face["skin"], face["eye_width"]
    x = plane.outward - face["eye_gap"]
    y = plane.down - face["eye_height"] + face["eye_tilt"] * x
    bow = 1 - (x / width) ** 2
    upper = y + (face["eye_opening"] + face["lid_top"]) * bow
    lower = y - (0.65 * face["eye_opening"] + face["lid_bottom"]) * bow
    within = plane.cover(np.maximum(-upper, lower))
    paint(canvas, 0.35 * skin + 160, within)
    _draw_iris(canvas, plane, face, within, x - face["gaze"] * plane.side, y)
    beyond = np.abs(x) - width
    paint(canvas, skin * 0.22, plane.cover(np.maximum(np.abs(upper) - 0.022, beyond - 0.02)))
    weight = 0.55 + 0.45 * clip_unit(face["lid_line"] + face["cheek"])
    paint(canvas, skin * 0.45, plane.cover(np.maximum(np.abs(lower) - 0.012, beyond)) * weight)


def _draw_iris(canvas: Field, plane: Plane, face: Face, within: Field, x: Field, y: Field) -> None:
    edge = ellipse(x, y + 0.01, 0.105, 0.105)
    paint(canvas, face["iris"], within * plane.cover(edge))
    paint(canvas, 8.0, within * plane.cover(edge + 0.055))
    paint(canvas, 250.0, within * plane.cover(ellipse(x + 0.035, y + 0.05, 0.03, 0.03)))


def _draw_cheeks(canvas: Field, plane: Plane, face: Face) -> None:
    x, y, width = plane.outward - face["eye_gap"], plane.down - face["eye_height"], face["eye_width"]
    crease = np.maximum(np.abs(y - 0.13 - 0.05 * (1 - (x / width) ** 2)) - 0.012, np.abs(x) - width)
    paint(canvas, face["skin"] * 0.6, plane.cover(crease, 1.5) * (0.7 * face["cheek"]))
    apple = ellipse(x - 0.04, y - 0.36, 0.17, 0.13)
    paint(canvas, face["skin"] * 1.12, plane.cover(apple, 4) * (0.8 * face["cheek"]))


def _draw_nose(canvas: Field, plane: Plane, face: Face) -> None:
    skin, width, x = face["skin"], face["nose_width"], plane.outward
    tip: Field = face["nose_length"] - face["nose_rise"]
    y: Field = plane.down - tip
    halfway: Field = y + 0.5 * tip
    bridge = box(plane.across - width * 0.55, halfway + 0.05, 0.02, 0.16)
    paint(canvas, skin * 0.75, plane.cover(bridge, 2) * 0.6)
    paint(canvas, skin * 1.08, plane.cover(ellipse(x, y + 0.03, width * 1.25, 0.085), 3) * 0.7)
    under = np.maximum(np.abs(y - 0.05 + 0.6 * x**2 / width) - 0.012, x - width * 1.2)
    paint(canvas, skin * 0.5, plane.cover(under, 1.3) * 0.8)
    paint(canvas, skin * 0.25, plane.cover(ellipse(x - width * 0.6, y - 0.02, 0.035, 0.022)))


def _draw_nose_wrinkles(canvas: Field, plane: Plane, face: Face) -> None:
    slant = plane.down - face["nose_length"] + face["nose_rise"] + 0.5 * plane.outward
    near = np.minimum(np.abs(slant + 0.16), np.abs(slant + 0.28))
    lines = plane.cover(np.maximum(near - 0.016, plane.outward - 0.17), 1.3)
    paint(canvas, face["skin"] * 0.45, lines * (0.8 * face["wrinkle"]))


def _draw_folds(canvas: Field, plane: Plane, face: Face) -> None:
    """Paint the furrows from the wings of the nose past the corners of the mouth."""
    y = plane.down - face["nose_length"] + face["nose_rise"]
    away = plane.outward - face["nose_width"] - 0.07 - 0.9 * y + 0.5 * y**2
    furrow = np.maximum(np.abs(away) - 0.016, np.abs(y - 0.13) - 0.14)
    paint(canvas, face["skin"] * 0.55, plane.cover(furrow, 1.5) * (0.6 * face["fold"]))


def _mouth_curves(plane: Plane, face: Face) -> tuple[Field, Field, Field]:
    """Return how far each pixel lies below the upper lip's edge, below the lower lip's, and outside the corners."""
    half = face["mouth_breadth"] + face["mouth_width"]
    square = (plane.across / half) ** 2
    np.minimum(square, 1, out=square)
    # A stretched mouth stays open to its corners, a relaxed one tapers.
    bow = (1 - square) * (1 + 0.6 * face["mouth_square"] * square)
    line = face["mouth_height"] + face["corner_rise"] * (0.35 - square) + 0.5 * face["asymmetry"] * plane.across
    y = plane.down - line
    return y + face["lip_top"] * bow, y - face["lip_bottom"] * bow, plane.outward - half


def _draw_lips(canvas: Field, plane: Plane, face: Face) -> None:
    skin = face["skin"]
    top, bottom, ends = _mouth_curves(plane, face)
    half = face["mouth_breadth"] + face["mouth_width"]
    full = np.maximum(face["lip_fullness"] + face["lip_height"], 0.012) * (1 - (plane.across / half) ** 2)
    lips = np.maximum(np.maximum(-top - 0.8 * full, bottom - 1.2 * full), ends)
    paint(canvas, skin * face["lip_tone"], plane.cover(lips))
    line = np.minimum(np.abs(top), np.abs(bottom)) - 0.014 - 0.008 * face["lip_press"]
    paint(canvas, skin * 0.22, plane.cover(np.maximum(line, ends)))
    chin = box(plane.outward, bottom - 0.15, 0.13, 0.015)
    paint(canvas, skin * 0.7, plane.cover(chin, 3) * 0.5)


def _draw_mouth_inside(canvas: Field, plane: Plane, face: Face) -> None:
    top, bottom, ends = _mouth_curves(plane, face)
    gap = plane.cover(np.maximum(np.maximum(-top, bottom), ends))
    paint(canvas, 18.0, gap)
    paint(canvas, 225.0, gap * plane.cover(np.maximum(top - 0.075, ends + 0.04)))


def _draw_glasses(canvas: Field, plane: Plane, face: Face) -> None:
    x, y = plane.outward - face["eye_gap"], plane.down - face["eye_height"]
    rim = np.abs(ellipse(x, y, 0.27, 0.22)) - 0.02
    arms = np.maximum(np.abs(y + 0.05) - 0.02, 0.26 - np.abs(x))
    frame = np.maximum(np.minimum(rim, arms), plane.outward - face["face_width"])
    paint(canvas, face["iris"] * 0.5, plane.cover(frame))


PARTS: tuple[tuple[Callable[[Field, Plane, Face], None], str, float], ...] = (
    (_draw_hair_behind, "haired", 0.1),
    (_draw_head, "skin", 0.0),
    (_draw_fringe, "haired", 0.1),
    (_draw_beard, "bearded", 0.85),
    (_draw_nose, "skin", 0.0),
    (_draw_nose_wrinkles, "wrinkle", 0.0),
    (_draw_folds, "fold", 0.0),
    (_draw_lips, "skin", 0.0),
    (_draw_mouth_inside, "lip_bottom", 0.0),
    (_draw_cheeks, "cheek", 0.0),
    (_draw_eyes, "skin", 0.0),
    (_draw_forehead, "forehead", 0.0),
    (_draw_frown, "frown", 0.0),
    (_draw_brows, "skin", 0.0),
    (_draw_glasses, "bespectacled", 0.82),
)
"""A part, and the trait or control by which a face shows it: where that is above the threshold. From back to front."""

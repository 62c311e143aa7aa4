"""A film of drawn faces, for trying videos where no photograph may be shown.

In: a file name that ends in .mp4, .avi or .webm. Out: that file: people who stay where they are, drift a little and go
through all seven expressions. `python -m benchmarks.film film.mp4 --seconds 14`
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.labels import EXPRESSIONS
from mien.synthetic.scene import draw_people
from mien.synthetic.traits import sample_traits
from mien.synthetic.units import ACTION_UNITS, UNITS, Field

PEOPLE = (0, 10, 2)
"""Of the people that seed 0 draws: the cascade finds them with every expression."""

FIXED = {
    **dict.fromkeys(
        ("roll_degrees", "shift_x", "shift_y", "yaw", "pitch", "brightness", "backdrop_slope", "blur"), 0.0
    ),
    **dict.fromkeys(("barred", "handed", "bespectacled"), 0.0),
    **{"zoom": 0.9, "light_strength": 0.15, "contrast": 1.0, "backdrop": 200.0, "noise": 2.0},
}
WIDTH, HEIGHT, SIDE = 640, 360, 220
FPS = 15.0
CODECS = {".mp4": "libx264", ".avi": "mpeg4", ".webm": "libvpx"}
MIXING = 0.3
"""Part of the time of an expression that its change takes."""


def draw_frames(count: int, *, people: tuple[int, ...] = PEOPLE[:2]) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield uint8 (360, 640, 3), RGB: everybody goes through all expressions, each from another one on."""
    rng = np.random.default_rng(0)
    traits = {name: values[list(people)] for name, values in sample_traits(max(PEOPLE) + 2, rng).items()}
    traits |= {name: np.full((len(people), 1, 1), value, np.float32) for name, value in FIXED.items()}
    for frame in range(count):
        intensities = np.stack([mix_units(frame / count + place / 3) for place in range(len(people))])
        faces = draw_people(traits, intensities, rng, SIDE)
        scene = np.full((HEIGHT, WIDTH), 200, np.uint8)
        for place, face in enumerate(faces):
            left = round((place + 0.5) * WIDTH / len(people) - SIDE / 2 + 12 * np.sin(frame / FPS + 2 * place))
            top = round((HEIGHT - SIDE) / 2 + 8 * np.cos(frame / FPS + place))
            scene[top : top + SIDE, left : left + SIDE] = face
        yield np.repeat(scene[..., None], 3, axis=2)


def mix_units(turns: float) -> Field:
    """Return the intensity of each action unit after so many rounds through the seven expressions."""
    place = (turns % 1.0) * len(EXPRESSIONS)
    now, part = int(place), place % 1.0
    weight = min(1.0, max(0.0, (part - 1 + MIXING) / MIXING))
    follower = (now + 1) % len(EXPRESSIONS)
    shown = [
        np.array([unit in ACTION_UNITS[EXPRESSIONS[index]] for unit in UNITS], np.float32) for index in (now, follower)
    ]
    return (shown[0] * (1 - weight) + shown[1] * weight).astype(np.float32)


def write_film(path: Path, *, seconds: float = 14.0, people: tuple[int, ...] = PEOPLE[:2]) -> int:
    """Write the film and return how many frames it has."""
    import av

    count = round(seconds * FPS)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(CODECS[path.suffix], rate=round(FPS))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for frame in draw_frames(count, people=people):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return count


def main() -> None:
    """Write the film that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--seconds", type=float, default=14.0)
    given = parser.parse_args()
    print(f"{given.path}: {write_film(given.path, seconds=given.seconds)} frames")


if __name__ == "__main__":
    main()

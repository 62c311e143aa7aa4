"""See what an augmentation does: faces go in, one labelled sheet of pictures comes out.

Each row is a face of another expression: as it is, after each step of the recipe alone, and as training would see it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw, ImageFont

from mien.errors import ConfigError, DataError
from mien.faces import Faces, Images, Splits
from mien.files import write_aside
from mien.recipes.schema import AugmentConfig
from mien.training.augment import augment

ROWS = 8
EXAMPLES = 4
"""Columns that show all steps together, each with fresh random numbers."""

TILE_PIXELS = 144
"""About the side of a face on the sheet; faces are enlarged by a whole number, so that their pixels stay square."""

GAP_PIXELS, HEAD_PIXELS, FONT_PIXELS = 8, 60, 16
PAPER, INK, PALE = 255, 20, 110

NOTHING = AugmentConfig(mirror=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Faces that went through the same steps.

    Attributes:
        title: the step, and below it how much of it.
        images: uint8 (N, H, W).
    """

    title: str
    images: Images


def draw_augmentation_sheet(splits: Splits, out: Path, *, config: AugmentConfig, seed: int) -> None:
    """Draw the faces of train (of the first split, where there is no train) through every step of `config`.

    A step that is taken with some probability is shown taken, with that probability in its title; the last columns
    draw it as training does. The same seed draws the same sheet.

    Args:
        splits: the data set.
        out: the picture; its ending tells the format.
        config: the augmentation of a recipe.
        seed: of the choice of faces and of all steps, 0 or above.

    Raises:
        ConfigError: `out` does not end like a picture.
        DataError: there are no faces.
        MienError: `out` cannot be written.
    """
    refuse_unknown_format(out)
    names, images = choose_faces(splits, np.random.default_rng(seed))
    columns = augment_columns(images, config, torch.Generator().manual_seed(seed))
    source = "synthetic faces" if splits.synthetic else Path(splits.source).name
    sheet = _draw(columns, names, f"{source}, seed {seed}; in brackets: part of the faces, where it is not all")
    with write_aside(out) as aside:
        sheet.save(aside)


def refuse_unknown_format(out: Path) -> None:
    """Refuse a name that does not end like a picture that can be written.

    Raises:
        ConfigError: it does not.
    """
    if Image.registered_extensions().get(out.suffix.lower()) not in Image.SAVE:
        raise ConfigError(f"{out}: expected a picture to write, such as {out.stem or 'sheet'}.png")


def choose_faces(splits: Splits, rng: np.random.Generator) -> tuple[list[str], Images]:
    """Return up to eight (name, face): one at random of each expression of train; images are uint8 (N, H, W).

    Raises:
        DataError: there are no faces.
    """
    faces = next((faces for faces in splits.named().values() if len(faces)), None)
    if faces is None:
        raise DataError(splits.source, "expected faces to augment, found none")
    labels = np.unique(faces.labels)[:ROWS]
    if len(labels) == 1:
        return [""] * ROWS, faces.images[rng.choice(len(faces), ROWS)]
    chosen = [_pick(faces, label, rng) for label in labels]
    return [splits.expressions[label] for label in labels], faces.images[chosen]


def _pick(faces: Faces, label: int, rng: np.random.Generator) -> np.intp:
    chosen: np.intp = rng.choice(np.flatnonzero(faces.labels == label))
    return chosen


def augment_columns(images: Images, config: AugmentConfig, generator: torch.Generator) -> list[Column]:
    """Return the columns of the sheet: the original, each step of `config` that is switched on, and examples of all."""
    steps = [("original", NOTHING), *single_steps(config)]
    steps += [("as in training" if number == 0 else "", config) for number in range(EXAMPLES)]
    faces = torch.from_numpy(np.ascontiguousarray(images)).unsqueeze(1).float() / 255.0
    return [Column(title=title, images=_to_bytes(augment(faces, step, generator))) for title, step in steps]


def single_steps(config: AugmentConfig) -> list[tuple[str, AugmentConfig]]:
    r"""Return (title, configuration of that step alone) for every step that is on, in the order they are taken.

    >>> [title for title, _ in single_steps(AugmentConfig(mirror=0.5, rotation_degrees=15.0))]
    ['mirror (50%)', 'rotation\nup to 15°']
    """
    c = config
    steps: tuple[tuple[float, str, dict[str, Any]], ...] = (
        (c.mirror, f"mirror ({c.mirror:.0%})", {"mirror": 1.0}),
        (c.rotation_degrees, f"rotation\nup to {c.rotation_degrees:g}°", {"rotation_degrees": c.rotation_degrees}),
        (c.shift, f"shift\nup to {c.shift:.0%}", {"shift": c.shift}),
        (c.scale, f"scale\nup to ±{c.scale:.0%}", {"scale": c.scale}),
        (c.perspective, f"perspective\nup to {c.perspective:.0%}", {"perspective": c.perspective}),
        (
            c.blur_probability,
            f"blur ({c.blur_probability:.0%})\nup to {c.blur_sigma:g} px",
            {"blur_probability": 1.0, "blur_sigma": c.blur_sigma},
        ),
        (c.brightness, f"brightness\nup to ±{c.brightness:.0%}", {"brightness": c.brightness}),
        (c.contrast, f"contrast\nup to ±{c.contrast:.0%}", {"contrast": c.contrast}),
        (c.noise, f"noise\nup to {c.noise:.0%}", {"noise": c.noise}),
        (
            c.erase_probability,
            f"erasing ({c.erase_probability:.0%})\nup to {c.erase_area:.0%}",
            {"erase_probability": 1.0, "erase_area": c.erase_area},
        ),
    )
    return [(title, replace(NOTHING, **fields)) for amount, title, fields in steps if amount]


def _to_bytes(images: torch.Tensor) -> npt.NDArray[np.uint8]:
    return (images.squeeze(1) * 255.0).round().byte().numpy()


def _draw(columns: list[Column], names: list[str], caption: str) -> Image.Image:
    height, width = columns[0].images.shape[1:]
    zoom = max(1, TILE_PIXELS // max(height, width))
    step_x, step_y = width * zoom + GAP_PIXELS, height * zoom + GAP_PIXELS
    font = ImageFont.load_default(FONT_PIXELS)
    margin = round(max(font.getlength(name) for name in names)) + 2 * GAP_PIXELS
    size = (margin + len(columns) * step_x, HEAD_PIXELS + len(names) * step_y + HEAD_PIXELS // 2)
    sheet = Image.new("L", size, PAPER)
    pen = ImageDraw.Draw(sheet)
    for number, column in enumerate(columns):
        left = margin + number * step_x
        pen.multiline_text((left, GAP_PIXELS), column.title, fill=INK, font=font)
        for row, image in enumerate(column.images):
            tile = Image.fromarray(image).resize((width * zoom, height * zoom), Image.Resampling.NEAREST)
            sheet.paste(tile, (left, HEAD_PIXELS + row * step_y))
    for row, name in enumerate(names):
        middle = HEAD_PIXELS + row * step_y + height * zoom // 2
        pen.text((GAP_PIXELS, middle), name, fill=INK, font=font, anchor="lm")
    pen.text((GAP_PIXELS, size[1] - GAP_PIXELS), caption, fill=PALE, font=font, anchor="lb")
    return sheet

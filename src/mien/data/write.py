"""Write a data set as folders that every reader of mien, and a person, understands.

In: `Splits` and a folder. Out: `train/<expression>/00000.png`, … in it; faces without labels stand in `unlabelled/`.
A file `synthetic.txt` says of drawn faces that they are drawn.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from mien.data.archives import SYNTHETIC_MARK
from mien.errors import DataError, MienError
from mien.faces import UNLABELLED, Faces, Splits
from mien.files import name_aside

SYNTHETIC_NOTE = "Every face in this folder is drawn; none is a photograph of a person.\n"


def write_folders(splits: Splits, out: Path) -> None:
    """Write every face as a grey PNG; reading `out` gives the same pixels and labels, ordered by expression.

    The faces of a split are numbered in its order. Everything is written beside `out` and renamed at the end, so that
    `out` is complete or not there.

    Raises:
        MienError: `out` holds something already, or cannot be written.
        DataError: an expression that cannot be the name of a folder.
    """
    refuse_filled(out)
    for expression in splits.expressions:
        _refuse_unspeakable(expression, splits.source)
    aside = name_aside(out.absolute())
    try:
        aside.mkdir(parents=True)
        for name, faces in splits.named().items():
            _write_split(faces, aside / name, splits.expressions)
        if splits.synthetic:
            (aside / SYNTHETIC_MARK).write_text(SYNTHETIC_NOTE, encoding="utf-8")
        if out.exists():
            out.rmdir()
        aside.replace(out)
    except OSError as error:
        raise MienError(f"{out}: cannot be written ({error.strerror or error}); nothing is left behind") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def refuse_filled(out: Path) -> None:
    """Refuse a folder that holds something, or a file.

    Raises:
        MienError: it does.
    """
    try:
        if not out.exists() or (out.is_dir() and not any(out.iterdir())):
            return
    except OSError as error:
        raise MienError(f"{out}: cannot be read ({error.strerror or error})") from error
    found = "a folder that holds something" if out.is_dir() else "a file"
    raise MienError(f"{out}: expected a new or empty folder to write to, found {found}; choose another name")


def _refuse_unspeakable(expression: str, source: str) -> None:
    if not expression.strip() or expression.startswith(".") or any(mark in expression for mark in '/\\:\0<>"|?*'):
        raise DataError(source, f"class {expression!r}: expected a name that a folder can have; rename the class")


def _write_split(faces: Faces, folder: Path, expressions: Sequence[str]) -> None:
    digits = len(str(len(faces)))
    # Numbers, not ids: an id may be no file name, and FER2013's names would move the face to another split.
    for index, (image, label) in enumerate(zip(faces.images, faces.labels.tolist(), strict=True)):
        target = folder if label == UNLABELLED else folder / expressions[label]
        if not target.exists():
            target.mkdir(parents=True)
        Image.fromarray(image).save(target / f"{index:0{digits}d}.png")

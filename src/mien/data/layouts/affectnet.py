"""AffectNet: `train_set/images/17.jpg` and `train_set/annotations/17_exp.npy`, which holds the expression's number."""

from __future__ import annotations

from io import BytesIO

import numpy as np

from mien.data.archives import Tree, name_damage
from mien.data.bad import BadInputs
from mien.data.folders import find_splits
from mien.data.listing import Listing, Reading, plain_number
from mien.data.numberings import AFFECTNET
from mien.data.pictures import Picture
from mien.errors import DataError

_SUFFIX = "_exp.npy"
_LEFT_OUT = {"8": "none", "9": "uncertain", "10": "no face"}


def find(tree: Tree, bad: BadInputs, reading: Reading) -> Listing | None:
    """Return the pictures that have a file of their expression, or None where none has."""
    notes = {_name_picture(file): file for file in tree.beside if file.endswith(_SUFFIX)}
    if not notes:
        return None
    pictures = []
    missing = 0
    for file in tree.pictures:
        note = notes.get(_name_picture(file))
        if note is None:
            missing += 1
            continue
        try:
            label = _read_number(tree, note)
        except DataError as error:
            bad.add(error)
            continue
        name = label if reading.naming else AFFECTNET.get(label, _LEFT_OUT.get(label, label))
        pictures.append(Picture(file=file, split=next(iter(find_splits(file)), "train"), label=name, id=file))
    if missing:
        bad.note(f"{missing:,} pictures have no {_SUFFIX} of an expression: left out")
    if not reading.naming:
        bad.note("labels are named as AffectNet numbers them: 0 neutral, 1 happy, 2 sad, 3 surprise, 4 fear, …")
    return Listing(pictures=pictures, kind="AffectNet folders", used=frozenset(notes.values()))


def _name_picture(file: str) -> str:
    """Return the folder of the split and the number: what a picture and its annotation have in common."""
    folder, _, name = file.rpartition("/")
    outer = folder.rpartition("/")[0] if folder.rpartition("/")[2] in ("images", "annotations") else folder
    return f"{outer}/{name.removesuffix(_SUFFIX) if name.endswith(_SUFFIX) else name.rpartition('.')[0]}"


def _read_number(tree: Tree, file: str) -> str:
    where = tree.locate(file)
    with name_damage(where), tree.open(file) as stream:
        data = stream.read(1 << 12)
    try:
        return plain_number(str(np.load(BytesIO(data), allow_pickle=False).item()))
    except (ValueError, EOFError) as error:
        raise DataError(where, "expected one number of an expression, found something else") from error

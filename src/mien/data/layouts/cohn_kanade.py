"""CK+ as it is distributed: `cohn-kanade-images/S005/001/S005_001_00000011.png` and files of expressions.

At the peak of a sequence `Emotion/S005/001/S005_001_00000011_emotion.txt` holds the number of the expression.
"""

from __future__ import annotations

from mien.data.archives import Tree
from mien.data.bad import BadInputs
from mien.data.listing import Listing, Reading, plain_number
from mien.data.numberings import COHN_KANADE
from mien.data.pictures import Picture
from mien.errors import DataError

_SUFFIX = "_emotion.txt"


def find(tree: Tree, bad: BadInputs, reading: Reading) -> Listing | None:
    """Return the pictures at the peak of an expression, or None where no file tells one."""
    notes = {file.rpartition("/")[2].removesuffix(_SUFFIX): file for file in tree.beside if file.endswith(_SUFFIX)}
    if not notes:
        return None
    pictures = []
    for file in tree.pictures:
        note = notes.get(file.rpartition("/")[2].rpartition(".")[0])
        if note is None:
            continue
        with tree.open(note) as stream:
            text = stream.read(1 << 10).decode("utf-8", errors="replace").strip()
        try:
            number = plain_number(str(float(text)))
            name = number if reading.naming else COHN_KANADE[number]
        except (ValueError, KeyError):
            expected = "expected the number of an expression, 0 to 7"
            bad.add(DataError(tree.locate(note), f"{expected}, found {text[:40]!r}"))
            continue
        pictures.append(Picture(file=file, split="train", label=name, id=file))
    others = len(tree.pictures) - len(pictures)
    if others:
        bad.note(f"{others:,} pictures have no {_SUFFIX} beside them, as the start of a sequence has none: left out")
    if not reading.naming:
        bad.note("labels are named as CK+ numbers them: 1 angry, 2 contempt, 3 disgust, 4 fear, 5 happy, 6 sad, …")
    return Listing(pictures=pictures, kind="CK+ folders", used=frozenset(notes.values()))

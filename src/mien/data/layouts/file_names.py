"""Labels in the names of the pictures: JAFFE, KDEF, and any set where each name holds one word for an expression.

KA.AN1.39.tiff                                     JAFFE: person, expression, number
AF01ANS.JPG                                        KDEF: session, person, expression, side that is seen
Rafd090_01_Caucasian_female_angry_frontal.jpg      a word
"""

from __future__ import annotations

import re

from mien.data.archives import Tree
from mien.data.bad import BadInputs
from mien.data.folders import find_splits
from mien.data.listing import Listing, Reading
from mien.data.pictures import Picture
from mien.labels import canonical_expression, expand_code

_FORMS = {
    "JAFFE": re.compile(r"^[A-Z]{2}\.(AN|DI|FE|HA|NE|SA|SU)\d+\.\d+\.", re.IGNORECASE),
    "KDEF": re.compile(r"^[AB][FM]\d{2}(AF|AN|DI|HA|NE|SA|SU)(S|FL|FR|HL|HR)\.", re.IGNORECASE),
}
_LEAST_SHARE = 0.9


def find(tree: Tree, bad: BadInputs, reading: Reading) -> Listing | None:
    """Return the pictures with the labels that their names tell, or None where they tell none."""
    names = [file.rpartition("/")[2] for file in tree.pictures]
    for form, pattern in _FORMS.items():
        matches = [pattern.match(name) for name in names]
        codes = [None if match is None else expand_code(match[1]) for match in matches]
        if sum(code is not None for code in codes) >= _LEAST_SHARE * len(names) > 0:
            return _list(tree, codes, f"pictures named as {form} does", bad)
    words = [_find_word(name) for name in names]
    if names and all(words) and len({*words}) > 1:
        return _list(tree, words, "pictures named after their expression", bad)
    return None


def _find_word(name: str) -> str | None:
    """Return the one expression among the words of a name.

    >>> _find_word("Rafd090_01_Caucasian_female_angry_frontal.jpg"), _find_word("happy_and_sad.png")
    ('angry', None)
    """
    words = re.split(r"[^A-Za-z]+", name.rpartition(".")[0])
    found = {expression for word in words if word and (expression := canonical_expression(word))}
    return next(iter(found)) if len(found) == 1 else None


def _list(tree: Tree, labels: list[str | None], kind: str, bad: BadInputs) -> Listing:
    unread = sum(label is None for label in labels)
    bad.note(f"labels are read from the names of the pictures: {kind}")
    if unread:
        bad.note(f"{unread:,} pictures have other names: left out")
    pictures = [
        Picture(file=file, split=next(iter(find_splits(file)), "train"), label=label, id=file)
        for file, label in zip(tree.pictures, labels, strict=True)
        if label is not None
    ]
    return Listing(pictures=pictures, kind=kind)

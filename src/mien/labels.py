"""The seven expressions, their order and the usual spellings of their names.

In: a class name as a data set spells it. Out: one of `KNOWN_EXPRESSIONS`, or None for a name that is none of them.
`tell_columns_apart` names the columns of classes in a table that has other columns, too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache

EXPRESSIONS: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The classes of FER2013 in the order of its labels 0-6."""

CONTEMPT = "contempt"
KNOWN_EXPRESSIONS: tuple[str, ...] = (*EXPRESSIONS, CONTEMPT)
"""What class names are known for: the seven, and the eighth of AffectNet, CK+ and FER+."""

_SPELLINGS: dict[str, tuple[str, ...]] = {
    "angry": ("anger", "angriness", "angrily"),
    "disgust": ("disgusted", "disgusting"),
    "fear": ("fearful", "afraid", "scared", "fearfully"),
    "happy": ("happiness", "happily", "joy", "joyful"),
    "sad": ("sadness", "sadly"),
    "surprise": ("surprised", "suprise", "suprised", "surprising", "surprize", "surprized"),
    "neutral": ("neutrality", "netural", "neutal"),
    CONTEMPT: ("contemptuous", "contemptous", "contempts"),
}

LOOSE_SPELLINGS: dict[str, str] = {
    "mad": "angry",
    "rage": "angry",
    "smile": "happy",
    "smiling": "happy",
    "laugh": "happy",
    "unhappy": "sad",
    "scare": "fear",
    "frightened": "fear",
    "terrified": "fear",
    "shocked": "surprise",
    "astonished": "surprise",
    "calm": "neutral",
    "normal": "neutral",
}
"""Words that data sets use for an expression, but some of them for something beside it."""

CODES: dict[str, tuple[str, ...]] = {
    "angry": ("an", "ang"),
    "disgust": ("di", "dis"),
    "fear": ("fe", "af", "fea"),
    "happy": ("ha", "hap"),
    "sad": ("sa",),
    "surprise": ("su", "sur"),
    "neutral": ("ne", "neu"),
    CONTEMPT: ("co", "con"),
}
"""What JAFFE, KDEF and others shorten the names to; AF is KDEF's "afraid"."""

_CANONICAL: dict[str, str] = {
    spelling: expression for expression in KNOWN_EXPRESSIONS for spelling in (expression, *_SPELLINGS[expression])
}
_EXPANDED: dict[str, str] = {code: expression for expression, codes in CODES.items() for code in codes}

_FILLERS = frozenset(
    ["face", "faces", "image", "images", "img", "imgs", "class", "expression", "emotion", "emotions", "label"]
)
"""Words beside the name of an expression that change nothing: `happy_faces`, `class 3 happy`."""


@lru_cache(maxsize=4096)  # asked for each folder of each picture
def canonical_expression(name: str) -> str | None:
    """Return the expression that a data set calls `name`, or None; numbers and words around it do not matter.

    >>> canonical_expression("Happiness"), canonical_expression("0_angry"), canonical_expression("yawning")
    ('happy', 'angry', None)
    >>> canonical_expression("4") is None, canonical_expression("not happy") is None
    (True, True)
    """
    plain = name.strip().lower()
    if plain in _CANONICAL:
        return _CANONICAL[plain]
    words = [word for word in re.split(r"[^a-z]+", plain) if word and word not in _FILLERS]
    return _CANONICAL.get(words[0]) if len(words) == 1 else None


def expand_code(name: str) -> str | None:
    """Return the expression that a name is short for, or None.

    >>> expand_code("HA"), expand_code("happy")
    ('happy', None)
    """
    return _EXPANDED.get(name.strip().lower())


def tell_columns_apart(expressions: Iterable[str], taken: Collection[str]) -> tuple[str, ...]:
    """Return a column for each class: its name, with "_probability" after it where another column is called so.

    >>> tell_columns_apart(["happy", "top"], {"left", "top"})
    ('happy', 'top_probability')
    >>> tell_columns_apart(["top", "top_probability"], {"left", "top"})
    ('top_probability_probability', 'top_probability')
    """
    names = tuple(expressions)
    used = {*taken, *names}
    columns = []
    for name in names:
        column = name
        while name in taken and column in used:
            column += "_probability"
        used.add(column)
        columns.append(column)
    return tuple(columns)

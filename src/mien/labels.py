"""The seven expressions, their order and the usual spellings of their names.

In: a class name as a data set spells it. Out: one of `EXPRESSIONS`, or None for a name that is none of them.
"""

EXPRESSIONS: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The classes of FER2013 in the order of its labels 0-6."""

_SPELLINGS: dict[str, tuple[str, ...]] = {
    "angry": ("anger", "angriness", "mad"),
    "disgust": ("disgusted", "disgusting"),
    "fear": ("fearful", "afraid", "scared"),
    "happy": ("happiness", "happily", "joy", "smile"),
    "sad": ("sadness", "sadly"),
    "surprise": ("surprised", "suprise", "suprised", "surprising"),
    "neutral": ("neutrality", "none", "calm"),
}

_CANONICAL: dict[str, str] = {
    spelling: expression
    for index, expression in enumerate(EXPRESSIONS)
    for spelling in (expression, str(index), *_SPELLINGS[expression])
}


def canonical_expression(name: str) -> str | None:
    """Return the expression that a data set calls `name`, or None.

    >>> canonical_expression("Happiness"), canonical_expression("4"), canonical_expression("yawning")
    ('happy', 'sad', None)
    """
    return _CANONICAL.get(name.strip().lower())

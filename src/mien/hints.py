"""The one "did you mean": a name that does not exist goes in, the names that were probably meant come out.

A wrong hint is worse than none. So known other words for a thing come first, then a known name among the words of a
longer one, and likeness of letters last, and only where most of them agree.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

LEAST_LIKENESS = 0.7
LEAST_LIKENESS_SHORT = 0.5
"""Of 1: names of three letters or fewer are allowed one wrong letter, too."""
SHORT = 3


def suggest(name: str, known: Iterable[str]) -> str:
    """Return the end of an error message, "; did you mean …?", or nothing where no name is near.

    Args:
        name: as somebody wrote it.
        known: the names that exist.

    >>> suggest("smal", ["report-cnn", "small"])
    '; did you mean small?'
    >>> suggest("elephant", ["report-cnn", "small"])
    ''
    """
    return ask(find_nearest(name, {one: (one,) for one in known}), before="; ")


def ask(names: Sequence[str], *, before: str = "") -> str:
    """Return the question whether one of `names` was meant, after `before`; nothing for no names.

    >>> ask(["left", "right"])
    'did you mean left or right?'
    """
    return f"{before}did you mean {' or '.join(names)}?" if names else ""


def find_nearest(name: str, words: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the names that `name` probably stands for; several only where one word stands for several.

    Args:
        name: as somebody wrote it.
        words: what may be written -> the names that it means. Case, and what stands between words, does not count.

    >>> find_nearest("Report CNN", {"report-cnn": ["report-cnn"], "small": ["small"]})
    ['report-cnn']
    >>> find_nearest("initial_learning_rate", {"learning rate": ["lr"], "rate": ["other"]})
    ['lr']
    """
    spelled = {_squeeze(word): list(names) for word, names in reversed(list(words.items()))}  # the first of two wins
    wanted = _squeeze(name)
    word = wanted if wanted in spelled else _find_within(name, spelled) or _find_alike(wanted, spelled)
    return spelled.get(word, [])


def _find_within(name: str, spelled: Mapping[str, object]) -> str:
    """Return the longest known name that some words of `name`, one after the other, make; "" for none."""
    words = _split(name)
    parts = ("".join(words[start:stop]) for start in range(len(words)) for stop in range(start + 1, len(words) + 1))
    return max((part for part in parts if part in spelled), key=len, default="")


def _find_alike(wanted: str, spelled: Mapping[str, object]) -> str:
    cutoff = LEAST_LIKENESS if len(wanted) > SHORT else LEAST_LIKENESS_SHORT
    ranked = difflib.get_close_matches(wanted, spelled, n=3, cutoff=cutoff)
    swapped = [word for word in ranked if sorted(word) == sorted(wanted)]  # two letters that changed places
    return next(iter(swapped + ranked), "")


def _split(name: str) -> list[str]:
    return re.findall(r"[^\W_]+", name.casefold())


def _squeeze(name: str) -> str:
    return "".join(_split(name))

"""How data sets spell splits and classes: names go in, mien's own words come out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from mien.hints import ask, find_nearest
from mien.labels import EXPRESSIONS, KNOWN_EXPRESSIONS, LOOSE_SPELLINGS, canonical_expression, expand_code

SPLITS: tuple[str, ...] = ("train", "valid", "test", "unlabelled")

_SPLIT_SPELLINGS: dict[str, tuple[str, ...]] = {
    "train": ("training", "tr", "trn", "trainning"),
    "valid": ("val", "vali", "validation", "validate", "publictest", "dev", "devel", "development", "eval"),
    "test": ("testing", "tst", "te", "privatetest"),
    "unlabelled": ("unlabeled",),
}
"""FER2013's Training, PublicTest and PrivateTest become train, valid and test here and nowhere else."""

_SPLIT_SPELLINGS["valid"] += ("evaluation",)

_CANONICAL_SPLIT = {spelling: split for split in SPLITS for spelling in (split, *_SPLIT_SPELLINGS[split])}

_SPLIT_FILLERS = frozenset(
    [
        "set",
        "data",
        "dataset",
        "image",
        "images",
        "img",
        "imgs",
        "picture",
        "pictures",
        "pic",
        "pics",
        "photo",
        "photos",
        "face",
        "faces",
        "split",
        "folder",
        "dir",
        "part",
        "subset",
        "partition",
        "fer",
        "ferplus",
        "fer+",
        "raf",
        "rafdb",
        "db",
        "affectnet",
        "ck",
        "kdef",
        "jaffe",
        "expw",
        "sfew",
        "emotion",
        "emotions",
        "aligned",
        "cropped",
        "crop",
        "crops",
        "new",
        "final",
        "original",
        "orig",
        "label",
        "labels",
        "labelled",
        "labeled",
        "list",
        "csv",
    ]
)
"""Words beside the name of a split that change nothing: `train_set`, `FER2013Train`, `Train_Images`."""

_DOUBTFUL_SPLITS = frozenset({"dev", "devel", "development", "eval", "evaluation"})

WHERE_NAMES_HELP = "name them with `classes` neutral,happy,… in the order of the numbers, or in a file classes.txt"


@lru_cache(maxsize=4096)  # asked for each folder of each picture
def canonical_split(name: str) -> str | None:
    """Return the split that a data set calls `name`, or None.

    >>> canonical_split("PublicTest"), canonical_split("FER2013Train"), canonical_split("val_set")
    ('valid', 'train', 'valid')
    >>> canonical_split("happy"), canonical_split("train_test"), canonical_split("images")
    (None, None, None)
    """
    joined = re.sub(r"[\s_-]", "", name).lower()
    if joined in _CANONICAL_SPLIT:
        return _CANONICAL_SPLIT[joined]
    if re.search(r"[\s_-]\d{1,3}$", name):
        return None  # "Test 2" may be a part of any split
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name).lower()
    words = [word for word in re.split(r"[^a-z+]+", spaced) if word]
    rest = "".join(word for word in words if word not in _SPLIT_FILLERS)
    if rest in _CANONICAL_SPLIT:
        return _CANONICAL_SPLIT[rest]
    return next(
        (
            _CANONICAL_SPLIT[rest.removesuffix(ending)]
            for ending in ("set", "data", "dataset", "images", "img", "imgs", "faces")
            if rest.endswith(ending) and rest.removesuffix(ending) in _CANONICAL_SPLIT
        ),
        None,
    )


def find_doubtful_splits(names: Iterable[str]) -> tuple[str, ...]:
    """Return those names of a valid split that some mean a test split by, such as dev and eval.

    >>> find_doubtful_splits(["train", "Eval", "test"])
    ('Eval',)
    """
    return tuple(sorted({name for name in names if re.sub(r"[^a-z]", "", name.lower()) in _DOUBTFUL_SPLITS}))


def order_classes(names: Iterable[str]) -> tuple[tuple[str, ...], Mapping[str, str], tuple[str, ...]]:
    """Return the classes in mien's order, the class of each name, and warnings.

    Spellings of an expression become that expression, as far as at least two, or all, of the names are known; they
    stand first, in the order of `KNOWN_EXPRESSIONS`. Others keep their names, in alphabetical order; those that differ
    in case alone are one. Numbers stay numbers: data sets number the expressions each in their own way.

    >>> order_classes(["sad", "Happiness"])[0], order_classes(["yawn", "happy", "blink"])[0]
    (('happy', 'sad'), ('blink', 'happy', 'yawn'))
    >>> order_classes(["contempt", "ANGER", "anger", "drowsy"])[0]
    ('angry', 'contempt', 'drowsy')
    """
    spelled = sorted(set(names))
    plain = {name: expression for name in spelled if (expression := canonical_expression(name)) is not None}
    if len(set(plain.values())) < 2 and len(plain) < len(spelled):
        plain = _read_codes(spelled)
    loose = _read_loose(spelled, plain)
    known = {**plain, **loose}
    merged = _merge_cases([name for name in spelled if name not in known])
    present = tuple(expression for expression in KNOWN_EXPRESSIONS if expression in known.values())
    others = tuple(sorted(set(merged.values()), key=_sort_key))
    warnings = (
        *_warn_of_merged(known, merged),
        *_warn_of_spellings(known),
        *_warn_of_numbers([name for name in others if name.isdigit()]),
        *_warn_of_unknown(present, [name for name in others if not name.isdigit()]),
    )
    return (*present, *others), {**known, **merged}, warnings


def _read_codes(spelled: Sequence[str]) -> dict[str, str]:
    """Return the expression of each name where all are codes such as HA and NE, or names."""
    codes = {name: expression for name in spelled if (expression := expand_code(name) or canonical_expression(name))}
    return codes if len(codes) == len(spelled) and len(spelled) > 1 else {}


def _read_loose(spelled: Sequence[str], plain: Mapping[str, str]) -> dict[str, str]:
    """Return the expression of words such as "calm", unless the data has that expression beside them."""
    if len(set(plain.values())) < 2:
        return {}
    words = {name: LOOSE_SPELLINGS[name.strip().lower()] for name in spelled if name.strip().lower() in LOOSE_SPELLINGS}
    return {name: expression for name, expression in words.items() if expression not in plain.values()}


def _merge_cases(names: Sequence[str]) -> dict[str, str]:
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(name.strip().casefold(), name.strip())
    return {name: first[name.strip().casefold()] for name in names}


def _sort_key(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdigit() else (1 << 62, name)


def _warn_of_merged(known: Mapping[str, str], merged: Mapping[str, str]) -> Iterable[str]:
    for mapping in (known, merged):
        same: dict[str, list[str]] = defaultdict(list)
        for name, expression in mapping.items():
            same[expression].append(name)
        for expression in sorted(same, key=lambda name: (*EXPRESSIONS, name).index(name)):
            if len({name.strip().lower() for name in same[expression]}) > 1:
                yield f"{' and '.join(same[expression])} are both read as {expression}"


def _warn_of_spellings(known: Mapping[str, str]) -> Iterable[str]:
    """Say what names were taken for that are no plain synonyms: codes, loose words, names with something around."""
    doubtful = [name for name in known if not name.strip().isalpha() or canonical_expression(name) is None]
    if doubtful:
        yield f"classes: {', '.join(f'{name} is read as {known[name]}' for name in doubtful)}"


def _warn_of_numbers(numbers: Sequence[str]) -> Iterable[str]:
    if numbers:
        hint = "; RAF-DB's order is surprise,fear,disgust,happy,sad,angry,neutral" if numbers[0] == "1" else ""
        found = ", ".join(numbers[:10]) + (", …" if len(numbers) > 10 else "")
        about = f"classes that are numbers ({found}) stay numbers, since each data set has its own"
        yield f"{about}: {WHERE_NAMES_HELP}{hint}"


def _warn_of_unknown(present: Sequence[str], others: Sequence[str]) -> Iterable[str]:
    if present and others:
        shown = ", ".join(map(_suggest, others[:5])) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
        yield f"classes that are no known expression are kept as they are: {shown}"


def _suggest(name: str) -> str:
    near = ask(find_nearest(name, {known: [known] for known in KNOWN_EXPRESSIONS}))
    return f"{name} ({near})" if near else name


def parse_emotion(text: str) -> int:
    """Return the number 0-7 of an expression as FER2013's tables have it; 7 is contempt, as in `ckextended.csv`.

    Raises:
        ValueError: it is another number, or none.
    """
    number = _NUMBERS.get(text)
    if number is None:
        raise ValueError(f"expected emotion 0 to {len(EXPRESSIONS) - 1}, found {text[:40]!r}")
    return number


_NUMBERS = {f"{number}{end}": number for number in range(len(KNOWN_EXPRESSIONS)) for end in ("", ".0")}


def parse_usage(text: str) -> str:
    """Return the split that a table names.

    Raises:
        ValueError: it is none of the known names.
    """
    split = _CANONICAL_SPLIT.get(text.lower()) or canonical_split(text)
    if split is None:
        raise ValueError(f"expected Usage Training, PublicTest or PrivateTest, found {text[:40]!r}")
    return split

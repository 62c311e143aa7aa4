"""The numbers that data sets give to expressions in their own files, where no name is written beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

RAF_DB: Mapping[str, str] = dict(
    zip("1234567", ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"), strict=True)
)
"""Li, Deng & Du 2017, `list_patition_label.txt`."""

AFFECTNET: Mapping[str, str] = dict(
    zip("01234567", ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt"), strict=True)
)
"""Mollahosseini, Hasani & Mahoor 2019; 8 to 10 are none, uncertain and no face."""

COHN_KANADE: Mapping[str, str] = dict(
    zip("01234567", ("neutral", "angry", "contempt", "disgust", "fear", "happy", "sad", "surprise"), strict=True)
)
"""Lucey et al. 2010, `…_emotion.txt`."""

EXPW: Mapping[str, str] = dict(
    zip("0123456", ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"), strict=True)
)
"""Zhang et al. 2015, `label.lst`."""

FER_PLUS: Sequence[str] = (
    *("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt"),
    *("unknown", "nf"),
)
"""Barsoum et al. 2016: the order of the votes in `label.csv`; NF is "no face"."""

_RAF_DB_LIST = re.compile(r"list_par?tition_label\.txt$", re.IGNORECASE)


def own_numbers(file: str, header: Sequence[str]) -> tuple[str, Mapping[str, str]] | None:
    """Return whose numbers the labels of a list are, and what they mean, where its form tells; None elsewhere."""
    if _RAF_DB_LIST.search(file):
        return "RAF-DB", RAF_DB
    if "subdirectory_filepath" in header and "expression" in header and {"valence", "face_x"} & {*header}:
        return "AffectNet", AFFECTNET
    return None

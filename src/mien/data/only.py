"""A list of the faces to keep. In: `Splits` and the file. Out: the same without all other faces; and such a file.

One line a face: the name of its split, a space, its id as `mien data` knows it. Lines that start with # are remarks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.errors import DataError
from mien.faces import Faces, Splits
from mien.files import write_text

_NAMES = "surrogatepass"
"""How a name of a file that is no text is written, so that it is read again as it was."""

Kept = Mapping[str, npt.NDArray[np.bool_]]
"""Name of a split -> bool (N,), True where a face of it is kept."""


def write_list(path: Path, splits: Splits, kept: Kept, *, remarks: Sequence[str] = ()) -> None:
    """Write the faces of `splits` that are `kept` to `path`, after `remarks`, one line each.

    Raises:
        DataError: the id of a face has more than one line.
        MienError: the file cannot be written.
    """
    lines = [f"# {remark}" for remark in remarks]
    for name, faces in splits.named().items():
        lines += [f"{name} {face}" for face in faces.ids[kept[name]].tolist()]
    torn = next((line for line in lines if len(line.splitlines()) > 1), None)
    if torn is not None:
        raise DataError(splits.source, f"expected ids of one line, found {torn!r}: rename it")
    write_text(path, "\n".join(lines) + "\n", errors=_NAMES)


def keep_only(splits: Splits, path: Path) -> Splits:
    """Return the faces of `splits` that the list at `path` names; a warning says what each split loses.

    Where several faces share an id, as many are kept as lines name it, the first ones.

    Raises:
        DataError: the list cannot be read, names a face that is not there, or leaves no face of train.
    """
    wanted = _read_list(path)
    parts: dict[str, Faces] = {}
    warnings = []
    for name, faces in splits.named().items():
        kept = _find(faces.ids.tolist(), wanted.get(name, Counter()))
        if not len(kept) and name == "train":
            raise DataError(path, f"expected faces of train of {splits.source}, found none")
        parts[name] = faces.take(kept)
        if len(kept) < len(faces):
            left_out = len(faces) - len(kept)
            warnings.append(f"{name}: {left_out:,} of {len(faces):,} faces left out, which {path.name} does not name")
    _check_all_found(path, wanted, parts, splits.source)
    there = {name: faces if len(faces) else None for name, faces in parts.items()}
    return replace(splits, **there, warnings=(*splits.warnings, *warnings))  # type: ignore[arg-type]


def _read_list(path: Path) -> dict[str, Counter[str]]:
    try:
        lines = path.read_text(encoding="utf-8", errors=_NAMES).split("\n")
    except OSError as error:
        raise DataError(path, f"cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise DataError(path, "expected a list of faces as text, found something else") from error
    wanted: dict[str, Counter[str]] = {}
    for number, line in enumerate(lines, start=1):
        if line and not line.startswith("#"):
            split, space, face = line.partition(" ")
            if not space or split not in ("train", "valid", "test", "unlabelled"):
                found = f"found {line[:80]!r}"
                raise DataError(f"{path} line {number}", f"expected a split and an id, as train 17, {found}")
            wanted.setdefault(split, Counter())[face] += 1
    return wanted


def _find(ids: Sequence[str], wanted: Counter[str]) -> npt.NDArray[np.intp]:
    left = wanted.copy()
    kept = []
    for index, face in enumerate(ids):
        if left[face] > 0:
            left[face] -= 1
            kept.append(index)
    return np.array(kept, dtype=np.intp)


def _check_all_found(path: Path, wanted: Mapping[str, Counter[str]], parts: Mapping[str, Faces], source: str) -> None:
    for name, faces in wanted.items():
        known = Counter(parts[name].ids.tolist()) if name in parts else Counter()
        lost = next(iter(faces - known), None)
        if lost is not None:
            advice = "make the list from the same data"
            raise DataError(path, f"expected faces of {source}, found {name} {lost}, which it does not hold: {advice}")

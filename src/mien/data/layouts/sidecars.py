"""WebDataset: `0001.png` and, beside it, `0001.cls` with its class, or `0001.json` with a label."""

from __future__ import annotations

import json
from collections import defaultdict

from mien.data.archives import Tree
from mien.data.bad import BadInputs
from mien.data.columns import LABEL_COLUMNS
from mien.data.folders import find_splits
from mien.data.listing import Listing, Reading, plain_number
from mien.data.names import canonical_split
from mien.data.pictures import Picture
from mien.errors import DataError


def find(tree: Tree, bad: BadInputs, reading: Reading) -> Listing | None:
    """Return the pictures that have a file of their class beside them, or None where none has."""
    notes: dict[str, dict[str, str]] = defaultdict(dict)
    for file in tree.beside:
        stem, _, suffix = file.rpartition(".")
        if suffix in ("cls", "json"):
            notes[stem][suffix] = file
    if not notes:
        return None
    stems = {file.rpartition(".")[0] for file in tree.pictures} & {*notes}
    if not stems:
        return None
    pictures, without = [], 0
    own = canonical_split(tree.name.split(".")[0].split("-")[0])
    for file in tree.pictures:
        found = notes.get(file.rpartition(".")[0], {})
        try:
            label = _read_label(tree, found) if found else None
        except DataError as error:
            bad.add(error)
            continue
        without += label is None
        split = next(iter(find_splits(file)), own or "train")
        pictures.append(Picture(file=file, split=split if label else "unlabelled", label=label, id=file))
    if without == len(pictures):
        return None
    if without:
        bad.note(f"{without:,} pictures have no file of a class beside them: read as unlabelled")
    used = frozenset(file for found in notes.values() for file in found.values())
    return Listing(pictures=pictures, kind="WebDataset samples", used=used)


def _read_label(tree: Tree, found: dict[str, str]) -> str | None:
    note = found.get("cls") or found["json"]
    with tree.open(note) as stream:
        text = stream.read(1 << 16).decode("utf-8", errors="replace").strip()
    if note.endswith(".cls"):
        if not text:
            raise DataError(tree.locate(note), "expected a class, found an empty file")
        return plain_number(text)
    try:
        value = json.loads(text)
    except ValueError as error:
        raise DataError(tree.locate(note), f"expected JSON, found {text[:40]!r}") from error
    known = {str(name).lower(): said for name, said in value.items()} if isinstance(value, dict) else {}
    label = next((known[name] for name in LABEL_COLUMNS if isinstance(known.get(name), str | int)), None)
    return None if label is None else plain_number(str(label))

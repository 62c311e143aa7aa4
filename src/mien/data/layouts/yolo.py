"""YOLO: `train/images/1.jpg` and `train/labels/1.txt` with a line a face, class and box; the faces are cut out.

    3 0.5 0.45 0.2 0.3        class, middle (x, y), width and height in parts of the picture; or an outline

Classes are numbers; `names` of data.yaml, classes.txt or `--classes` name them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mien.data.archives import Tree
from mien.data.bad import BadInputs
from mien.data.folders import find_splits
from mien.data.listing import Listing, Reading
from mien.data.pictures import Box, Picture
from mien.errors import DataError, MissingExtraError

_LINE = re.compile(r"^\d+(\s+-?\d*\.?\d+(e-?\d+)?){4,}\s*$")
_CONFIGS = ("data.yaml", "data.yml", "dataset.yaml")


def find(tree: Tree, bad: BadInputs, reading: Reading) -> Listing | None:
    """Return the faces of the files of boxes, or None where there are none."""
    notes = {_strip(file, "labels"): file for file in tree.beside if file.endswith(".txt")}
    if not notes:
        return None
    pairs = [
        (picture, notes[_strip(picture, "images")]) for picture in tree.pictures if _strip(picture, "images") in notes
    ]
    if not pairs or not any(_has_boxes(tree, note) for _, note in pairs[:50]):
        return None
    names = {} if reading.naming else _read_names(tree)
    pictures: list[Picture] = []
    for picture, note in pairs:
        with tree.open(note) as stream:
            lines = stream.read().decode("utf-8", errors="replace").splitlines()
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            if not _LINE.match(line.strip()):
                where = f"{tree.locate(note)} line {number}"
                bad.add(DataError(where, f"expected a class and a box, as 3 0.5 0.5 0.2 0.3, found {line[:40]!r}"))
                continue
            label, *sides = line.split()
            split = next(iter(find_splits(picture)), "train")
            face = f"{picture} {number}" if len(lines) > 1 else picture
            box = _make_box([float(side) for side in sides])
            pictures.append(Picture(file=picture, split=split, label=names.get(label, label), id=face, box=box))
    without = len(tree.pictures) - len({one.file for one in pictures})
    bad.note(f"{len(pictures):,} faces are cut out by YOLO's boxes; {without:,} pictures have none")
    return Listing(pictures=pictures, kind="YOLO folders", used=frozenset(notes.values()))


def _strip(file: str, folder: str) -> str:
    """Return the path without its suffix and its folder `images` or `labels`."""
    *folders, name = file.split("/")
    return "/".join([*(part for part in folders if part.lower() != folder), name.rpartition(".")[0]])


def _has_boxes(tree: Tree, note: str) -> bool:
    with tree.open(note) as stream:
        line = stream.readline(1 << 12).decode("utf-8", errors="replace").strip()
    return bool(_LINE.match(line))


def _make_box(sides: list[float]) -> Box:
    if len(sides) in (4, 5):  # a fifth is a confidence
        x, y, width, height = sides[:4]
        return Box(left=x - width / 2, top=y - height / 2, right=x + width / 2, bottom=y + height / 2, is_part=True)
    across, down = sides[0::2], sides[1::2]
    return Box(left=min(across), top=min(down), right=max(across), bottom=max(down), is_part=True)


def _read_names(tree: Tree) -> Mapping[str, str]:
    """Return number -> name as data.yaml has it; empty where there is none."""
    files = [file for file in tree.beside if file.rpartition("/")[2].lower() in _CONFIGS]
    if not files:
        return {}
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise MissingExtraError("pyyaml", "train") from error
    with tree.open(files[0]) as stream:
        try:
            names = (yaml.safe_load(stream) or {}).get("names", {})
        except (yaml.YAMLError, AttributeError) as error:
            raise DataError(
                tree.locate(files[0]), "expected YAML with names of classes, found something else"
            ) from error
    pairs = names.items() if isinstance(names, dict) else enumerate(names)
    return {str(number): str(name) for number, name in pairs}

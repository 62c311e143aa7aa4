"""Pictures of a wrong size. In: where the pictures are. Out: findings; only headers are read, nothing is decoded."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from mien.auditing.finding import Finding, Roll
from mien.data.archives import Tree, open_tree
from mien.data.bad import BadInputs
from mien.data.detect import needs_folder
from mien.faces import IN_MEMORY

USUAL_SHARE = 0.9
"""Where so many pictures have one size, another one is remarkable."""

WIDEST_RATIO = 1.1

Size = tuple[int, int]


def report_sizes(roll: Roll) -> Iterator[Finding]:
    """Yield each face whose picture was made larger, was stretched, or is of another size than nearly all others."""
    sizes = read_sizes(roll)
    if not sizes:
        return
    usual, count = Counter(sizes.values()).most_common(1)[0]
    side = roll.parts[0].images.shape[1]
    for number, size in sorted(sizes.items()):
        problem = _judge(size, side, usual if count >= USUAL_SHARE * len(sizes) else size)
        if problem:
            yield roll.report("size", number, detail=f"{size[0]}x{size[1]}: {problem}", score=-float(min(size)))


def _judge(size: Size, side: int, usual: Size) -> str:
    width, height = size
    if max(size) > WIDEST_RATIO * min(size):
        return "stretched to a square"
    if min(width, height) < side:
        return f"made larger, to {side}x{side}"
    return f"most are {usual[0]}x{usual[1]}" if size != usual else ""


def read_sizes(roll: Roll) -> dict[int, Size]:
    """Return width and height in pixels of each face's picture, by its number; empty where faces are no pictures."""
    source = Path(roll.splits.source).expanduser()
    if roll.splits.source in ("synthetic", IN_MEMORY) or "table of pixels" in roll.splits.kind:
        return {}
    numbers = {
        str(face): start + index
        for start, part in zip(roll.starts.tolist(), roll.parts, strict=False)
        for index, face in enumerate(part.ids)
    }
    root = source.resolve().parent if needs_folder(source) else source
    with open_tree(root, BadInputs(skip=True)) as tree, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the readers have refused what is too large
        found = ((_find_number(numbers, file), file) for file in tree.pictures)
        return {number: size for number, file in found if number is not None and (size := _read_size(tree, file))}


def _find_number(numbers: dict[str, int], file: str) -> int | None:
    """Return the face that a picture became: an id is its path, or the end of it, with or without the suffix."""
    parts = file.split("/")
    tails = ["/".join(parts[start:]) for start in range(len(parts))]
    names = (name for tail in tails for name in (tail, tail.rpartition(".")[0]))
    return next((numbers[name] for name in names if name in numbers), None)


def _read_size(tree: Tree, file: str) -> Size | None:
    try:
        with tree.open(file) as stream, Image.open(stream) as image:
            return image.width, image.height
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None  # the readers have said so

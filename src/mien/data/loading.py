"""`load`: a path goes in, whatever it holds; `Splits` of uint8 grey faces come out, from the cache if it has them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mien.data.bad import BadInputs
from mien.data.cache import find_space, recall, remember, stamp_source
from mien.data.classes import parse_classes
from mien.data.columns import parse_columns
from mien.data.gather import MIN_SIDE_PIXELS, assemble
from mien.data.listing import Reading
from mien.errors import ConfigError, DataError, MienError
from mien.faces import Splits

SYNTHETIC = "synthetic"
MAX_SIDE_PIXELS = 1024


def load(
    source: str | Path,
    *,
    size: int | None = None,
    classes: str | None = None,
    columns: str | None = None,
    skip_bad: bool = False,
    cache: bool = True,
) -> Splits:
    """Return the faces of `source`, by split.

    Args:
        source: a table of pixels (fer2013.csv), a folder of class folders, a table beside pictures, unlabelled
            pictures, or a zip, gz or tar.gz of these; or "synthetic" for the faces that mien draws.
        size: side in pixels that faces are resized to; None: the data's own, or 48 if it has several.
        classes: names of labels that are numbers, in their order ("neutral,happy,…"), or "label=name,…"; None: a file
            classes.txt in the data names them, if there is one.
        columns: which columns of a table tell what, as "path=NAME,label=NAME,split=NAME"; None: as they are found.
        skip_bad: leave out what cannot be used (one line each in `skipped`) instead of stopping at it.
        cache: keep decoded faces for the next time, and use those that are kept; images are then a read-only map.

    Raises:
        DataError: nothing is there, it is not recognised, or something in it cannot be used.
        ConfigError: `size` is out of range, or `classes` or `columns` say nothing that can be understood.
    """
    if size is not None and not MIN_SIDE_PIXELS <= size <= MAX_SIDE_PIXELS:
        raise ConfigError(f"`size`: expected {MIN_SIDE_PIXELS} to {MAX_SIDE_PIXELS} pixels, found {size}")
    reading = Reading(size=size, naming=parse_classes(classes), columns=parse_columns(columns))
    if source == SYNTHETIC:
        from mien.synthetic import load_synthetic

        return load_synthetic(size=size)
    if not str(source):
        raise DataError("data", "expected a path, found an empty one")  # which would mean the current folder
    path = Path(source).expanduser()
    _check_exists(path)
    if not cache:
        return replace(_read(path, reading, skip_bad), source=str(source))
    options = f"size={size} skip_bad={skip_bad}"
    options += "".join(f" {name}={value}" for name, value in (("classes", classes), ("columns", columns)) if value)
    splits = _load_cached(path, reading, skip_bad, options)
    return replace(splits, source=str(source))


def _check_exists(path: Path) -> None:
    try:
        path.stat()
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise DataError(path, "expected a file or folder of faces, but it does not exist") from error
        raise DataError(path, f"cannot be read ({error.strerror or error})") from error


def _load_cached(path: Path, reading: Reading, skip_bad: bool, options: str) -> Splits:
    from mien.data.detect import needs_folder

    place = path.resolve().parent if needs_folder(path) else path
    if place != path:
        options += f" table={path.name}"
    stamp = stamp_source(place, options)
    known = recall(place, stamp, options)
    if known is not None:
        return known
    space = find_space(stamp)
    try:
        splits = _read(path, replace(reading, space=space), skip_bad)
    except DataError:
        space.clear()  # the source has to be changed, and is another one then
        raise
    try:
        splits = remember(place, stamp, options, splits)
    except MienError as error:
        splits = replace(splits, warnings=(*splits.warnings, f"not kept for the next time: {error}"))
    space.clear()
    return splits


def _read(path: Path, reading: Reading, skip_bad: bool) -> Splits:
    from mien.data.detect import read_source

    bad = BadInputs(skip=skip_bad)
    gathered = read_source(path, reading=reading, bad=bad)
    return assemble(gathered, path.resolve().name, bad)

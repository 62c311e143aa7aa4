"""Tell what a path holds, and read it: a path goes in, `Gathered` faces come out.

Tables of pixels come first, then class folders, then a table beside pictures, then pictures without a label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mien.data.archives import SYNTHETIC_MARK, Tree, name_damage, open_tree
from mien.data.bad import BadInputs
from mien.data.csv import MAX_HEADER_BYTES, read_pixel_table
from mien.data.folders import has_classes, list_pictures
from mien.data.gather import Gathered, concatenate
from mien.data.images import resize_faces
from mien.data.names import LABEL_COLUMNS, PATH_COLUMNS, PIXEL_COLUMNS, SPLIT_COLUMNS, find_column, read_header
from mien.data.pictures import Picture, read_pictures
from mien.data.tables import list_table
from mien.errors import DataError

KNOWN = "a table with a column pixels, path or id, a folder of pictures, or one of these in a zip, gz or tar.gz"
_BESIDE = "table beside pictures"


def read_source(path: Path, *, size: int | None, bad: BadInputs) -> Gathered:
    """Return the faces at `path`, each of `size` x `size` pixels where a size is given.

    Raises:
        DataError: nothing known is there, or a bad input that may not be skipped.
    """
    if path.is_file() and path.stat().st_size == 0:
        raise DataError(path, f"expected {KNOWN}, found an empty file")
    if needs_folder(path):
        with open_tree(path.resolve().parent, bad) as tree:
            listing = list_table(tree, path.name, bad)
            return replace(read_pictures(tree, listing, size=size, bad=bad), kind=_BESIDE)
    with open_tree(path, bad) as tree:
        gathered = _read_tree(tree, size, bad)
        within = "" if tree.container in ("file", "folder") else f" in a {tree.container}"
        is_drawn = any(file.split("/")[-1] == SYNTHETIC_MARK for file in tree.files)
    return replace(gathered, kind=f"{gathered.kind}{within}", synthetic=is_drawn)


def needs_folder(path: Path) -> bool:
    """Tell whether `path` is a table that names pictures beside it."""
    if not path.is_file():
        return False
    with name_damage(str(path)), path.open("rb") as file:
        return _names_pictures(read_header(file.readline(MAX_HEADER_BYTES)))


def _names_pictures(header: Sequence[str]) -> bool:
    return find_column(header, PIXEL_COLUMNS) is None and find_column(header, PATH_COLUMNS) is not None


def _read_tree(tree: Tree, size: int | None, bad: BadInputs) -> Gathered:
    is_single = tree.files == (tree.name,)
    headers = {table: _peek_header(tree, table) for table in (tree.files if is_single else tree.tables)}
    pixel_tables = [table for table, header in headers.items() if find_column(header, PIXEL_COLUMNS) is not None]
    if pixel_tables:
        complete = [table for table in pixel_tables if find_column(headers[table], SPLIT_COLUMNS) is not None]
        return _read_pixel_tables(tree, complete[:1] or pixel_tables, size, bad)
    if is_single:
        raise _refuse_header(f"{tree.name} line 1", headers[tree.name])
    listing, kind = _list_tree(tree, headers, bad)
    if listing and tree.container == "tar archive":
        raise DataError(tree.name, "expected a table of pixels, found pictures: unpack them, or pack them as a zip")
    if not listing:
        raise DataError(tree.name, f"expected {KNOWN}, found none of these in it")
    return replace(read_pictures(tree, listing, size=size, bad=bad), kind=kind)


def _refuse_header(where: str, header: Sequence[str]) -> DataError:
    found = ", ".join(header)[:80] or "none"
    return DataError(where, f"expected a column pixels, path or id, found {found}")


def _list_tree(tree: Tree, headers: Mapping[str, Sequence[str]], bad: BadInputs) -> tuple[list[Picture], str]:
    """Return the pictures of a tree, and what was recognised."""
    listing = list_pictures(tree, bad)
    if has_classes(listing):
        return listing, "class folders"
    tables = [table for table, header in headers.items() if _names_pictures(header)]
    if tables and listing:
        return [picture for table in tables for picture in list_table(tree, table, bad)], _BESIDE
    for table in tree.tables:
        if find_column(headers[table], LABEL_COLUMNS) is not None:  # somebody labelled these pictures
            raise _refuse_header(f"{tree.locate(table)} line 1", headers[table])
    labels = {picture.label for picture in listing if picture.label is not None}
    if labels:
        found = f"only {next(iter(labels))}"
        raise DataError(tree.name, f"expected at least two class folders, or pictures without any, found {found}")
    return listing, "pictures without labels"


def _read_pixel_tables(tree: Tree, tables: Sequence[str], size: int | None, bad: BadInputs) -> Gathered:
    parts = []
    for table in tables:
        with name_damage(tree.locate(table), tree.container), tree.open(table) as stream:
            gathered = read_pixel_table(stream, tree.locate(table), bad)
        parts.append(gathered if size is None else replace(gathered, images=resize_faces(gathered.images, size)))
    return concatenate(parts, tree.name)


def _peek_header(tree: Tree, table: str) -> tuple[str, ...]:
    where = tree.locate(table)
    with name_damage(where, tree.container), tree.open(table) as stream:
        line = stream.readline(MAX_HEADER_BYTES)
    if b"\0" in line and table == tree.name:
        raise DataError(where, f"expected {KNOWN}, found something else")
    return read_header(line)

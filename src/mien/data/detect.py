"""Tell what a path holds, and read it: a path goes in, `Gathered` faces come out.

Tables of pixels come first, then parquet, Arrow and NumPy files, then the layouts of single data sets, then folders of
classes with the tables beside them, then the names of pictures, then pictures without a label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mien.data.archives import SYNTHETIC_MARK, Tree, name_damage, open_tree
from mien.data.bad import BadInputs
from mien.data.classes import CLASS_FILES, parse_class_file
from mien.data.columns import LABEL_COLUMNS, PATH_COLUMNS, SPLIT_COLUMNS, find_column, read_header
from mien.data.csv import MAX_HEADER_BYTES, read_pixel_table
from mien.data.dialects import HEAD_BYTES, is_text, open_text
from mien.data.formats import PICTURE_SUFFIXES
from mien.data.gather import Gathered, concatenate
from mien.data.holders import HOLDER_SUFFIXES, is_holder, read_holders
from mien.data.images import resize_faces
from mien.data.layouts import LAST, LAYOUTS
from mien.data.listing import Listing, Reading, name_labels
from mien.data.merge import list_folders_and_tables
from mien.data.pictures import read_pictures
from mien.data.rows import has_pixels
from mien.data.tables import list_table, refuse_header
from mien.errors import DataError

KNOWN = "a table with a column pixels, path or id, a folder of pictures, or one of these in a zip, gz or tar.gz"
BESIDE = "table beside pictures"

_LEFT_OUT = ("undecided", "unknown", "nf", "none", "uncertain", "no face", "no-face", "noface")
"""What taggers say of a picture that shows no expression that they can name."""

Headers = Mapping[str, Sequence[str]]


def read_source(path: Path, *, reading: Reading, bad: BadInputs) -> Gathered:
    """Return the faces at `path`, each of a square of `reading.size` pixels where one is given.

    Raises:
        DataError: nothing known is there, or a bad input that may not be skipped.
    """
    if path.is_file() and path.stat().st_size == 0:
        raise DataError(path, f"expected {KNOWN}, found an empty file")
    if is_holder(path):
        gathered = read_holders([path.name], lambda _: path.open("rb"), reading, bad, path.name)
        return replace(gathered, warnings=(*gathered.warnings, *bad.notes))
    if needs_folder(path):
        with open_tree(path.resolve().parent, bad) as tree:
            reading = _read_class_file(tree, reading, bad)
            pictures = list_table(tree, path.name, bad, reading)
            gathered = _read_listing(tree, Listing(pictures=pictures, kind=BESIDE), reading, bad)
    else:
        with open_tree(path, bad) as tree:
            gathered = _read_tree(tree, _read_class_file(tree, reading, bad), bad)
            within = "" if tree.container in ("file", "folder") else f" in a {tree.container}"
            is_drawn = any(file.split("/")[-1] == SYNTHETIC_MARK for file in tree.files)
            gathered = replace(gathered, kind=f"{gathered.kind}{within}", synthetic=is_drawn)
    return replace(gathered, warnings=(*gathered.warnings, *bad.notes))


def needs_folder(path: Path) -> bool:
    """Tell whether `path` is a table that names pictures beside it."""
    if not path.is_file():
        return False
    with name_damage(str(path)), open_text(lambda: path.open("rb")) as file:
        return _names_pictures(read_header(file.readline(MAX_HEADER_BYTES)))


def _names_pictures(header: Sequence[str]) -> bool:
    is_list = any(name.endswith(PICTURE_SUFFIXES) for name in header)  # without names of columns
    return not has_pixels(header) and (is_list or find_column(header, PATH_COLUMNS) is not None)


def _read_class_file(tree: Tree, reading: Reading, bad: BadInputs) -> Reading:
    """Return `reading` with the names of a file of classes in the tree, unless the user gave some."""
    files = [file for file in tree.beside if file.rpartition("/")[2].lower() in CLASS_FILES]
    if reading.naming or not files:
        return reading
    where = tree.locate(files[0])
    with name_damage(where), tree.open(files[0]) as stream:
        naming = parse_class_file(stream.read(HEAD_BYTES).decode("utf-8-sig", errors="replace"), where)
    bad.note(f"{where} names the classes")
    return replace(reading, naming=naming)


def _read_tree(tree: Tree, reading: Reading, bad: BadInputs) -> Gathered:
    is_single = tree.files == (tree.name,)
    headers = {table: _peek_header(tree, table) for table in (tree.files if is_single else tree.tables)}
    pixel_tables = [table for table, header in headers.items() if has_pixels(header, reading.columns)]
    if pixel_tables:
        return _read_pixel_tables(tree, _choose_pixel_tables(tree, pixel_tables, headers, bad), reading, bad)
    if is_single:
        raise _refuse_single(tree, headers[tree.name])
    holders = [file for file in tree.beside if file.lower().endswith(HOLDER_SUFFIXES)]
    if holders and not tree.pictures:
        return read_holders(holders, tree.open, reading, bad, tree.name)
    listing = _list_tree(tree, headers, reading, bad)
    _note_unread(tree, bad)
    if not listing.pictures:
        raise DataError(tree.name, f"expected {KNOWN}, found none of these in it{_tell_unread(tree)}")
    return _read_listing(tree, listing, reading, bad)


def _refuse_single(tree: Tree, header: Sequence[str]) -> DataError:
    numbers = sum(word.isdigit() for cell in header for word in cell.split())
    if numbers >= 64:
        problem = "expected names of columns, found a row of pixels: put emotion,pixels,Usage or the like before it"
        return DataError(f"{tree.name} line 1", problem)
    return refuse_header(f"{tree.name} line 1", header)


def _choose_pixel_tables(tree: Tree, tables: Sequence[str], headers: Headers, bad: BadInputs) -> Sequence[str]:
    """Return the tables to read: the one that has every split, or all where none has.

    Raises:
        DataError: several have every split.
    """
    complete = [table for table in tables if find_column(headers[table], SPLIT_COLUMNS) is not None]
    if len(complete) > 1:
        problem = f"expected one table with every split, found {' and '.join(complete[:3])}: give one of them as data"
        raise DataError(tree.name, problem)
    chosen = complete or list(tables)
    left = [table for table in tables if table not in chosen]
    if left:
        bad.note(f"{', '.join(left)}: not read, since {chosen[0]} has every split")
    if tree.pictures and tree.pictures != tree.files:
        bad.note(f"{len(tree.pictures):,} pictures beside {chosen[0]} are not read")
    return chosen


def _list_tree(tree: Tree, headers: Headers, reading: Reading, bad: BadInputs) -> Listing:
    """Return the pictures of a tree, and what was recognised.

    Raises:
        DataError: somebody labelled the pictures in a way that cannot be read.
    """
    for find in LAYOUTS:
        listing = find(tree, bad, reading)
        if listing is not None:
            return listing
    listing, labels = list_folders_and_tables(tree, reading, bad)
    if any(picture.label is not None for picture in listing.pictures) and listing.kind != "pictures without labels":
        return listing
    for find in LAST:
        named = find(tree, bad, reading)
        if named is not None:
            return named
    for table in tree.tables:
        if listing.kind != BESIDE and find_column(headers[table], LABEL_COLUMNS) is not None:
            raise refuse_header(f"{tree.locate(table)} line 1", headers[table])
    if labels:
        found = f"only {next(iter(labels))}"
        raise DataError(tree.name, f"expected at least two class folders, or pictures without any, found {found}")
    return listing


def _read_listing(tree: Tree, listing: Listing, reading: Reading, bad: BadInputs) -> Gathered:
    pictures = [one for one in listing.pictures if one.label is None or one.label.lower() not in _LEFT_OUT]
    left_out = len(listing.pictures) - len(pictures)
    if left_out:
        bad.note(f"{left_out:,} faces are left out: their label is none, unknown, no face or not decided by votes")
    named = name_labels(pictures, reading.naming)
    read = read_pictures(tree, named, size=reading.size, bad=bad, space=reading.space)
    return replace(read, kind=listing.kind)


def _note_unread(tree: Tree, bad: BadInputs) -> None:
    if tree.unread:
        bad.note(f"files that are not read:{_tell_unread(tree)}")


def _tell_unread(tree: Tree) -> str:
    shown = [f" {count:,} {suffix}" for suffix, count in list(tree.unread.items())[:4]]
    return ",".join(shown)


def _read_pixel_tables(tree: Tree, tables: Sequence[str], reading: Reading, bad: BadInputs) -> Gathered:
    parts = []
    for table in tables:
        where = tree.locate(table)
        with name_damage(where, tree.container), open_text(lambda name=table: tree.open(name)) as stream:  # type: ignore[misc]
            gathered = read_pixel_table(stream, where, bad, reading)
        size = reading.size
        if size is not None:
            resized = resize_faces(gathered.images, size, space=reading.space, name=where)
            gathered = replace(gathered, images=resized)
        parts.append(gathered)
    return concatenate(parts, tree.name)


def _peek_header(tree: Tree, table: str) -> tuple[str, ...]:
    where = tree.locate(table)
    with name_damage(where, tree.container):
        with tree.open(table) as head:
            is_readable = is_text(head.read(HEAD_BYTES))
        if not is_readable and table == tree.name:
            raise DataError(where, f"expected {KNOWN}, found something else")
        with open_text(lambda: tree.open(table)) as stream:
            return read_header(stream.readline(MAX_HEADER_BYTES))

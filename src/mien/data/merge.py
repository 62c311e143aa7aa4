"""Folders of classes and the tables and lists beside them: what both tell of each picture, held against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mien.data.archives import Tree
from mien.data.bad import BadInputs
from mien.data.columns import LABEL_COLUMNS, PATH_COLUMNS, find_column
from mien.data.folders import has_classes, list_pictures
from mien.data.listing import Listing, Reading, Told, join
from mien.data.lookup import PictureIndex, index_pictures
from mien.data.pictures import Picture
from mien.data.tables import names_any, tell_table
from mien.data.text_tables import LIST_SUFFIXES, TextTable, read_text_table
from mien.errors import DataError
from mien.labels import canonical_expression


def list_folders_and_tables(tree: Tree, reading: Reading, bad: BadInputs) -> tuple[Listing, set[str]]:
    """Return the pictures with what folders and tables tell of them, and the labels of folders that are no classes.

    Where both tell a label they have to agree; the split of a table is the picture's.

    Raises:
        DataError: they do not agree, or one of them cannot be read.
    """
    candidates = _list_candidates(tree)
    index = index_pictures(tree.pictures if candidates else ())
    tables = _find_tables(tree, candidates, index, bad)
    told = [row for table in tables for row in tell_table(table, index, bad, reading) or ()]
    used = frozenset(table.file for table in tables)
    labelled = any(row.picture.label is not None for row in told)
    try:
        listing = list_pictures(tree, bad, reading)
    except DataError:
        if not labelled:
            raise
        listing = []  # folders that tell nothing clear do not matter where a table does
    classes = has_classes(listing)
    if told and classes:
        return Listing(pictures=_merge(tree, listing, told, bad), kind="class folders with a table", used=used), set()
    if told:
        pictures = join(told, bad)
        left = len(set(tree.pictures) - {row.picture.file for row in told})
        if left:
            bad.note(f"{left:,} of {len(tree.pictures):,} pictures are named by no table or list: left out")
        return Listing(pictures=pictures, kind="table beside pictures", used=used), set()
    _note_unused(tree, bad)
    if classes:
        return Listing(pictures=listing, kind="class folders"), set()
    labels = {picture.label for picture in listing if picture.label is not None}
    return Listing(pictures=listing, kind="pictures without labels"), labels


def _list_candidates(tree: Tree) -> list[str]:
    """Return the files that may be tables or lists, and do not belong to one picture."""
    lists = [file for file in tree.beside if file.lower().endswith(LIST_SUFFIXES)]
    stems = {file.rpartition(".")[0] for file in tree.pictures} if lists else set()
    return [*tree.tables, *(file for file in lists if file.rpartition(".")[0] not in stems)]


def _find_tables(tree: Tree, candidates: Sequence[str], index: PictureIndex, bad: BadInputs) -> list[TextTable]:
    """Return the tables and lists whose rows name pictures of the tree."""
    found = []
    for file in candidates:
        table = read_text_table(tree, file)
        if table is None and file.lower().endswith(".json"):
            bad.note(f"{tree.locate(file)} is not read: it is no list of pictures with their labels")
        if table is not None and (table.rows or table.header) and (names_any(table, index) or _has_path(table)):
            found.append(table)
    return found


def _has_path(table: TextTable) -> bool:
    """Tell whether the table says that it names pictures, even if its first rows name none that is there."""
    named = find_column(table.header, PATH_COLUMNS) is not None
    is_short = len(table.header) == 1 or find_column(table.header, LABEL_COLUMNS) is not None
    return named and is_short


def _merge(tree: Tree, listing: Sequence[Picture], told: Sequence[Told], bad: BadInputs) -> list[Picture]:
    """Return the pictures of class folders with the splits of tables.

    Raises:
        DataError: a table gives a picture another label than its folder.
    """
    by_file: dict[str, list[Told]] = {}
    for row in told:
        by_file.setdefault(row.picture.file, []).append(row)
    _check_labels(tree, listing, by_file)
    merged = []
    for picture in listing:
        rows = [row for row in by_file.get(picture.file, []) if row.is_split_told]
        splits = {row.picture.split for row in rows}
        if len(splits) > 1:
            bad.add(DataError(rows[0].where, f"expected one split for {picture.file}, found {' and '.join(splits)}"))
            continue
        merged.append(replace(picture, split=splits.pop()) if splits and picture.label else picture)
    named = sum(picture.file in by_file for picture in listing)
    tables = ", ".join(sorted({row.where.rpartition(" line ")[0] for row in told}))
    bad.note(f"{tables}: names {named:,} of {len(listing):,} pictures in class folders, and agrees with these")
    return merged


def _check_labels(tree: Tree, listing: Sequence[Picture], by_file: Mapping[str, Sequence[Told]]) -> None:
    """Raise DataError where tables and folders differ; other words or numbers for a class are no difference."""
    words: dict[str, tuple[str, str]] = {}
    for picture in listing:
        for row in by_file.get(picture.file, []):
            if picture.label is None or row.picture.label is None:
                continue
            folder = canonical_expression(picture.label) or picture.label.lower()
            said = canonical_expression(row.picture.label) or row.picture.label.lower()
            known = words.setdefault(said, (folder, row.where))
            is_word = canonical_expression(said) is not None and canonical_expression(folder) is not None
            if known[0] != folder or (is_word and said != folder):
                found = f"{row.picture.label} in the table ({row.where}) and {picture.label} as its folder"
                advice = "give the table itself as data, or move it away"
                raise DataError(tree.locate(picture.file), f"expected one label, found {found}: {advice}")


def _note_unused(tree: Tree, bad: BadInputs) -> None:
    for table in tree.tables[:3]:
        found = read_text_table(tree, table)
        if found is not None and found.rows:
            bad.note(f"{tree.locate(table)} ({len(found.rows):,} rows) names no picture here: not read")

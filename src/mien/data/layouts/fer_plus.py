"""FER+ as its scripts write it: `FER2013Train/fer0000001.png` and in each folder a label.csv of ten votes a picture.

    fer0000001.png,"(0, 0, 48, 48)",4,0,0,1,3,2,0,0,0,0

The label is the choice that has more than half of the votes; faces without one are left out.
"""

from __future__ import annotations

from mien.data.archives import Tree
from mien.data.bad import BadInputs
from mien.data.dialects import split_cells
from mien.data.folders import find_splits
from mien.data.listing import Listing, Reading, Told, join
from mien.data.lookup import index_pictures
from mien.data.numberings import FER_PLUS
from mien.data.pictures import Picture
from mien.data.text_tables import read_text_table
from mien.data.votes import choose_label
from mien.errors import DataError


def find(tree: Tree, bad: BadInputs, reading: Reading) -> Listing | None:
    """Return the pictures of the lists of votes in `tree`, or None where there are none."""
    import numpy as np

    tables = [file for file in tree.tables if file.rpartition("/")[2].lower() == "label.csv"]
    tables = [file for file in tables if _is_votes(tree, file)]
    if not tables:
        return None
    index = index_pictures(tree.pictures)
    told = []
    for file in tables:
        table = read_text_table(tree, file)
        assert table is not None
        table = table.without_header()
        for number, row in enumerate(table.rows):
            where = table.locate(number)
            found = index.find(row[0], folder=file.rpartition("/")[0]).files
            if len(found) != 1 or len(row) != 2 + len(FER_PLUS):
                expected = f"a picture, its box and {len(FER_PLUS)} votes"
                bad.add(DataError(where, f"expected {expected}, found {', '.join(row)[:60]}"))
                continue
            split = next(iter(find_splits(found[0])), "train")
            label = choose_label(FER_PLUS, np.array([int(vote) for vote in row[2:]]))
            picture = Picture(file=found[0], split=split, label=label, id=found[0])
            told.append(Told(picture=picture, is_split_told=True, where=where))
    return Listing(pictures=join(told, bad), kind="FER+ folders", used=frozenset(tables))


def _is_votes(tree: Tree, file: str) -> bool:
    with tree.open(file) as stream:
        cells = split_cells(stream.readline(1 << 12).decode("utf-8-sig", errors="replace"), ",")
    return len(cells) == 2 + len(FER_PLUS) and all(cell.isdigit() for cell in cells[2:])

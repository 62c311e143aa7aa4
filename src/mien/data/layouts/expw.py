"""ExpW: photographs with several people, and label.lst, a line a face; the faces are cut out.

picture, number of the face, top, left, right, bottom, confidence, expression
angry_actor_104.jpg 0 28 113 226 141 22.9362 0
"""

from __future__ import annotations

from mien.data.archives import Tree
from mien.data.bad import BadInputs
from mien.data.listing import Listing, Reading, Told, join
from mien.data.lookup import index_pictures
from mien.data.numberings import EXPW
from mien.data.pictures import Box, Picture
from mien.data.text_tables import read_text_table
from mien.errors import DataError

_CELLS = 8


def find(tree: Tree, bad: BadInputs, reading: Reading) -> Listing | None:
    """Return the faces of label.lst, or None where there is none."""
    lists = [file for file in tree.beside if file.rpartition("/")[2].lower() == "label.lst"]
    tables = [table for file in lists if (table := read_text_table(tree, file)) and len(table.rows[0]) == _CELLS]
    if not tables:
        return None
    index = index_pictures(tree.pictures)
    told = []
    for table in tables:
        for number, row in enumerate(table.rows):
            where = table.locate(number)
            found = index.find(row[0]).files
            try:
                top, left, right, bottom = (float(cell) for cell in row[2:6])
                label = row[7] if reading.naming else EXPW[row[7]]
            except (ValueError, KeyError, IndexError):
                expected = "a picture, a face, top, left, right, bottom, confidence and an expression from 0 to 6"
                bad.add(DataError(where, f"expected {expected}, found {' '.join(row)[:60]}"))
                continue
            if len(found) != 1:
                amount = "several" if found else "none"
                bad.add(DataError(where, f"expected one picture called {row[0][:80]!r}, found {amount}"))
                continue
            box = Box(left=left, top=top, right=right, bottom=bottom)
            picture = Picture(file=found[0], split="train", label=label, id=f"{row[0]} {row[1]}", box=box)
            told.append(Told(picture=picture, is_split_told=False, where=where))
    bad.note(
        f"{len(told):,} faces are cut out by the boxes of {tables[0].where}; labels are named as ExpW numbers them"
    )
    return Listing(pictures=join(told, bad), kind="ExpW list with boxes", used=frozenset(lists))

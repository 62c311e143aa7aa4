"""What is wrong with a data set, before training: `Splits` go in, an `Audit` comes out, with a table and a clean list.

`copies` and `near` find pictures that are there twice, `looks` and `sizes` those that show too little, `tagged` asks
FER+ votes, `judge` and `doubts` a trained network. `clean` chooses what to keep, `table` writes the findings down; the
page with the pictures is one of `mien.reports`.
"""

from mien.auditing.clean import DROPPABLE, choose_kept
from mien.auditing.examine import Audit, examine
from mien.auditing.finding import KINDS, Finding, Kind

__all__ = ["DROPPABLE", "KINDS", "Audit", "Finding", "Kind", "choose_kept", "examine"]

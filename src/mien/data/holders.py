"""Files that hold many faces at once: parquet and Arrow as on Hugging Face, NumPy's npz, tar shards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from mien.data.bad import BadInputs
from mien.data.gather import Gathered
from mien.data.listing import Reading

HOLDER_SUFFIXES = (".parquet", ".arrow", ".npz")


def is_holder(path: Path) -> bool:
    return False


def read_holders(files: Sequence[tuple[str, BinaryIO]], reading: Reading, bad: BadInputs, name: str) -> Gathered:
    raise NotImplementedError

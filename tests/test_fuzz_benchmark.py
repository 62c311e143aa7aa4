"""Mutated pictures end as arrays or as errors of one line, those that once did not among them."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from benchmarks.fuzz_pictures import make_seeds, mutate

from conftest import ROOT
from mien.errors import DataError
from mien.recognition import read_picture


@pytest.mark.parametrize("number", [56_730, 93_962])
def test_what_fuzzing_found_stays_mended(number: int) -> None:
    """GIFs whose second frame is damaged made a reader fail in a way of its own."""
    data = mutate(make_seeds(), np.random.default_rng((0, number)))
    with pytest.raises(DataError, match="expected a whole picture, found a broken one"):
        read_picture(data)


def test_some_hundred_mutations_end_as_they_should() -> None:
    """The whole count is run by hand; its outcome stands in the results."""
    command = [sys.executable, "-m", "benchmarks.fuzz_pictures", "--count", "300"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (0, True, False) == (done.returncode, "| a picture | " in done.stdout, "FAILED" in done.stdout)

"""Base rates of many files. In: outcomes of a first look. Out: `BaseRates`, for a second one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mien.beliefs.base_rates import BaseRates
from mien.recognition import Recogniser
from mien.recognition.face import name_columns
from mien.stream.pictures import Outcome


def estimate_prior(recogniser: Recogniser, outcomes: Iterable[list[Outcome]]) -> BaseRates:
    """Return the base rates of the faces in these outcomes that can be read; only their probabilities are kept.

    Args:
        recogniser: that named them.
        outcomes: of `recognise_files`, some at a time.

    Raises:
        DataError: too few faces.
    """
    columns = name_columns(recogniser.expressions)
    rows = [
        [row[name] for name in columns]
        for batch in outcomes
        for outcome in batch
        for row in outcome.rows
        if row.get("expression") is not None
    ]
    return recogniser.estimate_prior(np.array(rows, np.float32).reshape(-1, len(columns)))

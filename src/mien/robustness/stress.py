"""`mien.stress`: a network and faces go in, as paths or values; a `Robustness` comes out."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence

from mien.errors import ConfigError
from mien.faces import Splits
from mien.recognition.recogniser import Recogniser
from mien.robustness.corruptions import choose_corruptions, choose_severities
from mien.robustness.measure import ANSWER_FROM, measure_robustness
from mien.robustness.result import Robustness
from mien.robustness.subject import Reading, prepare_subject
from mien.runs.run import Run


def stress(
    run: Run | Recogniser | str | os.PathLike[str],
    data: str | os.PathLike[str] | Splits | None = None,
    *,
    split: str | None = None,
    only: str | Sequence[str] | None = None,
    severity: int | Sequence[int] | None = None,
    seed: int = 0,
    answer_from: float = ANSWER_FROM,
) -> Robustness:
    """Return how a network answers faces that are blurred, noisy, dark, turned, cut wrongly, covered; writes nothing.

    Corruptions of five severities each, after Hendrycks and Dietterich 2019; `mien.robustness.CORRUPTIONS` lists them.

    Args:
        run: a run, its folder, a weights file, an ONNX file of `mien.export`, a `Recogniser`, or "bundled", the network
            that ships with mien. `run.head("ferplus")` and `Recogniser(labels="ferplus")` choose a head.
        data: labelled faces; None: those that the run was trained on.
        split: "valid", "test" or "train"; None: valid, or what other data has alone. Test has to be asked for: choose
            on valid.
        only: names of corruptions; None: all.
        severity: 1 to 5, or several; None: all five.
        seed: of noise, directions and places; the same seed gives the same pixels.
        answer_from: confidence from which an answer counts in the answer rate.

    Raises:
        RunError: there is no such run or file.
        DataError: the data cannot be read, lacks the split, or has classes that the network does not know.
        ConfigError: no such corruption or severity, or no data for a network that has none beside it.
    """
    corruptions, severities = choose_corruptions(only), choose_severities(severity)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ConfigError(f"`seed` {seed!r}: expected a whole number from 0 on")
    subject = prepare_subject(run, data, Reading(split=split))
    for warning in subject.warnings:
        warnings.warn(warning, stacklevel=2)
    return measure_robustness(subject, corruptions, severities, seed=seed, answer_from=answer_from)

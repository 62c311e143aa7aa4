"""beliefs.json, beside the weights that it belongs to: what valid tells of each answer of a network.

An answer is that of one head to one set of views. The weights' mark stands in it, so that what was fitted to other
weights is never used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mien.beliefs.fitted import Beliefs
from mien.files import make_folder, write_text

FILE = "beliefs.json"
FORMAT = 1


def read_beliefs(folder: Path, weights: str) -> dict[str, Beliefs]:
    """Return name of the answer -> its beliefs, of the network marked `weights`; empty where the folder knows none."""
    try:
        held: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if held["format"] != FORMAT or held["weights"] != weights:
            return {}
        return {str(name): Beliefs.of(values) for name, values in held["answers"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # as good as none: they are fitted again
        return {}


def write_beliefs(folder: Path, weights: str, beliefs: Mapping[str, Beliefs]) -> None:
    """Write beliefs.json: see `read_beliefs`.

    Raises:
        MienError: it cannot be written.
    """
    answers = {name: one.to_dict() for name, one in beliefs.items()}
    make_folder(folder)
    write_text(folder / FILE, json.dumps({"format": FORMAT, "weights": weights, "answers": answers}) + "\n")

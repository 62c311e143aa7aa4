"""What valid tells of the answers of one network: `Beliefs`, plain values that lie beside the weights.

In: beliefs.json of a run, or the metadata of an exported file. Out: the rates that probabilities assume, and the
thresholds of sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mien.beliefs.sets import SetRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Beliefs:
    """What was fitted on valid for one answer: of one head, to one set of views.

    Attributes:
        rates: (K,) base rates that the calibrated probabilities assume; they sum to 1.
        sets: which expressions to name together, for any coverage.
    """

    rates: tuple[float, ...]
    sets: SetRules

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {"rates": list(self.rates), "sets": self.sets.to_dict()}

    @classmethod
    def of(cls, held: Mapping[str, Any]) -> Beliefs:
        """Return what `to_dict` told, also after JSON.

        Raises:
            KeyError, TypeError or ValueError: it is something else.
        """
        return cls(rates=tuple(float(rate) for rate in held["rates"]), sets=SetRules.of(held["sets"]))

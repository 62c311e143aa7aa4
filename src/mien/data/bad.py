"""What to do with a bad input: stop at it, or leave it out and remember it. In: errors. Out: one line for each."""

from __future__ import annotations

from dataclasses import dataclass, field

from mien.errors import DataError


@dataclass(frozen=True, slots=True)
class BadInputs:
    """The bad inputs of one reading.

    Attributes:
        skip: leave them out; otherwise the first one ends the reading.
        lines: one for each that was left out.
    """

    skip: bool = False
    lines: list[str] = field(default_factory=list)

    def add(self, error: DataError) -> None:
        """Remember `error`, or raise it where nothing may be left out."""
        if not self.skip:
            raise error
        self.lines.append(str(error))

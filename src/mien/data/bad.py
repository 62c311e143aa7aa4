"""What a reading meets: bad inputs, which stop it or are left out, and remarks. In: errors, notes. Out: lines."""

from __future__ import annotations

from dataclasses import dataclass, field

from mien.errors import DataError


@dataclass(frozen=True, slots=True)
class BadInputs:
    """The bad inputs of one reading, and what its user should know.

    Attributes:
        skip: leave them out; otherwise the first one ends the reading.
        lines: one for each that was left out.
        notes: what was taken for what, and what lies unused; they become warnings of the splits.
    """

    skip: bool = False
    lines: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, error: DataError) -> None:
        """Remember `error`, or raise it where nothing may be left out."""
        if not self.skip:
            raise error
        self.lines.append(str(error))

    def note(self, text: str) -> None:
        """Remember what a user should know, once."""
        if text not in self.notes:
            self.notes.append(text)

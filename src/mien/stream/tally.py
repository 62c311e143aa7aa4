"""Counts of what was recognised. In: the rows of each file. Out: numbers for the table at the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import final

from mien.stream.rows import Row


@final
class Tally:
    """Counts files and faces.

    Attributes:
        counts: of "pictures", "empty" ones without a face, "videos", "damaged" ones among them, "frames" that were
            looked at, "bad" files, finds that are "unreadable"; of "faces:" and an expression; and sums of confidence
            of "sure:" and an expression.
    """

    def __init__(self, counts: Mapping[str, float] | None = None) -> None:
        self.counts: defaultdict[str, float] = defaultdict(float, counts or {})

    def __getitem__(self, name: str) -> int:
        return int(self.counts[name])

    def add_rows(self, rows: Sequence[Row]) -> None:
        """Count the faces of rows."""
        for row in rows:
            if row["face"] is not None and row["expression"] is None:
                self.add("unreadable")
            elif row["face"] is not None:
                self.counts[f"faces:{row['expression']}"] += 1
                self.counts[f"sure:{row['expression']}"] += row["confidence"]

    def add_picture(self, rows: Sequence[Row]) -> None:
        """Count a picture and its faces."""
        self.counts["pictures"] += 1
        self.counts["empty"] += rows[0]["face"] is None
        self.add_rows(rows)

    def add(self, name: str) -> None:
        """Count one more of "unreadable", "videos", "frames", "bad" or "damaged"."""
        self.counts[name] += 1

    def count_faces(self, expression: str) -> int:
        """Return how many faces were named so."""
        return self[f"faces:{expression}"]

    def mean_confidence(self, expression: str) -> float:
        """Return the mean confidence of the faces that were named so; 0 where there are none."""
        return self.counts[f"sure:{expression}"] / max(self.count_faces(expression), 1)

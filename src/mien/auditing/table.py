"""audit.csv: one row a finding. In: an `Audit`. Out: the file."""

from __future__ import annotations

import csv
from pathlib import Path

from mien.auditing.examine import Audit
from mien.files import write_aside

COLUMNS = ("kind", "split", "id", "label", "group", "other_split", "other_id", "score", "detail")


def write_table(audit: Audit, path: Path) -> None:
    """Write all findings as a table.

    Raises:
        MienError: it cannot be written; what stood there before stays.
    """
    with write_aside(path) as aside, aside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for finding in audit.findings:
            group = "" if finding.group is None else finding.group
            others = (finding.other_split, finding.other_id, f"{finding.score:.6g}", finding.detail)
            writer.writerow((finding.kind, finding.split, finding.id, finding.label, group, *others))

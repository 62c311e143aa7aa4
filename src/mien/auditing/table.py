"""audit.csv: one row a finding. In: an `Audit`. Out: the file."""

from __future__ import annotations

from pathlib import Path

from mien.auditing.examine import Audit
from mien.auditing.finding import Finding
from mien.files import write_rows

COLUMNS = ("kind", "split", "id", "label", "group", "other_split", "other_id", "score", "detail")


def write_table(audit: Audit, path: Path) -> None:
    """Write all findings as a table.

    Raises:
        MienError: it cannot be written; what stood there before stays.
    """
    write_rows(path, (COLUMNS, *(_list_cells(finding) for finding in audit.findings)))


def _list_cells(finding: Finding) -> tuple[object, ...]:
    group = "" if finding.group is None else finding.group
    others = (finding.other_split, finding.other_id, f"{finding.score:.6g}", finding.detail)
    return (finding.kind, finding.split, finding.id, finding.label, group, *others)

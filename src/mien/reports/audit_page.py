"""index.html: an audit with its pictures. In: an `Audit`. Out: one file that needs nothing else, for any screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from mien.auditing.examine import Audit
from mien.auditing.finding import KINDS, Finding
from mien.files import write_text
from mien.reports.table import Cell, Row, Table
from mien.reports.templates import open_templates, read_style
from mien.reports.thumbnails import encode_picture
from mien.version import __version__

SHOWN_PICTURES = 48
"""Of each kind; the table has all."""

SHOWN_OF_GROUP = 8
NONE = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A face: its picture in base64, what it is called, its expression, and what was found."""

    png: str
    name: str
    label: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Copies of one picture, and what is to be said of them."""

    faces: tuple[Shown, ...]
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What the page says of one kind of finding.

    Attributes:
        lines: of findings without a picture.
        groups: of copies.
        alone: faces that are no copies.
        has_more: not all of them are shown.
    """

    kind: str
    title: str
    about: str
    lines: tuple[str, ...]
    groups: tuple[Group, ...]
    alone: tuple[Shown, ...]
    has_more: bool


def write_page(audit: Audit, path: Path, *, notes: Sequence[str] = ()) -> None:
    """Write the page; `notes` are lines for its head, such as what was dropped.

    Raises:
        MienError: it cannot be written; what stood there before stays.
    """
    description = audit.description
    faces = sum(split.faces for split in description.splits)
    drawn = ", drawn, not photographed" if description.synthetic else ""
    size = f"{description.width}×{description.height}"
    template = open_templates(is_html=True).get_template("audit_page.html.jinja")
    text = template.render(
        language="en",
        style=read_style(),
        title=f"Audit of {Path(audit.splits.source).name}",
        about=f"{description.kind}, {faces:,} faces of {size} pixels{drawn}",
        lines=(*list_facts(audit), *description.warnings, *notes),
        counts=_tabulate_counts(audit),
        parts=[_prepare_part(audit, kind) for kind in audit.sought if audit.of_kind(kind)],
        made_with=__version__,
    )
    write_text(path, text)


def list_facts(audit: Audit) -> list[str]:
    """Return the findings that matter most as lines of text: what stands in two splits, and contradictions."""
    sizes = {name: len(faces) for name, faces in audit.splits.named().items()}
    lines = []
    for shared in audit.description.shared:
        part = f"{shared.faces:,} of {sizes[shared.of]:,} faces of {shared.of} ({shared.faces / sizes[shared.of]:.1%})"
        copied = audit.count_shared(of=shared.of, within=shared.within)
        lines.append(f"{part} stand pixel for pixel in {shared.within}; {copied:,} with near copies")
    for kind, words in (
        ("exact-copies", "exact copies"),
        ("contradictory", "copies whose labels contradict each other"),
    ):
        count = len(audit.of_kind(kind))
        if count:
            lines.append(f"{count:,} faces in {audit.count_groups(kind):,} groups of {words}")
    return lines


def _tabulate_counts(audit: Audit) -> Table:
    """Return the table of kinds and splits; each kind leads to its pictures."""
    names = tuple(audit.splits.named())
    rows = []
    for kind in audit.sought:
        counts, groups = audit.count(kind), audit.count_groups(kind)
        numbers = [*(counts.get(name, 0) for name in names), groups]
        unsplit = f"{counts['']:,} in no split" if "" in counts else ""
        first = Cell(text=KINDS[kind].title, under=unsplit, link=f"#{kind}" if counts else "")
        rows.append(Row(cells=(first, *(Cell(text=f"{number:,}" if number else NONE) for number in numbers))))
    headings = ("findings", *names, "groups")
    return Table(caption="", headings=headings, words=(True, *(False,) * len(numbers)), rows=tuple(rows))


def _prepare_part(audit: Audit, kind: str) -> Part:
    found = audit.of_kind(kind)
    pictured = [finding for finding in found if finding.index is not None]
    lines = [f"{finding.split} {finding.id}: {finding.detail}".strip() for finding in found if finding.index is None]
    groups: list[Group] = []
    alone: list[Shown] = []
    shown = 0
    for number, members in _split_groups(pictured):
        if shown >= SHOWN_PICTURES:
            break
        faces = tuple(_show(audit, finding) for finding in members[:SHOWN_OF_GROUP])
        shown += len(faces)
        if number is None:
            alone += faces
            continue
        rest = f" ({len(members) - SHOWN_OF_GROUP} more)" if len(members) > SHOWN_OF_GROUP else ""
        groups.append(Group(faces=faces, detail=f"{members[0].detail}{rest}"))
    return Part(
        kind=kind,
        title=f"{KINDS[kind].title}: {len(found):,}",
        about=KINDS[kind].about,
        lines=tuple(lines[:SHOWN_PICTURES]),
        groups=tuple(groups),
        alone=tuple(alone),
        has_more=shown + min(len(lines), SHOWN_PICTURES) < len(found),
    )


def _split_groups(findings: Sequence[Finding]) -> Iterator[tuple[int | None, list[Finding]]]:
    """Yield the findings of each group of copies, which stand side by side; one without a group is alone."""
    for number, members in groupby(findings, key=lambda finding: finding.group):
        if number is None:
            yield from ((None, [finding]) for finding in members)
        else:
            yield number, list(members)


def _show(audit: Audit, finding: Finding) -> Shown:
    image = audit.splits.named()[finding.split].images[finding.index or 0]
    return Shown(
        png=encode_picture(np.ascontiguousarray(image)),
        name=f"{finding.split} {finding.id}",
        label=finding.label,
        detail=finding.detail if finding.group is None else "",
    )

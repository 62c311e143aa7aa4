"""index.html: an audit with its pictures. In: an `Audit`. Out: one file that needs nothing else, for any screen."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from mien.auditing.examine import Audit
from mien.auditing.finding import KINDS, Finding
from mien.files import write_text

SHOWN_PICTURES = 48
"""Of each kind; the table has all."""

SHOWN_OF_GROUP = 8
THUMB_PIXELS = 64

STYLE = """
:root { color-scheme: light dark; --ink: #22303c; --faint: #5d6b75; --rule: #dfe5e8; --paper: #fff; --mark: #1f749d; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4eaee; --faint: #9aa8b2; --rule: #35424c; --paper: #151b20; --mark: #5fb0cb; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 1rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .2rem; }
p { margin: .3rem 0; max-width: 48rem; } .faint, figcaption, th { color: var(--faint); }
a { color: var(--mark); } .wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .9rem .2rem 0; text-align: right; border-bottom: 1px solid var(--rule); font-weight: normal; }
th:first-child, td:first-child { text-align: left; }
.sheet { display: flex; flex-wrap: wrap; gap: .6rem; margin-top: .6rem; }
.group { border: 1px solid var(--rule); border-radius: .4rem; padding: .4rem; max-width: 100%; }
.group > div { display: flex; flex-wrap: wrap; gap: .4rem; }
.group > p { font-size: .75rem; margin: .2rem 0 0; max-width: 32rem; }
figure { margin: 0; width: 4.6rem; } img { width: 4.6rem; height: 4.6rem; display: block; border-radius: .2rem; }
figcaption { font-size: .7rem; line-height: 1.25; overflow-wrap: anywhere; }
@media print { body { max-width: none; } .group, figure { break-inside: avoid; } }
"""


def write_page(audit: Audit, path: Path, *, notes: Sequence[str] = ()) -> None:
    """Write the page; `notes` are lines for its head, such as what was dropped.

    Raises:
        MienError: it cannot be written; what stood there before stays.
    """
    write_text(path, "\n".join(_list_parts(audit, notes)) + "\n")


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


def _list_parts(audit: Audit, notes: Sequence[str]) -> Iterator[str]:
    description = audit.description
    title = f"Audit of {Path(audit.splits.source).name}"
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f'<title>{escape(title)}</title>\n<link rel="icon" href="data:,">\n<style>{STYLE}</style>\n</head>\n<body>'
    yield f"<h1>{escape(title)}</h1>"
    faces = sum(split.faces for split in description.splits)
    drawn = ", drawn, not photographed" if description.synthetic else ""
    size = f"{description.width}×{description.height}"
    yield f'<p class="faint">{escape(description.kind)}, {faces:,} faces of {size} pixels{drawn}</p>'
    for line in (*list_facts(audit), *description.warnings, *notes):
        yield f"<p>{escape(line)}.</p>"
    yield from _list_counts(audit)
    for kind in audit.sought:
        if audit.of_kind(kind):
            yield from _list_section(audit, kind)
    yield "</body>\n</html>"


def _list_counts(audit: Audit) -> Iterator[str]:
    """Yield the table of kinds and splits; each kind leads to its pictures."""
    names = list(audit.splits.named())
    yield '<div class="wide"><table><tr><th>findings</th>'
    yield "".join(f"<th>{name}</th>" for name in names) + "<th>groups</th></tr>"
    for kind in audit.sought:
        counts, groups = audit.count(kind), audit.count_groups(kind)
        title = KINDS[kind].title
        link = f'<a href="#{kind}">{title}</a>' if counts else title
        cells = "".join(f"<td>{counts.get(name, 0):,}</td>" for name in names)
        yield f"<tr><td>{link}</td>{cells}<td>{f'{groups:,}' if groups else ''}</td></tr>"
    yield "</table></div>"


def _list_section(audit: Audit, kind: str) -> Iterator[str]:
    found = audit.of_kind(kind)
    yield f'<section id="{kind}"><h2>{KINDS[kind].title}: {len(found):,}</h2>'
    yield f'<p class="faint">{escape(KINDS[kind].about)}</p>'
    pictures = [finding for finding in found if finding.index is not None]
    if not pictures:
        lines = (f"{finding.split} {finding.id}: {finding.detail}".strip() for finding in found[:SHOWN_PICTURES])
        yield "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul></section>"
        return
    yield '<div class="sheet">'
    shown = 0
    for group in _split_groups(pictures):
        if shown >= SHOWN_PICTURES:
            break
        yield _draw_group(audit, group)
        shown += min(len(group), SHOWN_OF_GROUP)
    more = "" if shown >= len(found) else f'<p class="faint">The others stand in audit.csv, under {kind}.</p>'
    yield f"</div>{more}</section>"


def _split_groups(findings: Sequence[Finding]) -> Iterator[list[Finding]]:
    """Yield the findings of each group, which stand side by side; one without a group is alone."""
    group: list[Finding] = []
    for finding in findings:
        if group and (finding.group is None or finding.group != group[0].group):
            yield group
            group = []
        group.append(finding)
    if group:
        yield group


def _draw_group(audit: Audit, group: Sequence[Finding]) -> str:
    figures = "".join(_draw_figure(audit, finding) for finding in group[:SHOWN_OF_GROUP])
    rest = f" ({len(group) - SHOWN_OF_GROUP} more)" if len(group) > SHOWN_OF_GROUP else ""
    if group[0].group is None:
        return figures
    return f'<div class="group"><div>{figures}</div><p class="faint">{escape(group[0].detail)}{rest}</p></div>'


def _draw_figure(audit: Audit, finding: Finding) -> str:
    image = audit.splits.named()[finding.split].images[finding.index or 0]
    caption = f"{escape(finding.split)} {escape(finding.id)}<br><b>{escape(finding.label)}</b>"
    if finding.group is None:
        caption += f"<br>{escape(finding.detail)}"
    name = escape(f"{finding.split} {finding.id}, {finding.label}", quote=True)
    source = f"data:image/png;base64,{encode_picture(image)}"
    return f'<figure><img src="{source}" alt="{name}"><figcaption>{caption}</figcaption></figure>'


def encode_picture(image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> str:
    """Return a grey picture, made small, as a PNG in base64."""
    picture = Image.fromarray(np.ascontiguousarray(image))
    picture.thumbnail((THUMB_PIXELS, THUMB_PIXELS))
    stream = io.BytesIO()
    picture.save(stream, format="PNG", optimize=True)
    return base64.b64encode(stream.getvalue()).decode("ascii")

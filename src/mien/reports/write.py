"""`mien.report`: a run goes in, a page, a Markdown file or JSON comes out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mien.errors import ConfigError
from mien.files import make_folder, write_text
from mien.hints import suggest
from mien.recipes.heads import FIRST

if TYPE_CHECKING:
    from mien.reports.data import ReportData
    from mien.runs.run import Run

FORMATS = {".html": "html", ".htm": "html", ".md": "md", ".json": "json"}
MARK = "mien report"
"""What every report holds near its beginning: a file without it is not overwritten."""

HEAD_BYTES = 500


def report(
    run: Run | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    format: str | None = None,
    language: str = "en",
) -> tuple[Path, ...]:
    """Explain a run in one file and return the paths that were written.

    Args:
        run: a run, or its folder. It is told by its first answer.
        out: the file; None: report.html in the run's folder.
        format: "html", "md" or "json"; None: by the ending of the file.
        language: "en" or "zh-TW".

    Raises:
        ConfigError: no such format or language, a file is there that is no report, or `run` is not its first answer.
        RunError: there is no run.
    """
    from mien.reports.gather import gather_report  # PyTorch comes with it
    from mien.reports.words import read_catalogue

    head = getattr(run, "head_name", "")
    if head not in ("", FIRST):
        expected = f"a run as it is loaded, found its head {head}, of which `evaluate` tells the figures"
        raise ConfigError(f"`run`: expected {expected}: a report tells of the first answer, {FIRST}")
    folder = Path(run) if isinstance(run, (str, os.PathLike)) else run.folder
    read_catalogue(language)
    kind = choose_format(None if out is None else Path(out), format)
    target = folder / f"report.{kind}" if out is None else Path(out)
    refuse_overwriting(target)
    return tuple(_write(gather_report(folder), target, kind, language))


def choose_format(out: Path | None, asked: str | None) -> str:
    """Return the format that was asked for, or that the ending of the file tells; html without either.

    Raises:
        ConfigError: no such format, or an ending that says another one.
    """
    told = None if out is None else FORMATS.get(out.suffix.lower())
    formats = tuple(dict.fromkeys(FORMATS.values()))
    if asked is not None and asked not in formats:
        raise ConfigError(f"`format` {asked}: expected one of {', '.join(formats)}{suggest(asked, formats)}")
    if out is not None and asked is None and told is None:
        raise ConfigError(f"`out` {out}: expected a name that ends in .html, .md or .json, or a `format`")
    if asked and told and asked != told:
        raise ConfigError(f"`out` {out}: the ending says {told}, `format` says {asked}: change one of them")
    return asked or told or "html"


def refuse_overwriting(target: Path) -> None:
    """Refuse to replace a file that is not a report, and a place where no file can be, before any work is done.

    Raises:
        ConfigError: it is another file, or a folder, or may not be written.
    """
    if target.is_dir():
        raise ConfigError(f"`out` {target}: expected a file, found a folder")
    above = next(folder for folder in target.absolute().parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise ConfigError(f"`out` {target}: expected a place to write to, found {above}, which is none")
    if not target.exists():
        return
    try:
        with target.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise ConfigError(f"`out` {target}: cannot be read ({error.strerror or error})") from None
    if head and MARK.encode() not in head:
        raise ConfigError(f"`out` {target}: is there and is not a report of mien: give another name")


def _write(data: ReportData, target: Path, kind: str, language: str) -> list[Path]:
    from mien.reports.render import render_html, render_json, render_markdown
    from mien.reports.sheets import write_pictures

    make_folder(target.parent)
    if kind == "md":
        pictures = target.with_name(f"{target.stem}-pictures")
        text = render_markdown(data, language, pictures.name)
        write_pictures(data, language, pictures)
        write_text(target, text)
        return [target, pictures]
    write_text(target, render_html(data, language) if kind == "html" else render_json(data))
    return [target]

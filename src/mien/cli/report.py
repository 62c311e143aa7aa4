"""`mien report`: explain a run in one page, a Markdown file or JSON."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.errors import ConfigError
from mien.hints import suggest

if TYPE_CHECKING:
    from mien.reports import ReportData

FORMATS = {".html": "html", ".htm": "html", ".md": "md", ".json": "json"}
MARK = "mien report"
"""What every report holds near its beginning: a file without it is not overwritten."""

HEAD_BYTES = 500


def report(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file; none: report.html in the run.")] = None,
    format: Annotated[str | None, typer.Option(help="html, md or json; none: by the ending of the file.")] = None,
    lang: Annotated[str, typer.Option(help="Language: en or zh-TW.")] = "en",
) -> None:
    """Explain a run: the network, how it learned, what it confuses, class imbalance, calibration, recipe and cost.

    The page is one file that needs no network. It speaks of the faces that `mien evaluate` measured (of valid, where it
    was not run yet); parts that cannot be made, for example because the data has moved, say so.
    """
    from mien.reports import gather_report
    from mien.reports.words import read_catalogue

    read_catalogue(lang)
    kind = choose_format(out, format)
    target = out or run / f"report.{kind}"
    refuse_overwriting(target)
    data = gather_report(run)
    for path in _write(data, target, kind, lang):
        typer.echo(f"  {path}")


def choose_format(out: Path | None, asked: str | None) -> str:
    """Return the format that was asked for, or that the ending of the file tells; html without either.

    Raises:
        ConfigError: no such format, or an ending that says another one.
    """
    told = None if out is None else FORMATS.get(out.suffix.lower())
    formats = tuple(dict.fromkeys(FORMATS.values()))
    if asked is not None and asked not in formats:
        raise ConfigError(f"--format {asked}: expected one of {', '.join(formats)}{suggest(asked, formats)}")
    if out is not None and asked is None and told is None:
        raise ConfigError(f"--out {out}: expected a name that ends in .html, .md or .json, or a --format")
    if asked and told and asked != told:
        raise ConfigError(f"--out {out}: the ending says {told}, --format says {asked}: change one of them")
    return asked or told or "html"


def refuse_overwriting(target: Path) -> None:
    """Refuse to replace a file that is not a report, and a place where no file can be, before any work is done.

    Raises:
        ConfigError: it is another file, or a folder, or may not be written.
    """
    if target.is_dir():
        raise ConfigError(f"--out {target}: expected a file, found a folder")
    above = next(folder for folder in target.absolute().parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise ConfigError(f"--out {target}: expected a place to write to, found {above}, which is none")
    if not target.exists():
        return
    try:
        with target.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise ConfigError(f"--out {target}: cannot be read ({error.strerror or error})") from None
    if head and MARK.encode() not in head:
        raise ConfigError(f"--out {target}: is there and is not a report of mien: give another name")


def _write(data: ReportData, target: Path, kind: str, language: str) -> list[Path]:
    from mien.files import make_folder, write_text
    from mien.reports import render_html, render_json, render_markdown, write_pictures

    make_folder(target.parent)
    if kind == "md":
        pictures = target.with_name(f"{target.stem}-pictures")
        text = render_markdown(data, language, pictures.name)
        write_pictures(data, language, pictures)
        write_text(target, text)
        return [target, pictures]
    write_text(target, render_html(data, language) if kind == "html" else render_json(data))
    return [target]

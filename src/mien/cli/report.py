"""`mien report`: explain a run in one page, a Markdown file or JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


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
    from mien.reports.write import report as write_report

    for path in write_report(run, out, format=format, language=lang):
        typer.echo(f"  {path}")

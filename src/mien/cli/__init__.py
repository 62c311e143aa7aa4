"""The command `mien`: one module a command, each a thin layer over the library; heavy imports stay inside functions."""

from __future__ import annotations

import importlib
import sys

import typer

from mien.errors import Interrupted, MienError

COMMANDS: dict[str, str] = {
    "data": "mien.cli.data",
    "model": "mien.cli.model",
    "recipes": "mien.cli.recipes",
    "train": "mien.cli.train",
    "evaluate": "mien.cli.evaluate",
    "submit": "mien.cli.submit",
    "theory": "mien.cli.theory",
}
"""Command name -> module; the module holds a function of the same name. The order is that of the help text."""

BAD_INPUT = 2
INTERRUPTED = 130


def build_app() -> typer.Typer:
    """Return the Typer application with every command of `COMMANDS`."""
    app = typer.Typer(
        help="Facial expression recognition that you can train, measure and trust.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name, module in COMMANDS.items():
        app.command(name)(getattr(importlib.import_module(module), name))
    app.callback()(_root)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        from mien import __version__

        typer.echo(f"mien {__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Facial expression recognition that you can train, measure and trust."""


def main() -> None:
    """Run the command line; bad input ends in one line on standard error and exit status 2."""
    try:
        build_app()()
    except Interrupted as error:
        fail(str(error))
        sys.exit(INTERRUPTED)
    except MienError as error:
        sys.exit(fail(str(error)))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def fail(message: str) -> int:
    """Print `message` as the one line of an error and return the exit status of bad input."""
    typer.echo(f"mien: {' '.join(message.split())}", err=True)
    return BAD_INPUT

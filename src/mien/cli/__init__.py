"""The command `mien`: one module a command, each a thin layer over the library; heavy imports stay inside functions."""

from __future__ import annotations

import importlib
import io
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

import typer

from mien.cli.flags import name_flags
from mien.errors import Interrupted, LostProcessError, MienError, MissingExtraError, find_memory_trouble
from mien.processes import is_first_of_machine

COMMANDS: dict[str, str] = {
    "data": "mien.cli.data",
    "audit": "mien.cli.audit",
    "model": "mien.cli.model",
    "recipes": "mien.cli.recipes",
    "train": "mien.cli.train",
    "evaluate": "mien.cli.evaluate",
    "stress": "mien.cli.stress",
    "report": "mien.cli.report",
    "compare": "mien.cli.compare",
    "ensemble": "mien.cli.ensemble",
    "submit": "mien.cli.submit",
    "export": "mien.cli.export",
    "recognise": "mien.cli.recognise",
    "serve": "mien.cli.serve",
    "detector": "mien.cli.detector",
    "cache": "mien.cli.cache",
    "theory": "mien.cli.theory",
}
"""Command name -> module; the module holds a function of the same name. The order is that of the help text."""

TRAINING_PACKAGES = ("accelerate", "matplotlib", "safetensors", "sklearn", "torch")

BAD_INPUT = 2
INTERRUPTED = 130
USAGE_ERROR: Any = typer.BadParameter.__mro__[1]
"""click's UsageError, which typer brings along under another name in each of its versions."""


def build_app(chosen: str | None = None) -> typer.Typer:
    """Return the Typer application with every command of `COMMANDS`.

    Args:
        chosen: the one command that is about to run; the others are there for the list of commands only, without their
            options, which would take longer to build than all the rest. None: all are whole.
    """
    app = typer.Typer(
        help="Facial expression recognition that you can train, measure and trust.",
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    )
    for name, module in COMMANDS.items():
        command = getattr(importlib.import_module(module), name)
        app.command(name)(command if chosen in (None, name) else _keep_help(command))
    app.callback(invoke_without_command=True)(_root)
    return app


def _keep_help(command: Callable[..., None]) -> Callable[[], None]:
    def listed() -> None:
        pass

    listed.__doc__ = command.__doc__
    return listed


def _show_version(wanted: bool) -> None:
    if wanted:
        from mien import __version__

        typer.echo(f"mien {__version__}")
        raise typer.Exit


def _root(
    context: typer.Context,
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Facial expression recognition that you can train, measure and trust."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """Run the command line; bad input ends in one line on standard error and exit status 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console that lacks a character shows another one
    warnings.filterwarnings("ignore", module="PIL")  # remarks on damaged metadata: the picture is read or refused
    try:
        sys.exit(_leave(_run()))
    except BrokenPipeError:
        sys.stderr.close()  # the reader of a pipe went away, as `head` does: nothing to say
        sys.exit(0)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(_leave(INTERRUPTED))
    except (MemoryError, RuntimeError) as error:
        told = find_memory_trouble(error)
        if told is None:
            raise
        sys.exit(fail(str(told), everywhere=True))


def _leave(status: Any) -> Any:
    """Return `status`; if the command was interrupted, one more Ctrl-C ends the process at once with the same status.

    At its end Python waits for threads that still read a picture. A Ctrl-C would end the waiting but not the threads,
    and a thread that comes back from a library of C++ into a process that is being taken apart aborts it.
    """
    if status == INTERRUPTED and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, lambda number, frame: os._exit(INTERRUPTED))
    return status


def _run() -> Any:
    """Run the command and return its exit status."""
    try:
        chosen = next((word for word in sys.argv[1:] if word in COMMANDS), "")
        command: Any = typer.main.get_command(build_app(chosen))
        command.rich_markup_mode = None  # the list of commands is plain: drawing boxes around it would take 0.2 s
        return command(standalone_mode=False, prog_name="mien")
    except USAGE_ERROR as error:
        return fail(f"{error.format_message()} (`{_name_command(error)} --help` lists the options)")
    except Interrupted as error:
        fail(str(error))
        return INTERRUPTED
    except MienError as error:
        return fail(str(error), everywhere=isinstance(error, LostProcessError))
    except ModuleNotFoundError as error:
        if error.name not in TRAINING_PACKAGES:
            raise
        return fail(str(MissingExtraError(error.name, "train")))


def _name_command(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    return "mien" if context is None else str(context.command_path)


def fail(message: str, *, everywhere: bool = False) -> int:
    """Print `message` as the one line of an error and return the exit status of bad input.

    Of the processes that train together, one speaks for each machine, unless each has to be heard (`everywhere`).
    """
    if everywhere or is_first_of_machine():
        typer.echo(f"mien: {name_flags(' '.join(message.split()))}", err=True)
    return BAD_INPUT

"""Ctrl-C asks once, and insists the second time. In: what to say. Out: an event that tells whether somebody asked."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from mien.processes import is_main_process


@contextmanager
def listen_for_interrupt(message: str = "saving …") -> Iterator[threading.Event]:
    """Yield an event that the first Ctrl-C (or a polite kill) sets; the second Ctrl-C ends the process at once."""
    asked = threading.Event()

    def ask(number: int, _frame: object) -> None:
        if asked.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        if is_main_process() and not asked.is_set():
            typer.echo(f"\nmien: {message} (Ctrl-C once more: stop at once)", err=True)
        asked.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

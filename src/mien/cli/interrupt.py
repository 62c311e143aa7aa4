"""Ctrl-C asks once, and insists the second time. In: what to say. Out: an event that tells whether somebody asked."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def listen_for_interrupt(message: str = "saving …") -> Iterator[threading.Event]:
    """Yield an event that the first Ctrl-C (or a polite kill) sets; the second one ends the process at once."""
    asked = threading.Event()

    def ask(_number: int, _frame: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        typer.echo(f"\nmien: {message} (once more: stop at once)", err=True)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

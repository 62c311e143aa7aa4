"""Check the packages that an export needs, and silence their loggers."""

from __future__ import annotations

import importlib
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from mien.errors import MissingExtraError


def require(*packages: str) -> None:
    """Import the packages of the extra `export`.

    Raises:
        MissingExtraError: one is not installed.
    """
    for package in packages:
        try:
            importlib.import_module(package)
        except ImportError:
            raise MissingExtraError(package, "export") from None


@contextmanager
def keep_quiet() -> Iterator[None]:
    """Keep what the exporters say to their own developers from the user."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)

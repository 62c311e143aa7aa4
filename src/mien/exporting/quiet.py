"""What the packages behind an export need around them: to be there, and to keep to themselves what they say."""

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

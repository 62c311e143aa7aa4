"""What some tests need and not every machine has: a marker for each. In: the markers. Out: skips, told at the end.

A test that is marked with one of `NEEDS` is skipped where that is missing; of those marked `real_data` each finds out
by itself. One line at the end says what was skipped and what to install; with $MIEN_REQUIRE, such as "browser,ray", it
is a failure.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import pytest


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a marker stands for.

    Attributes:
        what: its name, as one asks for it.
        advice: what to do where it is missing.
        is_met: whether it is there; a test that finds out alone has none.
    """

    what: str
    advice: str
    is_met: Callable[[], bool] = lambda: True


def has_modules(*names: str) -> bool:
    """Say whether modules can be imported, without doing so."""
    return all(importlib.util.find_spec(name) is not None for name in names)


def has_browser() -> bool:
    """Say whether there are Chromium, its driver, and what steers them."""
    return None not in map(shutil.which, ("chromium", "chromedriver")) and has_modules("selenium")


def has_compiled_loops() -> bool:
    """Say whether the compiled loops run: with $MIEN_NATIVE=0 they do not."""
    from mien.native import is_available

    return is_available()


SITE = ("latex2mathml", "material", "mkdocs", "mkdocstrings_handlers")
"""What the site of the documents is built with."""

NEEDS = {
    "browser": Need(what="chromium", advice="apt-get install chromium chromium-driver", is_met=has_browser),
    "compiler": Need(what="a C compiler", advice="apt-get install gcc", is_met=has_compiled_loops),
    "ray": Need(what="ray", advice="pip install 'mien[ray]'", is_met=lambda: has_modules("ray")),
    "timm": Need(what="timm", advice="pip install 'mien[zoo]'", is_met=lambda: has_modules("timm")),
    "site": Need(what="mkdocs", advice="pip install 'mien[docs]'", is_met=lambda: has_modules(*SITE)),
    "pandas": Need(what="pandas", advice="pip install 'mien[dev]'", is_met=lambda: has_modules("pandas")),
    "real_data": Need(what="data", advice="set MIEN_TEST_DATA to a folder with FER2013"),
    "release": Need(
        what="build and twine", advice="pip install build twine", is_met=lambda: has_modules("build", "twine")
    ),
}
"""By the name of the marker."""


def list_required() -> set[str]:
    """Return the markers that $MIEN_REQUIRE names."""
    return set(filter(None, os.environ.get("MIEN_REQUIRE", "").split(",")))


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known."""
    wanted = list_required()
    if wanted - NEEDS.keys():
        raise pytest.UsageError(
            f"MIEN_REQUIRE: expected names of {', '.join(NEEDS)}, found {', '.join(sorted(wanted))}"
        )
    for name, need in NEEDS.items():
        config.addinivalue_line("markers", f"{name}: needs {need.what} ({need.advice})")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let `pytest -k` find a test by the words of its docstring, too: `-k winograd`."""
    for item in items:
        text = getattr(getattr(item, "function", None), "__doc__", None) or ""
        item.extra_keyword_matches.update(re.findall(r"\w{4,}", text.lower()))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that needs what is not there."""
    for name, need in NEEDS.items():
        if item.get_closest_marker(name) is not None and not need.is_met():
            pytest.skip(f"needs {need.what}: {need.advice}")


def find_need(report: pytest.TestReport | pytest.CollectReport) -> str | None:
    """Return the marker of a skipped test, None for one that was skipped for another reason."""
    return next((name for name in NEEDS if name in getattr(report, "keywords", {})), None)


def tell_skipped(needs: list[str | None]) -> str:
    """Return the line that counts skipped tests by what they needed."""
    told = [
        f"{count} for want of {need.what} ({need.advice})"
        for name, need in NEEDS.items()
        if (count := needs.count(name))
    ]
    rest = needs.count(None)
    return "skipped: " + "; ".join([*told, *([f"{rest} for other reasons"] if rest else [])])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line what was skipped, and what to install."""
    needs = [find_need(report) for report in terminalreporter.stats.get("skipped", [])]
    if needs:
        terminalreporter.write_line(tell_skipped(needs))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where tests were skipped that $MIEN_REQUIRE names, such as "browser,ray"."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    wanted = list_required()
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if session.exitstatus == 0 and any(find_need(report) in wanted for report in skipped):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED

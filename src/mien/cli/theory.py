"""`mien theory`: every formula of mien.theory before its three witnesses, and the derivations beside their code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mien.theory.claims import Finding


FAILED = 1
"""Exit status if a claim fails."""


def theory(
    topic: Annotated[
        str | None, typer.Argument(help="Only this one, and its derivations beside the code: batchnorm, optimisers, …")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the random inputs.")] = 0,
    write_docs: Annotated[
        Path | None, typer.Option(metavar="PAGE", help="Fill in the measured numbers of this page (docs/theory.md).")
    ] = None,
) -> None:
    """Check every formula by hand, numerically and by autograd; exit status 1 if one fails."""
    from mien.errors import ConfigError
    from mien.theory.show import show_claims
    from mien.theory.witnesses import CLAIMS

    if write_docs is not None and (topic is not None or seed):
        raise ConfigError("--write-docs: the page holds every topic with seed 0; leave out the topic and --seed")
    if write_docs is not None:
        check_page(write_docs)
    if topic is not None:
        show_derivations(topic)
    chosen = [claim for claim in CLAIMS if topic in (None, claim.topic)]
    findings = show_claims(chosen, seed=seed) if chosen else ()
    if write_docs is not None:
        write_page(write_docs, findings)
    demand_all(findings)


def demand_all(findings: Sequence[Finding]) -> None:
    """End the command with exit status 1 unless every claim holds."""
    if not all(finding.holds for finding in findings):
        raise typer.Exit(FAILED)


def show_derivations(topic: str) -> None:
    """Print each derivation of a topic beside its code.

    Raises:
        ConfigError: if there is no such topic.
    """
    from mien.errors import ConfigError
    from mien.hints import suggest
    from mien.theory.derivations import TOPICS, read_derivations
    from mien.theory.show import open_console, print_derivation

    if topic not in TOPICS:
        raise ConfigError(f"theory {topic!r}: expected one of {', '.join(TOPICS)}{suggest(topic, TOPICS)}")
    console = open_console()
    for derivation in read_derivations(topic):
        print_derivation(console, derivation)


def check_page(path: Path) -> str:
    """Return the text of the page at `path`, once it is known that its blocks can be filled.

    Raises:
        MienError: if the page cannot be read or lacks a block.
    """
    from mien.errors import MienError
    from mien.theory.page import fill_block

    try:
        text = path.read_text(encoding="utf-8")
        for name in ("differences", "convergence"):
            fill_block(text, name, "")
    except (OSError, ValueError) as error:
        raise MienError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    return text


def write_page(path: Path, findings: Sequence[Finding]) -> None:
    """Fill the blocks of the page at `path` with the findings and draw the plot beside it.

    Raises:
        MienError: if the page cannot be read or written, or lacks a block.
        MissingExtraError: if matplotlib is not installed.
    """
    from mien.files import write_text
    from mien.plots import open_figure
    from mien.theory import page

    points = page.measure_convergence()
    text = page.fill_block(check_page(path), "differences", page.tabulate_findings(findings))
    text = page.fill_block(text, "convergence", page.tabulate_convergence(points))
    with open_figure(path.with_name("theory-adagrad.svg"), width=6.4, height=4.2) as figure:
        page.draw_convergence(points, figure)
    write_text(path, text)

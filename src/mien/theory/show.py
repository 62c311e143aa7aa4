"""Claims and derivations as tables for a terminal, or for paper."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from mien.theory.claims import Claim, Finding, check_claim
from mien.theory.derivations import Derivation

PAPER_WIDTH = 190
"""Columns where the output is no terminal, so that hardly a line of a table or a derivation is broken."""


SIDE_BY_SIDE = 120
"""Columns from which derivation and code fit beside each other; below, the code follows."""


def open_console() -> Console:
    """Return a console as wide as the terminal, or as paper."""
    console = Console()
    return console if console.is_terminal else Console(width=PAPER_WIDTH)


def print_table(console: Console, findings: Sequence[Finding]) -> None:
    """Print a line for each claim with what its witnesses say."""
    table = Table("§", "claim", "source", box=None, header_style="bold", pad_edge=False)
    for name in ("by hand", "numerical", "autograd", "tolerance"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for finding in findings:
        autograd = "not installed" if finding.autograd is None else f"{finding.autograd:.0e}"
        limits = f"{finding.claim.tolerance:.0e}, {finding.claim.numerical_tolerance:.0e}"
        verdict = "[green]holds[/]" if finding.holds else "[bold red]FAILS[/]"
        differences = (f"{finding.by_hand:.0e}", f"{finding.numerical:.0e}", autograd)
        table.add_row(finding.claim.section, finding.claim.name, finding.claim.source, *differences, limits, verdict)
    console.print(table)


def print_derivation(console: Console, derivation: Derivation) -> None:
    """Print the text of a derivation beside its code."""
    console.rule(f"[bold]{derivation.name}", align="left")
    text = Text(derivation.text)
    code = Syntax(derivation.code, "python", theme="ansi_light", word_wrap=True, background_color="default")
    if console.width < SIDE_BY_SIDE:
        console.print(text, "", code, "", sep="\n")
        return
    table = Table(box=None, show_header=False, pad_edge=False, expand=True, padding=(0, 2, 1, 0))
    table.add_column(ratio=1)
    table.add_column(ratio=1)
    table.add_row(text, code)
    console.print(table)


def show_claims(claims: Sequence[Claim], *, seed: int = 0) -> tuple[Finding, ...]:
    """Check `claims`, print the table, and return what was found."""
    from rich.progress import track

    console = open_console()
    is_quiet = not console.is_terminal
    bar = track(claims, "hearing the witnesses", console=console, transient=True, disable=is_quiet)
    findings = tuple(check_claim(claim, seed=seed) for claim in bar)
    print_table(console, findings)
    held = sum(finding.holds for finding in findings)
    without = "" if findings[0].autograd is not None else "; torch is not installed, so autograd was not heard"
    console.print(f"{held} of {len(findings)} claims hold{without}", highlight=False)
    return findings

"""The measured numbers of docs/theory.md. In: findings. Out: Markdown for the marked blocks of the page, and a plot.

A block stands between `<!-- NAME -->` and `<!-- /NAME -->`; everything outside is written by people and stays.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import numpy as np

from mien.theory.claims import Finding
from mien.theory.optimisers import adagrad_limit_slope, follow_adagrad, follow_adam

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DELTAS = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)
"""The values of 1 − β2 at which Adam is held against Adagrad."""

STEPS, WEIGHTS, RATE = 100, 50, 0.1


class PageError(ValueError):
    """A page without the block that was to be filled. See docs/theory.md, section 7.2."""


def fill_block(page: str, name: str, content: str) -> str:
    r"""Return `page` with `content` in the block `name`. See docs/theory.md, section 7.2.

    Raises:
        PageError: if the page has no such block.

    >>> fill_block("<!-- sum -->\n3\n<!-- /sum -->", "sum", "4")
    '<!-- sum -->\n4\n<!-- /sum -->'
    """
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not pattern.search(page):
        raise PageError(f"expected a block between <!-- {name} --> and <!-- /{name} -->, found none")
    return pattern.sub(lambda match: f"{match[1]}{content}\n{match[2]}", page)


def tabulate_findings(findings: Iterable[Finding]) -> str:
    """Return the differences as a Markdown table. See docs/theory.md, section 7.2."""
    rows = [
        f"| {finding.claim.section} | {finding.claim.topic} | {finding.claim.name} | {finding.by_hand:.0e} "
        f"| {finding.numerical:.0e} | {_render_autograd(finding)} "
        f"| {finding.claim.tolerance:.0e}, {finding.claim.numerical_tolerance:.0e} "
        f"| {'holds' if finding.holds else 'FAILS'} |"
        for finding in findings
    ]
    head = "| § | module | claim | by hand | numerical | autograd | tolerance | verdict |"
    return "\n".join((head, "|---|---|---|---|---|---|---|---|", *rows, "", describe_machine()))


def _render_autograd(finding: Finding) -> str:
    return "not installed" if finding.autograd is None else f"{finding.autograd:.0e}"


def describe_machine() -> str:
    """Return what the numbers were measured with, as a sentence. See docs/theory.md, section 7.2."""
    versions = ", ".join(f"{package} {_find_version(package)}" for package in ("numpy", "torch"))
    return f"Measured on {platform.machine()} with Python {platform.python_version()}, {versions}; seed 0."


def _find_version(package: str) -> str:
    try:
        return version(package).partition("+")[0]
    except PackageNotFoundError:
        return "not installed"


def measure_convergence(deltas: Sequence[float] = DELTAS, seed: int = 0) -> list[tuple[float, float, float]]:
    """Return for each δ = 1 − β2: δ, the largest |Adam − Adagrad| over 50 weights, and the same to first order in δ.

    100 standard normal gradients, η₀ = 0.1. See docs/theory.md, section 4.4.
    """
    gradients = np.random.default_rng(seed).normal(size=(STEPS, WEIGHTS))
    start = np.zeros(WEIGHTS)
    limit, slope = follow_adagrad(start, gradients, RATE), np.abs(adagrad_limit_slope(gradients, RATE)).max()
    apart = [np.abs(follow_adam(start, gradients, RATE, 1 - delta) - limit).max() for delta in deltas]
    return [(delta, float(gap), float(slope * delta)) for delta, gap in zip(deltas, apart, strict=True)]


def fit_order(points: Sequence[tuple[float, float, float]]) -> float:
    """Return the slope of log |Adam − Adagrad| over log δ where δ ≤ 1e-3; 1 is a proportion.

    See docs/theory.md, section 4.4.

    >>> round(fit_order([(1e-3, 5e-3, 0.0), (1e-4, 5e-4, 0.0), (1e-5, 5e-5, 0.0)]), 6)
    1.0
    """
    near = np.array([(delta, gap) for delta, gap, _ in points if delta <= 1e-3])
    return float(np.polyfit(np.log(near[:, 0]), np.log(near[:, 1]), 1)[0])


def tabulate_convergence(points: Sequence[tuple[float, float, float]]) -> str:
    """Return the convergence as a Markdown table and its order in a sentence. See docs/theory.md, section 7.2."""
    rows = [f"| {delta:.0e} | {gap:.2e} | {first_order:.2e} |" for delta, gap, first_order in points]
    head = "| $1-\\beta_2$ | largest difference of a weight | to first order |"
    order = f"For $1-\\beta_2 \\le 10^{{-3}}$ the difference falls as its power {fit_order(points):.3f}."
    return "\n".join((head, "|---|---|---|", *rows, "", order, "", describe_machine()))


def draw_convergence(points: Sequence[tuple[float, float, float]], figure: Figure) -> None:
    """Draw the convergence of Adam to Adagrad, both axes logarithmic: docs/theory.md, section 7.2."""
    deltas, apart, first_order = zip(*points, strict=True)
    axes = figure.subplots()
    axes.loglog(deltas, first_order, color="#8c9aa4", label="to first order in 1 − β₂")
    axes.loglog(deltas, apart, "o", color="#1f749d", label="measured")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:.0e}")  # the style takes no text for a formula
    axes.set_xlabel("1 − β₂")
    axes.set_ylabel("largest |Adam − Adagrad| of a weight")
    axes.set_title("Adam becomes Adagrad in proportion to 1 − β₂", loc="left", fontsize=11)
    axes.grid(color="#dfe5e8", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)

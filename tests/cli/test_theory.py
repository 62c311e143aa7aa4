"""`mien theory`: the table, the exit status, the derivations, the page, and bad input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from mien.cli.theory import demand_all, theory
from mien.errors import ConfigError, MienError
from mien.theory.crossentropy import cross_entropy_gradient
from mien.theory.gradcheck import Named
from mien.theory.show import show_claims
from mien.theory.witnesses import CLAIMS


def invoke(command: Callable[..., None], *arguments: str) -> Result:
    """Run one command as an application."""
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, arguments)


def test_a_topic_prints_its_claims_and_the_derivation_beside_the_code() -> None:
    """Formula and code of one function stand on one line, the table follows, and all is well."""
    result = invoke(theory, "batchnorm")
    assert result.exit_code == 0
    assert any("Normalise each channel" in line and "def batchnorm(" in line for line in result.stdout.splitlines())
    assert "9 of 9 claims hold" in result.stdout


def test_a_topic_without_claims_prints_its_derivations() -> None:
    """The learning-rate curves have no gradient to check."""
    result = invoke(theory, "schedules")
    assert result.exit_code == 0
    assert "def cosine_factor(" in result.stdout


def break_softmax(at: Named) -> dict[str, object]:
    """Return ŷ + y in place of ŷ − y: the sign of the target is lost."""
    right = cross_entropy_gradient(at["z"], at["labels"])
    claim = next(claim for claim in CLAIMS if claim.section == "3.3")
    return {**claim.formula(at), "z": right + 2 / len(right)}


def test_a_claim_that_is_broken_on_purpose_fails_the_command() -> None:
    """A wrong ∂L/∂z is told apart in the table, and the exit status is 1."""
    claim = next(claim for claim in CLAIMS if claim.section == "3.3")
    broken = replace(claim, formula=break_softmax)
    result = invoke(lambda: demand_all(show_claims([CLAIMS[2], broken])))
    assert result.exit_code == 1
    assert "1 of 2 claims hold" in result.stdout
    assert ["holds", "FAILS"] == [word for word in result.stdout.split() if word in ("holds", "FAILS")]


@pytest.mark.slow
def test_the_page_is_filled_and_its_prose_stays(tmp_path: Path) -> None:
    """A copy with empty blocks comes back with the table, the plot beside it."""
    page = tmp_path / "theory.md"
    page.write_text(
        "Prose.\n<!-- convergence -->\n<!-- /convergence -->\n<!-- differences -->\n<!-- /differences -->\nEnd.\n"
    )
    result = invoke(theory, "--write-docs", str(page))
    assert result.exit_code == 0
    text = page.read_text("utf-8")
    assert text.startswith("Prose.\n<!-- convergence -->\n| $1-\\beta_2$")
    assert text.endswith("<!-- /differences -->\nEnd.\n")
    assert len(CLAIMS) == text.count("| holds |")
    assert {"theory.md", "theory-adagrad.svg"} == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["batchnrm"], "expected one of convolution, .*did you mean batchnorm"),
        (["batchnorm", "--write-docs", "x.md"], "leave out the topic"),
        (["--seed", "3", "--write-docs", "x.md"], "leave out the topic and --seed"),
    ],
)
def test_bad_options_are_told_in_one_line(arguments: list[str], message: str) -> None:
    """An unknown topic, or a page that would not hold everything."""
    error = invoke(theory, *arguments).exception
    assert isinstance(error, ConfigError)
    with pytest.raises(ConfigError, match=message):
        raise error


@pytest.mark.parametrize("content", [None, "no block\n"])
def test_a_page_that_cannot_be_filled_stays_as_it_is(tmp_path: Path, content: str | None) -> None:
    """A missing page, or one without blocks: one line with its path, and nothing is left behind."""
    page = tmp_path / "page.md"
    if content is not None:
        page.write_text(content)
    error = invoke(theory, "--write-docs", str(page)).exception
    assert isinstance(error, MienError)
    assert str(error).startswith(f"{page}: ")
    assert ([] if content is None else ["page.md"]) == [path.name for path in tmp_path.iterdir()]

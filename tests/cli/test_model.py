"""`mien model`: what it prints, what it draws, and how it ends on input that it cannot use."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
import typer
from typer.testing import CliRunner

from mien.cli.model import model
from mien.errors import MienError
from mien.models import MODELS, build_model
from mien.models.summary import render_table, summarise
from mien.recipes.schema import ModelConfig

DIAGRAM = Path(__file__).resolve().parents[2] / "docs" / "report-cnn.svg"


def run(*arguments: object) -> str:
    """Return what `mien model ARGUMENTS` prints; its errors come up as they are."""
    app = typer.Typer()
    app.command()(model)
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False).output


def test_a_name_prints_the_table_at_the_size_of_its_recipe() -> None:
    """`mien model report-cnn` is the report's table: faces of 64 pixels, seven expressions."""
    table = render_table(summarise(build_model(ModelConfig(name="report-cnn"), classes=7, size=64)))
    assert f"{table}\n" == run("report-cnn")


def test_size_and_classes_change_the_table() -> None:
    """The last layer has as many outputs as classes, the first as many pixels as asked for."""
    lines = run("small", "--size", 32, "--classes", 2).splitlines()
    assert "[-1, 4, 16, 16]" in lines[3]
    assert any("Linear" in line and "[-1, 2]" in line and "258" in line for line in lines)


def test_without_a_name_every_network_is_listed() -> None:
    """One line a network, with its parameters."""
    lines = run().splitlines()
    assert [*MODELS, "timm:NAME"] == [line.split()[0] for line in lines[1:]]
    assert "39,569,799" in lines[1]


def test_a_diagram_is_written_whole_and_alone(tmp_path: Path) -> None:
    """The SVG parses, its path is told, and no file is left beside it."""
    target = tmp_path / "small.svg"
    assert str(target) in run("small", "--diagram", target).splitlines()[-1]
    assert "Block diagram of small" == ElementTree.parse(target).getroot()[0].text  # noqa: S314 - our own file
    assert [target] == list(tmp_path.iterdir())


def test_the_diagram_in_the_documentation_is_what_the_command_draws(tmp_path: Path) -> None:
    """docs/report-cnn.svg cannot go stale."""
    run("report-cnn", "--diagram", tmp_path / "now.svg")
    assert DIAGRAM.read_text(encoding="utf-8") == (tmp_path / "now.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["smal"], "did you mean small?"),
        (["small", "--size", "50"], "multiple of 8, found 50"),
        (["small", "--size", "9999"], "expected a whole number from 8 to 512, found 9999"),
        (["small", "--diagram", "small.png"], "ends in .svg, found .png"),
        (["small", "--diagram", "missing/small.svg"], "missing/small.svg: cannot be written"),
        (["--diagram", "x.svg"], "of which network?"),
    ],
)
def test_what_cannot_be_shown_is_told_in_one_line(arguments: list[str], message: str) -> None:
    """The error names what was found and what to write instead."""
    with pytest.raises(MienError) as error:
        run(*arguments)
    assert message in str(error.value)
    assert "\n" not in str(error.value)

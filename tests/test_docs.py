"""The documents cannot go stale: the README's commands run, and what pages name and link to is there."""

from __future__ import annotations

import re
import shlex
from functools import lru_cache
from pathlib import Path

import pytest
import typer

from conftest import ROOT, run_mien, write_shapes
from mien.cli import COMMANDS as NAMES
from mien.cli import build_app
from test_architecture import ROWS

README = (ROOT / "README.md").read_text(encoding="utf-8") if (ROOT / "README.md").exists() else ""
COMMANDS = [
    shlex.split(line.strip(), comments=True)[1:]
    for block in re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
    for line in block.splitlines()
    if line.strip().startswith("mien ")
]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "benchmarks" / "README.md"])
CODE = re.compile(r"```(?:sh|console)\n(.*?)```|((?:^(?: {4}| {6}).*\n)+)", flags=re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?<!\!)\[[^\]]*\]\((?!https?:|mailto:)([^)\s]*)\)")


def read_lines(page: Path) -> list[str]:
    """Return the lines of shell in the blocks of a page, those that go on behind a backslash as one."""
    text = page.read_text(encoding="utf-8")
    blocks = (fenced or indented for fenced, indented in CODE.findall(text))
    return [line.strip() for block in blocks for line in re.sub(r"\\\n\s*", "", block).splitlines()]


@lru_cache(maxsize=1)
def list_options() -> dict[str, set[str]]:
    """Return the names of every command's options."""
    commands = typer.main.get_command(build_app()).commands  # type: ignore[attr-defined]
    return {
        name: {option for entry in command.params for option in (*entry.opts, *entry.secondary_opts)}
        for name, command in commands.items()
    }


def split_command(line: str) -> list[str]:
    """Return the words behind `mien` or `python -m mien` in a line of shell; none where it runs something else.

    >>> split_command("timeout 60 mien train --resume runs/first   # goes on")
    ['train', '--resume', 'runs/first']
    """
    found = re.match(r"(?:[A-Z_]+=\S+ )*(?:(?:timeout|exec|time|srun|torchrun|accelerate)\b.*? )?mien (.*)", line)
    return shlex.split(found[1], comments=True) if found and "$(" not in found[1] else []


@pytest.mark.slow
def test_the_commands_of_the_readme_run_in_their_order(tmp_path: Path) -> None:
    """With small data of the test's own behind the README's names, and fewer epochs."""
    write_shapes(tmp_path / "my-faces", per_class=24)
    for picture in (tmp_path / "my-faces" / "test").glob("*/*.png"):
        (tmp_path / "new-faces").mkdir(exist_ok=True)
        (tmp_path / "new-faces" / f"{picture.parent.name}-{picture.name}").write_bytes(picture.read_bytes())
    assert len(COMMANDS) >= 6
    for command in COMMANDS:
        shorter = ["--set", "train.epochs=2", "--set", "train.batch_size=16"] if command[0] == "train" else []
        result = run_mien(*command, *shorter, cwd=tmp_path)
        assert result.status == 0, f"mien {shlex.join(command)}\n{result.err}"


def test_the_map_of_the_readme_names_every_part_of_the_package() -> None:
    """One line a file or folder."""
    named = set(re.findall(r"^    (?:src/mien/)?(\w+(?:\.py|/))", README, flags=re.MULTILINE))
    package = ROOT / "src" / "mien"
    there = {path.name + ("/" if path.is_dir() else "") for path in package.iterdir()} - {"__pycache__/", "py.typed"}
    assert there - {"__init__.py", "__main__.py"} <= named


def test_every_file_that_the_readme_links_to_exists() -> None:
    """Pictures included."""
    links = re.findall(r"\]\((?!http)([^)#]+)", README) + re.findall(r'src="(?!http)([^"]+)', README)
    assert [] == [link for link in links if not (ROOT / link).exists()]
    assert links


def test_make_help_lists_the_targets_that_the_readme_names() -> None:
    """A target that is named is a target that is there."""
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"make ([a-z-]+)", README)) <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_names_exists_with_its_options(page: Path) -> None:
    """In blocks whole commands with their options, in the text their names."""
    commands = list_options()
    for words in filter(None, map(split_command, read_lines(page))):
        if words[0].startswith("-"):
            continue
        assert words[0] in commands, f"{page.name}: mien {shlex.join(words)}"
        given = {word.partition("=")[0] for word in words if re.match(r"-{1,2}[a-z]", word)}
        assert given <= commands[words[0]] | {"--help", "-h"}, f"{page.name}: mien {shlex.join(words)}"
    named = set(re.findall(r"`mien ([a-z][a-z-]*)", page.read_text(encoding="utf-8")))
    assert named <= set(NAMES), page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_benchmark_that_a_page_names_exists(page: Path) -> None:
    """`python -m benchmarks.NAME` is how a figure is measured again."""
    named = set(re.findall(r"python -m benchmarks\.(\w+)", page.read_text(encoding="utf-8")))
    assert named <= {path.stem for path in (ROOT / "benchmarks").glob("*.py")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    """To a file that is there, and to a heading of it."""
    for target in LINK.findall(re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)):
        name, _, heading = target.partition("#")
        place = (page.parent / name).resolve() if name else page
        assert place.exists(), f"{page.name}: {target}"
        if heading:
            assert heading in name_headings(place.read_text(encoding="utf-8")), f"{page.name}: {target}"


def name_headings(text: str) -> set[str]:
    r"""Return the anchors of the headings of a page, as sites of Markdown make them.

    >>> sorted(name_headings("# One\n\n## Do `mien compare`'s hold?\n"))
    ['do-mien-compares-hold', 'one']
    """
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    plain = (re.sub(r"[^\w\s-]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)) for heading in headings)
    return {re.sub(r"\s+", "-", heading.strip().lower()) for heading in plain}


def test_the_map_of_the_readme_is_a_screen() -> None:
    """At most thirty lines."""
    part = README.partition("## The map")[2].partition("\n## ")[0]
    assert 10 <= len(re.findall(r"^    ", part, flags=re.MULTILINE)) <= 30


def test_the_layers_of_the_design_are_those_that_are_held() -> None:
    """Row by row, from the top."""
    part = (ROOT / "docs" / "design.md").read_text(encoding="utf-8").partition("## Layers")[2]
    rows = re.findall(r"^    (.*)$", part.partition("\n## ")[0], flags=re.MULTILINE)
    told = [set(re.sub(r"\(.*?\)", "", row).replace("·", " ").split()) for row in rows]
    assert list(ROWS) == told


def test_the_three_commands_of_the_readme_train_measure_and_explain() -> None:
    """In this order, before all others."""
    assert ["train", "evaluate", "report"] == [command[0] for command in COMMANDS[:3]]


def test_every_topic_of_the_results_is_linked_from_their_table() -> None:
    """No page of results can be missed."""
    table = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    assert [] == [path.name for path in (ROOT / "docs" / "results").glob("*.md") if f"results/{path.name}" not in table]


def test_lines_of_prose_are_short() -> None:
    """At most 120 characters in the pages that say what mien is; tables, code and answers may be wider."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "dev" / "LOG.md"]
    pages += [ROOT / "docs" / f"{name}.md" for name in ("design", "gpu", "results", "tutorial")]
    pages += [*(ROOT / "docs" / "guides").glob("*.md"), *(ROOT / "docs" / "results").glob("*.md")]
    for page in pages:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        long = [line for line in text.splitlines() if len(line) > 120 and not line.startswith(("|", "    "))]
        assert [] == long, page.name

"""The README cannot go stale: its commands run, its map names the files that are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from conftest import ROOT, run_mien, write_shapes

README = (ROOT / "README.md").read_text(encoding="utf-8") if (ROOT / "README.md").exists() else ""
COMMANDS = [
    shlex.split(line.strip(), comments=True)[1:]
    for block in re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
    for line in block.splitlines()
    if line.strip().startswith("mien ")
]


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

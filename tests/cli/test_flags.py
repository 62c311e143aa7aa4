"""Errors and warnings of the library name Python arguments; the command line makes its options of them."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mien
from conftest import TINY, run_mien
from mien.cli.flags import name_flags
from mien.data.loading import load
from mien.errors import ConfigError

SOURCE = Path(mien.__file__).parent
OPTION = re.compile(r"(?<![\w-])--[a-z]")
COMMAND = re.compile(r"\b(mien [a-z]+|accelerate launch|ray start|torchrun) .*")
"""What stands behind a command belongs to it: somebody types it into a shell."""

NOT_SAID = {"training/progress.py", "reports/recipe.py", "native/build.py", "server/guard.py"}
"""Parts of commands, and the options of a server, which its clients are told."""


def list_texts(source: str) -> list[str]:
    """Return every string of a source that is not a statement of its own, as docstrings are."""
    tree = ast.parse(source)
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told
    ]


def test_nothing_outside_of_the_command_line_names_an_option() -> None:
    """Errors, warnings and descriptions name arguments; whole commands may name options."""
    found = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if path.parent.name != "cli"
        and any(OPTION.search(COMMAND.sub("", text)) for text in list_texts(path.read_text(encoding="utf-8")))
    }
    assert NOT_SAID == found


@pytest.mark.parametrize(
    ("arguments", "python", "shell"),
    [
        ({"classes": "happy"}, "`classes` happy: expected", "--classes happy: expected"),
        ({"columns": "faces"}, "`columns` faces: expected", "--columns faces: expected"),
        ({"size": 1}, "`size`: expected", "--size: expected"),
    ],
)
def test_one_error_speaks_to_both(arguments: dict, python: str, shell: str) -> None:
    """Python reads its argument, a shell its option."""
    with pytest.raises(ConfigError) as error:
        load("synthetic", **arguments)
    assert (True, True) == (str(error.value).startswith(python), name_flags(str(error.value)).startswith(shell))


def list_openings(source: str) -> list[str]:
    """Return how the message of each `ConfigError(...)` of a source begins."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and node.args]
    messages = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "ConfigError"]
    first = [message.values[0] if isinstance(message, ast.JoinedStr) else message for message in messages]
    return [part.value for part in first if isinstance(part, ast.Constant) and isinstance(part.value, str)]


def test_an_error_of_an_argument_names_it_between_backticks() -> None:
    """Otherwise the command line would name what its user never typed."""
    doors = (mien.Recogniser, mien.evaluate, mien.export, mien.load, mien.stress)
    names = {name for door in doors for name in inspect.signature(door).parameters} - {"run", "split"}
    bare = re.compile(rf"({'|'.join(sorted(names))}):? ")
    sources = [path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py") if path.parent.name != "cli"]
    assert [] == [text for source in sources for text in list_openings(source) if bare.match(text)]


def test_one_warning_speaks_to_both(tmp_path: Path) -> None:
    """Of pictures of several sizes, in `mien data` and in training, too."""
    for number in range(40):
        side = 16 + 4 * (number % 2)
        place = tmp_path / "faces" / "train" / ("happy", "sad")[number % 4 // 2] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(number).integers(0, 255, (side, side), dtype=np.uint8)).save(place)
    assert any("choose with `size`" in warning for warning in load(tmp_path / "faces").warnings)
    told = run_mien("data", tmp_path / "faces")
    assert "choose with --size" in told.out
    trained = run_mien("train", "--data", tmp_path / "faces", *TINY, "--out", tmp_path / "run")
    assert (0, True) == (trained.status, "choose with --size" in trained.err)
    listed = run_mien("recipes")
    assert "(--votes)" in listed.out
    assert not any("`" in text for text in (told.out, trained.err, listed.out))

"""Pages with Python and commands run as they stand: the README's, the tutorial's and the guides'.

All run in this process and share what the tutorial makes: its run, its exported model, its folder of drawn faces.
"""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import mien
from conftest import ROOT
from mien.cli import build_app

GUIDES = sorted(path.name for path in (ROOT / "docs" / "guides").glob("*.md"))
BLOCK = re.compile(r"```(python|sh)\n(.*?)```", flags=re.DOTALL)
EVERY = 5
"""The FER2013 of the tests has every fifth face of the tutorial's."""


def read_blocks(page: str) -> list[tuple[str, str]]:
    """Return the Python and the commands of a page in their order, each as its language and its text."""
    return BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))


def run_page(page: str) -> None:
    """Run a page in the current folder: one program, its commands in between."""
    names: dict[str, Any] = {"__name__": "page"}
    with ExitStack() as servers:
        port = find_port()
        for language, text in read_blocks(page):
            text = text.replace(":8000", f":{port}").replace("--port 8000", f"--port {port}")
            if language == "python":
                exec(compile(text, page, "exec"), names)  # noqa: S102 (the page is our own)
            else:
                for line in text.splitlines():
                    run_line(line, servers)


def run_line(line: str, servers: ExitStack) -> None:
    """Run one line of a shell: a command of mien in this process, another as it is, one with & until the page ends."""
    words = shlex.split(line, comments=True)
    if words and words[-1] == "&":
        servers.enter_context(run_beside([sys.executable, "-m", *words[:-1]]))
    elif words and words[0] == "mien":
        done = CliRunner().invoke(build_app(words[1]), words[1:])
        assert 0 == done.exit_code, f"{line}\n{done.output}\n{done.exception!r}"
    elif words:
        if shutil.which(words[0]) is None:
            pytest.skip(f"needs {words[0]}")
        subprocess.run(words, check=True, capture_output=True)


@contextmanager
def run_beside(command: list[str]) -> Iterator[None]:
    """Run a server that says when it listens, and stop it as its user does."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        assert "http://" in process.stdout.readline()
        yield
        process.send_signal(signal.SIGTERM)


def find_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the tutorial was worked through, with all that the guides ask for beside it."""
    place = tmp_path_factory.mktemp("guides")
    Image.open(ROOT / "docs" / "astronaut.jpg").save(place / "photo.jpg")
    (place / "photos").mkdir()
    shutil.copy(place / "photo.jpg", place / "photos")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        patch.chdir(place)
        run_page("docs/tutorial.md")
    (place / "faces").rename(place / "my-faces")
    write_fer2013(place / "my-faces", place / "fer2013.csv")
    return place


def write_fer2013(folder: Path, table: Path) -> None:
    """Write some faces of a folder in the form of FER2013's table."""
    splits = mien.load(folder, cache=False)
    rows = ["emotion,pixels,Usage"]
    for usage, faces in (("Training", splits.train), ("PublicTest", splits.valid), ("PrivateTest", splits.test)):
        assert faces is not None
        some = replace(faces, **{name: getattr(faces, name)[::EVERY] for name in ("images", "labels", "ids")})
        rows += [
            f"{label},{' '.join(map(str, image.reshape(-1)))},{usage}"
            for image, label in zip(np.asarray(some.images), some.labels, strict=True)
        ]
    table.write_text("\n".join(rows) + "\n")


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", *(f"docs/guides/{name}" for name in GUIDES)])
def test_the_python_and_the_commands_of_a_page_run_as_they_stand(
    page: str, given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a photograph, a folder of faces and a run; warnings are errors."""
    place = tmp_path / "place"
    shutil.copytree(given, place)
    monkeypatch.chdir(place)
    assert read_blocks(page)
    run_page(page)


def test_the_tutorial_has_fifteen_cells() -> None:
    """From a folder of faces to a served model."""
    assert 15 == sum(language == "python" for language, _ in read_blocks("docs/tutorial.md"))


def test_the_answers_of_worked_pages_stand_under_their_cells() -> None:
    """A notebook without answers is none: a student's, one with few faces, one with a network of one's own."""
    for name in ("fer2013.md", "my-faces.md", "own-network.md"):
        text = (ROOT / "docs" / "guides" / name).read_text(encoding="utf-8")
        assert len(re.findall(r"```\n\n```text\n", text)) >= 3, name

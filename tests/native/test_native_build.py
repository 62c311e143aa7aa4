"""The library is built once and kept, and whatever goes wrong with it, training goes on without."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mien.native import build

pytestmark = pytest.mark.compiler

SAYS_WHETHER = "import torch; from mien.native.build import load_library; print(load_library() is not None)"


@pytest.fixture
def compiler(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the path of a compiler that optimises nothing: a tenth of a second instead of four."""
    found = next(filter(None, map(shutil.which, build.COMPILERS)), None)
    assert found is not None
    script = tmp_path_factory.mktemp("compiler") / "quick"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(found)} "$@" -O0\n')
    script.chmod(0o755)
    return str(script)


def ask_process(cache: Path, **environment: str) -> tuple[str, str]:
    """Return what a fresh process says of whether it has the library, and what it warns of."""
    settings = {**os.environ, "MIEN_NATIVE": "1", "MIEN_CACHE": str(cache), **environment}
    command = [sys.executable, "-c", SAYS_WHETHER]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=True)
    return done.stdout, done.stderr


Ask = Callable[..., bool]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Ask:
    """Return a question: does a process have the library, its cache in a folder? It warns with `says`, or not."""

    def answer(cache: Path, *, says: str = "", native: str = "1", **environment: str) -> bool:
        for name, value in {"MIEN_CACHE": str(cache), "MIEN_NATIVE": native, **environment}.items():
            monkeypatch.setenv(name, value)
        caplog.clear()
        found = build.load_library.__wrapped__()  # as if it had never been asked for
        lines = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert bool(says) == len(lines)
        assert not says or (says in lines[0] and "MIEN_NATIVE=0" in lines[0])
        return found is not None

    return answer


def test_the_first_process_builds_and_the_second_takes_what_is_there(tmp_path: Path, compiler: str) -> None:
    """One file in the cache, nothing half-written beside it, untouched by the second, and nothing is said."""
    assert ("True\n", "") == ask_process(tmp_path, CC=compiler)
    (built,) = (tmp_path / "native").iterdir()
    before = built.stat().st_mtime_ns
    assert ("True\n", "") == ask_process(tmp_path, CC=compiler)
    assert [built] == list((tmp_path / "native").iterdir())
    assert before == built.stat().st_mtime_ns


def test_a_process_without_a_compiler_says_so_in_one_line(tmp_path: Path) -> None:
    """On standard error, and goes on."""
    out, err = ask_process(tmp_path, CC="there-is-no-such-compiler")
    assert ("False\n", 1) == (out, err.count("\n"))
    assert "CC=there-is-no-such-compiler" in err


def test_a_damaged_library_is_built_anew(tmp_path: Path, compiler: str, ask: Ask) -> None:
    """As after a full disk."""
    assert ask(tmp_path, CC=compiler)
    (built,) = (tmp_path / "native").iterdir()
    sound = built.read_bytes()
    built.unlink()  # this process has it open
    built.write_bytes(sound[:5000])
    assert ask(tmp_path, CC=compiler)
    assert sound == built.read_bytes()


@pytest.mark.parametrize("broken", ["no compiler", "failing", "silent", "lying", "quotation", "no cache"])
def test_without_a_library_one_line_says_why_and_torch_does_the_work(
    broken: str, tmp_path: Path, compiler: str, ask: Ask
) -> None:
    """A compiler that is missing, fails, or writes no library; no command in `$CC`; a cache that is no folder."""
    cache, script = tmp_path / "cache", tmp_path / "compile"
    script.write_text('#!/bin/sh\ntest "$1" = --version || { echo "kernels.c:1: error: no such thing" >&2; exit 1; }\n')
    script.chmod(0o755)
    if broken == "no compiler":
        assert not ask(cache, says="CC=there-is-no-such-compiler", CC="there-is-no-such-compiler")
    elif broken == "failing":
        assert not ask(cache, says="error: no such thing", CC=str(script))
    elif broken == "silent":
        assert not ask(cache, says="failed: status 1", CC=shutil.which("false") or "")
    elif broken == "lying":
        script.write_text('#!/bin/sh\nfor last; do :; done\ntest "$1" = --version || echo no library > "$last"\n')
        assert not ask(cache, says="kernels-", CC=str(script))
    elif broken == "quotation":
        assert not ask(cache, says="No closing quotation", CC='gcc "-O2')
    else:
        cache.write_text("a file where a folder should be")
        assert not ask(cache, says="cache", CC=compiler)


def test_turned_off_nothing_is_built_and_nothing_said(tmp_path: Path, compiler: str, ask: Ask) -> None:
    """It was wished so."""
    assert not ask(tmp_path / "cache", CC=compiler, native="0")
    assert not (tmp_path / "cache").exists()


def test_a_compiler_may_come_with_arguments(tmp_path: Path, compiler: str, ask: Ask) -> None:
    """As in CC="ccache gcc"."""
    launcher = tmp_path / "launch er"
    launcher.write_text('#!/bin/sh\nexec "$@"\n')
    launcher.chmod(0o755)
    assert ask(tmp_path, CC=f"'{launcher}' {compiler} -O1")


def test_a_network_without_a_library_is_torchs(tmp_path: Path) -> None:
    """The copy is there all the same, and computes what the network does."""
    script = (
        "import torch; from torch import nn; from mien.native import accelerate\n"
        "network = nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU()).eval()\n"
        "view, faces = accelerate(network, frozen=True), torch.rand(2, 1, 8, 8)\n"
        "print(view is network, torch.equal(view(faces), network(faces)))"
    )
    settings = {**os.environ, "MIEN_CACHE": str(tmp_path), "MIEN_NATIVE": "0"}
    done = subprocess.run([sys.executable, "-c", script], env=settings, capture_output=True, text=True, check=True)
    assert "False True" == done.stdout.strip()


@pytest.mark.parametrize("lanes", [8, 16])
def test_a_width_of_vectors_may_be_asked_for(
    lanes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiler: str
) -> None:
    """Each is a library of its own."""
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path))
    monkeypatch.setenv("CC", compiler)
    first, second = build.build_library(lanes=lanes), build.build_library(lanes=lanes)
    assert first is not None
    assert second is not None
    assert 1 == len(list((tmp_path / "native").iterdir()))


def test_another_source_compiler_or_processor_has_another_file(monkeypatch: pytest.MonkeyPatch, compiler: str) -> None:
    """A home folder may be shared by machines that are not alike."""
    first = build._name_build((compiler,), build.FLAGS)
    assert first != build._name_build((compiler, "-g"), build.FLAGS)
    assert first != build._name_build((compiler,), (*build.FLAGS, "-DLANES=8"))
    monkeypatch.setattr(build, "_describe_processor", lambda: "another one")
    assert first != build._name_build((compiler,), build.FLAGS)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners on this system")
def test_a_folder_that_others_may_write_to_is_left_alone(tmp_path: Path, compiler: str, ask: Ask) -> None:
    """They could put a library of theirs into it."""
    (tmp_path / "native").mkdir(mode=0o700)
    (tmp_path / "native").chmod(0o777)
    assert not ask(tmp_path, says="others may write to it", CC=compiler)
    (tmp_path / "native").chmod(0o700)
    assert ask(tmp_path, CC=compiler)

"""The library is built once and kept, and whatever goes wrong with it, training goes on without."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mien.native import build

SAYS_WHETHER = "import torch; from mien.native.build import load_library; print(load_library() is not None)"


def ask(cache: Path, **environment: str) -> bool:
    """Return whether a fresh process has the library, with its cache in `cache`."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("CC", "MIEN_NATIVE")}
    settings = {**inherited, "MIEN_CACHE": str(cache), **environment}
    done = subprocess.run(
        [sys.executable, "-c", SAYS_WHETHER], env=settings, capture_output=True, text=True, check=True
    )
    assert not done.stderr
    return done.stdout.strip() == "True"


@pytest.fixture
def compiler() -> str:
    """Return the path of a compiler; skip without one."""
    found = next(filter(None, map(shutil.which, build.COMPILERS)), None)
    if found is None:
        pytest.skip("no C compiler on this machine")
    return found


def test_the_first_process_builds_and_the_second_takes_what_is_there(tmp_path: Path, compiler: str) -> None:
    """One file in the cache, nothing half-written beside it, untouched by the second."""
    assert ask(tmp_path, CC=compiler)
    (built,) = (tmp_path / "native").iterdir()
    before = built.stat().st_mtime_ns
    assert ask(tmp_path, CC=compiler)
    assert [built] == list((tmp_path / "native").iterdir())
    assert before == built.stat().st_mtime_ns


def test_a_damaged_library_is_built_anew(tmp_path: Path, compiler: str) -> None:
    """As after a full disk."""
    assert ask(tmp_path, CC=compiler)
    (built,) = (tmp_path / "native").iterdir()
    sound = built.read_bytes()
    built.write_bytes(sound[:5000])
    assert ask(tmp_path, CC=compiler)
    assert sound == built.read_bytes()


@pytest.mark.parametrize("broken", ["no compiler", "failing", "lying", "turned off", "no cache"])
def test_without_a_library_nothing_is_said_and_torch_does_the_work(broken: str, tmp_path: Path, compiler: str) -> None:
    """A compiler that is missing, fails, or writes no library; or is not asked; a cache that is no folder."""
    cache, script = tmp_path / "cache", tmp_path / "compile"
    if broken == "no compiler":
        assert not ask(cache, CC="there-is-no-such-compiler")
    elif broken == "failing":
        assert not ask(cache, CC=shutil.which("false") or "")
    elif broken == "lying":
        script.write_text('#!/bin/sh\nfor last; do :; done\ntest "$1" = --version || echo no library > "$last"\n')
        script.chmod(0o755)
        assert not ask(cache, CC=str(script))
    elif broken == "turned off":
        assert not ask(cache, CC=compiler, MIEN_NATIVE="0")
        assert not cache.exists()
    else:
        cache.write_text("a file where a folder should be")
        assert not ask(cache, CC=compiler)


def test_another_source_compiler_or_processor_has_another_file(monkeypatch: pytest.MonkeyPatch, compiler: str) -> None:
    """A home folder may be shared by machines that are not alike."""
    first = build._name_build(compiler)
    monkeypatch.setattr(build, "_describe_processor", lambda: "another one")
    assert first != build._name_build(compiler)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners on this system")
def test_a_folder_that_others_may_write_to_is_left_alone(tmp_path: Path, compiler: str) -> None:
    """They could put a library of theirs into it."""
    (tmp_path / "native").mkdir(mode=0o700)
    (tmp_path / "native").chmod(0o777)
    assert not ask(tmp_path, CC=compiler)
    (tmp_path / "native").chmod(0o700)
    assert ask(tmp_path, CC=compiler)

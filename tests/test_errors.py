"""Errors travel between processes, whatever they are made of."""

from __future__ import annotations

import ast
import copy
import importlib
import inspect
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

import mien
from mien.errors import DataError, MienError
from mien.recognition.pictures import read_picture

SOURCES = Path(mien.__file__).parent


def find_error_classes() -> list[type[BaseException]]:
    """Return every class of the package that is an exception."""
    found: list[type[BaseException]] = []
    for path in sorted(SOURCES.rglob("*.py")):
        classes = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ClassDef)]
        bases = {base.id for node in classes for base in node.bases if isinstance(base, ast.Name)}
        if any(base.endswith(("Error", "Exception")) for base in bases):
            name = ".".join(("mien", *path.relative_to(SOURCES).with_suffix("").parts)).removesuffix(".__init__")
            held = vars(importlib.import_module(name)).values()
            found += [
                value
                for value in held
                if isinstance(value, type) and issubclass(value, BaseException) and value.__module__ == name
            ]
    return found


def make_error(kind: type[BaseException]) -> BaseException:
    """Return an error of a class, made of one text for each argument that it asks for."""
    if not inspect.isfunction(kind.__init__):  # Python's own, which takes a message
        return kind("something is wrong")
    return kind(**{name: f"the {name}" for name in inspect.signature(kind).parameters})


@pytest.mark.parametrize("kind", find_error_classes(), ids=lambda kind: kind.__name__)
def test_every_error_survives_pickling_and_copying(kind: type[BaseException]) -> None:
    """Class, message and attributes are the same on the other side, at every version of the protocol."""
    error = make_error(kind)
    error.remark = "added by whoever caught it"  # type: ignore[attr-defined]
    twins = [pickle.loads(pickle.dumps(error, level)) for level in range(pickle.HIGHEST_PROTOCOL + 1)]  # noqa: S301
    for twin in (*twins, copy.copy(error), copy.deepcopy(error)):
        assert (type(error), str(error), error.args) == (type(twin), str(twin), twin.args)
        assert vars(error) == vars(twin)


def test_all_errors_of_the_package_were_looked_at() -> None:
    """Nobody adds a class that the test above would not see."""

    def list_below(kind: type[BaseException]) -> set[type[BaseException]]:
        return {kind}.union(*(list_below(below) for below in kind.__subclasses__()))

    ours = {kind for kind in list_below(MienError) if kind.__module__.startswith("mien.")}
    assert ours <= set(find_error_classes())
    assert 11 <= len(find_error_classes())


def test_an_error_of_another_process_arrives_as_it_was_raised() -> None:
    """A pool of processes around recognition hands over the refusal of a file, with its place."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        told = pool.submit(read_picture, "nowhere.jpg").exception(timeout=120)
    assert isinstance(told, DataError)
    assert "nowhere.jpg" == told.where
    assert f"nowhere.jpg: {told.problem}" == str(told)

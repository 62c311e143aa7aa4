"""The derivations as they stand in the docstrings, each with its code. In: a topic. Out: `Derivation` values."""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
from dataclasses import dataclass
from types import ModuleType
from typing import Any

TOPICS = (
    "convolution",
    "batchnorm",
    "crossentropy",
    "optimisers",
    "muon",
    "layers",
    "steps",
    "network",
    "averaging",
    "schedules",
    "gradcheck",
)
"""The modules of mien.theory that hold formulas, in the order of docs/theory.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """A function or class: its `name`, the derivation in its docstring, and its code without the docstring.

    See docs/theory.md, section 7.2.
    """

    name: str
    text: str
    code: str


def open_topic(topic: str) -> ModuleType:
    """Return the module of mien.theory that holds a topic. See docs/theory.md, section 7.2."""
    return importlib.import_module(f"mien.theory.{topic}")


def list_functions(module: ModuleType) -> dict[str, Any]:
    """Return the public functions and classes that `module` itself defines, in the order of its text.

    See docs/theory.md, section 7.2.
    """
    return {
        name: member
        for name, member in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(member) or inspect.isclass(member))
        and member.__module__ == module.__name__
    }


def read_derivations(topic: str) -> tuple[Derivation, ...]:
    """Return every derivation of a topic. See docs/theory.md, section 7.2.

    >>> [derivation.name for derivation in read_derivations("averaging")]
    ['warm_decay', 'average_step', 'average_weights']
    """
    members = list_functions(open_topic(topic))
    return tuple(
        Derivation(name=name, text=inspect.getdoc(member) or "", code=strip_docstring(inspect.getsource(member)))
        for name, member in members.items()
    )


def strip_docstring(source: str) -> str:
    r"""Return the source of a function or class without its docstring. See docs/theory.md, section 7.2.

    >>> strip_docstring('def double(x):\n    "Return 2x."\n    return 2 * x\n')
    'def double(x):\n    return 2 * x'
    """
    lines = textwrap.dedent(source).rstrip().splitlines()
    definition = ast.parse("\n".join(lines)).body[0]
    first = definition.body[0] if isinstance(definition, (ast.FunctionDef, ast.ClassDef)) else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(definition.body) > 1:  # type: ignore[attr-defined]
        end = first.end_lineno or first.lineno
        while end < len(lines) and not lines[end].strip():
            end += 1
        del lines[first.lineno - 1 : end]
    return "\n".join(lines)

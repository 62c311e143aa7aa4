"""The layers of the design: a module imports only from rows below its own, and importing mien is light."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

import mien

SOURCE = Path(__file__).resolve().parent.parent / "src" / "mien"

ROWS = (
    {"cli"},
    {"reports"},
    {"auditing", "exporting", "robustness", "studies"},
    {"server", "training"},
    {"evaluation", "stream"},
    {"recognition", "runs"},
    {"data", "models"},
    {"native", "plots", "synthetic", "theory"},
    {"beliefs", "faces", "files", "recipes"},
    {"errors", "hints", "labels", "processes", "version"},
)
"""From the top; `theory` stands alone."""

PARTS = set().union(*ROWS)
HOMES = {**mien._HOME_OF, "__version__": "mien"}
"""A name of the front door -> the module that it comes from."""

HEAVY = {"torch", "matplotlib", "sklearn", "PIL", "accelerate", "safetensors", "scipy", "pandas", "cv2", "onnxruntime"}
MODULES = sorted(
    path for path in SOURCE.rglob("*.py") if path.parent != SOURCE or path.stem not in ("__init__", "__main__")
)


def imported_parts(source: str) -> set[str]:
    """Return the parts of mien that a source imports anywhere, in functions and by strings, too: "data", "models", …"""
    found = set()
    for node in ast.walk(ast.parse(source)):
        names = list_imports(node) or list_named(node)
        found |= {name.split(".")[1] for name in names if name.startswith("mien.")}
    return found


def list_imports(node: ast.AST) -> list[str]:
    """Return the modules of an import statement; a name of the front door stands for the module that it comes from."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    assert 0 == node.level, "a relative import: write mien.…"
    if node.module == "mien":
        return [HOMES.get(alias.name, f"mien.{alias.name}") for alias in node.names]
    return [node.module or ""]


def list_named(node: ast.AST) -> list[str]:
    """Return the modules that are named otherwise: whole strings as in lazy tables, `mien.NAME`, `python -m mien`."""
    if isinstance(node, (ast.List, ast.Tuple)):
        texts = [each.value if isinstance(each, ast.Constant) else None for each in node.elts]
        return ["mien.cli"] if ("-m", "mien") in pairwise(texts) else []
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "mien":
        return [HOMES[node.attr]] if node.attr in HOMES else []
    text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
    return [text] if re.fullmatch(r"mien(\.\w+)+", text) and text.split(".")[1] in PARTS else []


def row_of(part: str) -> int:
    """Return the row of a part, counted from the top."""
    return next(index for index, row in enumerate(ROWS) if part in row)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_only_from_rows_below_its_own(path: Path) -> None:
    """Frozen values flow down the stages, and nothing flows back."""
    own = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    others = imported_parts(path.read_text(encoding="utf-8")) - {own}
    assert [] == sorted(part for part in others if row_of(part) <= row_of(own))
    assert "theory" not in others or own == "cli"


def test_every_part_has_a_row() -> None:
    """A new module has to find its place."""
    parts = {path.relative_to(SOURCE).parts[0].removesuffix(".py") for path in MODULES}
    assert parts == PARTS


@pytest.mark.parametrize(
    ("code", "part"),
    [
        ("import mien.data.csv", "data"),
        ("def late():\n    from mien.models.small import Small", "models"),
        ("from mien import data", "data"),
        ("from mien import load_run", "runs"),
        ("import mien\nmien.load_run('run')", "runs"),
        ("importlib.import_module('mien.cli.train')", "cli"),
        ("HOMES = {'train': 'mien.training.fit'}", "training"),
        ("HOMES = {'mien.training.fit': ('train',)}", "training"),
        ("worker = 'mien.files'", "files"),
        ("subprocess.run([sys.executable, '-m', 'mien', 'train'])", "cli"),
        ("subprocess.run([sys.executable, '-m', 'mien.studies.worker'])", "studies"),
    ],
)
def test_no_import_escapes(code: str, part: str) -> None:
    """Statements anywhere, the front door, strings, lazy tables and processes."""
    assert {part} == imported_parts(code)


@pytest.mark.parametrize("code", ["key = 'mien.data-version'", "'mien.cli is the command line.'", "x = 'mien'"])
def test_other_strings_are_no_imports(code: str) -> None:
    """Prose, keys and the name of the package."""
    assert set() == imported_parts(code)


def test_the_table_of_the_design_has_the_rows_that_are_held() -> None:
    """From the top, each with the same parts; remarks in parentheses are for readers."""
    text = (SOURCE.parents[1] / "docs" / "design.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"`tests/test_architecture\.py` holds it:\n\n((?:    .+\n)+)", text)
    rows = [set(re.sub(r"\(.*?\)", "", line).replace("·", " ").split()) for line in table.splitlines()]
    assert list(ROWS) == rows


@pytest.mark.parametrize("statement", ["import mien", "import mien.cli; mien.cli.build_app()", "import mien.theory"])
def test_importing_mien_brings_in_nothing_heavy(statement: str) -> None:
    """Help, version and the first line of a script appear at once."""
    script = f"{statement}; import sys; print(*sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    """A module is called after what it holds."""
    assert not {"utils", "helpers", "common", "misc", "core", "base", "manager"} & {path.stem for path in MODULES}


LONGEST_FILE, LONGEST_FUNCTION = 350, 40
MOST_LOOSE, MOST_CLI_LINES = 8, 1700
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def count_lines(path: Path) -> int:
    """Return the lines of a file."""
    return path.read_text(encoding="utf-8").count("\n")


def list_functions(path: Path) -> dict[str, int]:
    """Return the lines of each function's body; its signature (a command's options) and docstring do not count."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, FUNCTIONS):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            found[node.name] = body[-1].end_lineno - body[0].lineno + 1 if body else 0
    return found


def test_few_modules_stand_beside_the_packages() -> None:
    """What belongs together lives in a room of its own."""
    loose = [path.stem for path in MODULES if path.parent == SOURCE]
    assert len(loose) <= MOST_LOOSE, loose


def test_files_and_functions_are_short() -> None:
    """A file is a few screens, the body of a function less than one."""
    assert [] == [str(path.relative_to(SOURCE)) for path in MODULES if count_lines(path) > LONGEST_FILE]
    long = [(path.stem, name) for path in MODULES for name, n in list_functions(path).items() if n > LONGEST_FUNCTION]
    assert [] == long


def test_the_command_line_is_thin() -> None:
    """Options in, printing out: what a command does stands in the package that it belongs to."""
    assert sum(count_lines(path) for path in MODULES if path.parent.name == "cli") <= MOST_CLI_LINES

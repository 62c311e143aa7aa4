"""The layers of the design: a module imports only from rows below its own, and importing mien is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "mien"

ROWS = (
    {"cli"},
    {"reports"},
    {"auditing", "exporting", "studies"},
    {"server", "training"},
    {"evaluation", "stream"},
    {"recognition", "runs"},
    {"data", "models"},
    {"native", "plots", "synthetic", "theory"},
    {"beliefs", "faces", "files", "heads", "recipes"},
    {"errors", "hints", "labels", "processes", "version"},
)
"""From the top; `theory` stands alone."""

HEAVY = {"torch", "matplotlib", "sklearn", "PIL", "accelerate", "safetensors", "scipy", "pandas", "cv2", "onnxruntime"}
MODULES = sorted(
    path for path in SOURCE.rglob("*.py") if path.parent != SOURCE or path.stem not in ("__init__", "__main__")
)


def imported_parts(path: Path) -> set[str]:
    """Return the parts of mien that a module imports anywhere, in functions too: "data", "models", …"""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [node.module] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found |= {name.split(".")[1] for name in names if name and name.startswith("mien.")}
    return found


def row_of(part: str) -> int:
    """Return the row of a part, counted from the top."""
    return next(index for index, row in enumerate(ROWS) if part in row)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_only_from_rows_below_its_own(path: Path) -> None:
    """Frozen values flow down the stages, and nothing flows back."""
    own = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    others = imported_parts(path) - {own}
    assert [] == sorted(part for part in others if row_of(part) <= row_of(own))
    assert "theory" not in others or own == "cli"


def test_every_part_has_a_row() -> None:
    """A new module has to find its place."""
    parts = {path.relative_to(SOURCE).parts[0].removesuffix(".py") for path in MODULES}
    assert parts == set().union(*ROWS)


@pytest.mark.parametrize("statement", ["import mien", "import mien.cli; mien.cli.build_app()", "import mien.theory"])
def test_importing_mien_brings_in_nothing_heavy(statement: str) -> None:
    """Help, version and the first line of a script appear at once."""
    script = f"{statement}; import sys; print(*sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    """A module is called after what it holds."""
    assert not {"utils", "helpers", "common", "misc", "core", "base", "manager"} & {path.stem for path in MODULES}

"""mien: facial expression recognition that you can train, measure and trust.

The whole use in a few names: `load` reads labelled faces, `train` trains a `recipe` on them, `evaluate`, `stress`,
`report` and `export` take the run; `recognise` and `Recogniser` name the expressions of pictures, without PyTorch.
What goes wrong by what was given is a `MienError` of one line.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mien.version import __version__

if TYPE_CHECKING:
    from mien.auditing.look import audit
    from mien.data.loading import load
    from mien.errors import MienError
    from mien.evaluation.answer import evaluate
    from mien.evaluation.evaluation import Evaluation
    from mien.exporting.save import export
    from mien.faces import Faces, Splits
    from mien.models import list_models, register_model
    from mien.recipes import Recipe, list_recipes, recipe
    from mien.recognition import Box, Face, Recogniser, read_picture
    from mien.recognition.once import recognise
    from mien.reports.write import report
    from mien.robustness.result import Robustness
    from mien.robustness.stress import stress
    from mien.runs.run import Run, load_run
    from mien.studies.compare import compare
    from mien.training.fit import train

_HOMES = {
    "mien.auditing.look": ("audit",),
    "mien.data.loading": ("load",),
    "mien.errors": ("MienError",),
    "mien.evaluation.answer": ("evaluate",),
    "mien.evaluation.evaluation": ("Evaluation",),
    "mien.exporting.save": ("export",),
    "mien.faces": ("Faces", "Splits"),
    "mien.models": ("list_models", "register_model"),
    "mien.recipes": ("Recipe", "list_recipes", "recipe"),
    "mien.recognition": ("Box", "Face", "Recogniser", "read_picture"),
    "mien.recognition.once": ("recognise",),
    "mien.reports.write": ("report",),
    "mien.robustness.result": ("Robustness",),
    "mien.robustness.stress": ("stress",),
    "mien.runs.run": ("Run", "load_run"),
    "mien.studies.compare": ("compare",),
    "mien.training.fit": ("train",),
}
"""Module -> the names that it gives to the front door; each is imported when it is first named."""

_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Box",
    "Evaluation",
    "Face",
    "Faces",
    "MienError",
    "Recipe",
    "Recogniser",
    "Robustness",
    "Run",
    "Splits",
    "__version__",
    "audit",
    "compare",
    "evaluate",
    "export",
    "list_models",
    "list_recipes",
    "load",
    "load_run",
    "read_picture",
    "recipe",
    "recognise",
    "register_model",
    "report",
    "stress",
    "train",
]


def __getattr__(name: str) -> Any:
    """Bring in a name when it is first asked for, so that `import mien` stays light."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = getattr(importlib.import_module(_HOME_OF[name]), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "mien":
            raise
        raise ModuleNotFoundError(
            f"mien.{name} needs {error.name}: run  pip install 'mien[train]'", name=error.name
        ) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

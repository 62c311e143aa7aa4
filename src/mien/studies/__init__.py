"""Compare variants of a recipe: a plan goes in, many runs are trained and measured, a table with intervals comes out.

`plan` says what is trained, `folder` where it is kept, `jobs` what is left; `pool` has it done by an `executor`, in
processes that `inside` and `worker` look into; `results` measures it, `differences` holds the statistics, `words` and
`picture` show it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.studies.folder import StudyFolder, find_study
    from mien.studies.plan import Plan, Variant, plan_study
    from mien.studies.results import Results, measure_study

_HOMES = {
    "Plan": "plan",
    "Results": "results",
    "StudyFolder": "folder",
    "Variant": "plan",
    "find_study": "folder",
    "measure_study": "results",
    "plan_study": "plan",
}

__all__ = ["Plan", "Results", "StudyFolder", "Variant", "find_study", "measure_study", "plan_study"]


def __getattr__(name: str) -> Any:
    """Bring in a name when it is first asked for: the process of a run takes none of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)

"""Compare variants of a recipe: a plan goes in, many runs are trained and measured, a table with intervals comes out.

`plan` says what is trained, `folder` where it is kept, `jobs` and `pool` train it in processes of their own, `results`
measures it, `differences` holds the statistics, `words` and `picture` show it.
"""

from mien.studies.folder import StudyFolder, find_study
from mien.studies.plan import Plan, Variant, plan_study
from mien.studies.results import Results, measure_study

__all__ = ["Plan", "Results", "StudyFolder", "Variant", "find_study", "measure_study", "plan_study"]

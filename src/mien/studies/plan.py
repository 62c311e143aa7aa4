"""What a study trains. In: a recipe and what varies, as on the command line. Out: a `Plan`, before anything is trained.

A variant is the base recipe with some fields changed, or the ensemble of the seeds of such a variant. `vary.py` knows
what the names after `vary` mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

from mien.errors import ConfigError
from mien.recipes.named import find_recipe
from mien.recipes.schema import Recipe, override
from mien.studies.vary import ENSEMBLE, Level, list_levels

BASE = "base"
SEED_FIELD = "train.seed"
FIELDS_THAT_CHOOSE_VALID = ("data.valid_fraction", "data.stratify", "data.only", "data.labels", "data.votes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One line of the comparison.

    Attributes:
        name: "base", "augmentation=off", "ensemble", …
        changes: assignments in the syntax of --set, on top of those of the base.
        members: the variant whose seeds make up this ensemble; None if this variant is trained itself.
    """

    name: str
    changes: tuple[str, ...]
    members: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to train and where to measure.

    Attributes:
        data: as the user named it.
        recipe: name of the base recipe.
        changes: assignments that hold for every variant, the base included.
        variants: the base first.
        seeds: each variant is trained once with each.
        split: the faces to measure on.
        skip_bad: leave out unreadable faces.
    """

    data: str
    recipe: str
    changes: tuple[str, ...]
    variants: tuple[Variant, ...]
    seeds: tuple[int, ...]
    split: str
    skip_bad: bool = False

    @property
    def trained(self) -> tuple[Variant, ...]:
        """The variants that are trained: all but the ensembles."""
        return tuple(variant for variant in self.variants if variant.members is None)

    def recipe_of(self, variant: Variant) -> Recipe:
        """Return the recipe of a variant, with the seed that the named recipe has."""
        return override(find_recipe(self.recipe), (*self.changes, *variant.changes))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)


def read_plan(values: dict[str, Any]) -> Plan:
    """Return the plan that `Plan.to_dict` wrote, from JSON or not."""
    variants = tuple(Variant(**{**entry, "changes": tuple(entry["changes"])}) for entry in values["variants"])
    lists = {name: tuple(values[name]) for name in ("changes", "seeds")}
    return Plan(**{**values, **lists, "variants": variants})


def plan_study(
    recipe: str,
    vary: Sequence[str],
    *,
    data: str,
    seeds: int,
    changes: Sequence[str] = (),
    grid: bool = False,
    split: str = "valid",
) -> Plan:
    """Return the plan of a study.

    Args:
        recipe: name of the base recipe.
        vary: "augmentation", "early-stopping", "class-weights", "sampling", "ensemble" or "section.field=V1,V2".
        data: labelled faces.
        seeds: number of seeds, from 0.
        changes: assignments for all variants.
        grid: every combination of everything that varies, instead of one change at a time.
        split: the faces to measure on.

    Raises:
        ConfigError: nothing varies, or a name or value is impossible.

    >>> plan = plan_study("small", ["augmentation", "train.lr=0.1,0.2"], data="synthetic", seeds=3)
    >>> [variant.name for variant in plan.variants]
    ['base', 'augmentation=off', 'train.lr=0.2']
    """
    if not vary:
        raise ConfigError("an empty study: say what varies, for example `vary` augmentation `vary` train.lr=0.05,0.1")
    if len(set(vary)) < len(vary):
        raise ConfigError(f"`vary` {max(vary, key=vary.count)}: given twice")
    base = override(find_recipe(recipe), changes)
    factors = [list_levels(text, base) for text in vary if text != ENSEMBLE]
    varied = [change for levels in factors for level in levels for change in level.changes]
    _check_fields(changes, varied, split)
    chosen = _combine(factors) if grid else [(level,) for levels in factors for level in levels]
    variants = _list_variants(base, chosen)
    if ENSEMBLE in vary:
        if seeds < 2:
            raise ConfigError(f"`vary` {ENSEMBLE}: the mean over seeds takes at least `seeds` 2, found {seeds}")
        variants += [_average(variant) for variant in (variants if grid else variants[:1])]
    return Plan(
        data=data,
        recipe=recipe,
        changes=tuple(changes),
        variants=tuple(variants),
        seeds=tuple(range(seeds)),
        split=split,
    )


def _combine(factors: Sequence[Sequence[Level]]) -> Iterable[tuple[Level, ...]]:
    """Yield every combination of levels; a factor that is left out stays as in the base."""
    for picked in product(*([None, *levels] for levels in factors)):
        yield tuple(level for level in picked if level is not None)


def _list_variants(base: Recipe, chosen: Iterable[tuple[Level, ...]]) -> list[Variant]:
    """Return the base and a variant for each choice; two ways to the same recipe are one variant."""
    variants, known = [Variant(name=BASE, changes=())], [base]
    for levels in chosen:
        changes = tuple(change for level in levels for change in level.changes)
        recipe = override(base, changes)
        if recipe not in known:
            known.append(recipe)
            variants.append(Variant(name=" + ".join(level.name for level in levels), changes=changes))
    return variants


def _average(variant: Variant) -> Variant:
    name = ENSEMBLE if variant.name == BASE else f"{variant.name} + {ENSEMBLE}"
    return Variant(name=name, changes=variant.changes, members=variant.name)


def _check_fields(shared: Iterable[str], varied: Iterable[str], split: str) -> None:
    """Raise ConfigError for a field that the study sets itself, or that would change which faces are measured."""
    shared_keys, varied_keys = ({change.partition("=")[0].strip() for change in part} for part in (shared, varied))
    if SEED_FIELD in shared_keys | varied_keys:
        raise ConfigError(f"{SEED_FIELD}: the study sets the seeds itself: choose how many with `seeds`")
    choosing = sorted(varied_keys & set(FIELDS_THAT_CHOOSE_VALID))
    if choosing and split == "valid":
        raise ConfigError(f"`vary` {choosing[0]}: changes the valid faces that all variants are measured on")

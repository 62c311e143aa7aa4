"""What the templates print: `ReportData` goes in; sentences, tables, plots and functions to write with come out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mien.reports import sentences as told
from mien.reports.answers import (
    tabulate_calibration,
    tabulate_confusion,
    tabulate_recalls,
    tabulate_rules,
    tabulate_scores,
)
from mien.reports.data import Absent, ReportData
from mien.reports.doubt import tabulate_groups, tabulate_sets
from mien.reports.figures import draw_balance, draw_learning, draw_reliability, draw_robustness
from mien.reports.numbers import Say, write_percent, write_short, write_time
from mien.reports.recipe import write_command
from mien.reports.robustness import tabulate_robustness, tell_mean
from mien.reports.table import Table
from mien.reports.tables import (
    tabulate_audit,
    tabulate_counts,
    tabulate_kinds,
    tabulate_layers,
    tabulate_settings,
    tabulate_study,
    tabulate_tricks,
)

PARTS = ("network", "training", "confusion", "balance", "calibration", "robustness", "audit", "recipe")
MOST_OPEN_ROWS = 40
"""Layers up to which their table stands open."""

WIDEST_MATRIX = 60
"""Expressions up to which their confusion matrix stands on a page: beyond, it would be most of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A plot as SVG, and what it shows in words."""

    svg: str
    label: str


def prepare_page(data: ReportData, say: Say) -> dict[str, Any]:
    """Return everything that the templates name."""
    origin = data.origin
    return {
        "data": data,
        "parts": PARTS,
        "title": say("title", recipe=origin.recipe["name"], data=origin.data),
        "lead": told.tell_lead(data, say),
        "stats": list_stats(data, say),
        "tables": list_tables(data, say),
        "told": list_sentences(data, say),
        "pairs": [(pair, told.tell_pair(pair, say), told.tell_sheet(pair, say)) for pair in data.pairs],
        "facts": list_facts(data, say),
        "command": write_command(origin),
        "most_open_rows": MOST_OPEN_ROWS,
        "say": say,
        "name": lambda expression: say(f"expression.{expression}"),
        "percent": write_percent,
        "is_absent": lambda part: isinstance(part, Absent),
    }


def draw_plots(data: ReportData, say: Say) -> dict[str, Plot]:
    """Return name -> plot, of all that the data allows."""
    found = {}
    if not isinstance(data.training, Absent):
        gaps = {"epochs": len(data.training.history), "best": data.training.best_epoch}
        found["learning"] = Plot(svg=draw_learning(data.training, say), label=say("figure.learning-alt", **gaps))
    if not isinstance(data.balance, Absent):
        names = tuple(say(f"expression.{name}") for name in data.origin.expressions)
        found["balance"] = Plot(svg=draw_balance(data.balance, names, say), label=say("figure.balance-alt"))
    if not isinstance(data.calibration, Absent):
        ece = (data.calibration.after or data.calibration.before).ece
        label = say("figure.reliability-alt", ece=f"{ece:.3f}")
        found["reliability"] = Plot(svg=draw_reliability(data.calibration, say), label=label)
    if not isinstance(data.robustness, Absent):
        label = say("figure.robustness-alt", mean=write_percent(data.robustness.accuracy))
        found["robustness"] = Plot(svg=draw_robustness(data.robustness, say), label=label)
    return found


def list_tables(data: ReportData, say: Say) -> dict[str, Table]:
    """Return name -> table, of all that the data allows."""
    found = {
        "kinds": tabulate_kinds(data.network, say),
        "layers": tabulate_layers(data.network, say),
        "tricks": tabulate_tricks(data.origin, say),
        "settings": tabulate_settings(data.origin, say),
    }
    if data.evaluated:
        found["scores"] = tabulate_scores(data, say)
        if len(data.origin.expressions) <= WIDEST_MATRIX:
            found["confusion"] = tabulate_confusion(data.evaluated[0], say)
        found["recalls"] = tabulate_recalls(data.evaluated[0].scores, say)
    if data.sets is not None:
        found["sets"] = tabulate_sets(data.sets, data.coverage, say)
    if data.groups and not isinstance(data.groups, Absent):
        found["groups"] = tabulate_groups(data.groups, say)
    parts: dict[str, tuple[Any, Callable[[Any], Table]]] = {
        "study": (data.study, lambda study: tabulate_study(study, say)),
        "counts": (data.balance, lambda balance: tabulate_counts(balance, data.origin.expressions, say)),
        "rules": (data.rules, lambda rules: tabulate_rules(rules.trades, data.evaluated[0].split, say)),
        "calibration": (
            data.calibration,
            lambda calibration: tabulate_calibration(calibration, data.evaluated[0].split, say),
        ),
        "robustness": (data.robustness, lambda robustness: tabulate_robustness(robustness, say)),
        "audit": (data.audit, lambda audit: tabulate_audit(audit, say)),
    }
    return found | {name: write(part) for name, (part, write) in parts.items() if not isinstance(part, Absent)}


def list_sentences(data: ReportData, say: Say) -> dict[str, list[str]]:
    """Return name of the place -> sentences, of all that the data allows."""
    found = {"network": [told.tell_network_cost(data.network, say)]}
    if data.evaluated:
        found["recalls"] = [told.tell_recalls(data.evaluated[0].scores.classes, say)]
    if not isinstance(data.training, Absent):
        found["epochs"] = told.tell_epochs(data, data.training, say)
    if not isinstance(data.balance, Absent):
        found["imbalance"] = [told.tell_imbalance(data.balance, data.origin.expressions, say)]
    if not isinstance(data.rules, Absent):
        found["gains"] = told.tell_gains(data.rules.trades, say)
    if not isinstance(data.calibration, Absent):
        found["excess"] = [told.tell_excess(data.calibration, say)]
    if not isinstance(data.robustness, Absent):
        found["robustness"] = tell_mean(data.robustness, say)
    if not isinstance(data.audit, Absent):
        found["shared"] = told.tell_shared(data.audit, say)
    return found


def list_stats(data: ReportData, say: Say) -> list[tuple[str, str]]:
    """Return the figures to see first, with their names."""
    found = []
    if data.evaluated:
        scores = data.evaluated[0].scores
        found += [
            (say("stat.accuracy"), write_percent(scores.accuracy)),
            (say("stat.balanced"), write_percent(scores.balanced_accuracy)),
            (say("stat.f1"), f"{scores.macro_f1:.3f}"),
        ]
    if not isinstance(data.calibration, Absent):
        found.append((say("stat.ece"), f"{(data.calibration.after or data.calibration.before).ece:.3f}"))
    found.append((say("stat.parameters"), write_short(data.network.parameters)))
    found.append((say("stat.macs"), write_short(data.network.multiply_adds)))
    seconds = data.origin.seconds
    return found if seconds is None else [*found, (say("stat.time"), write_time(seconds, say))]


def list_facts(data: ReportData, say: Say) -> list[tuple[str, str]]:
    """Return how the run came about, as far as it is known."""
    origin, glue = data.origin, say("and")
    values = {
        "data": origin.data,
        "members": glue.join(origin.members),
        "size": say("fact.size-value", size=origin.size),
        "faces": glue.join(f"{say(f'split.{name}')} {count:,}" for name, count in origin.faces.items()),
        "fingerprints": glue.join(f"{say(f'split.{name}')} {digest}" for name, digest in origin.fingerprints.items()),
        "seed": str(origin.recipe["train"]["seed"]),
        "started": origin.started.replace("T", " ").replace("Z", " UTC"),
        "finished": origin.finished.replace("T", " ").replace("Z", " UTC"),
        "time": _tell_time(data, say),
        "cost": _tell_cost(data, say),
        "hardware": origin.hardware,
        "versions": glue.join(f"{package} {version}" for package, version in origin.versions.items()),
    }
    return [(say(f"fact.{name}"), value) for name, value in values.items() if value]


def _tell_time(data: ReportData, say: Say) -> str:
    if data.origin.seconds is None or isinstance(data.training, Absent):
        return ""
    epochs, seconds = len(data.training.history), data.origin.seconds
    return say("fact.time-value", time=write_time(seconds, say), epochs=epochs, each=write_time(seconds / epochs, say))


def _tell_cost(data: ReportData, say: Say) -> str:
    if isinstance(data.training, Absent) or not data.training.multiply_adds:
        return ""
    return say("fact.cost-value", operations=write_short(data.training.multiply_adds))

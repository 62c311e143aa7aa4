"""What the templates print: values of a report and the functions that write them. In: `ReportData`. Out: a context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mien.metrics import Interval, Scores
from mien.report import sentences as told
from mien.report.data import Absent, LayerKind, ReportData
from mien.report.figures import draw_balance, draw_learning
from mien.report.numbers import Say, write_interval, write_percent, write_short, write_time
from mien.report.recipe import list_settings, list_tricks, write_command
from mien.report.shades import name_shade

PARTS = ("network", "training", "confusion", "balance", "recipe")
MOST_OPEN_ROWS = 40
"""Layers up to which their table stands open."""

TRAINING_PASSES = 3
"""A forward and a backward pass cost about three forward passes."""


def prepare_page(data: ReportData, say: Say) -> dict[str, Any]:
    """Return everything that the templates name."""
    origin, scores = data.origin, data.evaluated[0].scores if data.evaluated else None
    values = {
        "data": data,
        "parts": PARTS,
        "title": say("title", recipe=origin.recipe["name"], data=origin.data),
        "lead": told.tell_lead(data, say),
        "stats": list_stats(data, say),
        "network_cost": told.tell_network_cost(data.network, say),
        "epochs": [] if isinstance(data.training, Absent) else told.tell_epochs(data, data.training, say),
        "tricks": list_tricks(origin.recipe),
        "score_rows": list_scores(data, say),
        "recalls": "" if scores is None else told.tell_recalls(scores.classes, say),
        "pairs": [(pair, told.tell_pair(pair, say)) for pair in data.pairs],
        "imbalance": _tell_balance(data, say),
        "facts": list_facts(data, say),
        "command": write_command(origin),
        "settings": list_settings(origin.recipe),
        "most_open_rows": MOST_OPEN_ROWS,
    }
    return {**values, **_list_writers(say)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A plot as SVG, and what it shows in words."""

    svg: str
    label: str


def draw_plots(data: ReportData, say: Say) -> dict[str, Plot]:
    """Return name -> plot, of all that the data allows."""
    found = {}
    if not isinstance(data.training, Absent):
        gaps = {"epochs": len(data.training.history), "best": data.training.best_epoch}
        found["learning"] = Plot(svg=draw_learning(data.training, say), label=say("figure.learning-alt", **gaps))
    if not isinstance(data.balance, Absent):
        names = tuple(say(f"expression.{name}") for name in data.origin.expressions)
        label = f"{say('figure.balance-alt')}: {_tell_balance(data, say)}"
        found["balance"] = Plot(svg=draw_balance(data.balance, names, say), label=label)
    return found


def list_stats(data: ReportData, say: Say) -> list[tuple[str, str]]:
    """Return the figures to see first, with their names."""
    found = [
        (say("stat.parameters"), write_short(data.network.parameters)),
        (say("stat.macs"), write_short(data.network.multiply_adds)),
    ]
    if data.evaluated:
        scores = data.evaluated[0].scores
        found = [
            (say("stat.accuracy"), write_percent(scores.accuracy)),
            (say("stat.balanced"), write_percent(scores.balanced_accuracy)),
            (say("stat.f1"), f"{scores.macro_f1:.3f}"),
            *found,
        ]
    seconds = data.origin.seconds
    return found if seconds is None else [*found, (say("stat.time"), write_time(seconds, say))]


def list_scores(data: ReportData, say: Say) -> list[tuple[str, Scores]]:
    """Return (name of the faces, scores): each split, and what is left of it without copies."""
    rows = []
    for entry in data.evaluated:
        name = say(f"split.{entry.split}")
        is_plain = entry.views == ("plain",)
        rows.append(
            (name if is_plain else say("scores.views", split=name, views=" + ".join(entry.views)), entry.scores)
        )
        if entry.without_copies is not None and entry.without_copies.n < entry.scores.n:
            rows.append((say("scores.without", split=name), entry.without_copies))
    return rows


def list_facts(data: ReportData, say: Say) -> list[tuple[str, str]]:
    """Return how the run came about, as far as it is known."""
    origin = data.origin
    faces = ", ".join(
        f"{say(f'split.{name}') if name != 'unlabelled' else name} {count:,}" for name, count in origin.faces.items()
    )
    values = {
        "data": origin.data,
        "size": say("fact.size-value", size=origin.size),
        "faces": faces,
        "fingerprints": ", ".join(f"{say(f'split.{name}')} {digest}" for name, digest in origin.fingerprints.items()),
        "seed": str(origin.recipe["train"]["seed"]),
        "started": origin.started.replace("T", " ").replace("Z", " UTC"),
        "finished": origin.finished.replace("T", " ").replace("Z", " UTC"),
        "time": _tell_time(data, say),
        "cost": _tell_cost(data, say),
        "hardware": origin.hardware,
        "versions": ", ".join(f"{package} {version}" for package, version in origin.versions.items()),
    }
    return [(say(f"fact.{name}"), value) for name, value in values.items() if value]


def _tell_time(data: ReportData, say: Say) -> str:
    if data.origin.seconds is None or isinstance(data.training, Absent):
        return ""
    epochs, seconds = len(data.training.history), data.origin.seconds
    return say("fact.time-value", time=write_time(seconds, say), epochs=epochs, each=write_time(seconds / epochs, say))


def _tell_cost(data: ReportData, say: Say) -> str:
    if isinstance(data.training, Absent) or not data.origin.faces.get("train"):
        return ""
    shown = data.origin.faces["train"] * len(data.training.history)
    return say("fact.cost-value", operations=write_short(TRAINING_PASSES * shown * data.network.multiply_adds))


def _tell_balance(data: ReportData, say: Say) -> str:
    if isinstance(data.balance, Absent):
        return ""
    return told.tell_imbalance(data.balance, data.origin.expressions, say)


def _list_writers(say: Say) -> dict[str, Any]:
    """Return the functions that templates call."""

    def interval(value: Interval, digits: int = 1) -> str:
        return write_interval(value, say, digits)

    def why(kind: LayerKind) -> str:
        key = f"why.{kind.kind}"
        return say(key if key in SPECIAL else f"why.{kind.family}")

    def share(count: int, support: int) -> str:
        part = count / max(support, 1)
        return "<1%" if 0.0 < part < 0.005 else f"{part:.0%}"

    return {
        "say": say,
        "name": lambda expression: say(f"expression.{expression}"),
        "percent": write_percent,
        "short": write_short,
        "count": lambda number: f"{number:,}",
        "interval": interval,
        "shape": lambda shape: " × ".join(map(str, shape)),
        "share": share,
        "shade": lambda count, support: name_shade(count / max(support, 1)),
        "css": lambda part: f"{100 * part:.1f}%",
        "why": why,
        "is_absent": lambda part: isinstance(part, Absent),
    }


SPECIAL = tuple(f"why.{kind}" for kind in ("RReLU", "AdaptiveMaxPool2d", "AdaptiveAvgPool2d", "PixelUnshuffle"))

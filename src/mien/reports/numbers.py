"""Numbers as a reader takes them in. In: floats, counts, seconds. Out: text; every report writes them the same way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mien.evaluation.metrics import Interval

Say = Callable[..., str]


def write_percent(value: float | None, digits: int = 1) -> str:
    """Return a proportion as a percentage; a dash for None.

    >>> write_percent(0.67261), write_percent(0.5, 0), write_percent(None)
    ('67.3%', '50%', '–')
    """
    return "–" if value is None else f"{value:.{digits}%}"


def write_short(value: float) -> str:
    """Return a large count in few letters.

    >>> write_short(464327), write_short(43_100_000), write_short(1.2e14), write_short(950)
    ('464 k', '43.1 M', '120 T', '950')
    """
    for limit, unit in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}" if value < 999.5 * limit else f"{value / limit:,.0f}{unit}"
    return f"{value:,.0f}"


def write_interval(interval: Interval, say: Say, digits: int = 1) -> str:
    """Return an interval of proportions in words."""
    return say("interval", low=f"{interval.low:.{digits}%}", high=f"{interval.high:.{digits}%}")


def write_time(seconds: float, say: Say) -> str:
    """Return a span of time in its two largest units."""
    minutes, rest = divmod(round(seconds), 60)
    if 10 <= minutes < 60:
        return say("time.minutes-only", minutes=round(seconds / 60))
    if minutes >= 60:
        return say("time.hours", hours=minutes // 60, minutes=minutes % 60)
    return (
        say("time.minutes", minutes=minutes, seconds=rest) if minutes else say("time.seconds", seconds=f"{seconds:.1f}")
    )


def write_setting(value: Any) -> str:
    """Return the value of a recipe's field as `--set` takes it.

    >>> write_setting(None), write_setting(True), write_setting(0.05)
    ('none', 'true', '0.05')
    """
    if value is None or isinstance(value, bool):
        return "none" if value is None else str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)

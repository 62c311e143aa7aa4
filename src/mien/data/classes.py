"""What the user says that labels mean: `--classes` or a file classes.txt go in, a name for each label comes out.

neutral,happy,sad         the labels are numbers, from 0 or from 1
1=surprise,2=fear         any labels, each named
AN=angry,HA=happy         likewise
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mien.errors import ConfigError, DataError

CLASS_FILES = ("classes.txt", "classes.names", "class_names.txt", "obj.names")


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """Names for labels.

    Attributes:
        names: for the labels in the order of their numbers; empty where `by_label` says all.
        by_label: label as the data spells it -> name.
        origin: who says so, for messages: "`classes`", or a file.
    """

    names: tuple[str, ...] = ()
    by_label: Mapping[str, str] = field(default_factory=dict)
    origin: str = "`classes`"

    def __bool__(self) -> bool:
        return bool(self.names or self.by_label)

    def resolve(self, labels: Iterable[str]) -> dict[str, str]:
        """Return label -> name for all `labels`.

        Raises:
            DataError: a label has no name, or it is open whether the numbers begin at 0 or at 1.
        """
        found = sorted(set(labels), key=lambda label: (not label.isdigit(), label.zfill(9)))
        if self.by_label:
            unnamed = [label for label in found if label not in self.by_label]
            if unnamed:
                raise DataError(self.origin, f"expected a name for each label, found none for {', '.join(unnamed[:5])}")
            return {label: self.by_label[label] for label in found}
        if all(label.isdigit() for label in found):
            return self._number(found)
        lower = {name.lower() for name in self.names}
        if all(label.lower() in lower for label in found):
            return {label: label for label in found}  # they are these names already
        shown = ", ".join(label for label in found if label.lower() not in lower)[:80]
        advice = "write label=name for each"
        raise DataError(self.origin, f"expected labels that are numbers or these names, found {shown}: {advice}")

    def _number(self, labels: Sequence[str]) -> dict[str, str]:
        if not labels:
            return {}
        count, numbers = len(self.names), [int(label) for label in labels]
        starts = [start for start in (0, 1) if start <= min(numbers) and max(numbers) < start + count]
        if not starts:
            found = f"{min(numbers)} to {max(numbers)}"
            raise DataError(self.origin, f"expected {count} labels, from 0 or from 1, found numbers from {found}")
        if len(starts) > 1:
            readings = f"{labels[0]} as {self.names[numbers[0]]}, or as {self.names[numbers[0] - 1]}"
            advice = f"write {labels[0]}={self.names[numbers[0]]},… for each"
            raise DataError(self.origin, f"the labels begin at {labels[0]}: read {readings}? {advice}")
        return {label: self.names[int(label) - starts[0]] for label in labels}


def parse_classes(text: str | None) -> Naming:
    """Return what `--classes` says.

    Raises:
        ConfigError: a name is missing or stands twice, or only some are written label=name.

    >>> parse_classes("neutral, happy").names, dict(parse_classes("1=sad,2=fear").by_label)
    (('neutral', 'happy'), {'1': 'sad', '2': 'fear'})
    """
    if text is None:
        return Naming()
    parts = [part.strip() for part in text.split(",")]
    pairs = [part.partition("=") for part in parts]
    if any(equals for _, equals, _ in pairs):
        if not all(equals and label.strip() and name.strip() for label, equals, name in pairs):
            raise ConfigError(f"`classes` {text}: expected label=name for each, or names alone")
        named = {label.strip(): name.strip() for label, _, name in pairs}
        if len(named) < len(pairs):
            raise ConfigError(f"`classes` {text}: expected each label once")
        return Naming(by_label=named)
    if not all(parts) or len({part.lower() for part in parts}) < len(parts) or len(parts) < 2:
        raise ConfigError(f"`classes` {text}: expected at least two different names, divided by commas")
    return Naming(names=tuple(parts))


def parse_class_file(text: str, origin: str) -> Naming:
    r"""Return what a file of names says: a name a line, or number and name.

    Raises:
        DataError: it is neither.

    >>> dict(parse_class_file("0: neutral\n1: happy\n", "classes.txt").by_label)
    {'0': 'neutral', '1': 'happy'}
    """
    lines = [line.strip().strip("\ufeff") for line in text.splitlines() if line.strip()]
    numbered = [re.fullmatch(r"(\d+)\s*[:=,;\s]\s*(\D.*)", line) for line in lines]
    turned = [re.fullmatch(r"(\D+?)\s*[:=,;\s]\s*(\d+)", line) for line in lines]
    if lines and all(numbered):
        return Naming(by_label={match[1]: match[2].strip() for match in numbered if match}, origin=origin)
    if lines and all(turned):
        return Naming(by_label={match[2]: match[1].strip() for match in turned if match}, origin=origin)
    if len(lines) < 2 or len({line.lower() for line in lines}) < len(lines) or any(map(str.isdigit, lines)):
        raise DataError(origin, "expected a name of a class in each line, each once")
    return Naming(names=tuple(lines), origin=origin)

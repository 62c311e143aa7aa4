"""Heads: one network that answers by several conventions, each with outputs of its own behind one trunk.

FER2013's labels and the votes of FER+ taggers differ in a third of the faces, and neither is wrong: so a network that
learns both says by which it answers. In: the name of a labelling. Out: its `Head`s, which know their outputs.
"""

from __future__ import annotations

from dataclasses import dataclass

from mien.labels import EXPRESSIONS

BOTH = "both"
"""The labelling that trains a head each for labels, votes and their mixture."""

VOTED = (*EXPRESSIONS, "contempt")
"""The classes of FER+ votes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Outputs of a network that belong together: a softmax over them is an answer.

    Attributes:
        name: how it is asked for.
        labelling: the labels that it learns and is measured by, as `data.labels` names them.
        expressions: its classes.
        start: the first of its outputs; the others follow.
        is_taught: whether it has a loss of its own; otherwise it looks at some outputs of one that has.
    """

    name: str
    labelling: str
    expressions: tuple[str, ...]
    start: int
    is_taught: bool = True

    @property
    def columns(self) -> slice:
        """Its outputs among those of the network."""
        return slice(self.start, self.start + len(self.expressions))


HEADS: dict[str, Head] = {
    head.name: head
    for head in (
        Head(name="fer2013", labelling="own", expressions=EXPRESSIONS, start=0),
        Head(name="ferplus8", labelling="ferplus8", expressions=VOTED, start=7),
        Head(name="ferplus", labelling="ferplus", expressions=EXPRESSIONS, start=7, is_taught=False),
        Head(name="people", labelling="people", expressions=EXPRESSIONS, start=15),
    )
}
"""Name -> head of a network trained on `BOTH`. `ferplus` is `ferplus8` without contempt; `people` learns half label,
half votes."""

FIRST = "fer2013"
"""The head that answers where none is asked for: by the data's own labels."""

OUTPUTS = tuple(f"{head.name}/{name}" for head in HEADS.values() if head.is_taught for name in head.expressions)
"""Names of all outputs, in order."""


def find_taught(labelling: str) -> tuple[Head, ...]:
    """Return the heads that a training by this labelling teaches; none where its outputs are one answer.

    >>> [head.name for head in find_taught("both")], find_taught("own")
    (['fer2013', 'ferplus8', 'people'], ())
    """
    return tuple(head for head in HEADS.values() if head.is_taught) if labelling == BOTH else ()


def name_head(labelling: str) -> str:
    """Return the head that answers by this labelling.

    >>> name_head("ferplus"), name_head("own")
    ('ferplus', 'fer2013')
    """
    return next((head.name for head in HEADS.values() if head.labelling == labelling), FIRST)

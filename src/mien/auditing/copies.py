"""Copies as findings. In: a `Roll` and which of its pictures show anything. Out: exact, contradictory and near copies.

Groups span all splits. Each face names another of its group: the one that cleaning would keep.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from mien.auditing.finding import Finding, Roll
from mien.auditing.hashes import Hashes, hash_frequencies
from mien.auditing.near import Pairs, find_near, join_pairs
from mien.data.copies import hash_images
from mien.faces import BLOCK_BYTES, UNLABELLED, Images

LEAST_CORRELATION = 0.85
"""Of the pixels of near copies. On FER2013 the pairs above it are the same photograph; below 0.8 many are not."""

PENDING_PAIRS = 1 << 20
KEPT_FIRST = ("test", "valid", "train", "unlabelled")
"""Of a group of copies, one in an earlier split is kept."""

Numbers = npt.NDArray[np.intp]


def find_exact_groups(roll: Roll) -> Numbers:
    """Return (N,): for each face the number of the first face with its pixels."""
    digests = np.concatenate([hash_images(part.images) for part in roll.parts])
    _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
    return first[inverse].astype(np.intp)


def report_exact(roll: Roll, first: Numbers) -> Iterator[Finding]:
    """Yield every face that has an exact copy and, once more, each whose group has several labels."""
    labels = roll.labels
    for number, group in enumerate(_split_groups(first), start=1):
        detail = _describe(roll, group)
        for kind in ("exact-copies", "contradictory"):
            if kind == "exact-copies" or len(set(labels[group].tolist()) - {UNLABELLED}) > 1:
                yield from _report_group(roll, kind, group, number, detail)


def report_near(roll: Roll, first: Numbers, is_clear: npt.NDArray[np.bool_]) -> Iterator[Finding]:
    """Yield every face that has a near copy: groups of them, with the exact copies of their members.

    Args:
        roll: all faces.
        first: what `find_exact_groups` returns.
        is_clear: bool (N,), False for pictures that are too flat to be told apart.
    """
    distinct = np.flatnonzero((first == np.arange(len(first))) & is_clear)
    if not len(distinct):
        return
    hashes = np.concatenate([hash_frequencies(part.images) for part in roll.parts])[distinct]
    lowest = _join_alike(roll, distinct, hashes)
    joined = np.arange(len(first))
    joined[distinct] = distinct[lowest]
    is_near = np.bincount(lowest, minlength=len(distinct))[lowest] > 1
    near = np.isin(first, distinct[is_near])
    whole = np.where(near, joined[first], np.arange(len(first)))
    for number, group in enumerate(_split_groups(whole), start=1):
        yield from _report_group(roll, "near-copies", group, number, _describe(roll, group))


def _join_alike(roll: Roll, distinct: Numbers, hashes: Hashes) -> Numbers:
    """Return (len(distinct),): the lowest position among `distinct` that each picture is a near copy of, or its own.

    Pairs wait until there are many; those that others have joined by then are never looked at, so that neither time
    nor memory explode where thousands of pictures are alike, as in a film.
    """
    lowest = np.arange(len(distinct))
    pending, count = [np.empty((0, 2), dtype=np.intp)], 0
    for block in find_near(hashes):
        fresh = block[lowest[block[:, 0]] != lowest[block[:, 1]]]
        pending.append(fresh)
        count += len(fresh)
        if count > PENDING_PAIRS:
            lowest = _merge(roll, distinct, lowest, np.concatenate(pending))
            pending, count = [pending[0]], 0
    return _merge(roll, distinct, lowest, np.concatenate(pending))


def _merge(roll: Roll, distinct: Numbers, lowest: Numbers, pairs: Pairs) -> Numbers:
    """Return `lowest` after joining those of `pairs` whose pixels are alike."""
    fresh = np.unique(np.sort(pairs, axis=1), axis=0)
    alike = fresh[_correlate(roll, distinct[fresh]) >= LEAST_CORRELATION]
    known = np.stack([np.arange(len(lowest)), lowest], axis=1)
    return join_pairs(np.concatenate([alike, known]), len(lowest))


def _correlate(roll: Roll, pairs: Pairs) -> npt.NDArray[np.float32]:
    """Return (M,): the correlation of the pixels of each pair of faces, −1 to 1."""
    size = max(1, BLOCK_BYTES // (8 * roll.parts[0].images[:1].size or 1))
    parts = [np.empty(0, np.float32)]
    for start in range(0, len(pairs), size):
        left, right = (_normalise(roll.gather(side)) for side in pairs[start : start + size].T)
        parts.append(np.einsum("np,np->n", left, right))
    return np.concatenate(parts)


def _normalise(images: Images) -> npt.NDArray[np.float32]:
    flat = images.reshape(len(images), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), np.float32(1e-6))
    return flat


def _split_groups(first: Numbers) -> Iterator[Numbers]:
    """Yield the numbers of each group of two or more, the group with the lowest number first."""
    several = np.flatnonzero(np.bincount(first, minlength=len(first))[first] > 1)
    order = several[np.argsort(first[several], kind="stable")]
    if len(order):
        yield from np.split(order, np.flatnonzero(np.diff(first[order])) + 1)


def _report_group(roll: Roll, kind: str, group: Numbers, number: int, detail: str) -> Iterator[Finding]:
    ordered = sorted(group.tolist(), key=lambda face: KEPT_FIRST.index(roll.find(face)[0]))
    for face in ordered:
        other = ordered[1] if face == ordered[0] else ordered[0]
        yield roll.report(kind, face, detail=detail, group=number, other=other, score=float(len(group)))


def _describe(roll: Roll, group: Numbers) -> str:
    """Return the splits and the labels of a group in words."""
    found = [(name, roll.name_label(int(faces.labels[index]))) for name, faces, index in map(roll.find, group.tolist())]
    splits, labels = Counter(name for name, _ in found), Counter(label for _, label in found if label)
    return "; ".join(", ".join(f"{count} {name}" for name, count in part.items()) for part in (splits, labels) if part)

"""Copies as findings. In: a `Roll` and which of its pictures show anything. Out: exact, contradictory and near copies.

Groups span all splits. Each face names another of its group: the one that cleaning would keep.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from mien.audit.finding import Finding, Roll
from mien.audit.hashes import BLOCK_BYTES, hash_frequencies
from mien.audit.near import Pairs, find_near, join_pairs
from mien.data.copies import hash_images
from mien.data.faces import UNLABELLED, Images

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
    lowest = np.arange(len(distinct))
    for pairs in _collect(find_near(hashes)):
        fresh = pairs[lowest[pairs[:, 0]] != lowest[pairs[:, 1]]]
        alike = fresh[_correlate(roll, distinct[fresh]) >= LEAST_CORRELATION]
        lowest = join_pairs(np.concatenate([alike, np.stack([np.arange(len(lowest)), lowest], axis=1)]), len(lowest))
    joined = np.arange(len(first))
    joined[distinct] = distinct[lowest]
    is_near = np.bincount(lowest, minlength=len(distinct))[lowest] > 1
    near = np.isin(first, distinct[is_near])
    whole = np.where(near, joined[first], np.arange(len(first)))
    for number, group in enumerate(_split_groups(whole), start=1):
        yield from _report_group(roll, "near-copies", group, number, _describe(roll, group))


def _collect(blocks: Iterator[Pairs]) -> Iterator[Pairs]:
    """Yield distinct pairs, many at a time; each of them holds a bounded number."""
    pending: list[Pairs] = []
    count = 0
    for block in blocks:
        pending.append(block)
        count += len(block)
        if count > PENDING_PAIRS:
            yield _tidy(pending)
            pending, count = [], 0
    if pending:
        yield _tidy(pending)


def _tidy(blocks: list[Pairs]) -> Pairs:
    pairs = np.sort(np.concatenate(blocks), axis=1)
    return np.unique(pairs, axis=0)


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

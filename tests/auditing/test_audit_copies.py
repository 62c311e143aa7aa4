"""Copies, exact and near, within and across splits, are all found, and nothing else is."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mien.auditing.copies import find_exact_groups, report_exact, report_near
from mien.auditing.finding import Finding, call_roll
from mien.auditing.hashes import BITS, count_bits, hash_frequencies
from mien.auditing.near import find_near, join_pairs
from mien.faces import Faces, Images, Splits


def draw_patterns(count: int, *, seed: int = 0, side: int = 48) -> Images:
    """Return smooth random pictures: no two are alike."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 8, 8), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((side, side), Image.Resampling.BICUBIC)) for one in coarse])


def make_splits(**parts: tuple[Images, list[int]]) -> Splits:
    """Return splits of (images, labels) with ids that count from 0."""
    faces = {
        name: Faces(images=images, labels=np.array(labels), ids=np.arange(len(labels)).astype(np.str_))
        for name, (images, labels) in parts.items()
    }
    return Splits(expressions=("happy", "sad"), source="made", kind="made", **faces)  # type: ignore[arg-type]


def name_groups(findings: list[Finding], kind: str) -> set[frozenset[tuple[str, str]]]:
    """Return the groups of a kind as sets of (split, id)."""
    groups: dict[int | None, set[tuple[str, str]]] = {}
    for finding in findings:
        if finding.kind == kind:
            groups.setdefault(finding.group, set()).add((finding.split, finding.id))
    return {frozenset(group) for group in groups.values()}


def find_close_pairs(hashes: list[int], most_bits: int) -> set[tuple[int, int]]:
    """Return every pair that differs in at most so many bits, by looking at all of them."""
    numbered = combinations(enumerate(hashes), 2)
    return {(i, j) for (i, first), (j, second) in numbered if (first ^ second).bit_count() <= most_bits}


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 2**BITS - 1), min_size=2, max_size=12), st.data())
def test_banding_finds_every_close_pair_and_no_other(start: list[int], data: st.DataObject) -> None:
    """Held against looking at all pairs; half of the hashes are made from others by turning a few bits."""
    hashes = list(start)
    for base in start:
        turned = data.draw(st.sets(st.integers(0, BITS - 1), max_size=9))
        hashes.append(base ^ sum(1 << bit for bit in turned))
    blocks = list(find_near(np.array(hashes, dtype=np.uint64), most_bits=6, bands=9))
    found = {tuple(sorted(pair)) for block in blocks for pair in block.tolist()}
    assert find_close_pairs(hashes, 6) == found


def test_joined_pairs_are_the_connected_parts() -> None:
    """A chain in any order is one group, named after its lowest member."""
    rng = np.random.default_rng(0)
    chain = np.stack([np.arange(99), np.arange(1, 100)], axis=1)
    assert [0] * 100 + [100] == join_pairs(rng.permutation(chain), 101).tolist()
    assert [0, 1, 2] == join_pairs(np.empty((0, 2), dtype=np.intp), 3).tolist()


@pytest.mark.parametrize("side", [8, 21, 48, 96])
def test_a_hash_survives_brightness_and_saving_again_but_not_another_picture(side: int) -> None:
    """Few bits differ after a little noise and less contrast; half of them between two pictures."""
    images = draw_patterns(60, side=side)
    noise = np.random.default_rng(1).normal(0, 3, images.shape)
    again = np.clip(images * 0.8 + 20 + noise, 0, 255).astype(np.uint8)
    same = count_bits(hash_frequencies(images) ^ hash_frequencies(again))
    other = count_bits(hash_frequencies(images) ^ np.roll(hash_frequencies(images), 1))
    assert same.mean() < 6
    assert other.mean() == pytest.approx(32, abs=4)


def test_exact_copies_are_grouped_across_splits_and_contradictions_named() -> None:
    """Of each group, the face that cleaning keeps is the other one of the rest."""
    images = draw_patterns(4)
    train, test = images[[0, 1, 1, 2, 3]], images[[1, 3]]
    roll = call_roll(make_splits(train=(train, [0, 0, 1, 0, 1]), test=(test, [0, 1])))
    findings = list(report_exact(roll, find_exact_groups(roll)))
    first = frozenset({("train", "1"), ("train", "2"), ("test", "0")})
    assert {first, frozenset({("train", "4"), ("test", "1")})} == name_groups(findings, "exact-copies")
    assert {first} == name_groups(findings, "contradictory")
    others = {(one.split, one.id): (one.other_split, one.other_id) for one in findings if one.kind == "exact-copies"}
    assert ("test", "0") == others["train", "1"] == others["train", "2"]
    assert ("train", "1") == others["test", "0"]
    assert "2 train, 1 test; 2 happy, 1 sad" in {one.detail for one in findings}


def test_faces_without_a_label_contradict_nobody() -> None:
    """What is unknown is not wrong."""
    images = draw_patterns(1)
    roll = call_roll(make_splits(train=(images, [1]), unlabelled=(images, [-1])))
    findings = list(report_exact(roll, find_exact_groups(roll)))
    assert {"exact-copies"} == {one.kind for one in findings}


def test_near_copies_are_found_with_their_exact_copies_and_flat_pictures_are_not() -> None:
    """A brighter, noisy copy in test; two different pictures that are nearly black stay apart."""
    images = draw_patterns(30)
    noise = np.random.default_rng(1).normal(0, 2, images[:1].shape)
    near = np.clip(images[:1] * 0.9 + 10 + noise, 0, 255).astype(np.uint8)
    flat = np.zeros((2, 48, 48), np.uint8)
    flat[1, 0, 0] = 1
    train = np.concatenate([images, images[:1], flat])
    roll = call_roll(make_splits(train=(train, [0] * 33), test=(near, [0])))
    is_clear = np.array([True] * 31 + [False] * 2 + [True])
    findings = list(report_near(roll, find_exact_groups(roll), is_clear))
    assert {frozenset({("train", "0"), ("train", "30"), ("test", "0")})} == name_groups(findings, "near-copies")


def test_where_every_picture_is_flat_there_are_no_near_copies() -> None:
    """Nothing to compare is no error."""
    roll = call_roll(make_splits(train=(np.zeros((3, 8, 8), np.uint8), [0, 1, 0])))
    assert [] == list(report_near(roll, find_exact_groups(roll), np.zeros(3, dtype=bool)))

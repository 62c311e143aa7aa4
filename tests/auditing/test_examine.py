"""An audit of data whose faults are known: each is found, counted, drawn, written down and dropped as it should be."""

from __future__ import annotations

import csv
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import run_mien, write_shapes
from mien.auditing import DROPPABLE, KINDS, Audit, choose_kept, examine
from mien.auditing.clean import parse_names
from mien.auditing.doubts import find_doubts
from mien.auditing.table import write_table
from mien.cli import main
from mien.data.loading import load
from mien.data.only import keep_only, write_list
from mien.data.votes import CHOICES, Votes
from mien.errors import ConfigError
from mien.faces import Faces, Images, Splits
from mien.labels import EXPRESSIONS
from mien.reports.audit_page import write_page


def draw(count: int, seed: int) -> Images:
    """Return smooth random pictures with good contrast."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 8, 8), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((24, 24), Image.Resampling.BICUBIC)) for one in coarse])


def faulty() -> Splits:
    """Return train, valid and test with one fault of each kind that pixels and labels can show.

    train 0-19 are sound; 20 copies test 0; 21 copies train 1 with another label; 22 is blank, 23 nearly so; 24 is dark,
    25 bright, 26 saturated.
    """
    sound, test = draw(20, 0), draw(6, 1)
    rough = np.random.default_rng(2).normal(0, 10, (2, 24, 24))
    dark, bright = (np.clip(level + part, 6, 249) for level, part in zip((15, 238), rough, strict=True))
    saturated = np.where(np.arange(576).reshape(1, 24, 24) % 24 < 15, 255, 90)
    odd = [test[:1], sound[1:2], np.full((1, 24, 24), 7), np.full((1, 24, 24), 7), dark[None], bright[None], saturated]
    images = np.concatenate([sound, *odd]).astype(np.uint8)
    images[23, 0, 0] = 9
    labels = np.arange(27) % 2
    labels[21] = 0
    return Splits(
        expressions=EXPRESSIONS,
        source="faulty",
        kind="FER2013 table of pixels",
        train=Faces(images=images, labels=labels, ids=np.arange(27).astype(np.str_)),
        valid=Faces(images=draw(4, 3), labels=np.arange(4) % 2, ids=np.arange(27, 31).astype(np.str_)),
        test=Faces(images=test, labels=np.arange(6) % 2, ids=np.arange(31, 37).astype(np.str_)),
        skipped=("faulty line 9: expected 576 pixels, found 575",),
    )


def write_csv(path: Path, splits: Splits) -> None:
    """Write train, valid and test as the challenge did."""
    table = ["emotion,pixels,Usage"]
    usages = ("Training", "PublicTest", "PrivateTest")
    for usage, faces in zip(usages, splits.named().values(), strict=True):
        rows = zip(faces.labels, faces.images, strict=True)
        table += [f"{label},{' '.join(map(str, image.reshape(-1)))},{usage}" for label, image in rows]
    path.write_text("\n".join(table) + "\n")


def vote(splits: Splits) -> Votes:
    """Return votes that agree with the labels, but for train 3 (no face), 4 (nobody agrees) and 5 (happy)."""
    named = splits.named()
    counts = np.zeros((37, len(CHOICES)), dtype=np.int64)
    counts[np.arange(37), np.concatenate([faces.labels for faces in named.values()])] = 10
    counts[3:6] = 0
    counts[3, CHOICES.index("NF")] = counts[5, CHOICES.index("happy")] = 10
    counts[4, :5] = 2
    usage = np.repeat(list(named), [len(faces) for faces in named.values()])
    return Votes(counts=counts, splits=usage, source="votes")


def list_ids(audit: Audit, kind: str) -> set[str]:
    """Return what was found of a kind."""
    return {finding.id for finding in audit.of_kind(kind)}


EXPECTED = {
    "exact-copies": {"1", "20", "21", "31"},
    "contradictory": {"1", "21"},
    "near-copies": set(),
    "blank": {"22"},
    "near-constant": {"23"},
    "dark": {"23", "24"},
    "bright": {"25"},
    "saturated": {"26"},
    "no-face": {"3"},
    "ambiguous": {"4"},
    "outvoted": {"5"},
    "unreadable": {"faulty line 9"},
}


def test_every_fault_is_found_and_nothing_else() -> None:
    """Twelve kinds at once; classes that are missing are named, too."""
    splits = faulty()
    audit = examine(splits, votes=vote(splits))
    assert EXPECTED == {kind: list_ids(audit, kind) for kind in EXPECTED}
    assert set(EXPRESSIONS[2:]) == list_ids(audit, "imbalance")
    assert {"train": 3, "test": 1} == audit.count("exact-copies")
    assert 2 == audit.count_groups("exact-copies")
    assert 1 == audit.count_shared(of="test", within="train")
    assert "wrong-label" not in audit.sought


@pytest.mark.parametrize(
    ("kinds", "drop_from", "lost"),
    [
        ((), ("train",), {}),
        (("exact-copies",), ("train",), {"train": [20, 21]}),
        (("exact-copies", "contradictory"), ("train",), {"train": [1, 20, 21]}),
        (("blank", "dark"), ("train", "test"), {"train": [22, 23, 24]}),
        (("exact-copies", "blank"), ("test",), {}),
        (("outvoted", "no-face", "ambiguous"), ("train",), {"train": [3, 4, 5]}),
    ],
)
def test_dropping_keeps_one_of_each_group_and_spares_other_splits(
    kinds: Sequence[str], drop_from: Sequence[str], lost: dict[str, list[int]]
) -> None:
    """The copy in test stays, whatever is dropped from train; of copies within train, the first stays."""
    splits = faulty()
    kept = choose_kept(examine(splits, votes=vote(splits)), kinds, drop_from=drop_from)
    assert lost == {name: np.flatnonzero(~part).tolist() for name, part in kept.items() if not part.all()}


def test_of_a_group_a_face_stays_that_nothing_else_drops() -> None:
    """If the first copy goes for its label, the second one stays."""
    splits = faulty()
    votes = vote(splits)
    votes.counts[1] = np.roll(votes.counts[1], 1)
    audit = examine(splits, votes=votes)
    assert {"1", "5"} == list_ids(audit, "outvoted")
    kept = choose_kept(audit, ("exact-copies", "outvoted"))
    assert [1, 5, 20] == np.flatnonzero(~kept["train"]).tolist()


def test_a_kind_that_nobody_looked_for_cannot_be_dropped() -> None:
    """The message says what is missing."""
    audit = examine(faulty())
    with pytest.raises(ConfigError, match="`drop` no-face: nobody looks for it: give `votes`, too"):
        choose_kept(audit, ("no-face",))
    with pytest.raises(ConfigError, match="give `run`, too"):
        choose_kept(audit, ("wrong-label",))
    with pytest.raises(ConfigError, match=r"expected some of exact-copies, .* found 'blnk'"):
        parse_names("dark,blnk", DROPPABLE, "`drop`")


def test_the_table_has_a_row_for_each_finding(tmp_path: Path) -> None:
    """Readable by any spreadsheet."""
    audit = examine(faulty())
    write_table(audit, tmp_path / "audit.csv")
    rows = list(csv.DictReader((tmp_path / "audit.csv").read_text(encoding="utf-8").splitlines()))
    assert len(audit.findings) == len(rows)
    copy = next(row for row in rows if (row["kind"], row["id"]) == ("exact-copies", "20"))
    assert ("train", "test", "31") == (copy["split"], copy["other_split"], copy["other_id"])


def test_the_page_shows_the_pictures_and_needs_nothing_else(tmp_path: Path) -> None:
    """Every kind that was found has a section; no address leads outside; names are escaped."""
    splits = faulty()
    named = replace(splits, source="<b>faulty</b>")
    audit = examine(named, votes=vote(splits))
    write_page(audit, tmp_path / "index.html", notes=["a <note>"])
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    found = [kind for kind in KINDS if audit.of_kind(kind)]
    assert found == re.findall(r'<section id="([^"]+)"', page)
    assert [] == re.findall(r"https?:|<script|<link rel=.stylesheet", page)
    assert set() == set(re.findall(r'src="([^"]{5})', page)) - {"data:"}
    assert "a &lt;note&gt;" in page
    assert "<b>faulty" not in page


def test_every_finding_of_the_page_has_its_faces_in_groups_or_alone(tmp_path: Path) -> None:
    """Copies stand together, others alone, and what has no picture is a line; the counts lead to them."""
    audit = examine(faulty())
    write_page(audit, tmp_path / "index.html")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    parts = dict(re.findall(r'<section id="([^"]+)".*?>(.*?)</section>', page, re.DOTALL))
    assert len(audit.of_kind("exact-copies")) == parts["exact-copies"].count("<img ")
    assert audit.count_groups("exact-copies") == parts["exact-copies"].count('class="group"')
    assert (1, 0) == (parts["blank"].count("<img "), parts["blank"].count('class="group"'))
    assert "<li>faulty line 9: expected 576 pixels, found 575</li>" in parts["unreadable"]
    assert set(parts) == set(re.findall(r'<a href="#([^"]+)"', page))


def test_of_many_copies_the_page_shows_some_and_says_where_the_others_are(tmp_path: Path) -> None:
    """The table has all."""
    splits = faulty()
    assert splits.train is not None
    images = np.concatenate([splits.train.images, np.repeat(draw(60, 9), 3, axis=0)])
    facts = {"labels": np.arange(len(images)) % 2, "ids": np.arange(100, 100 + len(images)).astype(np.str_)}
    audit = examine(replace(splits, train=replace(splits.train, images=images, **facts)))
    write_page(audit, tmp_path / "index.html")
    copies = (tmp_path / "index.html").read_text(encoding="utf-8").partition('<section id="exact-copies"')[2]
    shown = copies.partition("</section>")[0]
    assert 48 <= shown.count("<img ") < len(audit.of_kind("exact-copies"))
    assert "The others stand in audit.csv, under exact-copies." in shown


def test_synthetic_faces_have_no_blank_picture_and_are_called_drawn(tmp_path: Path) -> None:
    """The data that ships is clean, and its page says what it is."""
    audit = examine(load("synthetic", size=16))
    assert 0 == len(audit.of_kind("blank")) + len(audit.of_kind("contradictory"))
    write_page(audit, tmp_path / "index.html")
    assert "drawn, not photographed" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_labels_that_were_swapped_are_doubted_first() -> None:
    """Of 300 faces of three classes, ten carry a wrong label; a good network tells."""
    rng = np.random.default_rng(0)
    truth = np.arange(300) % 3
    probabilities = rng.dirichlet([1, 1, 1], 300) * 0.3
    probabilities[np.arange(300), truth] += 0.7
    probabilities[:10] = np.eye(3)[truth[:10]] * 0.97 + 0.01
    labels = truth.copy()
    labels[:10] = (labels[:10] + 1) % 3
    doubts = find_doubts(labels, probabilities)
    assert set(range(10)) == set(doubts.faces.tolist())
    assert truth[doubts.faces].tolist() == doubts.classes.tolist()
    assert (np.diff(doubts.margins) <= 0).all()


def test_sound_labels_of_a_class_without_faces_are_not_doubted() -> None:
    """A class that nobody carries has no usual confidence, and attracts nobody."""
    probabilities = np.array([[0.6, 0.1, 0.3], [0.2, 0.4, 0.4]])
    assert [] == find_doubts(np.array([0, 1]), probabilities).faces.tolist()


def test_pictures_of_another_size_are_named(tmp_path: Path) -> None:
    """One is small, one is wide; the other twenty are alike."""
    for number, image in enumerate(draw(22, 5)):
        folder = tmp_path / "faces" / "train" / ("happy" if number % 2 else "sad")
        folder.mkdir(parents=True, exist_ok=True)
        size = {0: (10, 10), 1: (90, 60)}.get(number, (60, 60))
        Image.fromarray(image).resize(size).save(folder / f"{number}.png")
    audit = examine(load(tmp_path / "faces"))
    found = {finding.id.split("/")[-1]: finding.detail for finding in audit.of_kind("size")}
    assert {"0.png": "10x10: made larger, to 48x48", "1.png": "90x60: stretched to a square"} == found


def test_the_command_writes_page_table_and_a_list_that_training_data_takes(tmp_path: Path) -> None:
    """As a newcomer runs it; `mien data --only` then shows what is left."""
    write_csv(tmp_path / "faces.csv", faulty())
    result = run_mien("audit", "faces.csv", "-o", "found", "--drop", "exact-copies,blank", cwd=tmp_path)
    assert (0, "") == (result.status, result.err)
    assert "1 of 6 faces of test (16.7%) stand pixel for pixel in train; 1 with near copies." in result.out
    assert "clean.txt leaves out 3 of 27 of train for exact-copies, blank." in result.out
    assert "Every face of valid and test is kept; of copies across splits, theirs stay." in result.out
    assert {"index.html", "audit.csv", "clean.txt"} == {path.name for path in (tmp_path / "found").iterdir()}
    cleaned = run_mien("data", "faces.csv", "--only", "found/clean.txt", cwd=tmp_path)
    assert "train: 3 of 27 faces left out, which clean.txt does not name" in cleaned.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--drop", "copies"], "--drop copies: expected some of exact-copies, contradictory"),
        (["--drop-from", "trian"], "--drop-from trian: expected some of train, valid, test, found 'trian'"),
        (["--drop", "no-face"], "nobody looks for it: give --votes, too"),
        (["--votes", "missing.csv"], "missing.csv: cannot be read (No such file or directory)"),
        (["--run", "missing"], "missing: no such run folder or weights file"),
    ],
)
def test_options_that_cannot_be_are_told_in_one_line_and_nothing_is_written(
    options: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit status 2."""
    write_csv(tmp_path / "faces.csv", faulty())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["mien", "audit", "faces.csv", "-o", "found", *options])
    with pytest.raises(SystemExit) as ending:
        main()
    printed = capsys.readouterr()
    assert (2, "", 1) == (ending.value.code, printed.out, printed.err.count("\n"))
    assert message in printed.err
    assert ["faces.csv"] == [path.name for path in tmp_path.iterdir()]


def test_a_file_whose_name_is_no_text_is_audited_and_kept(tmp_path: Path) -> None:
    """Table and page tell it in escapes; the list of faces to keep leads back to it."""
    folder = write_shapes(tmp_path / "shapes", 4, splits=("train", "test"))
    odd = Path(os.fsdecode(os.fsencode(folder / "train" / "top") + b"/\xff\xfe.png"))
    try:
        odd.write_bytes(next((folder / "train" / "top").glob("*.png")).read_bytes())
    except OSError:
        pytest.skip("the file system takes only names that are text")
    done = run_mien("audit", "shapes", "--out", "found", "--drop", "exact-copies", cwd=tmp_path)
    assert (0, "") == (done.status, done.err)
    with (tmp_path / "found" / "audit.csv").open(encoding="utf-8", newline="") as file:
        assert any("\\udcff\\udcfe.png" in row["id"] or "\\udcff" in row["other_id"] for row in csv.DictReader(file))
    splits = load(folder)
    kept = {name: np.ones(len(faces), dtype=bool) for name, faces in splits.named().items()}
    write_list(tmp_path / "kept.txt", splits, kept)
    assert len(splits.named()["train"]) == len(keep_only(splits, tmp_path / "kept.txt").named()["train"])

"""A run knows which faces it was trained on and held out, whatever becomes of its data."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from conftest import SHAPES, draw_shapes, tiny_recipe, write_shapes
from mien.data.copies import hash_images
from mien.data.loading import load
from mien.errors import DataError, RunError
from mien.evaluation.ensemble import mix_runs
from mien.evaluation.known import know_splits
from mien.evaluation.predict import evaluate_split, find_copies
from mien.runs.run import WEIGHTS, Run, load_run
from mien.runs.seen import FILE, describe_faces, merge_seen, read_seen, write_seen
from mien.training import RunFolder
from mien.training.start import start_run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with data, class folders without splits, and a run of one epoch on them."""
    folder = tmp_path_factory.mktemp("home")
    write_shapes(folder, per_class=12, splits=("data",))
    start_run(tiny_recipe("train.epochs=1"), str(folder / "data"), RunFolder(folder / "run"))
    return folder


@pytest.fixture
def data(home: Path, tmp_path: Path) -> Path:
    """Return a copy of the data that a test may change."""
    return Path(shutil.copytree(home / "data", tmp_path / "data"))


@contextmanager
def copied(folder: Path) -> Iterator[Path]:
    """Yield a copy of a folder that is gone afterwards."""
    with TemporaryDirectory() as place:
        yield Path(shutil.copytree(folder, Path(place) / "data"))


def know(run: Run, data: Path):
    """Return what a run knows of data that has moved."""
    return know_splits(run, source=str(data))


def find_picture(data: Path, digest: bytes) -> Path:
    """Return the file that shows a face."""
    return next(
        path for path in sorted(data.rglob("*.png")) if hash_images(np.array(Image.open(path))[None])[0] == digest
    )


def add_pictures(data: Path, count: int, *, seed: int = 77) -> None:
    """Put new pictures into the first class."""
    for index, image in enumerate(draw_shapes(count, seed=seed).images[:count]):
        Image.fromarray(image).save(data / SHAPES[0] / f"a-new-{seed}-{index}.png")


def test_unchanged_data_is_what_the_recipe_draws(home: Path) -> None:
    """Face by face, and nothing is told."""
    run = load_run(home / "run")
    known = know_splits(run)
    assert run.seen is not None
    assert ("", True, True) == (known.change, known.is_certain, run.seen.is_same(known.splits))


def test_moved_data_is_the_same(home: Path, data: Path) -> None:
    """In another folder, with other names, in another order."""
    run = load_run(home / "run")
    for index, path in enumerate(sorted(data.rglob("*.png"), reverse=True)):
        path.rename(path.with_name(f"renamed-{index:03}.png"))
    known = know(run, data)
    assert run.seen is not None
    assert ("", True) == (known.change, run.seen.is_same(known.splits))


def test_one_picture_more_leaves_valid_as_it_was(home: Path, data: Path) -> None:
    """The faces that were held out are held out still, and a line tells what is new."""
    run = load_run(home / "run")
    assert run.seen is not None
    held = len(run.seen.valid)
    add_pictures(data, 1)
    known = know(run, data)
    assert known.splits.valid is not None
    assert run.seen.valid.tolist() == hash_images(known.splits.valid.images).tolist()
    words = f"valid is the {held} of {held} faces that were held out then"
    assert f"1 picture more, 0 less than when {run.path} was trained: {words}" == known.change


def test_pictures_that_are_gone_are_counted(home: Path, data: Path) -> None:
    """Three more, one held-out face less."""
    run = load_run(home / "run")
    assert run.seen is not None
    held = len(run.seen.valid)
    add_pictures(data, 3)
    find_picture(data, run.seen.valid[0]).unlink()
    change = know(run, data).change
    assert change.startswith("3 pictures more, 1 less than when")
    assert change.endswith(f"valid is the {held - 1} of {held} faces that were held out then")


def test_without_held_out_faces_there_is_no_valid(home: Path, data: Path) -> None:
    """The line says why, as an error for whoever needs them."""
    run = load_run(home / "run")
    assert run.seen is not None
    for digest in run.seen.valid:
        find_picture(data, digest).unlink()
    known = know(run, data)
    assert known.splits.valid is None
    with pytest.raises(DataError, match=r"none of the \d+ faces that were held out then is left"):
        known.require("valid")


def test_another_label_is_taken_and_told(home: Path, data: Path) -> None:
    """The label of today counts."""
    run = load_run(home / "run")
    assert run.seen is not None
    path = find_picture(data, run.seen.valid[0])
    other = next(shape for shape in SHAPES if shape != path.parent.name)
    path.rename(data / other / "relabelled.png")
    known = know(run, data)
    assert known.splits.valid is not None
    assert "1 of them have another label today" in known.change
    assert SHAPES.index(other) == known.splits.valid.labels[0]


def test_trained_faces_that_come_to_test_count_as_copies(home: Path, tmp_path: Path) -> None:
    """Copies are sought in what the run was really trained on."""
    run = load_run(home / "run")
    assert run.seen is not None
    data = tmp_path / "split"
    shutil.copytree(home / "data", data / "train")
    moved = find_picture(data, run.seen.train[0])
    (data / "test" / moved.parent.name).mkdir(parents=True)
    moved.rename(data / "test" / moved.parent.name / "moved.png")
    known = know(run, data)
    evaluation = evaluate_split(run, known.splits, "test", seen=known)
    assert evaluation.copies.all()
    assert "1 that were trained on or held out stand in test today" in evaluation.about_data


CHANGES = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "rename", "relabel", "copy", "valid", "test"]), st.integers(0, 999)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES)
def test_no_trained_face_is_ever_counted_as_held_out(home: Path, changes: list[tuple[str, int]]) -> None:
    """Whatever is added, removed, renamed, relabelled, copied or put into another split."""
    run = load_run(home / "run")
    assert run.seen is not None
    with copied(home / "data") as flat:
        data = flat.parent / "split"
        (data / "train").parent.mkdir()
        flat.rename(data / "train")
        for number, (kind, chosen) in enumerate(changes):
            change_data(data, kind, chosen, number)
        known = know(run, data)
        for name in ("valid", "test"):
            faces = known.splits.named().get(name)
            if faces is not None:
                evaluation = evaluate_split(run, known.splits, name, seen=known)
                is_trained = np.isin(hash_images(faces.images), run.seen.train)
                assert not (is_trained & ~evaluation.copies).any()
        valid = known.splits.valid
        assert valid is None or set(hash_images(valid.images).tolist()) <= set(run.seen.valid.tolist())


def change_data(data: Path, kind: str, chosen: int, number: int) -> None:
    """Change one picture of a folder of splits; each class of train keeps some."""
    pictures = sorted(data.rglob("*.png"))
    path = pictures[chosen % len(pictures)]
    split, shape = path.parent.parent.name, path.parent.name
    spare = split != "train" or len(list(path.parent.iterdir())) > 3
    other = SHAPES[(SHAPES.index(shape) + 1) % 3]
    if kind == "add":
        add_pictures(data / "train", 1, seed=1000 + chosen)
    elif kind == "rename":
        path.rename(path.with_name(f"r{number}-{chosen}.png"))
    elif kind == "copy":
        shutil.copy(path, path.with_name(f"c{number}-{chosen}.png"))
    elif kind == "remove" and spare:
        path.unlink()
    elif spare:
        target = data / (split if kind == "relabel" else kind) / (other if kind == "relabel" else shape)
        target.mkdir(parents=True, exist_ok=True)
        path.rename(target / f"m{number}-{chosen}.png")
    if not any(path.parent.iterdir()):
        path.parent.rmdir()  # a class without a picture is a mistake of its own
        if not any(path.parent.parent.iterdir()):
            path.parent.parent.rmdir()


def test_copies_are_found_by_content(home: Path) -> None:
    """The same faces read twice are the same split: no copy of themselves."""
    first, second = (know_splits(load_run(home / "run")).splits for _ in range(2))
    assert first.valid is not None
    assert first.valid is not second.valid
    assert not find_copies(first.valid, second).any()


def test_a_run_without_the_file_is_held_against_its_fingerprints(home: Path, data: Path, tmp_path: Path) -> None:
    """Unchanged it goes on; changed, whoever needs valid is told why there is none."""
    shutil.copytree(home / "run", tmp_path / "run")
    (tmp_path / "run" / FILE).unlink()
    old = load_run(tmp_path / "run")
    assert ("", True) == (know(old, data).change, know(old, data).splits.valid is not None)
    add_pictures(data, 1)
    with pytest.raises(DataError, match="that run did not keep which faces it held out"):
        know(old, data).require("valid")


def test_weights_alone_say_that_nobody_knows(home: Path, tmp_path: Path) -> None:
    """The data is taken as it is, and the line says so."""
    alone = tmp_path / "alone.safetensors"
    shutil.copy(home / "run" / WEIGHTS, alone)
    known = know_splits(load_run(alone))
    assert not known.is_certain
    assert "nobody wrote down what" in known.change


def test_runs_that_held_out_different_faces_have_held_out_none(home: Path, tmp_path: Path) -> None:
    """All that one of them was trained on counts for all, and what they share is kept."""
    start_run(tiny_recipe("train.epochs=1", "train.seed=1"), str(home / "data"), RunFolder(tmp_path / "other"))
    first, second = load_run(home / "run"), load_run(tmp_path / "other")
    same, different = (merge_seen([first.seen, one.seen]) for one in (first, second))
    assert same is first.seen
    assert different is not None
    assert (36, 0) == (len(different.train), len(different.valid))
    mixed = mix_runs([first, second], path=tmp_path / WEIGHTS)
    assert know_splits(mixed).splits.valid is None


def test_the_file_reads_back_and_a_damaged_one_is_told(home: Path, tmp_path: Path) -> None:
    """One row a face, no pickle."""
    seen = describe_faces(load(home / "data"))
    write_seen(tmp_path, seen)
    found = read_seen(tmp_path)
    assert found is not None
    assert found.is_same(load(home / "data"))
    (tmp_path / FILE).write_bytes(b"damaged")
    with pytest.raises(RunError, match=r"faces\.npy: expected the faces that the run was trained on"):
        read_seen(tmp_path)


def test_faces_left_aside_are_neither_trained_on_nor_held_out(home: Path) -> None:
    """They are known all the same, so that they are not told as new."""
    whole = load(home / "data")
    assert whole.train is not None
    part = replace(whole, train=whole.train.take(np.arange(10)))
    seen = describe_faces(part, whole)
    assert (10, 36) == (len(seen.train), len(seen))


@pytest.mark.parametrize("head", ["fer2013", "ferplus8", "ferplus", "people"])
def test_a_head_that_answers_by_votes_does_not_take_its_labels_for_a_change(
    trained_heads: Path, tmp_path: Path, head: str
) -> None:
    """What was seen was written down with the labels of the whole training, not with those of one head."""
    whole = load_run(trained_heads / "run").whole
    assert whole is not None
    happy, sad = ",0,8,0,2,", ",0,2,0,8,"
    header, first, *others = (trained_heads / "fer2013new.csv").read_text(encoding="utf-8").splitlines()
    others = [row.replace(happy, sad) if index % 6 == 1 else row for index, row in enumerate(others)]
    votes = tmp_path / "others.csv"
    votes.write_text("\n".join([header, first, *others]) + "\n", encoding="utf-8")
    data = replace(whole.recipe.data, votes=str(votes))
    run = replace(whole, recipe=replace(whole.recipe, data=data)).head(head)
    known = know_splits(run)
    assert ("", ()) == (known.change, known.changed)
    assert known.splits.valid is not None
    assert set(hash_images(known.splits.valid.images)) <= set(run.seen.valid)


def test_a_head_finds_the_faces_that_were_held_out_when_the_table_has_changed(
    trained_heads: Path, tmp_path: Path
) -> None:
    """A row more of test, and no word of other labels, whichever head is asked."""
    table = tmp_path / "fer2013.csv"
    lines = (trained_heads / "fer2013.csv").read_text(encoding="utf-8").splitlines()
    row = lines[-1].split(",")
    table.write_text("\n".join([*lines, ",".join([row[0], "7 " + row[1].partition(" ")[2], row[2]])]) + "\n")
    run = load_run(trained_heads / "run")
    told = know_splits(run.head("fer2013"), source=str(table)).change
    assert told.startswith("1 picture more, 0 less")
    assert "label" not in told

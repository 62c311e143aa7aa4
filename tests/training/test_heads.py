"""One trunk with several heads: what each learns, how a run shows them one at a time, and that nothing mixes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import mien
from conftest import BOTH, TINY, run_mien
from mien import Recogniser
from mien.data.prepare import prepare_splits
from mien.errors import ConfigError
from mien.evaluation.ensemble import mix_runs
from mien.evaluation.known import know_splits
from mien.evaluation.measure import Question, measure
from mien.evaluation.predict import predict_probabilities
from mien.faces import Splits
from mien.labels import EXPRESSIONS
from mien.recipes.heads import HEADS, OUTPUTS, find_taught
from mien.recipes.schema import DataConfig, Recipe, override
from mien.reports.gather import gather_report
from mien.reports.recipe import write_command
from mien.reports.render import render_markdown
from mien.runs.run import WEIGHTS, Run, load_run, load_tensors, save_tensors
from mien.runs.temperatures import scale_probabilities
from mien.training.losses import cross_entropy, teach_heads
from mien.training.teachers import VIEWS, ask_teachers, call_teachers, start_weights

HAPPY, SAD = EXPRESSIONS.index("happy"), EXPRESSIONS.index("sad")


@pytest.fixture
def folder(trained_heads: Path) -> Path:
    """Return a folder with faces, votes and a run that learnt both."""
    return trained_heads


@pytest.fixture
def run(folder: Path) -> Run:
    """Return the run."""
    return load_run(folder / "run")


@pytest.fixture
def splits(folder: Path) -> Splits:
    """Return the faces with the targets of every head."""
    config = DataConfig(labels="both", votes=str(folder / "fer2013new.csv"))
    return prepare_splits(str(folder / "fer2013.csv"), config, seed=0)


def test_every_face_trains_the_head_of_labels_and_only_those_with_votes_the_others(splits: Splits) -> None:
    """The first face, of which all taggers say that it is none, teaches votes and mixture nothing."""
    assert splits.train is not None
    targets = splits.train.targets
    assert targets is not None
    assert (40, len(OUTPUTS)) == targets.shape
    taught = [targets[:, head.columns].sum(axis=1) for head in find_taught("both")]
    assert [[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]] == [[float(sums[face]) for sums in taught] for face in (0, 1)]


def test_the_mixture_is_half_label_and_half_votes(splits: Splits) -> None:
    """Face 1 is labelled sad, and eight of ten taggers say so: two others are too few to count."""
    assert splits.train is not None
    assert splits.train.targets is not None
    mixed = splits.train.targets[1, HEADS["people"].columns]
    assert [0.0, 1.0] == [float(mixed[HAPPY]), float(mixed[SAD])]


def test_votes_of_valid_are_those_of_the_majority(splits: Splits) -> None:
    """Measured as the paper measures: the majority counts whole."""
    assert splits.valid is not None
    assert splits.valid.targets is not None
    assert {0.0, 1.0} == set(splits.valid.targets[:, HEADS["ferplus8"].columns].ravel().tolist())


def test_the_loss_of_heads_is_the_sum_of_theirs_and_leaves_out_what_has_no_target() -> None:
    """Labels are smoothed, votes are not; a row of zeros adds nothing and counts as a face."""
    torch.manual_seed(0)
    logits = torch.randn(2, len(OUTPUTS), requires_grad=True)
    targets = torch.zeros(2, len(OUTPUTS))
    targets[0, [0, 7, 15]] = 1.0
    targets[1, 2] = 1.0
    heads = find_taught("both")
    first = cross_entropy(logits[:, :7], targets[:, :7], smoothing=0.1)
    others = sum(cross_entropy(logits[:1, part], targets[:1, part]) / 2 for part in (slice(7, 15), slice(15, 22)))
    loss = teach_heads(logits, targets, heads, smoothing=0.1)
    torch.testing.assert_close(first + others, loss)
    loss.backward()
    assert logits.grad is not None
    assert 0.0 == logits.grad[1, 7:].abs().sum()


def test_each_head_is_a_run_of_its_own_over_the_same_trunk(run: Run, splits: Splits) -> None:
    """Its outputs are those columns of the whole network; its classes, labels and temperature are its own."""
    assert splits.valid is not None
    assert run.whole is not None
    with torch.inference_mode():
        whole = run.whole.network.eval()(torch.from_numpy(np.array(splits.valid.images)))
        for name in run.heads:
            head = run.head(name)
            mine = head.network(torch.from_numpy(np.array(splits.valid.images)))
            torch.testing.assert_close(whole[:, HEADS[name].columns], mine, rtol=1e-4, atol=1e-5)
            assert (HEADS[name].expressions, HEADS[name].labelling) == (head.expressions, head.recipe.data.labels)
    assert {f"{name}-plain" for name in HEADS} == set(run.temperatures)
    assert run.head("people").temperature() == run.temperatures["people-plain"]


def test_a_run_with_heads_answers_by_the_labels_of_the_data_first(run: Run) -> None:
    """So every command that knows of no heads sees what it has always seen: seven classes, own labels."""
    assert ("fer2013", "own", EXPRESSIONS) == (run.head_name, run.recipe.data.labels, run.expressions)
    assert "own" == know_splits(run).splits.labels
    assert "ferplus" == know_splits(run.head("ferplus")).splits.labels


def test_contempt_is_left_out_of_seven_classes(run: Run, splits: Splits) -> None:
    """The head of seven classes is that of eight without contempt, normalised again."""
    assert splits.valid is not None
    eight = predict_probabilities(run.head("ferplus8").network, splits.valid.images)
    seven = predict_probabilities(run.head("ferplus").network, splits.valid.images)
    np.testing.assert_allclose(eight[:, :7] / eight[:, :7].sum(axis=1, keepdims=True), seven, atol=1e-5)


def test_evaluation_picks_the_head_of_the_labels_and_writes_beside_the_others(folder: Path) -> None:
    """Labels without a head are refused by name; each head has a folder."""
    votes = ("--votes", "fer2013new.csv")
    for arguments in (
        (),
        ("--labels", "ferplus", *votes),
        ("--labels", "ferplus8", *votes),
        ("--head", "people", "--labels", "own"),
    ):
        result = run_mien("evaluate", "run", *arguments, cwd=folder)
        assert result.status == 0, result.err
    measured = {path.parent.name: json.loads(path.read_text()) for path in (folder / "run").rglob("evaluation.json")}
    names = {"run", "test-head-ferplus", "test-head-ferplus8", "test-head-people-by-own"}
    assert names == set(measured)
    assert [7, 7, 8, 7] == [len(measured[name]["expressions"]) for name in sorted(names)]


def test_the_mean_of_runs_with_heads_is_kept_head_by_head(folder: Path, tmp_path: Path) -> None:
    """Each head has a temperature, thresholds and a folder of its own, of eight classes, too."""
    tensors, facts = load_tensors(folder / "run" / WEIGHTS)
    for name in ("run", "beside"):
        shutil.copytree(folder / "run", tmp_path / name, ignore=shutil.ignore_patterns("cache", "test*"))
    save_tensors(tmp_path / "beside" / WEIGHTS, tensors, {**facts, "epoch": 1})
    for head in ("fer2013", "people", "ferplus8"):
        measured = measure([load_run(tmp_path / name) for name in ("run", "beside")], Question(head=head))
        assert HEADS[head].expressions == measured.evaluation.expressions
        measured.save()
    home = tmp_path / "run" / "with-beside"
    names = {path.parent.name for path in home.rglob("evaluation.json")}
    assert {"with-beside", "test-head-people", "test-head-ferplus8"} == names
    kept = json.loads((home / "calibration.json").read_text())["temperatures"]
    assert {"fer2013-plain", "people-plain", "ferplus8-plain"} == set(kept)
    people = [load_run(tmp_path / name).head("people") for name in ("run", "beside")]
    alone = mix_runs(people, path=home / "mean.safetensors")
    assert kept["people-plain"] == alone.temperature()


def test_a_head_that_is_given_is_the_one_that_is_exported(run: Run, tmp_path: Path) -> None:
    """`run.head(name)` is a run like any other; a report, which tells of the first answer alone, refuses others."""
    file = mien.export(run.head("ferplus8"), tmp_path / "votes.onnx")
    assert HEADS["ferplus8"].expressions == Recogniser(file, detector="none").expressions
    whole = mien.export(run, tmp_path / "whole.onnx")
    assert set(Recogniser(whole, detector="none").card["heads"]) == {"people", "fer2013", "ferplus8"}
    with pytest.raises(ConfigError, match="found its head people, of which `evaluate` tells the figures"):
        mien.report(run.head("people"), tmp_path / "report.md")


def test_a_head_tells_its_own_figures(run: Run) -> None:
    """In one screen: its name, its classes, what it had on valid; nothing of another head."""
    record = run.history[run.epoch - 1]
    for name, key in {"fer2013": "valid_accuracy", "ferplus8": "valid_ferplus8_accuracy"}.items():
        told = repr(run.head(name))
        assert f"head      {name}, of fer2013" in told
        assert f"accuracy {record[key]:.1%}" in told
    assert "valid" not in repr(run.head("ferplus")).split("trained")[1]


def test_weights_of_classes_do_not_go_with_heads(folder: Path) -> None:
    """They would be passed over: each head has other classes."""
    result = run_mien("train", *BOTH, "--out", "weighed", *TINY, "--set", "train.class_weights=inverse", cwd=folder)
    assert (2, 1) == (result.status, result.err.count("\n"))
    assert "train.class_weights=inverse: expected none beside labels both" in result.err
    assert not (folder / "weighed").exists()


def test_votes_that_name_no_expression_in_valid_leave_their_heads_unmeasured(folder: Path) -> None:
    """A warning says so; the head of labels is measured and scaled as ever."""
    header, *rows = (folder / "fer2013new.csv").read_text().splitlines()
    empty = [",".join([*row.split(",")[:2], *["0"] * 10]) if row.startswith("PublicTest") else row for row in rows]
    (folder / "empty.csv").write_text("\n".join([header, *empty]) + "\n")
    options = ("--labels", "both", "--votes", "empty.csv", "--data", "fer2013.csv", "--recipe", "quick")
    result = run_mien("train", *options, "--out", "unmeasured", *TINY, cwd=folder)
    assert result.status == 0, result.err
    assert "faces count by the data's own label alone: no expression has the taggers' votes" in result.err
    found = load_run(folder / "unmeasured")
    assert {"fer2013-plain"} == set(found.temperatures)
    assert not any("ferplus8" in name or "people" in name for name in found.history[-1])


def test_a_head_is_measured_on_pictures_that_have_lost_their_rows(folder: Path, tmp_path: Path) -> None:
    """The very faces as a folder: their labels are the folder's, because votes cannot be found for them."""
    faces = mien.load(str(folder / "fer2013.csv")).named()["test"]
    for index, (image, label) in enumerate(zip(faces.images, faces.labels, strict=True)):
        place = tmp_path / "faces" / EXPRESSIONS[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{index}.png")
    for chosen in ({}, {"labels": "own"}):
        question = Question(data=str(tmp_path / "faces"), head="people", **chosen)  # type: ignore[arg-type]
        assert "own" == measure([load_run(folder / "run")], question).evaluation.labelled_by


def test_a_report_of_heads_tells_the_whole_training(folder: Path, tmp_path: Path) -> None:
    """Its command trains heads again, its last layer has the outputs of all; that test was read for a head is said."""
    copy = shutil.copytree(folder / "run", tmp_path / "run", ignore=shutil.ignore_patterns("test*", "evaluation*"))
    data = gather_report(copy)
    assert "both" == data.origin.recipe["data"]["labels"]
    assert "data.votes=" in write_command(data.origin)
    assert data.network.parameters == sum(tensor.numel() for tensor in load_run(copy).whole.network.parameters())
    text = render_markdown(data, "en", "pictures")
    assert "Test has not been read yet." in text
    pictures = np.random.default_rng(0).integers(0, 256, (6, 16, 16), dtype=np.uint8)
    others = Splits.of(EXPRESSIONS, test=mien.Faces.of(pictures, [HAPPY, SAD] * 3))
    measure([load_run(copy)], Question(data=others, head="people")).save()
    assert "Test has not been read yet." in render_markdown(gather_report(copy), "en", "pictures")  # other faces were
    measure([load_run(copy)], Question(head="people")).save()
    text = render_markdown(gather_report(copy), "en", "pictures")
    assert "Test has not been read yet." not in text
    assert "Test has been read, but not for this answer: test-head-people." in text


def test_a_head_that_is_not_there_is_told_with_those_that_are(run: Run, trained: Path) -> None:
    """A misspelt name, and a run that has one answer."""
    with pytest.raises(ConfigError, match="with a head feelings, found one with fer2013, ferplus8, ferplus, people"):
        run.head("feelings")
    with pytest.raises(ConfigError, match="with a head people, found one with a single answer"):
        load_run(trained).head("people")


def test_a_run_with_heads_teaches_the_next_one_head_by_head(folder: Path) -> None:
    """Its targets are part label, part what each head of the teacher sees, also where there are no votes."""
    teaching = ("--set", "train.teachers=run", "--set", "train.teacher_share=0.5")
    result = run_mien("train", *BOTH, "--out", "second", *TINY, *teaching, cwd=folder)
    assert result.status == 0, result.err
    targets = np.load(folder / "second" / "targets.npy")
    sums = np.stack([targets[:, head.columns].sum(axis=1) for head in find_taught("both")], axis=1)
    np.testing.assert_allclose([[1.0, 0.5, 0.5], [1.0, 1.0, 1.0]], sums[:2], atol=1e-5)


def test_a_run_with_heads_starts_from_one_with_all_its_outputs(folder: Path) -> None:
    """The last layer comes along whole, the rows of every head in their order."""
    tensors = start_weights(read_recipe_of(folder), OUTPUTS, 16)
    whole = load_run(folder / "run").whole
    assert tensors is not None
    assert whole is not None
    assert all(torch.equal(value, tensors[name]) for name, value in whole.network.state_dict().items())


def read_recipe_of(folder: Path) -> Recipe:
    """Return the recipe of a second training that starts from the run in `folder`."""
    whole = load_run(folder / "run").whole
    assert whole is not None
    return override(whole.recipe, [f"train.start_from={folder / 'run'}"])


def test_teachers_with_heads_answer_by_each_head_whole(run: Run, folder: Path) -> None:
    """Who looks at each picture says of each head what evaluation says: probabilities of its own, calibrated."""
    recipe = override(
        Recipe(name="mine", about=""),
        ["data.labels=both", f"train.teachers={folder / 'run'}", "train.teaching=consistent"],
    )
    images = np.random.default_rng(0).integers(0, 255, (5, run.size, run.size), dtype=np.uint8)
    pictures = torch.from_numpy(images / np.float32(255)).unsqueeze(1)
    seen = ask_teachers(call_teachers(recipe, OUTPUTS), pictures, 0)
    assert (5, len(OUTPUTS)) == tuple(seen.shape)
    for head in find_taught("both"):
        asked = run.head(head.name)
        expected = scale_probabilities(predict_probabilities(asked.network, images), asked.temperature(VIEWS))
        np.testing.assert_allclose(seen[:, head.columns].numpy(), expected, atol=1e-5)

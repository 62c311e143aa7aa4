"""Several runs as one."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from conftest import FACTS, SHAPES, draw_shapes, tiny_recipe
from mien.errors import RunError
from mien.evaluation.ensemble import average_weights, choose_members, find_snapshots, mix_runs, save_ensemble, score_by
from mien.evaluation.predict import predict_probabilities
from mien.faces import Splits
from mien.runs.run import WEIGHTS, load_run, load_tensors, save_tensors
from mien.training import RunFolder, train

FACES = draw_shapes(6, seed=5)


@pytest.fixture(scope="module")
def epochs(tmp_path_factory):
    """Return the folder of a run of three epochs that kept the weights of the last two."""
    folder = RunFolder(tmp_path_factory.mktemp("epochs") / "run")
    folder.create()
    recipe = tiny_recipe("train.keep_last=2")
    train(recipe, draw_shapes(16), draw_shapes(4, seed=1), folder=folder, facts=FACTS)
    return folder.path


@pytest.fixture
def runs(trained, epochs):
    """Return two different runs of the same classes."""
    return [load_run(trained), load_run(epochs)]


def predict(run):
    """Return what a run answers."""
    return predict_probabilities(run.network, FACES.images)


def draw_answers(n=300, seed=0):
    """Return labels and three candidates: a good one, one that knows other faces, and noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, n)
    hits = (labels[:, None] == np.arange(4)).astype(float)
    scores = [2.0 * hits + rng.normal(0.0, 1.2, hits.shape) for _ in range(2)] + [rng.normal(0.0, 1.0, hits.shape)]
    answers = [np.exp(score) / np.exp(score).sum(axis=1, keepdims=True) for score in scores]
    return labels, [answer.astype(np.float32) for answer in answers]


def test_the_mean_of_runs_is_the_mean_of_their_probabilities(runs, tmp_path):
    """With shares; the classes stay, and no single epoch is claimed."""
    mixed = mix_runs(runs, (0.75, 0.25), path=tmp_path / WEIGHTS)
    np.testing.assert_allclose(0.75 * predict(runs[0]) + 0.25 * predict(runs[1]), predict(mixed), atol=1e-6)
    assert (SHAPES, 0, True) == (mixed.expressions, mixed.epoch, mixed.synthetic)


def test_an_ensemble_is_unfolded_when_it_becomes_a_member(runs, tmp_path):
    """Its members' shares are shares of its own."""
    inner = mix_runs(runs, path=tmp_path / WEIGHTS)
    outer = mix_runs([inner, runs[0]], (0.5, 0.5), path=tmp_path / WEIGHTS)
    assert [0.25, 0.25, 0.5] == [member.share for member in outer.members]
    np.testing.assert_allclose((predict(inner) + predict(runs[0])) / 2, predict(outer), atol=1e-6)


def test_a_saved_ensemble_answers_alike_without_its_members(runs, tmp_path):
    """The folder holds all weights, and names where they came from; run.json says that it is finished."""
    mixed = mix_runs(runs, path=tmp_path / "draft")
    splits = Splits(expressions=SHAPES, source="shapes", kind="drawn", train=draw_shapes(4))
    folder = RunFolder(tmp_path / "joined")
    saved = save_ensemble(mixed, folder, splits)
    assert np.array_equal(predict(mixed), predict(saved))
    assert [member.name for member in mixed.members] == [member.name for member in saved.members]
    info = folder.read_info()
    assert info.outcome is not None
    assert ("ensemble of 2 networks", {"train": 12}) == (info.outcome.stopped, info.faces)
    with pytest.raises(RunError, match="a run is here already"):
        save_ensemble(mixed, folder, splits)


def test_runs_of_different_classes_are_refused(runs, tmp_path):
    """Both lists stand in the message."""
    other = replace(runs[1], expressions=("bottom", "middle", "side"))
    with pytest.raises(RunError, match=r"bottom, middle, top\), found bottom, middle, side"):
        mix_runs([runs[0], other], path=tmp_path / WEIGHTS)


@pytest.mark.parametrize("damage", ["share", "recipe"])
def test_a_file_whose_members_do_not_fit_is_one_clear_error(runs, tmp_path, damage):
    """As with any other weights file."""
    saved = save_ensemble(
        mix_runs(runs, path=tmp_path / "draft"),
        RunFolder(tmp_path / "joined"),
        Splits(expressions=SHAPES, source="shapes", kind="drawn"),
    )
    path = saved.path / WEIGHTS
    tensors, facts = load_tensors(path)
    del facts["members"][0][damage]
    save_tensors(path, tensors, facts)
    with pytest.raises(RunError, match="does not fit"):
        load_run(saved.path)


def test_greedy_selection_is_no_worse_than_the_best_candidate():
    """And leaves out the noise; two that know different faces are better together."""
    labels, answers = draw_answers()
    found = choose_members(labels, answers)
    assert max(found.scores) < found.score
    assert 0 == found.picks[2]
    assert min(found.picks[:2]) > 0
    shares = np.array(found.picks) / sum(found.picks)
    mean = sum(share * answer for share, answer in zip(shares, answers, strict=True))
    assert score_by(labels, mean, "loss") == pytest.approx(found.score)


@pytest.mark.parametrize("metric", ["loss", "accuracy", "balanced-accuracy"])
def test_greedy_selection_by_hand(metric):
    """The first pick is the best alone, and each further one the best addition."""
    labels, answers = draw_answers(60, seed=3)
    first = int(np.argmax([score_by(labels, answer, metric) for answer in answers]))
    second = int(np.argmax([score_by(labels, (answers[first] + answer) / 2, metric) for answer in answers]))
    expected = [int(index == first) + int(index == second) for index in range(3)]
    alone = score_by(labels, answers[first], metric)
    found = choose_members(labels, answers, metric=metric, rounds=2)
    better = score_by(labels, (answers[first] + answers[second]) / 2, metric) > alone
    assert (expected if better else [int(index == first) for index in range(3)]) == list(found.picks)


def test_one_candidate_is_picked_once():
    """More picks of it change nothing."""
    labels, answers = draw_answers(30)
    assert (1,) == choose_members(labels, answers[:1]).picks


def test_the_newest_epochs_are_kept(epochs):
    """Two of three; the last one holds the weights of the last epoch."""
    found = find_snapshots(epochs, 2)
    assert ["0002.safetensors", "0003.safetensors"] == [path.name for path in found]
    assert [2, 3] == [load_run(path).epoch for path in found]


def test_asking_for_more_epochs_than_were_kept_says_how_to_keep_them(epochs, trained):
    """With the setting to train with."""
    with pytest.raises(RunError, match=r"last 3 epochs, found 2: train with `set` train.keep_last=3"):
        find_snapshots(epochs, 3)
    with pytest.raises(RunError, match="found 0"):
        find_snapshots(trained, 1)


def test_averaged_weights_are_the_mean_of_each_tensor(epochs, tmp_path):
    """Statistics of batch norm included; counters are those of the last."""
    runs = [load_run(path) for path in find_snapshots(epochs, 2)]
    averaged = average_weights(runs, path=tmp_path / WEIGHTS)
    first, second, mean = (run.network.state_dict() for run in (*runs, averaged))
    for name, value in mean.items():
        expected = (first[name] + second[name]) / 2 if value.is_floating_point() else second[name]
        torch.testing.assert_close(value, expected)
    assert ["run-0002, epoch 2", "run-0003, epoch 3"] == averaged.details["averaged"]


def test_weights_of_different_networks_cannot_be_averaged(runs, tmp_path):
    """Nor those of an ensemble."""
    other = replace(runs[1], recipe=tiny_recipe("model.dropout_dense=0.5"))
    with pytest.raises(RunError, match="one network only: expected small for 16 pixels"):
        average_weights([runs[0], other], path=tmp_path / WEIGHTS)
    with pytest.raises(RunError, match="one network only"):
        average_weights([runs[0], mix_runs(runs, path=tmp_path / WEIGHTS)], path=tmp_path / WEIGHTS)

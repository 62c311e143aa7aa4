"""Showing faces to a trained network."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from conftest import SHAPES, draw_shapes, tiny_recipe, write_shapes
from mien.errors import ConfigError, DataError
from mien.evaluation.ensemble import mix_runs
from mien.evaluation.known import know_splits
from mien.evaluation.predict import (
    calibrate_run,
    evaluate_split,
    find_copies,
    pick_device,
    predict_probabilities,
    predict_valid,
)
from mien.faces import UNLABELLED, Splits
from mien.models import build_model
from mien.models.views import parse_views
from mien.recipes.schema import ModelConfig
from mien.runs.run import BUNDLED, WEIGHTS, load_run, load_tensors, save_tensors


@pytest.fixture(scope="module")
def network():
    """Return an untrained network for faces of 16 pixels and three classes."""
    torch.manual_seed(0)
    return build_model(ModelConfig(name="small", dropout_dense=0.5), classes=3, size=16)


@pytest.fixture
def splits():
    """Return three splits without common faces."""
    train, valid, test = (draw_shapes(count, seed=seed) for seed, count in enumerate((12, 6, 8)))
    return Splits(expressions=SHAPES, source="shapes", kind="drawn", train=train, valid=valid, test=test)


def with_images(faces, images):
    """Return `faces` with other pixels."""
    return replace(faces, images=images)


def test_probabilities_are_the_softmax_of_the_logits(network):
    """One row a face, which sums to 1, from the network in evaluation mode."""
    faces = draw_shapes(5)
    with torch.inference_mode():
        expected = network.eval()(torch.from_numpy(faces.images)).softmax(dim=1).numpy()
    np.testing.assert_allclose(expected, predict_probabilities(network.train(), faces.images), atol=1e-6)


def test_the_size_of_a_batch_does_not_change_the_answer(network):
    """Nor does a last batch that is not full."""
    images = draw_shapes(9).images
    expected = predict_probabilities(network, images)
    np.testing.assert_allclose(expected, predict_probabilities(network, images, batch_size=4), atol=1e-6)


def test_two_views_are_the_mean_of_each(network):
    """A face that is shown as is and mirrored gets the mean of both probabilities."""
    images = draw_shapes(5).images
    mirrored = np.ascontiguousarray(images[:, :, ::-1])
    expected = (predict_probabilities(network, images) + predict_probabilities(network, mirrored)) / 2
    found = predict_probabilities(network, images, views=("plain", "mirror"))
    np.testing.assert_allclose(expected, found, atol=1e-6)


def test_faces_of_another_size_are_resized(network):
    """A face of twice the side, each pixel a block of four, gets nearly the same answer."""
    images = draw_shapes(5).images
    large = images.repeat(2, axis=1).repeat(2, axis=2)
    expected = predict_probabilities(network, images).argmax(axis=1)
    assert expected.tolist() == predict_probabilities(network, large).argmax(axis=1).tolist()


def test_faces_in_read_only_memory_can_be_shown(network, tmp_path):
    """The cache of decoded faces is a read-only memory map; torch does not warn."""
    np.save(tmp_path / "faces.npy", draw_shapes(3).images)
    images = np.load(tmp_path / "faces.npy", mmap_mode="r")
    assert predict_probabilities(network, images).shape == (9, 3)


def test_showing_no_faces_says_so(network):
    """There is nothing to answer."""
    with pytest.raises(DataError, match="at least one"):
        predict_probabilities(network, np.zeros((0, 16, 16), dtype=np.uint8))


def test_a_trained_run_recognises_faces_that_it_has_not_seen(trained, splits):
    """The evaluation names the split, the data and the run, and is marked synthetic as the run is."""
    run = load_run(trained)
    evaluation = evaluate_split(run, splits, "test")
    assert evaluation.score().accuracy > 0.8
    assert evaluation.ids.tolist() == splits.test.ids.tolist()
    facts = (evaluation.split, evaluation.source, evaluation.recipe, evaluation.synthetic, evaluation.epoch)
    assert facts == ("test", "shapes", "quick", True, run.epoch)


def test_copies_of_faces_in_train_and_valid_are_found(splits):
    """Test faces 0 and 1 are put into train and valid; one changed pixel makes a face another."""
    train, valid = splits.train.images.copy(), splits.valid.images.copy()
    train[3], valid[2], train[4] = splits.test.images[0], splits.test.images[1], splits.test.images[2]
    train[4, 0, 0] ^= 1
    seen = replace(splits, train=with_images(splits.train, train), valid=with_images(splits.valid, valid))
    assert np.flatnonzero(find_copies(splits.test, seen)).tolist() == [0, 1]


def test_a_split_is_not_its_own_copy(splits):
    """Valid is held against train alone."""
    assert not find_copies(splits.valid, splits).any()


def test_other_data_is_held_against_the_faces_that_the_run_has_seen(trained, splits):
    """With data of its own, copies are sought in what the run was trained on, and the evaluation tells so."""
    other = Splits(expressions=SHAPES, source="other", kind="drawn", test=replace(splits.train))
    evaluation = evaluate_split(load_run(trained), other, "test", seen=splits)
    assert evaluation.copies.all()
    assert ("other", "shapes") == (evaluation.source, evaluation.copies_sought_in)


def test_classes_are_matched_by_name(trained, splits):
    """Data with two of the three classes, in another order, is measured as before."""
    subset = splits.test.take(np.flatnonzero(splits.test.labels != 1))
    names = (SHAPES[2], SHAPES[0])
    swapped = replace(subset, labels=np.where(subset.labels == 2, 0, 1))
    other = Splits(expressions=names, source="two", kind="drawn", test=swapped)
    assert subset.labels.tolist() == evaluate_split(load_run(trained), other, "test").labels.tolist()


def test_classes_that_the_run_does_not_know_are_named(trained, splits):
    """Both the known and the unknown ones."""
    other = replace(splits, expressions=(*SHAPES[:2], "upside-down"))
    with pytest.raises(DataError, match=f"among {SHAPES[0]}, .*, found upside-down"):
        evaluate_split(load_run(trained), other, "test")


def test_a_split_that_is_not_there_lists_those_that_are(trained, splits):
    """The user is told what to give to --split."""
    with pytest.raises(DataError, match=r"'test', found train \(36 faces\), valid \(18 faces\): .*`split`"):
        evaluate_split(load_run(trained), replace(splits, test=None), "test")


def test_faces_without_a_label_cannot_be_measured(trained, splits):
    """The message counts them."""
    labels = splits.test.labels.copy()
    labels[:5] = UNLABELLED
    blank = replace(splits, test=replace(splits.test, labels=labels))
    with pytest.raises(DataError, match="5 of 24 without one"):
        evaluate_split(load_run(trained), blank, "test")


@pytest.mark.parametrize("text", ["upside-down", "", "plain,plain", "mirror,"])
def test_unknown_views_are_refused(text):
    """The message lists the views there are."""
    with pytest.raises(ConfigError, match="plain,mirror"):
        parse_views(text)


def test_a_device_that_is_not_there_is_refused():
    """The message lists the devices there are; "cpu" is always one of them."""
    assert pick_device("cpu") == torch.device("cpu")
    with pytest.raises(ConfigError, match=r"expected one of auto, .*cpu"):
        pick_device("abacus")


def test_a_temperature_is_fitted_once_and_stays_with_the_run(trained, splits, tmp_path):
    """The second time it is read from the folder, and every evaluation is scaled by it."""
    shutil.copytree(trained, tmp_path / "run")
    fitted = calibrate_run(load_run(tmp_path / "run"), splits.valid)
    assert fitted.temperatures == load_run(tmp_path / "run").temperatures
    raw, scaled = (evaluate_split(run, splits, "test") for run in (load_run(trained), fitted))
    assert fitted.temperature() == scaled.temperature != raw.temperature == 1.0
    np.testing.assert_allclose(raw.probabilities, scaled.uncalibrated().probabilities, atol=1e-5)
    assert raw.predicted.tolist() == scaled.predicted.tolist()


def test_each_set_of_views_has_a_temperature_of_its_own(trained, splits, tmp_path):
    """The mean of two views is less certain than either."""
    shutil.copytree(trained, tmp_path / "run")
    run = calibrate_run(load_run(tmp_path / "run"), splits.valid)
    assert 1.0 == run.temperature(("plain", "mirror"))
    run = calibrate_run(run, splits.valid, views=("plain", "mirror"))
    assert {"plain", "plain+mirror"} == set(run.temperatures)


def test_a_temperature_of_other_weights_is_not_used(trained, splits, tmp_path):
    """After training went on, it is fitted again."""
    shutil.copytree(trained, tmp_path / "run")
    calibrate_run(load_run(tmp_path / "run"), splits.valid)
    tensors, facts = load_tensors(tmp_path / "run" / WEIGHTS)
    save_tensors(tmp_path / "run" / WEIGHTS, {name: value * 2 for name, value in tensors.items()}, facts)
    assert {} == load_run(tmp_path / "run").temperatures


def test_answers_on_valid_are_kept_and_never_taken_for_others(trained, splits, tmp_path):
    """A changed file of answers is believed for the same faces; other faces, or a damaged file, are shown again."""
    shutil.copytree(trained, tmp_path / "run", ignore=shutil.ignore_patterns("cache"))
    run = load_run(tmp_path / "run")
    first = predict_valid(run, splits.valid)
    (kept,) = (tmp_path / "run" / "cache").iterdir()
    np.save(kept, first[::-1])
    assert np.array_equal(first[::-1], predict_valid(run, splits.valid))
    kept.write_bytes(b"not an array")
    assert np.array_equal(first, predict_valid(run, splits.valid))
    assert not np.array_equal(first, predict_valid(run, splits.test.take(np.arange(len(first)))))


def test_a_folder_that_cannot_be_written_to_is_no_obstacle(trained, splits, tmp_path):
    """The temperature is fitted again the next time."""
    run = replace(load_run(trained), path=tmp_path / "file.safetensors" / "deeper.safetensors")
    (tmp_path / "file.safetensors").write_text("in the way")
    assert calibrate_run(run, splits.valid).temperatures.keys() == {"plain"}


def test_members_that_held_out_different_faces_leave_no_valid(trained, tmp_path):
    """What one held out, another has trained on; all of it counts as seen."""
    source = str(write_shapes(tmp_path / "shapes", splits=("train", "test")))
    seeds = (tiny_recipe("data.valid_fraction=0.2", f"train.seed={seed}") for seed in (0, 1))
    runs = [replace(load_run(trained), source=source, recipe=recipe) for recipe in seeds]
    alone = know_splits(runs[0]).splits
    assert alone.valid is not None
    same, different = (
        know_splits(mix_runs(pair, path=tmp_path / WEIGHTS)).splits for pair in ((runs[0], runs[0]), (runs[0], runs[1]))
    )
    assert len(alone.valid) == len(same.valid)
    assert different.valid is None
    assert 60 == len(different.train)


def test_nothing_is_written_beside_the_network_that_ships(splits):
    """Its folder is the installed package: temperatures of other views, and answers on valid, are made anew."""
    run = load_run(BUNDLED)
    before = {path: path.read_bytes() for path in run.folder.iterdir() if path.is_file()}
    fitted = calibrate_run(run, splits.valid, views=("mirror",))
    assert run.name_answer(("mirror",)) in fitted.temperatures
    assert before == {path: path.read_bytes() for path in run.folder.iterdir() if path.is_file()}
    assert not (run.folder / "cache").exists()

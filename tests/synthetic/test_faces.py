"""The data set: the same faces for the same seed, splits that share nothing, and clear errors."""

import hashlib

import numpy as np
import pytest

from mien.errors import ConfigError
from mien.labels import EXPRESSIONS
from mien.synthetic import PER_CLASS, draw_faces, load_synthetic


def test_the_same_seed_draws_the_same_faces_and_another_seed_others():
    """Two calls agree bit for bit in images, labels and ids; seeds 0 and 1 share no image."""
    first, again, other = (load_synthetic(per_class=20, seed=seed) for seed in (0, 0, 1))
    for name, faces in first.named().items():
        assert np.array_equal(faces.images, again.named()[name].images)
        assert np.array_equal(faces.labels, again.named()[name].labels)
        assert np.array_equal(faces.ids, again.named()[name].ids)
    assert not digests(first.train) & digests(other.train)


def digests(faces):
    """Return the set of the images' hashes."""
    return {hashlib.sha256(image.tobytes()).hexdigest() for image in faces.images}


def test_the_drawing_has_not_changed():
    """A face of each expression has the mean grey level that this version of the drawing gives it."""
    means = draw_faces(EXPRESSIONS, np.random.default_rng(0)).mean(axis=(1, 2))
    assert pytest.approx([129.8, 99.7, 142.7, 139.1, 87.0, 151.1, 148.9], abs=0.1) == means.tolist()


def test_splits_are_balanced_labelled_and_share_no_image():
    """Each split has its count of each expression, no image occurs twice, and the set says that it is synthetic."""
    splits = load_synthetic(per_class={"train": 30, "valid": 10, "test": 10})
    assert (splits.synthetic, splits.source, splits.expressions) == (True, "synthetic", EXPRESSIONS)
    for name, count in (("train", 30), ("valid", 10), ("test", 10)):
        assert [count] * 7 == np.bincount(splits.named()[name].labels).tolist()
    assert (30 + 10 + 10) * 7 == len(digests(splits.train) | digests(splits.valid) | digests(splits.test))


def test_ids_are_file_names_that_tell_split_and_expression():
    """An id is split/expression/number.png, and no two are the same."""
    faces = load_synthetic(per_class={"valid": 3}).valid
    assert len(faces) == len(set(faces.ids))
    assert [EXPRESSIONS[label] for label in faces.labels] == [name.split("/")[1] for name in faces.ids]
    assert all(name.startswith("valid/") and name.endswith(".png") for name in faces.ids)


def test_a_split_does_not_depend_on_the_other_splits():
    """The valid faces are the same with and without a train split."""
    alone = load_synthetic(per_class={"valid": 5})
    together = load_synthetic(per_class={"train": 9, "valid": 5})
    assert alone.train is None
    assert np.array_equal(alone.valid.images, together.valid.images)


def test_counts_can_differ_by_expression():
    """An unbalanced split has as many faces of each expression as asked for, and none of the others."""
    train = load_synthetic(per_class={"train": {"happy": 6, "disgust": 2}}).train
    assert [0, 2, 0, 6, 0, 0, 0] == np.bincount(train.labels, minlength=7).tolist()


@pytest.mark.parametrize("size", [16, 32, 64, 100])
def test_other_sizes_show_the_same_faces(size):
    """Faces of another size have that size, and a train split of the same people (alike when brought to one size)."""
    faces = load_synthetic(per_class={"train": 4}, size=size).train
    assert (28, size, size) == faces.images.shape
    usual = load_synthetic(per_class={"train": 4}).train
    assert np.array_equal(usual.labels, faces.labels)
    assert np.corrcoef(usual.images.mean(axis=(1, 2)), faces.images.mean(axis=(1, 2)))[0, 1] > 0.99


def test_names_and_numbers_of_expressions_draw_the_same_faces():
    """`draw_faces` takes both, and an empty list gives no faces."""
    by_name = draw_faces(["happy", "sad"], np.random.default_rng(3), size=24)
    assert np.array_equal(by_name, draw_faces([3, 4], np.random.default_rng(3), size=24))
    assert (0, 24, 24) == draw_faces([], np.random.default_rng(3), size=24).shape


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 8}, "expected a size of 16 to 512 pixels, found 8"),
        ({"size": 48.0}, "found 48.0"),
        ({"seed": -1}, "expected a seed of 0 or above, found -1"),
        ({"seed": True}, "found True"),
        ({"per_class": 0}, "1 or above, found 0"),
        ({"per_class": -3}, "train: expected whole numbers of faces, 1 or above, found -3"),
        ({"per_class": {"training": 3}}, "expected splits among train, valid, test, found ['training']"),
        ({"per_class": {}}, "expected splits among train, valid, test, found none"),
        ({"per_class": {"train": {"joy": 3}}}, "expected expressions among angry, "),
        ({"per_class": {"test": {"happy": 0}}}, "test: expected whole numbers"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_a_reason(arguments, message):
    """Each bad argument ends in one line with the expected and the found."""
    with pytest.raises(ConfigError) as caught:
        load_synthetic(**arguments)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("label", [7, -1, "joy", None, 1.5])
def test_an_unknown_label_is_refused(label):
    """Labels that are none of the seven give an error that names the label."""
    with pytest.raises(ConfigError, match=f"found {label!r}"):
        draw_faces([label], np.random.default_rng(0))


def test_the_default_set_is_balanced_and_large_enough_to_train_on():
    """By default 700, 100 and 100 faces of each expression."""
    assert {"train": 700, "valid": 100, "test": 100} == dict(PER_CLASS)

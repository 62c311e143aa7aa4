"""The leaderboard file."""

import pytest

from conftest import draw_shapes
from mien.errors import DataError, MienError
from mien.evaluation.submission import choose_faces, write_submission
from mien.faces import Splits


def make_splits(**faces):
    """Return splits that hold `faces`."""
    return Splits(expressions=("a", "b", "c"), source="faces", kind="drawn", **faces)


def test_a_submission_is_a_line_a_face_in_the_order_given(tmp_path):
    """`id,label`, ids as the data names them, commas included."""
    write_submission(tmp_path / "new" / "out.csv", ["10", "9", "a, b.png"], [3, 0, 6])
    assert (tmp_path / "new" / "out.csv").read_text() == 'id,label\n10,3\n9,0\n"a, b.png",6\n'


def test_a_submission_that_is_there_is_not_overwritten(tmp_path):
    """It stays as it was; --force replaces it."""
    path = tmp_path / "out.csv"
    path.write_text("precious")
    with pytest.raises(MienError, match="`force`"):
        write_submission(path, ["1"], [0])
    assert path.read_text() == "precious"
    write_submission(path, ["1"], [0], force=True)
    assert path.read_text() == "id,label\n1,0\n"


def test_a_failed_submission_leaves_nothing_behind(tmp_path):
    """One label is missing: neither a file nor a part of one is left."""
    with pytest.raises(ValueError, match="shorter"):
        write_submission(tmp_path / "out.csv", ["1", "2"], [0])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_not_a_file_to_write(tmp_path):
    """Not even by force."""
    with pytest.raises(MienError, match="found a folder"):
        write_submission(tmp_path, ["1"], [0], force=True)


def test_unlabelled_faces_come_before_test():
    """Where all faces have labels, those of test are answered."""
    unlabelled, test = draw_shapes(1), draw_shapes(2)
    assert choose_faces(make_splits(unlabelled=unlabelled, test=test)) == ("unlabelled", unlabelled)
    assert choose_faces(make_splits(test=test))[0] == "test"


def test_data_with_neither_says_what_was_found():
    """Train alone is nothing to submit."""
    with pytest.raises(DataError, match="found train"):
        choose_faces(make_splits(train=draw_shapes(1)))

"""`mien submit`, as a user meets it."""

import pytest
from PIL import Image

from conftest import SHAPES, draw_shapes, run_mien, write_shapes
from mien.cli.submit import submit
from mien.errors import MienError
from mien.runs.run import WEIGHTS, load_tensors, save_tensors


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory):
    """Return a folder of pictures without labels."""
    folder = tmp_path_factory.mktemp("unlabelled")
    faces = draw_shapes(4, seed=9)
    for index, image in enumerate(faces.images):
        Image.fromarray(image).save(folder / f"face-{index:02}.png")
    return folder


def test_a_submission_holds_a_line_a_face(trained, unlabelled, tmp_path):
    """`id,label`, file names as ids, class indices as labels, most of them right; the run's drawn faces are told."""
    out = tmp_path / "submission.csv"
    result = run_mien("submit", trained, unlabelled, "-o", out)
    assert (0, "") == (result.status, result.err)
    assert "12 faces recognised (synthetic faces)" in result.out
    header, *rows = [line.split(",") for line in out.read_text().splitlines()]
    assert header == ["id", "label"]
    assert [row[0] for row in rows] == [f"face-{index:02}.png" for index in range(12)]
    right = [int(row[1]) == label for row, label in zip(rows, draw_shapes(4, seed=9).labels, strict=True)]
    assert sum(right) > 9


def test_a_submission_is_overwritten_only_by_force(trained, unlabelled, tmp_path):
    """The first try leaves the file as it is; --force replaces it, with names where asked."""
    out = tmp_path / "submission.csv"
    out.write_text("precious")
    with pytest.raises(MienError, match="`force`"):
        submit(trained, str(unlabelled), out, force=False)
    assert out.read_text() == "precious"
    submit(trained, str(unlabelled), out, force=True, names=True, views="plain,mirror", device="cpu")
    assert {line.split(",")[1] for line in out.read_text().splitlines()[1:]} <= set(SHAPES)


def test_data_with_labels_is_answered_for_test_and_told_so(trained, tmp_path, capsys):
    """Only the faces of test are recognised."""
    data, out = write_shapes(tmp_path / "shapes", per_class=2), tmp_path / "submission.csv"
    submit(trained, str(data), out, force=False, names=False, views="plain", device="cpu")
    assert "has labels" in capsys.readouterr().out
    assert len(out.read_text().splitlines()) == 1 + 6


@pytest.mark.parametrize("decision", ["prior:2", "thresholds"])
def test_a_rule_decides_the_labels(trained, unlabelled, tmp_path, decision):
    """With one face of a class in train, dividing by the prior answers that class at least as often."""
    data = write_shapes(tmp_path / "shapes", per_class=12, splits=("train", "valid"))
    for picture in sorted((data / "train" / SHAPES[0]).iterdir())[1:]:
        picture.unlink()
    tensors, facts = load_tensors(trained / WEIGHTS)
    save_tensors(tmp_path / WEIGHTS, tensors, {**facts, "source": str(data)})
    answers = []
    for rule in ("argmax", decision):
        submit(tmp_path / WEIGHTS, str(unlabelled), tmp_path / rule, decision=rule, device="cpu")
        answers.append([line.split(",")[1] for line in (tmp_path / rule).read_text().splitlines()[1:]])
    assert len(answers[0]) == len(answers[1]) == 12
    assert answers[0].count("0") <= answers[1].count("0")


def test_data_that_no_rule_asks_for_is_refused(trained, unlabelled, tmp_path):
    """It would not even be looked at."""
    with pytest.raises(MienError, match="`data`: expected beside a `decision` that is chosen on the run's own faces"):
        submit(trained, str(unlabelled), tmp_path / "s.csv", data="nowhere", device="cpu")
    assert not (tmp_path / "s.csv").exists()


def test_a_submission_needs_a_label_for_every_face(trained, unlabelled, tmp_path):
    """A rule that abstains is refused."""
    with pytest.raises(MienError, match="a label for every face"):
        submit(trained, str(unlabelled), tmp_path / "submission.csv", decision="abstain:0.5", device="cpu")

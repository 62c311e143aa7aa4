"""`mien ensemble`, as a user meets it."""

import shutil

import pytest

from conftest import run_mien, write_shapes
from mien.cli import main
from mien.runs.run import WEIGHTS, load_run, load_tensors, save_tensors


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return a folder of three splits."""
    return write_shapes(tmp_path_factory.mktemp("shapes"))


@pytest.fixture
def runs(trained, data, tmp_path):
    """Return the folders of two runs on `data`; the weights of the second one are a little off."""
    tensors, facts = load_tensors(trained / WEIGHTS)
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder, factor in zip(folders, (1.0, 1.05), strict=True):
        (folder / "epochs").mkdir(parents=True)
        held = {name: value * factor if value.is_floating_point() else value for name, value in tensors.items()}
        for path in (folder / WEIGHTS, folder / "epochs" / "0003.safetensors"):
            save_tensors(path, held, {**facts, "source": str(data), "synthetic": False})
    return folders


@pytest.fixture
def mien(monkeypatch, capsys):
    """Return a function that runs a command in this process and returns its status, output and errors."""

    def run_here(*arguments):
        monkeypatch.setattr("sys.argv", ["mien", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "100")
        capsys.readouterr()
        with pytest.raises(SystemExit) as ending:
            main()
        return ending.value.code or 0, *capsys.readouterr()

    return run_here


def test_an_ensemble_is_a_run_like_any_other(runs, data, mien, tmp_path):
    """It tells what it picked and what to do next; it can be measured and submitted from once its members are gone."""
    out = tmp_path / "joined"
    result = run_mien("ensemble", *runs, "-o", out)
    assert (0, "") == (result.status, result.err)
    for expected in ("first", "second", "their mean", f"next: mien evaluate {out}"):
        assert expected in result.out
    for folder in runs:
        shutil.rmtree(folder)
    status, measured, err = mien("evaluate", out)
    assert (0, "") == (status, err)
    assert "Scaled by temperature" in measured
    assert "ensemble of" in measured
    assert 0 == mien("submit", out, data, "-o", tmp_path / "submission.csv")[0]


@pytest.mark.parametrize(("how", "members"), [("all", 2), ("weights", 0)])
def test_members_can_be_taken_as_they_are(runs, mien, tmp_path, how, members):
    """All of them in the mean of probabilities, or of weights: the latter is a single network."""
    status, _, err = mien("ensemble", *runs, "-o", tmp_path / "joined", "--how", how)
    assert (0, "") == (status, err)
    assert members == len(load_run(tmp_path / "joined").members)


def test_the_last_epochs_of_runs_become_one_network(runs, mien, tmp_path):
    """Their weights are averaged."""
    status, _, _ = mien("ensemble", *runs, "--last", "1", "-o", tmp_path / "joined")
    assert 0 == status
    expected = [f"{name}-0003, epoch {load_run(runs[0]).epoch}" for name in ("first", "second")]
    assert expected == load_run(tmp_path / "joined").details["averaged"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--how", "best"), "expected one of greedy, all, weights"),
        (("--metric", "recall"), "expected one of loss, accuracy"),
        (("--last", "2"), "found 1: train with --set train.keep_last=2"),
        (("--views", "upside-down"), "plain,mirror"),
        (("--device", "abacus"), "expected one of auto"),
    ],
)
def test_bad_input_ends_in_one_line(runs, mien, tmp_path, arguments, message):
    """Status 2, nothing written."""
    status, out, err = mien("ensemble", *runs, "-o", tmp_path / "joined", *arguments)
    assert (2, "", 1) == (status, out, err.count("\n"))
    assert message in err
    assert not (tmp_path / "joined").exists()


def test_a_run_that_is_given_twice_is_refused(runs, mien, tmp_path):
    """Under two names, too: its mean with itself is itself, so something else was meant."""
    again = runs[0].parent / "." / runs[0].name
    for command in (("ensemble", runs[0], again, "-o", tmp_path / "joined"), ("evaluate", runs[0], again)):
        status, _, err = mien(*command)
        assert (2, 1) == (status, err.count("\n"))
        assert "expected each run once, found it twice" in err
    assert not (tmp_path / "joined").exists()


def test_a_run_of_other_classes_is_refused(runs, mien, tmp_path):
    """Before anything is computed."""
    tensors, facts = load_tensors(runs[1] / WEIGHTS)
    save_tensors(runs[1] / WEIGHTS, tensors, {**facts, "expressions": ["bottom", "middle", "side"]})
    status, _, err = mien("ensemble", *runs, "-o", tmp_path / "joined")
    assert (2, 1) == (status, err.count("\n"))
    assert "found bottom, middle, side" in err


def test_a_run_that_is_there_is_not_overwritten(runs, mien):
    """The folder of a member, for example."""
    before = (runs[0] / WEIGHTS).read_bytes()
    status, _, err = mien("ensemble", *runs, "-o", runs[0])
    assert (2, 1) == (status, err.count("\n"))
    assert "a run is here already" in err
    assert before == (runs[0] / WEIGHTS).read_bytes()


def test_runs_that_held_out_different_faces_have_no_valid_to_choose_on(runs, mien, tmp_path):
    """Greedy says which way is left; the plain mean goes without."""
    for seed, folder in enumerate(runs):
        tensors, facts = load_tensors(folder / WEIGHTS)
        recipe = facts["recipe"]
        recipe["data"]["valid_fraction"], recipe["train"]["seed"] = 0.3, seed
        save_tensors(folder / WEIGHTS, tensors, facts)
    status, _, err = mien("ensemble", *runs, "-o", tmp_path / "joined")
    assert (2, 1) == (status, err.count("\n"))
    assert "--how all" in err
    assert 0 == mien("ensemble", *runs, "-o", tmp_path / "joined", "--how", "all")[0]
    assert {} == load_run(tmp_path / "joined").temperatures

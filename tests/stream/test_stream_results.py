"""Tables of results survive a kill."""

import csv
import os
import shutil

import pytest

from mien.errors import ConfigError, MienError, RunError
from mien.stream import results as module
from mien.stream.results import name_tables, open_results

EXPRESSIONS = ("happy", "sad")
SETTINGS = {"every": 1}


def row(file, face=1):
    """Return a row of the table."""
    return {"file": file, "face": face, "expression": "sad", "confidence": 0.75, "happy": 0.25, "sad": 0.75}


def write(out, files, *, resume=False, bad=(), stop_after=None, settings=SETTINGS):
    """Recognise `files`, two faces each, but for those done; stop with an error after some."""
    with open_results(out, EXPRESSIONS, settings, resume=resume) as results:
        for index, file in enumerate(file for file in files if not results.is_done(file)):
            if index == stop_after:
                results.add([row(file)])  # half of what it would have
                raise KeyboardInterrupt
            if file in bad:
                results.tally.add("bad")
                results.finish(file, "expected a picture, found none")
            else:
                results.add([row(file), row(file, 2)])
                results.tally.add_picture([row(file), row(file, 2)])
                results.finish(file)
    return results


def read(path):
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


FILES = [f"{index}.jpg" for index in range(10)]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_recognition_that_was_stopped_and_resumed_has_the_bytes_of_one_that_was_not(tmp_path, suffix):
    """The rows of the file that was under way are written once, the bad file is named once."""
    whole, parts = tmp_path / f"whole{suffix}", tmp_path / f"parts{suffix}"
    write(whole, FILES, bad=["4.jpg"])
    for stop in (1, 0, 5):
        with pytest.raises(KeyboardInterrupt):
            write(parts, FILES, bad=["4.jpg"], stop_after=stop, resume=True)
    resumed = write(parts, FILES, bad=["4.jpg"], resume=True)
    assert whole.read_bytes() == parts.read_bytes()
    assert name_tables(whole)[0].read_bytes() == name_tables(parts)[0].read_bytes()
    assert (9, 1, 18) == (resumed.tally["pictures"], resumed.tally["bad"], resumed.tally.count_faces("sad"))


def test_whatever_a_kill_leaves_behind_is_mended(tmp_path, monkeypatch):
    """At each byte that the journal may have ended at, with more of the table on the disk than it tells of."""
    monkeypatch.setattr(module, "CHUNK_FILES", 3)
    write(tmp_path / "whole.csv", FILES, bad=["4.jpg"])
    _, journal, _ = name_tables(tmp_path / "whole.csv")
    content = journal.read_bytes()
    first = content.index(b"\n") + 1
    for length in sorted({first, first + 1, *range(first, len(content), 40), len(content) - 1, len(content)}):
        out = tmp_path / f"{length}.csv"
        for name, target in zip(("whole.csv.errors.csv", "whole.csv"), (name_tables(out)[0], out), strict=True):
            shutil.copy(tmp_path / name, target)
        name_tables(out)[1].write_bytes(content[:length])
        write(out, FILES, bad=["4.jpg"], resume=True)
        assert (tmp_path / "whole.csv").read_bytes() == out.read_bytes()
        assert (tmp_path / "whole.csv.errors.csv").read_bytes() == name_tables(out)[0].read_bytes()


def test_a_kill_before_anything_was_written_is_no_trouble(tmp_path):
    """The files are there, and empty."""
    for path in (tmp_path / "faces.csv", name_tables(tmp_path / "faces.csv")[1]):
        path.touch()
    write(tmp_path / "faces.csv", FILES[:2], resume=True)
    assert 4 == len(read(tmp_path / "faces.csv"))


def test_results_are_lasting_chunk_by_chunk(tmp_path, monkeypatch):
    """The journal never tells of rows that are not in the table."""
    monkeypatch.setattr(module, "CHUNK_FILES", 3)
    out = tmp_path / "faces.csv"
    with open_results(out, EXPRESSIONS, SETTINGS, resume=False) as results:
        for index, file in enumerate(FILES[:7]):
            results.add([row(file)])
            results.finish(file)
            lines = results.journal.read_text().splitlines()
            assert 1 + (index + 1) // 3 == len(lines)
            assert (index + 1) // 3 * 3 <= len(read(out))
    assert 7 == len(read(out))


def test_parquet_holds_the_same_rows(tmp_path):
    """It is made when everything is there, of lines that a kill cannot spoil."""
    parquet = pytest.importorskip("pyarrow.parquet")
    write(tmp_path / "faces.csv", FILES)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "faces.parquet", FILES, stop_after=4)
    assert not (tmp_path / "faces.parquet").exists()
    write(tmp_path / "faces.parquet", FILES, resume=True)
    table = parquet.read_table(tmp_path / "faces.parquet")
    assert [(one["file"], int(one["face"])) for one in read(tmp_path / "faces.csv")] == list(
        zip(table["file"].to_pylist(), table["face"].to_pylist(), strict=True)
    )
    assert [0.75] * 20 == table["sad"].to_pylist()


def test_finished_results_take_more_files_later(tmp_path):
    """A folder that grows is recognised again and again, its new files only."""
    out = tmp_path / "faces.csv"
    write(out, FILES[:4])
    write(out, FILES, resume=True)
    assert [file for file in FILES for _ in range(2)] == [one["file"] for one in read(out)]


def test_names_of_files_may_hold_anything(tmp_path):
    """Commas, quotes, line ends, letters of any script, and bytes that are no text."""
    out = tmp_path / "faces.csv"
    names = ['a,"b".jpg', "two\nlines.jpg", "臉.jpg", os.fsdecode(b"\xff.jpg")]
    write(out, names)
    assert ['a,"b".jpg', "two\nlines.jpg", "臉.jpg", "\\udcff.jpg"] == [one["file"] for one in read(out)][::2]
    assert [True] * 4 == [write(out, [], resume=True).is_done(name) for name in names]


def test_nothing_is_overwritten_unasked(tmp_path):
    """A table may be the work of days."""
    out = tmp_path / "faces.csv"
    write(out, FILES[:1])
    with pytest.raises(ConfigError, match=r"faces.csv exists already: add `resume` to go on with it, or choose"):
        write(out, FILES)
    with pytest.raises(ConfigError, match=r"was begun with every 1, not 5"):
        write(out, FILES, resume=True, settings={"every": 5})


def test_two_processes_cannot_write_the_same_table(tmp_path):
    """The second one is told, and the first one's rows stay."""
    pytest.importorskip("fcntl")
    out = tmp_path / "faces.csv"
    with open_results(out, EXPRESSIONS, SETTINGS, resume=False) as results:
        results.add([row("a.jpg")])
        results.finish("a.jpg")
        results.commit()
        with pytest.raises(MienError, match="another mien is writing it"):
            write(out, FILES, resume=True)
    assert ["a.jpg"] == [one["file"] for one in read(out)]


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda out: name_tables(out)[1].unlink(), "expected the journal of what is done, but it does not exist"),
        (lambda out: name_tables(out)[1].write_text("no journal\n"), "the journal cannot be read"),
        (lambda out: name_tables(out)[1].write_text("[]\n"), "expected the journal of a recognition, found another"),
        (lambda out: out.write_text("file\n"), "expected .* bytes or more, as .* tells, found 5"),
    ],
)
def test_a_table_without_its_journal_is_refused(tmp_path, spoil, expected):
    """Rather than mended in a way that nobody can vouch for."""
    out = tmp_path / "faces.csv"
    write(out, FILES[:2])
    spoil(out)
    with pytest.raises(RunError, match=expected):
        write(out, FILES, resume=True)


def test_another_suffix_is_refused(tmp_path):
    """Before anything is made."""
    with pytest.raises(ConfigError, match=r"faces.txt: expected a name that ends in .csv, .jsonl or .parquet"):
        write(tmp_path / "new" / "faces.txt", FILES)
    assert not (tmp_path / "new").exists()


def test_an_expression_that_is_called_like_a_column_is_refused(tmp_path):
    """Two columns of one name would be read as one."""
    with (
        pytest.raises(ConfigError, match="the network calls an expression top, as the table calls a column"),
        open_results(tmp_path / "faces.csv", ("top", "bottom"), SETTINGS, resume=False),
    ):
        pytest.fail("the table was opened")


def test_the_heading_is_a_row_like_any_other(tmp_path):
    """Commas, quotes and line ends of a name stay in one field: every row has as many."""
    names = ("sad, or so", 'so-called "joy"', "two\nlines", "  spaces ", "=1+1")
    with open_results(tmp_path / "faces.csv", names, SETTINGS, resume=False) as results:
        shares = dict(zip(names, (0.1, 0.2, 0.3, 0.4, 0.0), strict=True))
        results.add([{"file": "a, b.jpg", "face": 1, "expression": names[0], "confidence": 0.4, **shares}])
        results.finish("a, b.jpg")
    with (tmp_path / "faces.csv").open(encoding="utf-8", newline="") as file:
        heading, told = csv.reader(file)
    assert list(names) == heading[-5:]
    assert len(heading) == len(told)
    (only,) = read(tmp_path / "faces.csv")
    assert ("a, b.jpg", names[0], "0.3") == (only["file"], only["expression"], only["two\nlines"])

"""`mien recognise`, as a user meets it."""

import csv
import io
import json
import re
import signal

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from conftest import draw_shapes, run_mien, stop_mien
from films import write_film
from mien.cli import main
from mien.recognition import Box, Face
from mien.stream.pictures import Outcome
from mien.stream.request import find_common_folder
from mien.stream.rows import make_rows
from mien.stream.show import tell_picture
from streaming import send_file, serve
from tiny_network import CLASSES, write_network, write_readable

FACES = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a network, a folder of faces, one bad file among them."""
    folder = tmp_path_factory.mktemp("recognise")
    write_network(folder / "tiny.onnx")
    (folder / "faces" / "more").mkdir(parents=True)
    for index, image in enumerate(draw_shapes(FACES // 3).images):
        Image.fromarray(image).save(folder / "faces" / ("more" if index % 2 else "") / f"{index:03d}.png")
    (folder / "faces" / "text.jpg").write_text("hello")
    write_film(folder / "film.avi", codec="mjpeg", frames=12, draw=lambda _: np.full((32, 32, 3), 90, np.uint8))
    (folder / "film.mp4").write_bytes(b"hello")
    return folder


@pytest.fixture
def mien(folder, tmp_path, monkeypatch, capsys):
    """Return a function that runs `mien recognise` in this process and returns status, output, errors."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "140")

    def run_here(*arguments):
        common = [] if "--run" in arguments else ["--run", "tiny.onnx"]
        common += [] if "--detector" in arguments else ["--no-detect"]
        monkeypatch.setattr("sys.argv", ["mien", "recognise", *map(str, arguments), *common])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ending:
            main()
        return ending.value.code or 0, *capsys.readouterr()

    return run_here


def read(path):
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_one_picture_is_told_with_every_probability(folder):
    """In a process of its own, with nothing on standard error."""
    result = run_mien("recognise", "faces/000.png", "--run", "tiny.onnx", "--no-detect", cwd=folder)
    assert (0, "") == (result.status, result.err)
    assert all(name in result.out for name in ("faces/000.png", *CLASSES))


def test_a_folder_becomes_a_table_with_counts_and_the_bad_file_is_named(mien, tmp_path):
    """One row a face; what could not be read stands in a table of its own."""
    status, out, err = mien("faces", "--out", tmp_path / "faces.csv")
    assert 0 == status
    assert "60 pictures, 1 file left out" in out
    assert "mien: left out: faces/text.jpg: expected a picture" in err
    rows = read(tmp_path / "faces.csv")
    assert FACES == len(rows) == len({row["file"] for row in rows})
    assert {"1"} == {row["face"] for row in rows}
    assert all(1.0 == pytest.approx(sum(float(row[name]) for name in CLASSES), abs=1e-5) for row in rows)
    assert ["faces/text.jpg"] == [row["file"] for row in read(tmp_path / "faces.csv.errors.csv")]


def test_every_format_holds_the_same(mien, tmp_path):
    """CSV, lines of JSON, Parquet."""
    parquet = pytest.importorskip("pyarrow.parquet")
    for suffix in ("csv", "jsonl", "parquet"):
        assert 0 == mien("faces", "--out", tmp_path / f"faces.{suffix}")[0]
    lines = [json.loads(line) for line in (tmp_path / "faces.jsonl").read_text().splitlines()]
    table = parquet.read_table(tmp_path / "faces.parquet").to_pylist()
    expected = [(row["file"], float(row["high"])) for row in read(tmp_path / "faces.csv")]
    assert expected == [(row["file"], row["high"]) for row in lines]
    assert [high for _, high in expected] == pytest.approx([row["high"] for row in table], abs=1e-6)


def test_a_process_that_is_killed_loses_nothing_and_duplicates_nothing(folder, tmp_path):
    """By SIGKILL, between rows and journal and before either is on the disk; the end is that of an unbroken run."""
    many = tmp_path / "many"
    many.mkdir()
    for index in range(1500):
        (many / f"{index:04d}.png").symlink_to(folder / "faces" / f"{2 * (index % 30):03d}.png")
    command = ["recognise", many, "--no-detect", "--run", folder / "tiny.onnx", "--out"]
    for point in ("sync 1", "sync 3", "sync 4"):  # each commit of 256 files flushes rows, then the journal
        assert -signal.SIGKILL == stop_mien(signal.SIGKILL, point, *command, tmp_path / "killed.csv", "--resume").status
    assert 0 == run_mien(*command, tmp_path / "killed.csv", "--resume").status
    assert 0 == run_mien(*command, tmp_path / "whole.csv").status
    assert (tmp_path / "whole.csv").read_bytes() == (tmp_path / "killed.csv").read_bytes()
    assert 1500 == len(read(tmp_path / "whole.csv"))


def test_a_table_is_not_overwritten(mien, tmp_path):
    """Whoever forgot --resume is told of it."""
    mien("faces/000.png", "--out", tmp_path / "faces.csv")
    status, _, err = mien("faces", "--out", tmp_path / "faces.csv")
    assert 2 == status
    assert "exists already: add --resume to go on with it, or choose another name" in err
    status, out, _ = mien("faces", "--out", tmp_path / "faces.csv", "--resume")
    assert (0, FACES) == (status, len(read(tmp_path / "faces.csv")))
    assert "60 pictures" in out


def test_tables_of_one_name_and_two_formats_leave_each_other_alone(mien, tmp_path):
    """Each has its own list of errors, so that the first can be gone on with."""
    assert 0 == mien("faces", "--out", tmp_path / "faces.csv")[0]
    assert 0 == mien("faces/000.png", "--out", tmp_path / "faces.jsonl")[0]
    assert ["faces/text.jpg"] == [row["file"] for row in read(tmp_path / "faces.csv.errors.csv")]
    assert 0 == mien("faces", "--out", tmp_path / "faces.csv", "--resume")[0]


def test_where_nothing_could_be_read_nothing_stands_in_the_way_of_another_try(mien, tmp_path):
    """A table without a row is none."""
    assert 2 == mien("faces/text.jpg", "--out", tmp_path / "faces.csv")[0]
    assert ["faces.csv.errors.csv"] == [path.name for path in tmp_path.iterdir()]
    assert 0 == mien("faces/000.png", "--out", tmp_path / "faces.csv")[0]
    assert 1 == len(read(tmp_path / "faces.csv"))


def test_a_resumed_recognition_that_finds_only_a_bad_file_is_no_failure(mien, tmp_path):
    """A job that runs every night over a folder that grows; the bad file is named all the same."""
    mien("faces/000.png", "--out", tmp_path / "faces.csv")
    status, out, err = mien("faces/000.png", "faces/text.jpg", "--out", tmp_path / "faces.csv", "--resume")
    assert 0 == status
    assert "1 picture, 1 file left out" in out
    assert "left out: faces/text.jpg: expected a picture" in err


def test_pictures_and_videos_are_drawn_into_a_folder(mien, tmp_path):
    """A copy of each, and a timeline of the video."""
    status, out, err = mien("faces/000.png", "film.avi", "--every", 5, "--draw", tmp_path / "drawn")
    assert (0, "") == (status, err)
    assert "1 picture, 1 video with 3 frames looked at" in out
    expected = {"faces/000.png", "film.avi.mp4", "film.avi.timeline.png", "film.avi.timeline.svg"}
    assert expected == {path.relative_to(tmp_path / "drawn").as_posix() for path in (tmp_path / "drawn").rglob("*.*")}


def test_frames_of_a_video_are_rows_with_their_time(mien, tmp_path):
    """The number of a face is that under which it is followed."""
    mien("film.avi", "--every", 6, "--out", tmp_path / "film.csv")
    rows = read(tmp_path / "film.csv")
    assert [("0", "0.0", "1"), ("6", "0.5", "1")] == [(row["frame"], row["seconds"], row["face"]) for row in rows]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "give pictures, videos or folders, or --camera 0"),
        (["nowhere.jpg"], "nowhere.jpg: expected a picture, a video or a folder, found nothing there"),
        (["faces/text.jpg"], "faces/text.jpg: expected a picture, found 5 bytes that are none"),
        (["faces/text.jpg", "film.mp4"], "none of the 2 files could be read"),
        (["film.mp4"], "film.mp4: expected a video that FFmpeg can decode, found another or a broken file"),
        (["--camera", 97], "camera 97: expected a camera of this number, found none that opens"),
        (["faces", "--camera", 0], "--camera looks at the camera alone"),
        (["faces", "--resume"], "--resume goes on with a table: name it with --out"),
        (["faces", "--out", "faces.txt"], "--out faces.txt: expected a name that ends in .csv, .jsonl or .parquet"),
        (["faces", "--draw", "faces"], "--draw faces: expected another folder than that of the pictures themselves"),
        (["faces", "--engine", "spark"], "--engine spark: expected local or ray"),
        (["faces", "--detector", "magic"], "magic': expected auto, yunet, yunet:FILE, cascade or none"),
    ],
)
def test_bad_input_ends_in_one_line(mien, arguments, expected):
    """With exit status 2, and nothing written."""
    status, _, err = mien(*arguments)
    assert 2 == status
    assert expected in err.splitlines()[-1]
    assert "Traceback" not in err


def test_a_network_that_is_missing_leaves_no_folder_of_drawings(mien, tmp_path):
    """It is made when everything that can be refused has been looked at."""
    status, _, err = mien("faces/000.png", "--run", tmp_path / "none", "--draw", tmp_path / "drawn")
    assert 2 == status
    assert "none" in err.splitlines()[-1]
    assert not (tmp_path / "drawn").exists()


def test_videos_are_found_by_their_content_where_names_say_nothing(mien, tmp_path):
    """Every suffix that people have, none at all, one of pictures; TypeScript and text are passed over."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    for name, kind in (("a.3gp", "3gp"), ("b.mts", "mpegts"), ("c", "matroska"), ("d.gif", "mp4")):
        write_film(folder / name, kind=kind, frames=6)
    (folder / "code.ts").write_text("const x: number = 1;\n" * 60)
    (folder / "README").write_text("hello")
    status, out, err = mien(folder, "--out", tmp_path / "all.csv")
    assert (0, "") == (status, err)
    assert "4 videos with 24 frames looked at" in out
    assert {"a.3gp", "b.mts", "c"} < {row["file"].rpartition("/")[2] for row in read(tmp_path / "all.csv")}


def test_a_video_that_was_read_in_part_keeps_its_rows_and_the_status_says_so(mien, tmp_path):
    """Among whole files it is named, as one that cannot be read is; alone it is no success."""
    cut = write_film(tmp_path / "cut.avi", codec="mjpeg")
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    status, _, err = mien(cut, "--out", tmp_path / "cut.csv")
    assert 2 == status
    assert "cut.avi: ends after" in err.splitlines()[-1]
    assert 2 < len(read(tmp_path / "cut.csv")) < 24
    status, out, err = mien(cut, "film.avi", "--out", tmp_path / "both.csv")
    assert 0 == status
    assert "2 videos" in out
    assert "1 of them read in part" in out
    assert "read in part" in err
    assert [str(cut)] == [row["file"] for row in read(tmp_path / "both.csv.errors.csv")]


def test_a_copy_without_its_sound_is_said_to_be(mien, tmp_path):
    """In one line."""
    write_film(tmp_path / "loud.avi", codec="mjpeg", sound="pcm_s16le")
    status, _, err = mien(tmp_path / "loud.avi", "--draw", tmp_path / "drawn")
    assert 0 == status
    assert "loud.avi: the copy is silent: an mp4 file cannot hold its sound (pcm_s16le)" in err


def test_a_stream_is_watched_and_drawn_under_a_name_without_its_password(mien, tmp_path):
    """Its address is its name."""
    content = write_film(tmp_path / "film.ts", kind="mpegts").read_bytes()
    with serve(send_file(content)) as address:
        named = address.replace("//", "//me:secret@") + "/film.ts"
        status, out, err = mien(named, "--out", tmp_path / "s.csv", "--draw", tmp_path / "drawn")
    assert (0, "") == (status, err)
    assert {f"{address}/film.ts"} == {row["file"] for row in read(tmp_path / "s.csv")}
    assert "secret" not in out + (tmp_path / "s.csv.progress").read_text()
    assert 1 == len(list((tmp_path / "drawn").glob("http_127.0.0.1*film.ts.mp4")))


def test_ffmpeg_is_silent_about_a_broken_video(folder):
    """What is wrong is told once, by us."""
    result = run_mien("recognise", "film.mp4", "--run", "tiny.onnx", cwd=folder)
    assert 2 == result.status
    assert 1 == len(result.err.splitlines())


def test_copies_are_sorted_below_the_folder_above_all_that_is_named(tmp_path):
    """Whether files, folders or patterns are named."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "1.jpg").touch()
    assert tmp_path / "a" == find_common_folder([str(tmp_path / "a" / "1.jpg"), str(tmp_path / "a" / "b")])
    assert tmp_path / "a" / "b" == find_common_folder([str(tmp_path / "a" / "b")])
    assert tmp_path / "a" == find_common_folder([str(tmp_path / "a" / "*" / "*.jpg")])


@pytest.mark.parametrize("names", [("left", "top", "width"), ("confidence", "file", "face"), ("[b]", "$_$", "_hidden")])
def test_classes_may_have_any_name(mien, tmp_path, names):
    """Called like a column or like markup: bars, counts, drawings and timelines tell the probability of each."""
    network = write_network(tmp_path / "named.onnx", classes=names)
    status, out, err = mien("faces/000.png", "--run", network, "--draw", tmp_path / "drawn")
    assert (0, "") == (status, err)
    assert all(name in out for name in names)
    shares = [int(share) for share in re.findall(r"\b(\d+)%", out)]
    assert 100 >= max(shares)
    status, _, err = mien("film.avi", "--run", network, "--draw", tmp_path / "drawn")
    assert (0, "") == (status, err)
    timeline = next((tmp_path / "drawn").rglob("film*.timeline.svg")).read_text(encoding="utf-8")
    assert all(name in timeline for name in names)


def test_a_face_of_a_class_called_like_a_column_tells_its_bars():
    """Place and probability are told apart."""
    box, names = Box(left=700, top=5, width=30, height=30), ("left", "top", "width")
    shares = dict(zip(names, (0.5, 0.3, 0.2), strict=True))
    face = Face(box=box, expression="left", confidence=0.5, probabilities=shares)
    outcome = Outcome(file="a.jpg", rows=make_rows("a.jpg", [(1, face)]))
    console = Console(record=True, width=120, file=io.StringIO())
    for part in tell_picture(outcome, names, bars=True):
        console.print(part)
    told = console.export_text()
    assert "left 50% at 700,5" in told
    assert ["50", "50", "30", "20"] == re.findall(r"\b(\d+)%", told)


@pytest.fixture(scope="module")
def dark(folder):
    """Return the name of a network to which what is dark is no face, and of a folder with a face and two black ones."""
    write_readable(folder / "readable.onnx")
    (folder / "dark").mkdir()
    black = np.zeros((16, 16))
    for name, picture in (("a", black), ("b", draw_shapes(1).images[0]), ("c", black[:9, :9])):
        Image.fromarray(picture.astype(np.uint8)).save(folder / "dark" / f"{name}.png")
    write_film(folder / "dark.avi", codec="mjpeg", frames=6, draw=lambda _: np.zeros((32, 32, 3), np.uint8))
    return "readable.onnx", "dark"


def test_a_black_picture_is_told_as_not_readable(mien, dark):
    """In a line, without bars; with the limit at 0 it gets a name."""
    network, pictures = dark
    status, out, _ = mien(f"{pictures}/a.png", "--run", network)
    assert (0, f"{pictures}/a.png  not readable") == (status, out.strip())
    named = mien(f"{pictures}/a.png", "--run", network, "--min-readability", 0)[1]
    assert "not readable" not in named
    assert all(name in named for name in CLASSES)


def test_what_is_not_readable_is_a_row_without_an_expression(mien, dark, tmp_path):
    """In every format, beside the score; it is counted, and --resume with another limit is refused."""
    network, pictures = dark
    for suffix in ("csv", "jsonl"):
        more = ("--out", tmp_path / f"faces.{suffix}", "--draw", tmp_path / "drawn")
        status, out, _ = mien(pictures, "--run", network, *more)
        assert (0, True) == (status, "3 pictures, 2 found and not readable" in out)
    rows = read(tmp_path / "faces.csv")
    assert [True, False, True] == [row["expression"] == row["high"] == "" for row in rows]
    assert [True, False, True] == [float(row["readability"]) < 0.5 for row in rows]
    lines = [json.loads(line) for line in (tmp_path / "faces.jsonl").read_text().splitlines()]
    assert [None, None] == [row["expression"] for row in (lines[0], lines[2])]
    again = (pictures, "--run", network, "--out", tmp_path / "faces.csv", "--resume")
    assert 0 == mien(*again)[0]
    status, _, err = mien(*again, "--min-readability", 0.2)
    assert (2, True) == (status, "--resume:" in err and "min" in err)


def test_a_limit_for_a_network_that_does_not_tell_ends_in_one_line(mien, dark):
    """It is not passed over."""
    status, _, err = mien(f"{dark[1]}/a.png", "--min-readability", 0.7)
    assert (2, 1) == (status, len(err.strip().splitlines()))
    assert "expected a network that tells what is no readable face" in err


def test_a_film_in_which_nothing_can_be_read_says_so(mien, dark, tmp_path):
    """Its rows have no expression, and its timeline is empty."""
    pytest.importorskip("av")
    status, out, _ = mien("dark.avi", "--run", dark[0])
    assert (0, True) == (status, "dark.avi  no face that can be read" in out)
    assert 0 == mien("dark.avi", "--run", dark[0], "--out", tmp_path / "film.csv", "--draw", tmp_path / "drawn")[0]
    assert {""} == {row["expression"] for row in read(tmp_path / "film.csv")}

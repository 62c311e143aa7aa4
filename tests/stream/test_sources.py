"""Which files are looked at."""

import pytest

from mien.errors import DataError
from mien.stream.sources import Sources, is_video


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder with pictures, a video, folders and what is none of them, and work in it."""
    for name in ("b.jpg", "a.PNG", "notes.txt", ".hidden.jpg", "film.mp4", "sub/c.webp", ".git/d.jpg", "drawn/a.PNG"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def walk(*names, **options):
    """Return the files that names stand for."""
    return list(Sources(names=names, **options).walk())


def test_a_folder_gives_its_pictures_and_videos_sorted_then_those_of_its_folders(folder):
    """What is hidden, and what is neither picture nor video, is passed over."""
    expected = ["photos/a.PNG", "photos/b.jpg", "photos/film.mp4", "photos/drawn/a.PNG", "photos/sub/c.webp"]
    assert expected == walk("photos")


def test_the_folder_of_drawings_is_left_out(folder):
    """Otherwise a second run would recognise its own drawings."""
    assert "photos/drawn/a.PNG" not in walk("photos", left_out=folder / "photos" / "drawn")


def test_no_file_comes_twice(folder):
    """Whether it is named twice, or lies in a folder that is named, too."""
    assert ["photos/b.jpg"] == walk("photos/b.jpg", "./photos/b.jpg")
    assert sorted(walk("photos")) == sorted(walk("photos", "photos/b.jpg", "photos/sub"))
    assert len(walk("photos")) == len(walk("photos/b.jpg", "photos", "photos/*.jpg"))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("photos/*.jpg", ["photos/b.jpg"]),
        ("photos/**/*.[wj]*p*", ["photos/b.jpg", "photos/sub/c.webp"]),
        ("phot*/s*", ["photos/sub/c.webp"]),
    ],
)
def test_a_pattern_gives_what_it_matches(folder, pattern, expected):
    """Patterns come quoted, or from a shell that knows none; a folder that matches is walked."""
    assert expected == walk(pattern)


def test_a_file_that_is_named_is_looked_at_whatever_it_is_called(folder):
    """A picture may have any name; whether it is one is found out by reading it."""
    assert ["photos/notes.txt"] == walk("photos/notes.txt")


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(folder):
    """Brackets are common in the names of copies."""
    (folder / "me [1].jpg").write_bytes(b"x")
    assert ["me [1].jpg"] == walk("me [1].jpg")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nowhere.jpg", "nowhere.jpg: expected a picture, a video or a folder, found nothing there"),
        ("", "an empty name: expected a picture, a video or a folder, found nothing there"),
        ("empty", "empty: expected pictures or videos in this folder, found none"),
        ("*.bmp", "*.bmp: expected pictures or videos of this pattern, found none"),
    ],
)
def test_a_name_that_leads_nowhere_is_told_in_one_line(folder, name, expected):
    """Before anything is recognised."""
    with pytest.raises(DataError) as caught:
        walk(name)
    assert expected == str(caught.value)


def test_pictures_and_videos_are_counted_apart(folder):
    """By their suffix alone."""
    assert (4, 1) == Sources(names=("photos",)).count()
    assert [True, False] == [is_video(name) for name in ("A.MOV", "mov.jpg")]

"""Folders and archives seen alike, and what is refused of them."""

from __future__ import annotations

import gzip
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from mien.data.archives import Tree, is_wanted, name_damage, open_tree
from mien.data.bad import BadInputs
from mien.errors import DataError

ENTRIES = {"fer/train/happy/1.png": b"one", "fer/train/sad/2.JPG": b"two", "fer/about.csv": b"a,b"}
NOISE = {"fer/notes.txt": b"", "__MACOSX/fer/._1.png": b"", "fer/.hidden/3.png": b"", "fer/.DS_Store": b""}


def write_folder(folder: Path) -> Path:
    """Write the entries, and what does not matter, as files; return the folder."""
    for name, data in {**ENTRIES, **NOISE}.items():
        (folder / "faces" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "faces" / name).write_bytes(data)
    return folder / "faces"


def write_zip(folder: Path, **extra: bytes) -> Path:
    """Write the same into a zip."""
    with zipfile.ZipFile(folder / "faces.zip", "w") as archive:
        for name, data in {**ENTRIES, **NOISE, **extra}.items():
            archive.writestr(name, data)
    return folder / "faces.zip"


def write_tar(folder: Path) -> Path:
    """Write the same into a packed tar."""
    with tarfile.open(folder / "faces.tar.gz", "w:gz") as archive:
        archive.add(write_folder(folder), arcname=".")
    return folder / "faces.tar.gz"


def read_all(tree: Tree) -> dict[str, bytes]:
    """Return every file with its bytes."""
    content = {}
    for name in tree.files:
        with tree.open(name) as file:
            content[name] = file.read()
    return content


@pytest.mark.parametrize("write", [write_folder, write_zip, write_tar])
def test_a_folder_and_its_archives_hold_the_same(write: object, tmp_path: Path) -> None:
    """Hidden files and foreign ones are not seen; the folders are."""
    assert callable(write)
    with open_tree(write(tmp_path), BadInputs()) as tree:
        assert ENTRIES == read_all(tree)
        assert (("fer/train/happy/1.png", "fer/train/sad/2.JPG"), ("fer/about.csv",)) == (tree.pictures, tree.tables)
        assert {"fer", "fer/train", "fer/train/happy", "fer/train/sad"} <= set(tree.folders)


def test_a_packed_file_is_seen_under_its_own_name(tmp_path: Path) -> None:
    """It can be opened more than once."""
    (tmp_path / "fer2013.csv.gz").write_bytes(gzip.compress(b"emotion,pixels"))
    with open_tree(tmp_path / "fer2013.csv.gz", BadInputs()) as tree:
        assert [{"fer2013.csv.gz": b"emotion,pixels"}] * 2 == [read_all(tree), read_all(tree)]


def test_places_are_named_as_people_write_them(tmp_path: Path) -> None:
    """A path in a folder, an entry after a colon in an archive."""
    with open_tree(write_folder(tmp_path), BadInputs()) as tree:
        assert "faces/fer/about.csv" == tree.locate("fer/about.csv")
    with open_tree(write_zip(tmp_path), BadInputs()) as tree:
        assert "faces.zip: fer/about.csv" == tree.locate("fer/about.csv")


@pytest.mark.parametrize("name", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "C:/evil.png", "..\\evil.png"])
def test_an_entry_that_points_outside_is_refused(name: str, tmp_path: Path) -> None:
    """Nothing is unpacked, so it could do no harm; but such an archive was made by no friend."""
    bad = BadInputs(skip=True)
    path = write_zip(tmp_path, **{name: b""})
    with pytest.raises(DataError, match="expected an entry inside the archive"), open_tree(path, BadInputs()):
        pass
    with open_tree(path, bad) as tree:
        assert (set(ENTRIES), 1) == (set(tree.files), len(bad.lines))


@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_an_archive_that_was_cut_off_is_named(write: object, tmp_path: Path) -> None:
    """Right after its start, and in the middle."""
    assert callable(write)
    path = write(tmp_path)
    whole = path.read_bytes()
    for size in (4, len(whole) // 2):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError, match=f"^{path.name}.*: expected a whole"), open_tree(path, BadInputs()) as tree:
            read_all(tree)


def test_an_entry_whose_bytes_were_changed_is_named(tmp_path: Path) -> None:
    """Its checksum tells."""
    path = write_zip(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"two", b"2wo"))
    message = r"2\.JPG: expected a whole file, found a truncated or damaged one"
    with pytest.raises(DataError, match=message), open_tree(path, BadInputs()) as tree:  # noqa: SIM117
        with name_damage(tree.locate("fer/train/sad/2.JPG")):
            read_all(tree)


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    """A folder that leads back to itself ends after one round."""
    folder = write_folder(tmp_path)
    (folder / "fer" / "again").symlink_to(folder, target_is_directory=True)
    (folder / "fer" / "train" / "happy" / "link.png").symlink_to(folder / "fer/train/happy/1.png")
    with open_tree(folder, BadInputs()) as tree:
        assert "fer/train/happy/link.png" in tree.files
        assert 2 * (len(ENTRIES) + 1) >= len(tree.files)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_closed_folder_is_named(tmp_path: Path) -> None:
    """As the system says it."""
    (tmp_path / "closed").mkdir(mode=0)
    message = r"closed: cannot be read \(Permission denied\)"
    with pytest.raises(DataError, match=message), open_tree(tmp_path, BadInputs()):
        pass


def test_only_what_a_reader_can_use_is_wanted() -> None:
    """Pictures, tables and the mark of drawn faces."""
    names = ["a/b.png", "a/B.JPEG", "t.csv", "synthetic.txt", "a.txt", ".a.png", "a/.b/c.png", "__MACOSX/a.png"]
    assert [True] * 4 + [False] * 4 == [is_wanted(name) for name in names]

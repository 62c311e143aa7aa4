"""Every layout that `docs/data.md` lists: drawn small, read, and held against what was drawn."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from mien.data import load
from mien.faces import Splits
from mien.labels import EXPRESSIONS

SIDE, TRAIN, TEST = 12, 3, 2
Face = npt.NDArray[np.uint8]
RNG = np.random.default_rng(5)
DRAWN: list[tuple[int, str, str, Face]] = [
    (number, expression, "train" if copy < TRAIN else "test", RNG.integers(0, 256, (SIDE, SIDE)).astype(np.uint8))
    for number, (copy, expression) in enumerate((c, e) for c in range(TRAIN + TEST) for e in EXPRESSIONS)
]
"""Number, expression, split and pixels of each face."""

NAMES = {"angry": "anger", "happy": "Happiness", "sad": "SADNESS", "fear": "afraid", "surprise": "surprised"}
CODES = dict(zip(EXPRESSIONS, ("AN", "DI", "AF", "HA", "SA", "SU", "NE"), strict=True))
RAF_DB = {"surprise": 1, "fear": 2, "disgust": 3, "happy": 4, "sad": 5, "angry": 6, "neutral": 7}
AFFECTNET = {"neutral": 0, "happy": 1, "sad": 2, "surprise": 3, "fear": 4, "disgust": 5, "angry": 6}
COHN_KANADE = {"neutral": 0, "angry": 1, "disgust": 3, "fear": 4, "happy": 5, "sad": 6, "surprise": 7}
FER_PLUS = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear")


def save(path: Path, face: Face) -> None:
    """Write a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(face).save(path)


def encode(face: Face) -> bytes:
    """Return a picture as the bytes of a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(face).save(buffer, "PNG")
    return buffer.getvalue()


def write(path: Path, lines: list[str]) -> None:
    """Write a text, line by line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def assert_all(splits: Splits, *, has_test: bool = True, names: dict[str, str] | None = None) -> None:
    """Hold the label and the split of every face against what was drawn."""
    found = {
        face.tobytes(): (splits.expressions[label], name)
        for name, faces in splits.named().items()
        for face, label in zip(faces.images, faces.labels.tolist(), strict=True)
    }
    expected = {
        face.tobytes(): ((names or {}).get(expression, expression), split if has_test else "train")
        for _, expression, split, face in DRAWN
    }
    assert expected == found


def draw_folders(root: Path, place: Callable[[int, str, str], str]) -> Path:
    """Write each face to the path that `place` gives for its number, expression and split."""
    for number, expression, split, face in DRAWN:
        save(root / f"{place(number, expression, split)}.png", face)
    return root


FOLDERS: dict[str, Callable[[int, str, str], str]] = {
    "train/happy": lambda n, e, s: f"{s}/{e}/{n}",
    "Train_Images/Happiness": lambda n, e, s: f"{s.title()}_Images/{NAMES.get(e, e)}/{n}",
    "train_set/happy": lambda n, e, s: f"{s}_set/{e}/{n}",
    "trainset/happy": lambda n, e, s: f"{s}set/{e}/{n}",
    "tr/happy, te/happy": lambda n, e, s: f"{s[:2]}/{e}/{n}",
    "FER2013Train/happy": lambda n, e, s: f"FER2013{s.title()}/{e}/{n}",
    "train2017/happy": lambda n, e, s: f"{s}2017/{e}/{n}",
    "happy/train": lambda n, e, s: f"{e}/{s}/{n}",
    "train/images/happy": lambda n, e, s: f"{s}/images/{e}/{n}",
    "data/train/happy": lambda n, e, s: f"archive/data/{s}/{e}/{n}",
    "train/0_angry": lambda n, e, s: f"{s}/{EXPRESSIONS.index(e)}_{e}/{n}",
    "train/1-happy": lambda n, e, s: f"{s}/{EXPRESSIONS.index(e) + 1}-{NAMES.get(e, e)}/{n}",
    "train/S001/happy": lambda n, e, s: f"{s}/S{n % 5:03d}/{e}/{n}",
    "train/happy/anna": lambda n, e, s: f"{s}/{e}/{('anna', 'ben')[n % 2]}/{n}",
    "CK/train/happy": lambda n, e, s: f"{('CK', 'JAFFE')[n % 2]}/{s}/{e}/{n}",
    "train/Oulu/P001/Strong/Happiness": lambda n, e, s: f"{s}/Oulu/P{n % 5:03d}/Strong/{NAMES.get(e, e)}/{n}",
    "train/HA": lambda n, e, s: f"{s}/{CODES[e]}/{n}",
    "happy/Training_1": lambda n, e, s: f"{e}/{'Training' if s == 'train' else 'PrivateTest'}_{n}",
}


@pytest.mark.parametrize("form", FOLDERS)
def test_folders_of_any_level_tell_split_and_class(form: str, tmp_path: Path) -> None:
    """Splits in all usual spellings, above or below; persons and sources are no classes."""
    assert_all(load(draw_folders(tmp_path / "faces", FOLDERS[form]), cache=False))


@pytest.mark.parametrize(
    "place",
    [
        lambda n, e, s: f"a{n % 3}x/b{n % 4}y/{n}",
        lambda n, e, s: f"web{n % 2}/{EXPRESSIONS.index(e)}/{n}",
        lambda n, e, s: f"train/test/{e}/{n}" if n % 2 else f"train/{e}/{n}",
        lambda n, e, s: f"{('train', 'val', 'eval')[n % 3]}/{e}/{n}",
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(place: Callable[[int, str, str], str], tmp_path: Path) -> None:
    """Two levels that could be classes, two splits around a picture, eval beside val."""
    from mien.errors import DataError

    with pytest.raises(DataError, match=r"expected (one level of folders|folders of one split|one valid split)"):
        load(draw_folders(tmp_path / "faces", place), cache=False)


def test_two_levels_are_decided_by_naming_the_classes(tmp_path: Path) -> None:
    """As the refusal says."""
    root = draw_folders(tmp_path / "faces", lambda n, e, s: f"{s}/web{n % 2}/{EXPRESSIONS.index(e)}/{n}")
    classes = ",".join(f"{number}={name}" for number, name in enumerate(EXPRESSIONS))
    assert_all(load(root, classes=classes, cache=False))


def test_numbers_are_named_by_the_user_or_by_a_file(tmp_path: Path) -> None:
    """And stay numbers without, with a warning that says how to name them."""
    root = draw_folders(tmp_path / "faces", lambda n, e, s: f"{s}/{AFFECTNET[e]}/{n}")
    bare = load(root, cache=False)
    assert (tuple("0123456"), True) == (bare.expressions, any("`classes`" in line for line in bare.warnings))
    assert_all(load(root, classes=",".join(AFFECTNET), cache=False))
    write(root / "classes.txt", list(AFFECTNET))
    assert_all(load(root, cache=False))


@pytest.mark.parametrize("column", ["pth", "image_name", "img_path", "filepath", "subDirectory_filePath", "whatever"])
@pytest.mark.parametrize("split", ["set", "subset", "partition", "fold", "phase", "dataset", "Usage", "role"])
def test_columns_of_paths_and_splits_are_found(column: str, split: str, tmp_path: Path) -> None:
    """By name, and by what stands in them; no column of splits is overlooked."""
    root = draw_folders(tmp_path / "faces", lambda n, e, s: f"imgs/{n}")
    rows = [
        f"imgs/{n}.png,{n % 4},{e},{s}ing" if s == "train" else f"imgs/{n}.png,{n % 4},{e},{s}" for n, e, s, _ in DRAWN
    ]
    write(root / "labels.csv", [f"{column},age,emotions,{split}", *rows])
    assert_all(load(root, cache=False))


@pytest.mark.parametrize(
    "name",
    [
        "/home/ann/fer/imgs/{}.png",
        "C:\\Users\\ann\\imgs\\{}.png",
        "..\\imgs\\{}.png",
        "{}.PNG",
        "/data/upload/1/0a1b2c3d-{}.png",
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_paths_of_another_machine_are_found_by_their_end(name: str, suffix: str, tmp_path: Path) -> None:
    """Absolute ones, those of Windows, and what Label Studio makes of them."""
    root = draw_folders(tmp_path / "faces", lambda n, e, s: f"imgs/{n}")
    sign = "\t" if suffix == "tsv" else ","
    write(
        root / f"labels.{suffix}",
        [f"image{sign}choice{sign}split", *(sign.join((name.format(n), e, s)) for n, e, s, _ in DRAWN)],
    )
    assert_all(load(root, cache=False))


def test_a_path_in_another_split_is_not_taken_for_one_that_is_there(tmp_path: Path) -> None:
    """test/1.png is not train/1.png."""
    from mien.errors import DataError

    root = draw_folders(tmp_path / "faces", lambda n, e, s: f"train/{n}")
    write(root / "labels.csv", ["path,label", *(f"{s}/{n}.png,{e}" for n, e, s, _ in DRAWN)])
    with pytest.raises(DataError, match=r"expected one picture called 'test/\d+.png' beside the table, found none"):
        load(root, cache=False)


def test_lists_without_a_header_name_picture_and_class(tmp_path: Path) -> None:
    """One for each split, as train.txt and test.txt."""
    root = draw_folders(tmp_path / "faces", lambda n, e, s: f"imgs/my face {n}")
    for split in ("train", "test"):
        write(root / f"{split}.txt", [f"imgs/my face {n}.png {e}" for n, e, s, _ in DRAWN if s == split])
    assert_all(load(root, cache=False))


def test_raf_db_tells_labels_by_its_numbers_and_splits_by_names(tmp_path: Path) -> None:
    """list_patition_label.txt names the pictures without the _aligned that they carry."""
    root = draw_folders(tmp_path / "faces", lambda n, e, s: f"Image/aligned/{s}_{n:05d}_aligned")
    write(root / "EmoLabel/list_patition_label.txt", [f"{s}_{n:05d}.png {RAF_DB[e]}" for n, e, s, _ in DRAWN])
    assert_all(load(root, cache=False))


def test_metadata_of_hugging_face_is_read(tmp_path: Path) -> None:
    """metadata.jsonl, in the folder of each split; equal names in both are no matter."""
    root = draw_folders(tmp_path / "faces", lambda n, e, s: f"{s}/{n}")
    for split in ("train", "test"):
        rows = [json.dumps({"file_name": f"{n}.png", "label": e}) for n, e, s, _ in DRAWN if s == split]
        write(root / split / "metadata.jsonl", rows)
    assert_all(load(root, cache=False))


def test_roboflow_marks_the_class_in_a_column_of_its_own(tmp_path: Path) -> None:
    """_classes.csv, in the folder of each split."""
    root = draw_folders(tmp_path / "faces", lambda n, e, s: f"{s}/{n}")
    for split in ("train", "test"):
        rows = [f"{n}.png, " + ", ".join(str(int(e == x)) for x in EXPRESSIONS) for n, e, s, _ in DRAWN if s == split]
        write(root / split / "_classes.csv", ["filename, " + ", ".join(EXPRESSIONS), *rows])
    assert_all(load(root, cache=False))


def test_ferplus_folders_are_labelled_by_the_majority(tmp_path: Path) -> None:
    """A label.csv of votes in FER2013Train and FER2013Test."""
    root = draw_folders(tmp_path / "faces", lambda n, e, s: f"FER2013{s.title()}/fer{n:07d}")
    for split in ("train", "test"):
        rows = []
        for number, expression, own, _ in DRAWN:
            votes = [0] * 10
            votes[FER_PLUS.index(expression)] = 8
            votes[8] = 2
            if own == split:
                rows.append(f'fer{number:07d}.png,"(0, 0, 12, 12)",{",".join(map(str, votes))}')
        write(root / f"FER2013{split.title()}" / "label.csv", rows)
    assert_all(load(root, cache=False))


def test_affectnet_has_a_file_of_its_number_for_each_picture(tmp_path: Path) -> None:
    """annotations/17_exp.npy beside images/17.png."""
    root = draw_folders(tmp_path / "faces", lambda n, e, s: f"{s}_set/images/{n}")
    for number, expression, split, _ in DRAWN:
        (root / f"{split}_set/annotations").mkdir(exist_ok=True)
        np.save(root / f"{split}_set/annotations/{number}_exp.npy", str(AFFECTNET[expression]))
    assert_all(load(root, cache=False))


def test_ck_plus_is_labelled_at_the_peak_of_a_sequence(tmp_path: Path) -> None:
    """Emotion/…_emotion.txt; the frames before the peak are left out, which is said."""
    root = draw_folders(tmp_path / "faces", lambda n, e, s: f"cohn-kanade-images/S{n:03d}/001/S{n:03d}_001_00000002")
    for number, expression, _, face in DRAWN:
        name = f"S{number:03d}/001/S{number:03d}_001_0000000"
        save(root / f"cohn-kanade-images/{name}1.png", 255 - face)
        write(root / f"Emotion/{name}2_emotion.txt", [f"   {float(COHN_KANADE[expression]):.7e}"])
    splits = load(root, cache=False)
    assert_all(splits, has_test=False)
    assert any(f"{len(DRAWN)} pictures have no" in line for line in splits.warnings)


def test_jaffe_and_kdef_and_others_label_by_name(tmp_path: Path) -> None:
    """KA.AN1.39.tiff, AF01ANS.JPG in a folder for each person, and a word in the name."""
    jaffe = draw_folders(tmp_path / "jaffe", lambda n, e, s: f"KA.{CODES[e].replace('AF', 'FE')}1.{n}")
    kdef = draw_folders(tmp_path / "kdef", lambda n, e, s: f"AF{n:02d}/AF{n:02d}{CODES[e]}S")
    rafd = draw_folders(tmp_path / "rafd", lambda n, e, s: f"Rafd090_{n}_Caucasian_female_{NAMES.get(e, e)}_frontal")
    for root in (jaffe, kdef, rafd):
        splits = load(root, cache=False)
        assert_all(splits, has_test=False)
        assert any("names of the pictures" in line for line in splits.warnings)


def put_in_scene(face: Face) -> Face:
    """Return a larger picture with the face from (30, 20)."""
    scene = np.full((60, 80), 128, np.uint8)
    scene[20 : 20 + SIDE, 30 : 30 + SIDE] = face
    return scene


def test_expw_faces_are_cut_out_of_photographs(tmp_path: Path) -> None:
    """Top, left, right, bottom; the number is the order of FER2013, in the form of ExpW alone."""
    root, rows = tmp_path / "faces", []
    for number, expression, _, face in DRAWN:
        save(root / f"image/{number}.png", put_in_scene(face))
        rows.append(f"{number}.png 0 20 30 {30 + SIDE} {20 + SIDE} 60.5 {EXPRESSIONS.index(expression)}")
    write(root / "label.lst", rows)
    assert_all(load(root, cache=False), has_test=False)


def test_yolo_faces_are_cut_out_and_named_by_its_yaml(tmp_path: Path) -> None:
    """Without names they stay numbers; a picture may have several faces."""
    root = tmp_path / "faces"
    for number, expression, split, face in DRAWN:
        save(root / f"{split}/images/{number}.png", put_in_scene(face))
        box = f"{(30 + SIDE / 2) / 80} {(20 + SIDE / 2) / 60} {SIDE / 80} {SIDE / 60}"
        write(root / f"{split}/labels/{number}.txt", [f"{EXPRESSIONS.index(expression)} {box}"])
    assert tuple("0123456") == load(root, cache=False).expressions
    write(root / "data.yaml", [f"nc: 7\nnames: {list(EXPRESSIONS)}"])
    assert_all(load(root, cache=False))


def test_boxes_in_a_table_are_cut_out(tmp_path: Path) -> None:
    """Roboflow's _annotations.csv."""
    root, rows = tmp_path / "faces", ["filename,width,height,class,xmin,ymin,xmax,ymax"]
    for number, expression, _, face in DRAWN:
        save(root / f"{number}.png", put_in_scene(face))
        rows.append(f"{number}.png,80,60,{expression},30,20,{30 + SIDE},{20 + SIDE}")
    write(root / "_annotations.csv", rows)
    assert_all(load(root, cache=False), has_test=False)


@pytest.mark.parametrize("form", ["tar", "folder", "shards"])
def test_webdataset_samples_have_their_class_beside(form: str, tmp_path: Path) -> None:
    """One tar, unpacked, or a shard for each split; the tar needs no suffix that says so."""
    shards: dict[str, list[tuple[str, bytes]]] = {"train": [], "test": []}
    for number, expression, split, face in DRAWN:
        shards[split] += [(f"s{number}.png", encode(face)), (f"s{number}.cls", expression.encode())]
    root = tmp_path / "faces"
    root.mkdir()
    if form == "folder":
        for split, entries in shards.items():
            (root / split).mkdir()
            for name, data in entries:
                (root / split / name).write_bytes(data)
    else:
        for split, entries in shards.items():
            path = root / (f"{split}-00000.tar" if form == "shards" else "odd.bin")
            with tarfile.open(path, "a") as archive:
                for name, data in entries:
                    info = tarfile.TarInfo(name if form == "shards" else f"{split}/{name}")
                    info.size = len(data)
                    archive.addfile(info, io.BytesIO(data))
    assert_all(load(root / "odd.bin" if form == "tar" else root, cache=False))


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_tables_of_hugging_face_hold_the_pictures(form: str, tmp_path: Path) -> None:
    """A shard for each split; names of classes are those of the features."""
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    features = {"info": {"features": {"label": {"names": list(EXPRESSIONS), "_type": "ClassLabel"}}}}
    for split in ("train", "test"):
        rows = [(e, face) for _, e, s, face in DRAWN if s == split]
        table = pa.table(
            {
                "image": [{"bytes": encode(face), "path": None} for _, face in rows],
                "label": [EXPRESSIONS.index(expression) for expression, _ in rows],
            }
        ).replace_schema_metadata({"huggingface": json.dumps(features)})
        (tmp_path / "faces" / split).mkdir(parents=True)
        if form == "parquet":
            pq.write_table(table, tmp_path / f"faces/{split}-00000-of-00001.parquet")
        else:
            path = str(tmp_path / f"faces/{split}/data-00000-of-00001.arrow")
            with pa.OSFile(path, "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table)
    assert_all(load(tmp_path / "faces", cache=False))


@pytest.mark.parametrize("form", ["npz", "npy", "floats"])
def test_arrays_of_numpy_are_read(form: str, tmp_path: Path) -> None:
    """x_train, y_train, x_test, y_test; values from 0 to 1 are told."""
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    for split in ("train", "test"):
        rows = [(e, face) for _, e, s, face in DRAWN if s == split]
        images = np.stack([face for _, face in rows])
        arrays[f"x_{split}"] = images / 255.0 if form == "floats" else images[..., None]
        arrays[f"y_{split}"] = np.array([EXPRESSIONS.index(expression) for expression, _ in rows])
    path = tmp_path / "faces"
    path.mkdir()
    if form == "npy":
        for name, array in arrays.items():
            np.save(path / f"{name}.npy", array)
    else:
        path = path / "faces.npz"
        np.savez(path, **arrays)
    splits = load(path, classes=",".join(EXPRESSIONS), cache=False)
    assert_all(splits)
    assert (form == "floats") == any("values from 0 to 1" in line for line in splits.warnings)


def test_a_table_beside_class_folders_gives_the_splits(tmp_path: Path) -> None:
    """Faces of test are not trained on because their folder does not say so; another label is refused."""
    from mien.errors import DataError

    root = draw_folders(tmp_path / "faces", lambda n, e, s: f"{e}/{n}")
    rows = [f"{n}.png,{e},{s}" for n, e, s, _ in DRAWN]
    write(root / "labels.csv", ["file,label,split", *rows])
    assert_all(load(root, cache=False))
    write(root / "labels.csv", ["file,label,split", rows[0].replace("angry", "sad"), *rows[1:]])
    with pytest.raises(DataError, match=r"expected one label, found sad in the table .* and angry as its folder"):
        load(root, cache=False)


def test_what_lies_unused_is_counted(tmp_path: Path) -> None:
    """A table that names nothing here, files of unknown kinds, pictures that no list names."""
    root = draw_folders(tmp_path / "faces", lambda n, e, s: f"{s}/{e}/{n}")
    write(root / "other.csv", ["number,colour", "1,red", "2,blue"])
    (root / "train/happy/1.heif2").write_bytes(b"x")
    warnings = load(root, cache=False).warnings
    assert any("other.csv (2 rows) names no picture here" in line for line in warnings)
    assert any("files that are not read: 1 .heif2" in line for line in warnings)


def test_hidden_folders_and_dead_links_do_not_matter(tmp_path: Path) -> None:
    """Thumbnails of Synology and Jupyter are no faces; a link that leads nowhere is named, or left out."""
    from mien.errors import DataError

    root = draw_folders(tmp_path / "faces", lambda n, e, s: f"{s}/{e}/{n}")
    for folder in ("@eaDir", ".ipynb_checkpoints", "__MACOSX"):
        save(root / f"train/{folder}/happy/1.png", DRAWN[0][3])
    assert_all(load(root, cache=False))
    (root / "train/happy/dead.png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(DataError, match=r"dead.png: cannot be read \(a link to .*gone.png, which does not exist\)"):
        load(root)
    assert 1 == len(load(root, skip_bad=True).skipped)

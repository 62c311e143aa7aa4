"""Files that hold many encoded pictures: parquet and Arrow as on Hugging Face, shards of WebDataset in a folder.

Their bytes go in, a `Tree` of pictures and a `Listing` of it come out. NumPy's files are read by `mien.data.arrays`.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from mien.data.archives import Tree, name_damage, see_tar
from mien.data.arrays import ARRAY_SUFFIXES, read_arrays
from mien.data.bad import BadInputs
from mien.data.columns import LABEL_COLUMNS, OTHER_SPLIT_COLUMNS, SPLIT_COLUMNS
from mien.data.gather import Gathered
from mien.data.layouts import sidecars
from mien.data.listing import Reading, name_labels, plain_number
from mien.data.names import canonical_split, parse_usage
from mien.data.pictures import Picture, read_pictures
from mien.errors import DataError, MissingExtraError
from mien.labels import canonical_expression

TABLE_SUFFIXES = (".parquet", ".arrow")
HOLDER_SUFFIXES = (*TABLE_SUFFIXES, *ARRAY_SUFFIXES, ".tar")
_PARQUET, _ARROW_FILE, _ARROW_STREAM, _NPY = b"PAR1", b"ARROW1", b"\xff\xff\xff\xff", b"\x93NUMPY"


@dataclass(frozen=True, slots=True)
class _Held:
    """Pictures of all files so far: their bytes by name, and what is known of each."""

    encoded: dict[str, bytes]
    pictures: list[Picture]


def is_holder(path: Path) -> bool:
    """Tell whether a file is parquet, Arrow, npz or npy: by its first bytes, npz, which is a zip, by its name."""
    if not path.is_file():
        return False
    with name_damage(str(path)), path.open("rb") as file:
        magic = file.read(8)
    is_arrow = magic.startswith(_ARROW_STREAM) and path.suffix.lower() == ".arrow"
    is_npz = magic.startswith(b"PK") and path.suffix.lower() == ".npz"
    return magic.startswith((_PARQUET, _ARROW_FILE, _NPY)) or is_arrow or is_npz


def read_holders(
    files: Sequence[str], open_file: Callable[[str], BinaryIO], reading: Reading, bad: BadInputs, name: str
) -> Gathered:
    """Return the faces of all `files`, paths inside of the folder or archive `name`, which `open_file` opens.

    Raises:
        DataError: a file is damaged, or has no column of pictures.
        MissingExtraError: pyarrow is not installed.
    """
    arrays = [file for file in files if _is_array(file, open_file)]
    if arrays and len(arrays) < len(files):
        found = f"{arrays[0]} beside {next(file for file in files if file not in arrays)}"
        raise DataError(name, f"expected files of one kind, found {found}: give one of them as data")
    if arrays:
        return read_arrays(arrays, open_file, reading, bad, name)
    contents = {}
    for file in files:
        with name_damage(file), open_file(file) as stream:
            contents[file] = stream.read()
    held = _Held({}, [])
    for file, data in contents.items():
        add = _add_shard if file.lower().endswith(".tar") else _add_table
        add(held, file, data, reading, bad)
    tree = Tree(
        name=name,
        files=tuple(held.encoded),
        folders=(),
        container="archive",
        open=lambda file: BytesIO(held.encoded[file]),
    )
    kind = "WebDataset shards" if files[0].lower().endswith(".tar") else "table of pictures, as on Hugging Face"
    pictures = name_labels(held.pictures, reading.naming)
    return replace(read_pictures(tree, pictures, size=reading.size, bad=bad, space=reading.space), kind=kind)


def _is_array(file: str, open_file: Callable[[str], BinaryIO]) -> bool:
    if file.lower().endswith(ARRAY_SUFFIXES):
        return True
    with name_damage(file), open_file(file) as stream:
        return stream.read(len(_NPY)) == _NPY


def _add_shard(held: _Held, file: str, data: bytes, reading: Reading, bad: BadInputs) -> None:
    with name_damage(file, "tar archive"), tarfile.open(fileobj=BytesIO(data)) as archive:
        tree = see_tar(file, archive, bad)
    listing = sidecars.find(tree, bad, reading)
    if listing is None:
        raise DataError(file, "expected pictures with a .cls or .json beside each, found none")
    split = _name_split(file)
    for picture in listing.pictures:
        name = f"{file}/{picture.file}"
        with tree.open(picture.file) as entry:
            held.encoded[name] = entry.read()
        told = picture.split if picture.split != "train" else split or "train"
        held.pictures.append(replace(picture, file=name, id=name, split=told))


def _name_split(file: str) -> str | None:
    """Return the split that a shard's name or its folders tell.

    >>> _name_split("data/train-00000-of-00002.parquet"), _name_split("test/data-00000.arrow"), _name_split("0000.tar")
    ('train', 'test', None)
    """
    *folders, name = file.split("/")
    words = [name.split(".")[0], name.split("-")[0], name.split("_")[0], *reversed(folders)]
    return next((split for word in words if (split := canonical_split(word))), None)


def _add_table(held: _Held, file: str, data: bytes, reading: Reading, bad: BadInputs) -> None:
    table = _open_table(file, data)
    features = _read_features(table)
    column = _find_pictures(table, file)
    label = _find_label(table, file, reading)
    split_column = next((one for one in table.column_names if _names_splits(table, one, label)), None)
    own = _name_split(file)
    encoded = table.column(column).to_pylist()
    labels = [None] * len(encoded) if label is None else table.column(label).to_pylist()
    splits = [None] * len(encoded) if split_column is None else table.column(split_column).to_pylist()
    names = features.get(label or "", {}).get("names") if not reading.naming else None
    if label is not None and not isinstance(names, list):
        bad.note(f"{file}: column {label} is read as label")
    for row, (cell, said, told) in enumerate(zip(encoded, labels, splits, strict=True)):
        where = f"{file} row {row}"
        try:
            content = _find_bytes(cell, where)
            name = None if said is None else _name_label(said, names, where)
            split = parse_usage(str(told)) if told is not None else own or "train"
        except (DataError, ValueError) as error:
            bad.add(error if isinstance(error, DataError) else DataError(where, str(error)))
            continue
        held.encoded[where] = content
        held.pictures.append(Picture(file=where, split=split if name else "unlabelled", label=name, id=where))


def _open_table(file: str, data: bytes) -> Any:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError as error:
        raise MissingExtraError("pyarrow", "parquet") from error
    try:
        if data.startswith(_PARQUET):
            return pq.read_table(BytesIO(data))
        opener = pa.ipc.open_file if data.startswith(_ARROW_FILE) else pa.ipc.open_stream
        return opener(pa.BufferReader(data)).read_all()
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0][:100]
        raise DataError(file, f"expected a whole table, found a damaged one ({reason})") from error


def _read_features(table: Any) -> dict[str, Any]:
    """Return what Hugging Face's `datasets` wrote of each column, names of classes among it."""
    try:
        info = json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))
    except ValueError:
        return {}
    features = info.get("info", {}).get("features", {})
    return {name: value for name, value in features.items() if isinstance(value, dict)}


def _find_pictures(table: Any, file: str) -> str:
    """Return the column of encoded pictures: bytes, or a struct with bytes in it."""
    import pyarrow as pa

    found = []
    for field in table.schema:
        kind = field.type
        is_struct = pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0
        if is_struct or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            found.append(field.name)
    if len(found) != 1:
        shown = " and ".join(found) or ", ".join(table.column_names)[:80]
        raise DataError(file, f"expected one column of pictures as bytes, found {shown}")
    return str(found[0])


def _find_label(table: Any, file: str, reading: Reading) -> str | None:
    names = {str(name).lower(): str(name) for name in table.column_names}
    if "label" in reading.columns:
        if reading.columns["label"] not in names:
            raise DataError(file, f"expected a column {reading.columns['label']}, found {', '.join(names)[:80]}")
        return names[reading.columns["label"]]
    found = [names[name] for name in LABEL_COLUMNS if name in names]
    words = [name for name in found if _holds_words(table, name)]
    if len(found) > 1 and len(words) != 1:
        raise DataError(file, f"columns {' and '.join(found)} could be the label: choose with `columns` label=NAME")
    return next(iter(words or found), None)


def _holds_words(table: Any, name: str) -> bool:
    values = table.column(name).unique().to_pylist()
    return all(isinstance(value, str) and canonical_expression(value) for value in values)


def _names_splits(table: Any, name: str, label: str | None) -> bool:
    import pyarrow as pa

    kind = table.schema.field(name).type
    if name == label or not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return False
    values = [value for value in table.column(name).unique().to_pylist() if value]
    is_named = name.lower() in (*SPLIT_COLUMNS, *OTHER_SPLIT_COLUMNS)
    told = [canonical_split(value) for value in values] if len(values) <= 20 or is_named else []
    return bool(told) and (all(told) or (is_named and any(told)))


def _find_bytes(data: Any, where: str) -> bytes:
    content = data.get("bytes") if isinstance(data, dict) else data
    if not content:
        path = data.get("path") if isinstance(data, dict) else None
        found = f"the path {path!r} alone" if path else "none"
        raise DataError(where, f"expected the bytes of a picture, found {found}")
    return bytes(content)


def _name_label(said: Any, names: Any, where: str) -> str:
    if not isinstance(said, str | int | float):
        raise DataError(where, f"expected one label, found {str(said)[:40]}")
    if isinstance(names, list) and isinstance(said, int):
        if not 0 <= said < len(names):
            raise DataError(where, f"expected a label from 0 to {len(names) - 1}, found {said}")
        return str(names[said])
    return plain_number(str(said))

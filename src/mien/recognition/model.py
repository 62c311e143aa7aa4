"""Which network recognises. In: None, a run folder or a file. Out: the path or the bytes of an ONNX model.

A run folder is exported when it is first used, by whoever offers to (entry points of the group `READERS`: mien's own
takes PyTorch), and keeps the model for the next time. So recognition itself never imports PyTorch.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

import mien
from mien.errors import MienError, MissingExtraError, RunError
from mien.files import make_folder, write_aside

BUNDLED = Path(__file__).resolve().parent.parent / "weights" / "mien.onnx"
SOURCES = ("model.safetensors", "calibration.json", "beliefs.json")
"""The files of a run folder that its model is made from."""


READERS = "mien.readers"
"""Group of entry points: functions from a folder (Path) to the bytes of an ONNX model, or None if it is not theirs."""


def find_model(run: str | os.PathLike[str] | None) -> Path | bytes:
    """Return the model of a run folder or the file itself; of None, the one that ships with mien.

    Raises:
        RunError: a run folder without a model, and no PyTorch to export it with; or no finished run.
    """
    path = BUNDLED if run is None else Path(run)
    if run is None and not path.exists():
        raise RunError("this mien ships no network: give a run folder or a file of `mien export`")
    return _use_folder(path) if path.is_dir() else path


def _use_folder(folder: Path) -> Path | bytes:
    kept = folder / "cache" / f"recognise-{_stamp(folder)}.onnx"
    if kept.exists():
        return kept
    try:
        made = _export(folder)
    except (ModuleNotFoundError, MissingExtraError) as error:
        advice = "run  pip install 'mien[export]', or `mien export` where it is installed, and give its file"
        raise RunError(f"{folder}: a run folder has to be exported first: {advice}") from error
    with suppress(MienError):  # a folder that may not be written to: exported again the next time
        make_folder(kept.parent)
        for old in kept.parent.glob("recognise-*.onnx"):
            old.unlink(missing_ok=True)
        with write_aside(kept) as aside:
            aside.write_bytes(made)
    return made


def _export(folder: Path) -> bytes:
    from importlib.metadata import entry_points  # slow to import, and the network that ships needs it not

    found = (reader.load()(folder) for reader in entry_points(group=READERS))
    made: bytes | None = next((model for model in found if model is not None), None)
    if made is None:
        raise RunError(f"{folder}: nothing that is installed reads it: give a file of `mien export`")
    return made


def _stamp(folder: Path) -> str:
    """Return what changes whenever the folder's network does."""
    digest = hashlib.blake2b(mien.__version__.encode(), digest_size=8)
    for name in SOURCES:
        with suppress(OSError):
            status = (folder / name).stat()
            digest.update(f"{name} {status.st_size} {status.st_mtime_ns}".encode())
    return digest.hexdigest()

"""The compiled library. In: kernels.c and a C compiler. Out: its functions, or None where they cannot be had."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from ctypes import c_double, c_int, c_long, c_uint64, c_void_p
from pathlib import Path

from mien.data.cache import find_cache

SOURCES = tuple(Path(__file__).with_name(name) for name in ("kernels.c", "winograd.h"))
COMPILERS = ("gcc", "cc", "clang")
FLAGS = ("-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-fopenmp")
PATIENCE = 120.0
"""Seconds that a compiler may take; it takes three."""

_MAPS, _SIZES = [c_void_p] * 3, [c_long] * 5
_NORM = [*[c_long] * 4, c_double, c_int, c_double, c_double, c_uint64, c_double, c_uint64, c_int]
SIGNATURES = {
    "convolve": [*_MAPS, *_SIZES, c_void_p, c_void_p, c_double, c_int, c_int],
    "convolve_weights": [*_MAPS, *_SIZES, c_int],
    "norm_forward": [*[c_void_p] * 6, *_NORM],
    "norm_apply": [*[c_void_p] * 6, *_NORM],
    "norm_backward": [*[c_void_p] * 9, *_NORM],
}


@functools.cache
def load_library() -> ctypes.CDLL | None:
    """Return the library; None without a compiler, where it does not compile or load, or with `MIEN_NATIVE=0`.

    torch has to be imported before: the library runs in the threads of torch's OpenMP, not in a second pool.
    """
    if os.environ.get("MIEN_NATIVE", "1") == "0" or sys.platform != "linux":
        return None  # elsewhere a library may not leave names open for torch's OpenMP
    with suppress(OSError, AttributeError, subprocess.SubprocessError):
        compiler = _find_compiler()
        key = _name_build(compiler)
        return _open(_find_built(key) or _build(key, compiler))
    return None


def _open(path: Path) -> ctypes.CDLL:
    library = ctypes.CDLL(str(path), mode=os.RTLD_NOW)  # a missing name is found now, not in the middle of a step
    for name, arguments in SIGNATURES.items():
        getattr(library, name).argtypes = arguments
    return library


def _find_built(key: str) -> Path | None:
    """Return the library of an earlier training, if it is whole: to map a damaged file would kill the process."""
    for path in _folder().glob(f"{key}-*.so"):
        with suppress(OSError):
            if path.name == _name_file(key, path.read_bytes()):
                return path
    return None


def _build(key: str, compiler: str) -> Path:
    """Compile the library into the cache folder: whole or not at all."""
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as aside:
        compiled, linked = Path(aside) / "kernels.o", Path(aside) / "kernels.so"
        # Linked without a library of OpenMP, so that the names are those of the one that torch has loaded.
        for command in (
            (*FLAGS, "-c", str(SOURCES[0]), "-o", str(compiled)),
            ("-shared", str(compiled), "-o", str(linked)),
        ):
            subprocess.run([compiler, *command], check=True, capture_output=True, timeout=PATIENCE)
        return linked.replace(folder / _name_file(key, linked.read_bytes()))


def _folder() -> Path:
    """Return the folder of libraries; raise OSError where others might put one of theirs into it."""
    folder = find_cache() / "native"
    if folder.exists():
        status = folder.stat()
        if status.st_uid != os.getuid() or status.st_mode & 0o022:
            raise OSError("the folder belongs to somebody else, or others may write to it")
    return folder


def _name_file(key: str, content: bytes) -> str:
    return f"{key}-{hashlib.sha256(content).hexdigest()[:16]}.so"


def _find_compiler() -> str:
    """Return the path of a C compiler: `$CC`, or the first of `COMPILERS`; raise OSError without one."""
    wanted = os.environ.get("CC")
    for name in (wanted,) if wanted else COMPILERS:
        found = shutil.which(name)
        if found:
            return found
    raise OSError("no C compiler")


def _name_build(compiler: str) -> str:
    """Return a name for what this compiler makes of this source for this processor."""
    told = subprocess.run([compiler, "--version"], check=True, capture_output=True, timeout=PATIENCE).stdout
    parts = (
        *(source.read_bytes() for source in SOURCES),
        told,
        " ".join(FLAGS).encode(),
        _describe_processor().encode(),
    )
    digest = hashlib.sha256(b"\0".join(parts)).hexdigest()
    return f"kernels-{digest[:16]}"


def _describe_processor() -> str:
    """Return what tells processors apart that need different code: a home folder may be shared by several machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    kinds = ("model name", "flags", "Features", "CPU part")
    return "\n".join(sorted({line for line in lines if line.startswith(kinds)}))

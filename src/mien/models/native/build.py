"""The compiled library. In: kernels.c and a C compiler. Out: its functions, or None where they cannot be had."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from contextlib import suppress
from ctypes import c_double, c_int, c_long, c_uint64, c_void_p
from pathlib import Path

from mien.data.cache import find_cache

SOURCE = Path(__file__).with_name("kernels.c")
COMPILERS = ("cc", "gcc", "clang")
FLAGS = ("-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-fopenmp")
PATIENCE = 120.0
"""Seconds that a compiler may take; it takes three."""

_MAPS, _SIZES = [c_void_p] * 3, [c_long] * 6
_NORM = [*[c_long] * 4, c_double, c_int, c_double, c_double, c_uint64, c_double, c_uint64, c_int]
SIGNATURES = {
    "convolve": [*_MAPS, *_SIZES, c_int],
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
    if os.environ.get("MIEN_NATIVE", "1") == "0":
        return None
    with suppress(OSError, AttributeError, subprocess.SubprocessError):
        target = _locate(_find_compiler())
        with suppress(OSError, AttributeError):  # a file that is missing or damaged is built anew
            return _open(target)
        _build(target)
        return _open(target)
    return None


def _open(path: Path) -> ctypes.CDLL:
    library = ctypes.CDLL(str(path), mode=os.RTLD_NOW)  # a missing name is found now, not in the middle of a step
    for name, arguments in SIGNATURES.items():
        getattr(library, name).argtypes = arguments
    return library


def _build(target: Path) -> None:
    """Compile the library into the cache folder: whole or not at all."""
    compiler = _find_compiler()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        compiled, linked = Path(folder) / "kernels.o", Path(folder) / target.name
        # Linked without a library of OpenMP, so that the names are those of the one that torch has loaded.
        for command in ((*FLAGS, "-c", str(SOURCE), "-o", str(compiled)), ("-shared", str(compiled), "-o", str(linked))):
            subprocess.run([compiler, *command], check=True, capture_output=True, timeout=PATIENCE)
        linked.replace(target)


def _find_compiler() -> str:
    """Return the path of a C compiler: `$CC`, or the first of `COMPILERS`; raise OSError without one."""
    wanted = os.environ.get("CC")
    for name in (wanted,) if wanted else COMPILERS:
        found = shutil.which(name)
        if found:
            return found
    raise OSError("no C compiler")


def _locate(compiler: str) -> Path:
    """Return where the library of this source, this compiler and this processor is kept."""
    told = subprocess.run([compiler, "--version"], check=True, capture_output=True, timeout=PATIENCE).stdout
    parts = (SOURCE.read_bytes(), told, " ".join(FLAGS).encode(), _describe_processor().encode())
    digest = hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
    return find_cache() / "native" / f"kernels-{digest}.so"


def _describe_processor() -> str:
    """Return what tells processors apart that need different code: a home folder may be shared by several machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    kinds = ("model name", "flags", "Features", "CPU part")
    return "\n".join(sorted({line for line in lines if line.startswith(kinds)}))

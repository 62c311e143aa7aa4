"""The compiled library: kernels.c, built once by the machine's C compiler and kept in mien's cache folder.

`torch.utils.cpp_extension.load` is not used: it needs a C++ compiler, ninja and Python's headers, takes 25 s where this
takes 3 s, and its cache does not know for which processor a library was built.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import logging
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from ctypes import c_double, c_int, c_long, c_uint64, c_void_p
from pathlib import Path

from mien.files import find_cache

SOURCES = tuple(Path(__file__).with_name(name) for name in ("kernels.c", "winograd.h", "norm.h"))
COMPILERS = ("gcc", "cc", "clang")
FLAGS = ("-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-fopenmp")
PATIENCE = 120.0
"""Seconds that a compiler may take; it takes three."""

_ARRAYS, _SIZES = [c_void_p] * 3, [c_long] * 5
_NORM = [*[c_long] * 4, c_double, c_int, c_double, c_double, c_uint64, c_double, c_uint64, c_int]
SIGNATURES = {
    "convolve": [*_ARRAYS, *_SIZES, c_void_p, c_void_p, c_double, c_int, c_int],
    "convolve_weights": [*_ARRAYS, *_SIZES, c_int],
    "norm_forward": [*[c_void_p] * 6, *_NORM],
    "norm_apply": [*[c_void_p] * 6, *_NORM],
    "norm_backward": [*[c_void_p] * 9, *_NORM],
}

_log = logging.getLogger(__name__)


@functools.cache
def load_library() -> ctypes.CDLL | None:
    """Return the library; None with `MIEN_NATIVE=0`, outside of Linux, or where it cannot be built or loaded.

    The last is logged once, as a warning with its reason. torch has to be imported before: the library runs in the
    threads of torch's OpenMP, not in a second pool.
    """
    if os.environ.get("MIEN_NATIVE", "1") == "0" or sys.platform != "linux":
        return None  # elsewhere a library may not leave names open for torch's OpenMP
    try:
        return build_library()
    except (OSError, AttributeError, ValueError, subprocess.SubprocessError) as error:
        _log.warning(
            "no compiled loops, torch's own are used, which train slower: %s (MIEN_NATIVE=0 does so without this line)",
            _explain(error),
        )
    return None


def build_library(*, lanes: int | None = None) -> ctypes.CDLL:
    """Return the library, from the cache folder or compiled into it.

    Args:
        lanes: floats in a vector, 8 or 16; None: the widest that the processor has. Both give results on any processor
            (the compiler splits wide vectors), so that a test can hold the one that this machine does not use.

    Raises:
        OSError, subprocess.SubprocessError, AttributeError, ValueError: no compiler, it fails, or what it made is no
            such library.
    """
    flags = FLAGS if lanes is None else (*FLAGS, f"-DLANES={lanes}", "-Wno-psabi")
    compiler = _find_compiler()
    key = _name_build(compiler, flags)
    return _open(_find_built(key) or _build(key, compiler, flags))


def _explain(error: Exception) -> str:
    """Return the reason in one line."""
    if isinstance(error, subprocess.CalledProcessError):
        command = shlex.join(map(str, error.cmd[:2]))
        said = (error.stderr or b"").decode(errors="replace").strip().splitlines()
        found = next((line for line in said if "error" in line), said[-1] if said else f"status {error.returncode}")
        return f"{command} … failed: {found.strip()}"
    if isinstance(error, subprocess.TimeoutExpired):
        return f"{error.cmd[0]} took more than {error.timeout:.0f} s"
    return str(error)


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


def _build(key: str, compiler: tuple[str, ...], flags: tuple[str, ...]) -> Path:
    """Compile the library into the cache folder: whole or not at all."""
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as aside:
        compiled, linked = Path(aside) / "kernels.o", Path(aside) / "kernels.so"
        # Linked without a library of OpenMP, so that the names are those of the one that torch has loaded.
        for command in (
            (*flags, "-c", str(SOURCES[0]), "-o", str(compiled)),
            ("-shared", str(compiled), "-o", str(linked)),
        ):
            subprocess.run([*compiler, *command], check=True, capture_output=True, timeout=PATIENCE)
        built = linked.replace(folder / _name_file(key, linked.read_bytes()))
    _log.info("compiled %s with %s", built, shlex.join(compiler))
    return built


def _folder() -> Path:
    """Return the folder of libraries; raise OSError where others might put one of theirs into it."""
    folder = find_cache() / "native"
    if folder.exists():
        status = folder.stat()
        if status.st_uid != os.getuid() or status.st_mode & 0o022:
            raise OSError(f"{folder} belongs to somebody else, or others may write to it")
    return folder


def _name_file(key: str, content: bytes) -> str:
    return f"{key}-{hashlib.sha256(content).hexdigest()[:16]}.so"


def _find_compiler() -> tuple[str, ...]:
    """Return the command of a C compiler: `$CC`, with arguments such as "ccache gcc", or the first of `COMPILERS`.

    Raises:
        OSError: there is none.
        ValueError: `$CC` has a quotation mark that does not end.
    """
    wanted = shlex.split(os.environ.get("CC", ""))
    for name, *arguments in [wanted] if wanted else [[name] for name in COMPILERS]:
        found = shutil.which(name)
        if found:
            return found, *arguments
    raise OSError(f"no C compiler ({f'CC={shlex.join(wanted)}' if wanted else ', '.join(COMPILERS)}) on the PATH")


def _name_build(compiler: tuple[str, ...], flags: tuple[str, ...]) -> str:
    """Return a name for what this compiler makes of this source with these flags for this processor."""
    told = subprocess.run([*compiler, "--version"], check=True, capture_output=True, timeout=PATIENCE).stdout
    parts = (
        *(source.read_bytes() for source in SOURCES),
        shlex.join(compiler).encode(),
        told,
        " ".join(flags).encode(),
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

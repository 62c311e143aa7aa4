"""The compiled loops of another processor, called under an emulator as if they were this one's library."""

from __future__ import annotations

import ctypes
import shutil
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mien.native.build import FLAGS, SOURCES

COMPILER, EMULATOR = "aarch64-linux-gnu-gcc", "qemu-aarch64"
ARRAYS, WHOLE, FRACTIONS = 9, 8, 4
NAMES = ("convolve", "convolve_weights", "norm_forward", "norm_apply", "norm_backward")


def find_missing() -> str | None:
    """Return what has to be installed before anything can be emulated, or None."""
    missing = [name for name in (COMPILER, EMULATOR) if shutil.which(name) is None]
    return f"needs {' and '.join(missing)} (Debian: gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user)" * bool(
        missing
    )


def build_program(folder: Path) -> Path:
    """Compile the loops, and what calls them, for ARM's 64 bits; return the program."""
    program = folder / "emulated"
    own = [flag for flag in FLAGS if flag not in ("-march=native", "-fPIC")] + ["-Wno-psabi"]
    driver = Path(__file__).with_name("emulated.c")
    command = [COMPILER, *own, "-static", "-I", str(SOURCES[0].parent), str(driver), "-lm", "-o", str(program)]
    subprocess.run(command, check=True, capture_output=True)
    return program


class Emulated:
    """A library with the functions of `kernels.c`, computed by a process under the emulator."""

    def __init__(self, program: Path) -> None:
        self.process = subprocess.Popen([EMULATOR, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.calls = 0

    def close(self) -> None:
        """End the process."""
        self.process.communicate()

    def convolve(self, x: int, w: int, y: int, *rest: Any) -> int:
        """See kernels.c."""
        n, height, width, ci, co, shift, residual, slope, pool, threads = rest
        size = n * height * width
        made = size // 4 * co if pool else size * co
        arrays = [(x, size * ci, False), (w, 9 * ci * co, False), (y, made, True), (shift, co, False)]
        whole = (n, height, width, ci, co, pool, threads)
        return self.call(0, [*arrays, (residual, made, False)], whole, [slope])

    def convolve_weights(self, x: int, dy: int, dw: int, *rest: Any) -> int:
        """See kernels.c."""
        n, height, width, ci, co, threads = rest
        size = n * height * width
        arrays = [(x, size * ci, False), (dy, size * co, False), (dw, 9 * ci * co, True)]
        return self.call(1, arrays, (n, height, width, ci, co, threads), [])

    def norm_forward(self, *arguments: Any) -> int:
        """See norm.h."""
        return self.call_norm(2, arguments, 6, outputs=(1, 4, 5))

    def norm_apply(self, *arguments: Any) -> int:
        """See norm.h."""
        return self.call_norm(3, arguments, 6, outputs=(1,))

    def norm_backward(self, *arguments: Any) -> int:
        """See norm.h."""
        return self.call_norm(4, arguments, 9, outputs=(2, 7, 8))

    def call_norm(self, function: int, arguments: Sequence[Any], arrays: int, *, outputs: tuple[int, ...]) -> int:
        """Call one of the three functions of the norm, whose first arrays are maps and whose last are vectors."""
        pointers = arguments[:arrays]
        n, h, w, c, eps, pool, lower, upper, slope_seed, dropout, dropout_seed, threads = arguments[arrays:]
        full, pooled = n * h * w * c, n * (h // 2) * (w // 2) * c if pool else n * h * w * c
        maps = (full, pooled, full) if arrays == 9 else (full, pooled)
        sizes = (*maps, *[c] * (arrays - len(maps)))
        held = [
            (pointer, size, place in outputs) for place, (pointer, size) in enumerate(zip(pointers, sizes, strict=True))
        ]
        fractions, seeds = [eps, lower, upper, dropout], (slope_seed, dropout_seed)
        return self.call(function, held, (n, h, w, c, pool, threads), fractions, seeds)

    def call(
        self,
        function: int,
        arrays: Sequence[tuple[int | None, int, bool]],
        whole: Sequence[int],
        fractions: Sequence[float],
        seeds: tuple[int, int] = (0, 0),
    ) -> int:
        """Send a request, and write what comes back to where the arrays that go out lie in this process."""
        there = [
            *(entry if entry[0] else (None, 0, False) for entry in arrays),
            *[(None, 0, False)] * (ARRAYS - len(arrays)),
        ]
        head = struct.pack(f"{1 + 2 * ARRAYS}q", function, *(size for _, size, _ in there), *(out for *_, out in there))
        numbers = struct.pack(f"{WHOLE}q", *whole, *[0] * (WHOLE - len(whole)))
        numbers += struct.pack(f"{FRACTIONS}d", *fractions, *[0.0] * (FRACTIONS - len(fractions)))
        numbers += struct.pack("2Q", *seeds)
        sent = [ctypes.string_at(pointer, 4 * size) for pointer, size, out in there if pointer and not out]
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"".join([head, numbers, *sent]))
        self.process.stdin.flush()
        (status,) = struct.unpack("q", self.process.stdout.read(8))
        for pointer, size, out in there:
            if pointer and out:
                ctypes.memmove(pointer, self.process.stdout.read(4 * size), 4 * size)
        self.calls += 1
        return int(status)

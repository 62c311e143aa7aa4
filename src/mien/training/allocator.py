"""Keep the memory of a training step for the next one.

glibc hands large blocks back to the system as soon as they are free, so a training step on the CPU asks for the same
hundreds of megabytes again and again, and the system clears every page of them first. Two settings of glibc's `mallopt`
stop that; results do not change. Where there is no glibc, nothing happens.
"""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Names of the settings in glibc's malloc.h."""

NEVER = 2**31 - 1


def keep_memory() -> bool:
    """Make glibc keep what this process frees; return whether that could be set."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(M_MMAP_MAX, 0)) and bool(mallopt(M_TRIM_THRESHOLD, NEVER))

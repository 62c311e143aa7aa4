"""Compiled loops for a CPU: built once with the machine's C compiler, done without where there is none.

In: a chain of layers as torch has them. Out: the same numbers but for rounding, about twice as fast. The library is
compiled for the processor at hand when they are first wanted (a few seconds) and kept in mien's cache folder.
`MIEN_NATIVE=0` turns it off.
"""

from mien.native.fuse import Chain, torch_alone
from mien.native.ops import keep_kernels

__all__ = ["Chain", "keep_kernels", "torch_alone"]

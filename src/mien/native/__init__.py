"""Compiled loops for a CPU, behind one door: `accelerate(network)`.

They give the same numbers but for rounding, and train about twice as fast. The library is compiled for the processor at
hand when it is first wanted (a few seconds) and kept in mien's cache folder; where that fails, a warning says why and
torch's own loops are used. `MIEN_NATIVE=0` turns it off.
"""

from mien.native.fuse import accelerate, is_available

__all__ = ["accelerate", "is_available"]

"""Synthetic faces: drawn, seeded, seven expressions built from facial action units; no download, no person behind them.

In: counts, a seed, a size. Out: `Splits` that say of themselves that they are synthetic. A score on them tells that a
training works, never how well it would do on photographs.
"""

from mien.synthetic.faces import PER_CLASS, draw_faces, load_synthetic
from mien.synthetic.sheet import draw_sheet
from mien.synthetic.units import ACTION_UNITS

__all__ = ["ACTION_UNITS", "PER_CLASS", "draw_faces", "draw_sheet", "load_synthetic"]

"""Forms of data sets that have their own files or names: one module each; a `Tree` goes in, a `Listing` comes out.

`LAYOUTS` is the order in which they are tried; each answers None where a tree is not of its form.
"""

from __future__ import annotations

from collections.abc import Callable

from mien.data.archives import Tree
from mien.data.bad import BadInputs
from mien.data.layouts import affectnet, cohn_kanade, expw, fer_plus, file_names, sidecars, yolo
from mien.data.listing import Listing, Reading

Layout = Callable[[Tree, BadInputs, Reading], Listing | None]

LAYOUTS: tuple[Layout, ...] = (
    fer_plus.find,
    affectnet.find,
    cohn_kanade.find,
    expw.find,
    yolo.find,
    sidecars.find,
)
"""Tried before folders and tables."""

LAST: tuple[Layout, ...] = (file_names.find,)
"""Tried where neither folders nor tables tell a label."""

"""Read labelled faces: a path goes in, `Splits` of uint8 grey images come out."""

from mien.data.faces import UNLABELLED, Faces, Splits
from mien.data.load import load

__all__ = ["UNLABELLED", "Faces", "Splits", "load"]

"""Recognition on any picture: read, find faces, cut, name their expressions, draw. onnxruntime alone, no PyTorch."""

from mien.recognise.detect import Detector
from mien.recognise.draw import draw
from mien.recognise.face import Box, Face
from mien.recognise.pictures import read_picture
from mien.recognise.recogniser import Recogniser
from mien.recognise.results import FoundFaces

__all__ = ["Box", "Detector", "Face", "FoundFaces", "Recogniser", "draw", "read_picture"]

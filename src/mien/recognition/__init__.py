"""Recognition on any picture: read, find faces, cut, name their expressions, draw. onnxruntime alone, no PyTorch."""

from mien.recognition.clarity import Clarity
from mien.recognition.detect import Detector
from mien.recognition.draw import draw
from mien.recognition.face import Box, Face
from mien.recognition.pictures import read_picture
from mien.recognition.recogniser import Recogniser
from mien.recognition.results import FoundFaces

__all__ = ["Box", "Clarity", "Detector", "Face", "FoundFaces", "Recogniser", "draw", "read_picture"]

"""A run as one ONNX file that needs no PyTorch. In: a `Run`. Out: a model from uint8 faces to honest probabilities.

Normalisation, views and temperature are inside, so that whoever runs the file cannot get them wrong; its metadata say
what it is. `export_run` does it all: build, check against torch and, where asked, compute with 8-bit numbers.
"""

from mien.exporting.graph import build_model, describe_run
from mien.exporting.run import Export, export_run, write_model

__all__ = ["Export", "build_model", "describe_run", "export_run", "write_model"]

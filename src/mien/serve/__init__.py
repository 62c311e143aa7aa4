"""A server for recognition, with a web page: nothing is stored, and no request leaves the machine."""

from mien.serve.app import build_app
from mien.serve.limits import Limits
from mien.serve.run import open_socket, run_server

__all__ = ["Limits", "build_app", "open_socket", "run_server"]

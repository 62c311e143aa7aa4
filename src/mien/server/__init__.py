"""A server for recognition, with a web page: nothing is stored, and no request leaves the machine."""

from mien.server.app import build_app
from mien.server.batching import count_network_threads
from mien.server.limits import Limits
from mien.server.run import open_socket, run_server

__all__ = ["Limits", "build_app", "count_network_threads", "open_socket", "run_server"]

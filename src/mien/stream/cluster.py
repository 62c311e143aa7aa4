"""The door to Ray. In: what RAY_ADDRESS says. Out: `ray`, connected to a cluster, or one line on why not."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mien.errors import MienError, MissingExtraError

ADDRESS = "RAY_ADDRESS"
ANSWER_SECONDS = 10.0
"""How long the head of a cluster may take to answer."""


def connect_ray() -> tuple[Any, bool]:
    """Return ray, connected to the cluster of RAY_ADDRESS, else to one on this machine, which it starts if need be.

    Returns:
        The package, and whether this call has connected it, so that it is for the caller to let go.

    Raises:
        MissingExtraError: Ray is not installed.
        MienError: there is no such cluster, or it is of another version.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what matters is raised; the rest is in Ray's own logs
    os.environ.setdefault("RAY_worker_niceness", "0")  # of a cluster that starts here: 15 hardly gets a turn
    try:
        import ray
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "ray", "ray") from None
    is_new = not ray.is_initialized()
    if is_new:
        _check_address(os.environ.get(ADDRESS, ""))
        with _same_signals():
            try:
                ray.init(log_to_driver=False, logging_level=logging.ERROR)
            except Exception as error:  # a machine too busy to start one in time is told by a bare Exception
                told = next(iter(str(error).strip().splitlines()), type(error).__name__)
                raise MienError(f"`engine` ray: no cluster to work with: {told}") from error
    return ray, is_new


def _check_address(address: str) -> None:
    """Raise MienError where nobody listens at the address: Ray would try for minutes, and then end the process."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not host or not port.isdigit():  # "auto", "local", or none
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        told = getattr(error, "strerror", None) or error
        advice = "start the cluster (ray start --head), or leave it unset for one on this machine"
        raise MienError(f"{ADDRESS} {address}: nobody answers there ({told}): {advice}") from None


@contextmanager
def _same_signals() -> Iterator[None]:
    """Keep the handlers of this process: Ray puts one of its own in, which would end a study without saving."""
    is_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)} if is_main else {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

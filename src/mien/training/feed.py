"""How pictures come to the device: kept there whole, or read batch by batch from the file that they lie in.

In: uint8 pictures, which may be more than memory holds. Out: `Resident` or `Streamed`, which give the pictures of a
batch, the same bytes either way. A streamed batch is read by a thread while the one before it is learnt from; its pages
belong to the file, so that several processes share them and the system takes them back when it needs memory.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mien.data.pages import announce
from mien.faces import Images, cut_blocks, fits_memory

AHEAD = 2
"""Batches that are held at most: the one that is taken next, and the one after it."""

Indices = npt.NDArray[np.int64]


class Feed(Protocol):
    """What gives the pictures of a batch."""

    def expect(self, indices: Indices) -> None:
        """Begin to read the pictures at `indices`, which are asked for next."""

    def take(self, indices: Indices) -> Tensor:
        """Return uint8 (B, H, W) on the device, the pictures at `indices`."""


@final
class Resident:
    """Pictures that are all on the device."""

    def __init__(self, images: Images, device: torch.device) -> None:
        self.pixels = torch.empty(images.shape, dtype=torch.uint8, device=device)
        start = 0
        for block in cut_blocks(images):
            # A copy, because torch warns of the read-only memory that cached faces live in.
            self.pixels[start : start + len(block)] = torch.from_numpy(np.array(block)).to(device)
            start += len(block)

    def expect(self, indices: Indices) -> None:
        """Do nothing: they are there."""

    def take(self, indices: Indices) -> Tensor:
        """Return uint8 (B, H, W) on the device."""
        return self.pick(torch.from_numpy(indices).to(self.pixels.device))

    def pick(self, indices: Tensor) -> Tensor:
        """Return uint8 (B, H, W) of int64 (B,), both on the device."""
        return self.pixels[indices]


@final
class Streamed:
    """Pictures that stay where they are; those of the next batch are read by a thread."""

    def __init__(self, images: Images, device: torch.device) -> None:
        self.images, self.device = images, device
        self.reader = ThreadPoolExecutor(1, thread_name_prefix="mien-read-ahead")
        self.coming: deque[tuple[Indices, Future[Images]]] = deque(maxlen=AHEAD)

    def expect(self, indices: Indices) -> None:
        """Let the thread read them; the batch that was expected before stays until it is taken."""
        self.coming.append((indices, self.reader.submit(self.read, indices)))

    def take(self, indices: Indices) -> Tensor:
        """Return uint8 (B, H, W) on the device: those that were expected, or read now."""
        for place, (expected, reading) in enumerate(self.coming):
            if np.array_equal(expected, indices):
                del self.coming[place]
                return torch.from_numpy(reading.result()).to(self.device)
        return torch.from_numpy(self.read(indices)).to(self.device)

    def read(self, indices: Indices) -> Images:
        """Return uint8 (B, H, W) in memory."""
        announce(self.images, indices)
        return self.images[indices]


def open_feed(images: Images, device: torch.device) -> Feed:
    """Return the pictures as they come to `device`: resident if small, or on a GPU with twice the room."""
    has_room = device.type == "cuda" and images.nbytes <= torch.cuda.mem_get_info(device)[0] // 2
    return Resident(images, device) if has_room or fits_memory(images.nbytes) else Streamed(images, device)

"""Training steps of a GPU as CUDA graphs: hundreds of small kernels, started by one call.

In: what a step computes, told in tensors that stay in their place. Out: the same step, played back. Small networks
leave a GPU waiting for Python between kernels; a graph has none. The first steps at each side of the faces are taken
one kernel at a time, so that all that is made once is made, then one is recorded and played from there on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any, Protocol, final

import torch
from torch import Generator, Tensor

from mien.errors import RunError

Compute = Callable[[], Tensor]
WARM_UP = 3
"""Steps that are taken before one is recorded: libraries set themselves up in the first, as PyTorch advises."""


class Recording(Protocol):
    """A step that was recorded."""

    def play(self) -> Tensor:
        """Take it once more, with what its tensors hold now, and return what it returns."""


class Tape(Protocol):
    """What records steps."""

    def try_out(self, compute: Compute) -> Tensor:
        """Take a step as it will be recorded, and return its outcome."""

    def record(self, compute: Compute) -> Recording:
        """Return the recording of a step, which is not taken for it."""


@final
class CudaGraphs:
    """Records steps on a stream of its own; all recordings share their memory, since one is played at a time.

    Args:
        generators: of random numbers that steps draw beside those of torch's own generator.
    """

    def __init__(self, *generators: Generator) -> None:
        self.generators = generators
        self.stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self.pool = torch.cuda.graph_pool_handle()

    def try_out(self, compute: Compute) -> Tensor:
        """Take a step on the stream of the recordings."""
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            outcome = compute()
        torch.cuda.current_stream().wait_stream(self.stream)
        return outcome

    def record(self, compute: Compute) -> Recording:
        """Return the recording of `compute`."""
        graph = torch.cuda.CUDAGraph()
        for generator in self.generators:
            graph.register_generator_state(generator)
        with torch.cuda.graph(graph, pool=self.pool, stream=self.stream):
            outcome = compute()
        return Played(graph, outcome)


@final
class Played:
    """A CUDA graph and where its outcome lies."""

    def __init__(self, graph: Any, outcome: Tensor) -> None:
        self.graph, self.outcome = graph, outcome

    def play(self) -> Tensor:
        """Play it; the tensor returned is overwritten by the next time."""
        self.graph.replay()
        return self.outcome


@final
class Recorder:
    """Takes steps, and plays those that it has recorded.

    Args:
        tape: records them.
    """

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.taken: Counter[Hashable] = Counter()
        self.recordings: dict[Hashable, Recording] = {}

    def take(self, kind: Hashable, compute: Compute) -> Tensor:
        """Take a step and return its outcome.

        Args:
            kind: steps of one kind compute the same with other numbers.
            compute: the step, which reads its inputs from tensors that stay in their place.

        Raises:
            RunError: it cannot be recorded.
        """
        if kind not in self.recordings:
            if self.taken[kind] < WARM_UP:
                self.taken[kind] += 1
                return self.tape.try_out(compute)
            self.recordings[kind] = self._record(compute)
        return self.recordings[kind].play()

    def _record(self, compute: Compute) -> Recording:
        try:
            return self.tape.record(compute)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise RunError(f"a step cannot be recorded on this GPU ({reason}): `set` train.graphs=false") from error

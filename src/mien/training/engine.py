"""`Engine`: all that moves while training (weights, optimiser, average), on its device, and the one step that moves it.

Devices, mixed precision and several processes are Accelerate's business; the random numbers of a step follow from
(seed, epoch, step), so an engine that was saved after any step and restored goes on bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import InitProcessGroupKwargs
from torch import Generator, Tensor
from torch.nn import functional as F

from mien.errors import ConfigError
from mien.faces import Faces
from mien.models import OWN, Network, build_model
from mien.models.network import WHITE, resize
from mien.native import accelerate, is_available
from mien.processes import count_processes, was_left_alone
from mien.recipes.heads import find_taught
from mien.recipes.schema import Precision, Recipe
from mien.runs.run import Facts
from mien.training.allocator import keep_memory
from mien.training.augment import augment, mirror_those
from mien.training.balance import weigh_classes
from mien.training.batches import derive_seed
from mien.training.capture import CudaGraphs, Recorder, Tape
from mien.training.ema import rate_of_average, start_average, update_average
from mien.training.feed import Resident, open_feed
from mien.training.losses import cross_entropy, teach_heads
from mien.training.optimisers import build_optimizer, hold_rates, set_rate
from mien.training.sync_norm import synchronise_norms
from mien.training.teachers import Teacher, ask_teachers
from mien.training.together import PATIENCE, mean_over_processes

DEVICES = ("auto", "cpu", "cuda", "mps")


def start_accelerator(device: str, precision: Precision) -> Accelerator:
    """Return Accelerate's handle on the device, and on the other processes where several were launched.

    Args:
        device: "auto" (the best there is), "cpu", "cuda" or "mps".
        precision: "no" (float32), "bf16" or "fp16".

    Raises:
        ConfigError: no such device here, one that cannot do the precision, or a launch that did not bring together
            the processes that it was asked for.
    """
    there = {"auto": True, "cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(device):
        found = ", ".join(name for name in DEVICES if there[name])
        raise ConfigError(f"`device` {device}: expected one of {found} on this machine")
    if was_left_alone():
        raise ConfigError("accelerate launch --cpu starts one process only: use  torchrun --nproc_per_node N -m mien …")
    _forget_earlier_training()
    on_cpu = device == "cpu" or (device == "auto" and count_processes() > 1 and not torch.cuda.is_available())
    patience = InitProcessGroupKwargs(timeout=PATIENCE)
    try:
        accelerator = Accelerator(cpu=on_cpu, mixed_precision=precision, kwargs_handlers=[patience])
    except (ValueError, ImportError) as error:
        raise ConfigError(f"train.precision={precision}: not possible on this device ({error})") from None
    if accelerator.num_processes != count_processes():
        found = f"{accelerator.num_processes} of the {count_processes()} processes that were launched"
        raise ConfigError(f"`device` {device}: only {found} can train together on it: try another `device`")
    return accelerator


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a recorded step is told anew each time, in tensors that stay in their place.

    Attributes:
        is_odd: (), whether the epoch is.
        pull: (), how far the average of weights moves.
        batches: number of faces -> (B,), which faces.
    """

    is_odd: Tensor
    pull: Tensor
    batches: dict[int, Tensor] = field(default_factory=dict)

    @classmethod
    def start(cls, device: torch.device) -> Told:
        """Return what has not been told yet."""
        is_odd = torch.zeros((), dtype=torch.bool, device=device)
        return cls(is_odd=is_odd, pull=torch.zeros((), device=device))


@final
class Engine:
    """A network in training.

    Args:
        recipe: every choice.
        faces: train, with labels below `classes`; see `mien.training.feed` for where their pictures are kept.
        classes: number of expressions.
        device: see `start_accelerator`.
        start: tensors to start from, by name; those that it lacks, or all without it, are random.
        teachers: who look at each picture and are part of its target, if any do; they come to the device.
    """

    def __init__(
        self,
        recipe: Recipe,
        faces: Faces,
        *,
        classes: int,
        device: str,
        start: Mapping[str, Tensor] | None = None,
        teachers: Sequence[Teacher] = (),
    ) -> None:
        config = recipe.train
        self.recipe = recipe
        self.accelerator = start_accelerator(device, config.precision)
        self.device = self.accelerator.device
        if self.device.type == "cpu":
            keep_memory()
        torch.manual_seed(derive_seed(config.seed, "weights"))
        network = build_model(recipe.model, classes=classes, size=faces.images.shape[1])
        network.load_state_dict(start or {}, strict=False)
        self.network: Network = network.to(self.device, memory_format=network.memory_format)  # type: ignore[call-overload]
        self.feed = open_feed(faces.images, self.device)
        self.generator = Generator(self.device)
        tape = self._open_tape()
        self.optimizer = build_optimizer(self.network, config, fused=tape is not None or None)
        if tape is not None:
            hold_rates(self.optimizer, self.device)
        self.average = start_average(self.network) if config.ema_decay else None
        if self.accelerator.num_processes > 1:
            synchronise_norms(self.network, self.device)
        # The compiled loops are for float32 on a CPU: elsewhere the network itself is trained.
        is_fast = self.device.type == "cpu" and config.precision == "no"
        trained = accelerate(self.network) if is_fast else self.network
        # It is on its device; to place it there once more would copy the buffers that it shares with the network.
        placed = [False, None]
        self.model, self.stepper = self.accelerator.prepare(trained, self.optimizer, device_placement=placed)
        self.recorder = None if tape is None else Recorder(tape)
        self.told = Told.start(self.device)
        self.teachers = tuple(self._seat(teacher) for teacher in teachers)
        self._place(faces, classes)

    def _place(self, faces: Faces, classes: int) -> None:
        """Bring to the device what the faces teach, and how they are changed and weighed."""
        recipe, config = self.recipe, self.recipe.train
        self.labels = torch.from_numpy(faces.labels).to(self.device)
        soft = faces.targets
        self.targets = self.labels if soft is None else torch.from_numpy(np.array(soft)).to(self.device)
        if self.teachers and soft is None:  # to be mixed with what they see
            self.targets = F.one_hot(self.labels, classes).float()
        self.heads = find_taught(recipe.data.labels)
        self.changes, self.turned = recipe.augment, None
        if recipe.augment.mirror_alternately:
            coins = Generator().manual_seed(derive_seed(config.seed, "mirror"))
            self.turned = (torch.rand(len(faces), generator=coins) < 0.5).to(self.device)
            self.changes = replace(recipe.augment, mirror=0.0)
        weights = weigh_classes(np.bincount(faces.labels, minlength=classes), config.class_weights)
        uniform = config.class_weights == "none"
        self.weights = None if uniform else torch.tensor(weights, dtype=torch.float32, device=self.device)

    def _open_tape(self) -> Tape | None:
        """Return what records steps, where that may be done: a network that we know, alone on a GPU with its pictures.

        What others wrote may compute something else from step to step, which a recording would not; half precision
        looks at each gradient before it goes on.
        """
        config = self.recipe.train
        is_known = self.recipe.model.name in OWN and config.precision != "fp16"
        is_alone = self.accelerator.num_processes == 1 and isinstance(self.feed, Resident)
        may = config.graphs and self.device.type == "cuda" and is_known and is_alone
        return CudaGraphs(self.generator) if may else None

    def _seat(self, teacher: Teacher) -> Teacher:
        """Return `teacher` on the device, as fast as it looks there."""
        network = teacher.network.to(self.device, memory_format=teacher.network.memory_format)  # type: ignore[call-overload]
        network = accelerate(network, frozen=True) if self.device.type == "cpu" else network
        return replace(teacher, network=network, order=teacher.order.to(self.device))

    @property
    def evaluated(self) -> Network:
        """The network to measure and keep: the average where there is one."""
        return self.network if self.average is None else self.average  # type: ignore[return-value]

    def expect(self, indices: npt.NDArray[np.int64]) -> None:
        """Read this process's share of a batch ahead: the next one that `step` is given."""
        self.feed.expect(indices[self.accelerator.process_index :: self.accelerator.num_processes])

    def step(
        self, indices: npt.NDArray[np.int64], *, rate: float, epoch: int, step: int, total: int, side: int
    ) -> Tensor:
        """Take one step and return float64 (2,) on the device: the loss, and the fraction predicted right.

        Args:
            indices: (B,) faces of the batch: the same in every process, each of which takes its share.
            rate: learning rate.
            epoch: from 1.
            step: of the epoch, from 0.
            total: steps before this one, in all epochs.
            side: of the faces shown, in pixels.
        """
        config = self.recipe.train
        self.generator.manual_seed(derive_seed(config.seed, "augment", epoch, step))
        torch.manual_seed(derive_seed(config.seed, "dropout", epoch, step, self.accelerator.process_index))
        set_rate(self.optimizer, rate)
        pull = rate_of_average(config.ema_decay, total)
        if self.recorder is not None:
            return self.play(indices, is_odd=epoch % 2 == 1, total=total, side=side, pull=pull)
        share = slice(self.accelerator.process_index, None, self.accelerator.num_processes)
        pixels, batch = self.feed.take(indices[share]), torch.from_numpy(indices).to(self.device)[share]
        return self.learn(pixels, batch, len(indices), is_odd=epoch % 2 == 1, total=total, side=side, pull=pull)

    def play(self, indices: npt.NDArray[np.int64], *, is_odd: bool, total: int, side: int, pull: float) -> Tensor:
        """Take a step as `learn` does, recorded: what changes from step to step is told in tensors."""
        assert self.recorder is not None
        assert isinstance(self.feed, Resident)
        feed, count, told = self.feed, len(indices), self.told
        told.pull.fill_(pull)
        told.is_odd.fill_(is_odd)
        if count not in told.batches:
            told.batches[count] = torch.empty(count, dtype=torch.int64, device=self.device)
        batch = told.batches[count]
        batch.copy_(torch.from_numpy(indices))
        kind = (count, side, total % 2 if self.teachers else 0)  # teachers take turns with the mirror image

        def compute() -> Tensor:
            seen = feed.pick(batch)
            return self.learn(seen, batch, count, is_odd=told.is_odd, total=total, side=side, pull=told.pull)

        return self.recorder.take(kind, compute).clone()  # the next step overwrites its own

    def learn(
        self,
        pixels: Tensor,
        batch: Tensor,
        faces: int,
        *,
        is_odd: bool | Tensor,
        total: int,
        side: int,
        pull: float | Tensor,
    ) -> Tensor:
        """Take a step with random numbers and rate as they stand, and return what `step` returns.

        Args:
            pixels: uint8 (B, H, W), this process's share of a batch.
            batch: (B,) which faces they are.
            faces: of the whole batch.
            is_odd: whether the epoch is; as `pull`, a tensor () where the step is recorded.
            total: see `step`.
            side: likewise.
            pull: how far the average of weights moves.
        """
        config, processes = self.recipe.train, self.accelerator.num_processes
        share = slice(self.accelerator.process_index, None, processes)
        pictures = (pixels.float() / WHITE).unsqueeze(1)
        if self.turned is not None:
            pictures = mirror_those(pictures, self.turned[batch] ^ is_odd)
        targets, shown = self.targets[batch], None if self.teachers else side
        pictures = augment(pictures, self.changes, self.generator, faces=faces, share=share, side=shown)
        if self.teachers:  # they see it at its full side
            seen = ask_teachers(self.teachers, pictures, total)
            targets = (1.0 - config.teacher_share) * targets + config.teacher_share * seen
            pictures = resize(pictures, side)
        self.model.train()
        logits = self.model(pictures)
        if self.heads:
            loss = teach_heads(logits, targets, self.heads, smoothing=config.label_smoothing)
        else:
            loss = cross_entropy(logits, targets, weights=self.weights, smoothing=config.label_smoothing)
        if processes > 1:  # what follows takes the mean over processes, so each counts by the weight of its share
            weight = self.weigh(targets)
            loss = loss * (weight / mean_over_processes(self.accelerator, weight.clone()))
        self.stepper.zero_grad()
        self.accelerator.backward(loss)
        self.stepper.step()
        if self.average is not None:
            update_average(self.average, self.network, pull)
        answers = logits[:, self.heads[0].columns] if self.heads else logits
        right = (answers.detach().argmax(1) == self.labels[batch]).double().sum() * processes / faces
        return mean_over_processes(self.accelerator, torch.stack((loss.detach().double(), right)))

    def weigh(self, targets: Tensor) -> Tensor:
        """Return what the loss over faces with these targets divides by: their number, or the sum of their weights."""
        if self.weights is None:
            return torch.tensor(float(len(targets)), device=self.device)
        return (self.weights[targets] if targets.ndim == 1 else targets @ self.weights).sum()

    def tensors(self) -> dict[str, Tensor]:
        """Return every tensor that going on takes, by name."""
        named = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        if self.average is not None:
            named |= {f"average.{name}": value for name, value in self.average.state_dict().items()}
        for index, entries in self.optimizer.state_dict()["state"].items():
            named |= {f"optimizer.{index}.{key}": value for key, value in entries.items() if value is not None}
        return named

    def machine(self) -> Facts:
        """Return what, of this machine, the last bits of a step depend on beside the recipe, as far as mien sets it."""
        if self.device.type != "cpu":
            return {"device": self.device.type}
        return {"device": "cpu", "threads": torch.get_num_threads(), "compiled loops": is_available()}

    def scaling(self) -> Facts:
        """Return the state of the loss scaler (fp16), empty without one."""
        scaler = self.accelerator.scaler
        return {} if scaler is None else dict(scaler.state_dict())

    def restore(self, tensors: dict[str, Tensor], scaling: Facts) -> None:
        """Take over what `tensors` and `scaling` returned."""
        self.network.load_state_dict(_under("network.", tensors))
        if self.average is not None:
            self.average.load_state_dict(_under("average.", tensors))
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in _under("optimizer.", tensors).items():
            index, _, key = name.partition(".")
            state.setdefault(int(index), {})[key] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})
        if scaling and self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(scaling)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _forget_earlier_training() -> None:
    """Let this process train on another device or with another precision than before: Accelerate keeps both for good.

    Where several processes train together, they stay together.
    """
    if AcceleratorState._shared_state:
        AcceleratorState._reset_state(reset_partial_state=AcceleratorState().num_processes == 1)

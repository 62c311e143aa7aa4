"""The epochs: `train` turns faces and a recipe into a run folder, and goes on where a run was stopped."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from mien.errors import Interrupted, RunError
from mien.faces import Faces
from mien.recipes.schema import Recipe
from mien.runs.folder import Record, RunFolder
from mien.runs.run import Facts, save_tensors
from mien.training.batches import count_steps, order_epoch, pick_batch
from mien.training.curves import draw_curves
from mien.training.engine import Engine
from mien.training.measure import measure_valid
from mien.training.schedules import Plateau, grow_side, scale_rate
from mien.training.stopping import Stopping, score_of
from mien.training.teachers import call_teachers, start_weights
from mien.training.telling import Listener, Options, Outcome, Step
from mien.training.together import agree, ask_main, notice_loss
from mien.training.trackers import Tracker, open_trackers

LOOK_EVERY = 10
"""Steps between two looks at the loss: each look makes a GPU wait."""

CLOCKS = ("seconds", "faces_per_second")
"""What an epoch's record tells of the machine; the weights leave it out, so that equal trainings give equal files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Position:
    """Where a run stands between two steps: what a checkpoint holds beside tensors."""

    epoch: int = 0
    step: int = 0
    sums: tuple[float, float] = (0.0, 0.0)
    seconds: float = 0.0
    history: tuple[Record, ...] = ()
    stopping: Stopping = field(default_factory=Stopping)
    plateau: Plateau = field(default_factory=Plateau)


def train(
    recipe: Recipe,
    faces: Faces,
    valid: Faces | None,
    *,
    folder: RunFolder,
    facts: Facts,
    options: Options | None = None,
    listener: Listener | None = None,
) -> Outcome:
    """Train on `faces`, choose the epoch on `valid`, and fill the run folder.

    A folder that holds a checkpoint is gone on with; the result is bit for bit that of an uninterrupted run on the
    same machine. Of several processes, each computes its share of every batch, and the first one writes and speaks.

    Args:
        recipe: every choice.
        faces: train; every label is an index into facts["expressions"].
        valid: faces that choose the epoch and stop early, or None. Test faces have no way in.
        folder: where the run lives.
        facts: what the weights say of themselves: at least expressions, source, synthetic.
        options: device and saving.
        listener: progress.

    Raises:
        Interrupted: `options.should_stop` said so; everything is saved.
        RunError: the loss is not finite, the checkpoint or what to start from is not sound, or another process has
            ended.
        ConfigError: what to start from is another network.
    """
    options, size, expressions = options or Options(), faces.images.shape[1], facts["expressions"]
    start = None if folder.last.exists() else start_weights(recipe, expressions, size)
    teachers = call_teachers(recipe, expressions)
    engine = Engine(recipe, faces, classes=len(expressions), device=options.device, start=start, teachers=teachers)
    known = {**facts, "recipe": recipe.to_dict(), "size": size}
    return _Trainer(engine, faces, valid, folder, known, options, listener or Listener()).run()


class _Trainer:
    """The state of one call of `train`."""

    def __init__(
        self,
        engine: Engine,
        faces: Faces,
        valid: Faces | None,
        folder: RunFolder,
        facts: Facts,
        options: Options,
        listener: Listener,
    ) -> None:
        self.engine, self.accelerator = engine, engine.accelerator
        self.recipe, self.config = engine.recipe, engine.recipe.train
        self.faces, self.valid, self.facts = faces, valid, facts
        self.folder, self.options, self.listener = folder, options, listener
        self.batch = self.config.batch_size * self.accelerator.num_processes
        self.trackers: tuple[Tracker, ...] = ()
        self.at = _Position()

    @property
    def is_main(self) -> bool:
        """True in the one process that writes."""
        return bool(self.accelerator.is_main_process)

    @property
    def kept_epoch(self) -> int:
        """The epoch whose weights the run keeps as it stands."""
        return self.at.stopping.best_epoch if self.config.keep == "best" else self.at.epoch

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return count_steps(len(self.faces), self.batch)

    def run(self) -> Outcome:
        """Go through the epochs that are left."""
        with notice_loss(self.accelerator, self.advise):
            try:
                return self.run_epochs()
            finally:
                for tracker in self.trackers:
                    tracker.close()

    def run_epochs(self) -> Outcome:
        """Go on where the folder says."""
        if self.is_main:
            self.folder.tidy()
        if ask_main(self.accelerator, self.folder.last.exists):
            self.restore()
        if self.is_main:
            self.trackers = open_trackers(self.options.log, self.folder.path, done=self.at.epoch)
        stopped = self.at.stopping.reason(self.config)
        while self.at.epoch < self.config.epochs and stopped is None:
            self.turn_epoch()
            stopped = self.at.stopping.reason(self.config)
        self.draw(stopped)
        seconds = sum(record["seconds"] for record in self.at.history)
        return Outcome(history=self.at.history, best_epoch=self.kept_epoch, stopped=stopped, seconds=seconds)

    def turn_epoch(self) -> None:
        """Take the steps of the epoch that are left, then measure and save."""
        epoch, started, saved = self.at.epoch + 1, time.perf_counter(), time.perf_counter()
        order = order_epoch(self.faces.labels, sampling=self.config.sampling, seed=self.config.seed, epoch=epoch)
        sums = torch.tensor(self.at.sums, dtype=torch.float64, device=self.engine.device)
        before = self.at.seconds
        for step in range(self.at.step, self.steps):
            rate = self.rate_at(step)
            indices, total = pick_batch(order, step, self.batch), self.at.epoch * self.steps + step
            side = self.side_at(step)
            if step + 1 < self.steps:
                self.engine.expect(pick_batch(order, step + 1, self.batch))
            sums += self.engine.step(indices, rate=rate, epoch=epoch, step=step, total=total, side=side)
            done, now = step + 1, time.perf_counter()
            self.at = replace(self.at, step=done, seconds=before + now - started)
            if self.is_time_to_look(done):
                self.look(sums)
            asked = self.is_asked_to_stop(done)
            if done < self.steps and (asked or now - saved > 60.0 * self.options.checkpoint_minutes):
                self.save(sums)
                saved = now
            if asked and done < self.steps:
                raise self.interrupted()
        self.finish_epoch(sums, rate, before + time.perf_counter() - started)

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step of the epoch that is under way."""
        progress = self.progress_at(step)
        factor = scale_rate(self.config.schedule, progress, warmup_fraction=self.config.warmup_fraction)
        return self.config.lr * factor * self.at.plateau.factor

    def side_at(self, step: int) -> int:
        """Return the side in pixels of the faces shown in a step of the epoch that is under way."""
        full, config = self.faces.images.shape[1], self.config
        return grow_side(self.progress_at(step), start=config.start_side, full=full, grow_fraction=config.grow_fraction)

    def progress_at(self, step: int) -> float:
        """Return the part of training that is done in the middle of a step: above 0, below 1."""
        return (self.at.epoch * self.steps + step + 0.5) / (self.config.epochs * self.steps)

    def is_time_to_look(self, done: int) -> bool:
        """Return whether to wait for the device after so many steps of the epoch."""
        return done % LOOK_EVERY == 0 or done == self.steps or self.engine.device.type == "cpu"

    def is_asked_to_stop(self, done: int) -> bool:
        """Return whether somebody asked one of the processes to stop."""
        alone = self.accelerator.num_processes == 1
        return (alone or self.is_time_to_look(done)) and agree(self.accelerator, self.options.should_stop())

    def look(self, sums: Tensor) -> None:
        """Tell the listener how the epoch goes; raise RunError where the loss is not finite."""
        done = self.at.step
        loss, accuracy = (sums / done).tolist()
        if not math.isfinite(loss):
            where = f"epoch {self.at.epoch + 1}, step {done}"
            stays = (
                f"the checkpoint of epoch {self.at.epoch} stays"
                if self.folder.last.exists()
                else "nothing is saved yet"
            )
            advice = f"start again with a lower `set` train.lr (now {self.config.lr:g})"
            raise RunError(f"{self.folder.path}: {where}: the loss is {loss}; {stays}; {advice}")
        if done % LOOK_EVERY == 0 or done == self.steps:
            pace = max(self.at.seconds, 1e-9) / done
            figures = {"loss": loss, "accuracy": accuracy, "faces_per_second": self.batch / pace}
            step = Step(epoch=self.at.epoch + 1, step=done, steps=self.steps, seconds_per_step=pace, **figures)
            self.listener.on_step(step)

    def finish_epoch(self, sums: Tensor, rate: float, seconds: float) -> None:
        """Measure on valid, keep the weights if they are the ones to keep, save, tell."""
        loss, accuracy = (sums / self.steps).tolist()
        epoch = self.at.epoch + 1
        record = {"epoch": epoch, "lr": rate, "train_loss": loss, "train_accuracy": accuracy, **self.measure_valid()}
        record |= {"seconds": round(seconds, 3), "faces_per_second": round(self.steps * self.batch / seconds, 1)}
        record = ask_main(self.accelerator, lambda: record)
        score = score_of(record, self.config)
        stopping, plateau = self.at.stopping.after(epoch, score), self.at.plateau
        if self.config.schedule == "plateau" and (score is not None or self.valid is None):
            seen = -loss if score is None else score
            factor, patience = self.config.plateau_factor, self.config.plateau_patience
            plateau = plateau.after(seen, plateau_factor=factor, patience=patience)
        history = (*self.at.history, record)
        self.at = _Position(epoch=epoch, history=history, stopping=stopping, plateau=plateau)
        known = {**self.facts, **{name: value for name, value in record.items() if name not in CLOCKS}}
        if self.is_main and (stopping.best_epoch == epoch or self.config.keep == "last"):
            save_tensors(self.folder.weights, self.engine.evaluated.state_dict(), known)
        if self.is_main and self.config.keep_last:
            self.folder.save_snapshot(self.engine.evaluated.state_dict(), known, keep=self.config.keep_last)
        self.save(torch.zeros(2))
        for tracker in self.trackers:
            tracker.log(history)
        self.listener.on_epoch(record)
        if self.is_asked_to_stop(self.steps) and epoch < self.config.epochs:
            raise self.interrupted()

    def measure_valid(self) -> Record:
        """Return loss, accuracy and balanced accuracy on valid; nothing without one, or where it is not its turn.

        While faces grow, valid is shown at the side that is trained, since no other one has been learnt yet; the last
        epoch is measured at the full one.
        """
        epoch = self.at.epoch + 1
        if self.valid is None or (epoch % self.config.valid_every and epoch < self.config.epochs):
            return {}
        full = self.faces.images.shape[1]
        side = full if epoch == self.config.epochs else self.side_at(self.steps - 1)
        engine = self.engine
        network, where = engine.evaluated.eval(), {"accelerator": self.accelerator, "device": engine.device}
        figures = measure_valid(network, self.valid, engine.heads, side=side, **where)
        return figures if side == full else {**figures, "valid_side": side}

    def save(self, sums: Tensor) -> None:
        """Write the checkpoint, then the history that it tells."""
        if self.is_main:
            self.at = replace(self.at, sums=tuple(sums.tolist()))
            facts = {
                **self.facts,
                "epoch": self.at.epoch,
                "faces_per_step": self.batch,
                "position": asdict(self.at),
                "scaling": self.engine.scaling(),
                "machine": self.engine.machine(),
            }
            self.folder.save_last(self.engine.tensors(), facts)
            self.folder.write_history(self.at.history)

    def restore(self) -> None:
        """Take over the newest sound checkpoint of the folder."""
        tensors, facts, warning = ask_main(self.accelerator, self.folder.load_last)
        if warning is not None:
            self.listener.on_warning(warning)
        try:
            self.engine.restore(tensors, facts["scaling"])
            held = facts["position"]
            stopping, plateau = Stopping(**held["stopping"]), Plateau(**held["plateau"])
            rest = {**held, "history": tuple(held["history"]), "sums": tuple(held["sums"])}
            self.at = _Position(**{**rest, "stopping": stopping, "plateau": plateau})
            self.keep_batch(facts.get("faces_per_step", self.batch))
            self.compare_machine(facts.get("machine", {}))
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise RunError(f"{self.folder.last}: does not fit the recipe of the run ({error})") from error
        if self.is_main:
            self.folder.write_history(self.at.history)

    def compare_machine(self, before: Facts) -> None:
        """Say where the run cannot keep the bits that it would have had."""
        now = self.engine.machine()
        changed = [
            f"{name} {before[name]}, now {now[name]}" for name in now if before.get(name, now[name]) != now[name]
        ]
        if changed:
            self.listener.on_warning(
                f"the run was computed with {'; '.join(changed)}: it goes on, with other last bits"
            )

    def keep_batch(self, faces_per_step: int) -> None:
        """Let each step take as many faces as before, however many processes share them now."""
        if faces_per_step != self.batch:
            before, now = faces_per_step // self.config.batch_size, self.accelerator.num_processes
            same = f"each step stays at {faces_per_step} faces"
            self.listener.on_warning(f"the run was started with {before} processes and goes on with {now}: {same}")
        self.batch = faces_per_step

    def draw(self, stopped: str | None) -> None:
        """Draw the curves, as SVG and PNG."""
        if self.is_main and self.at.history:
            title = f"{self.recipe.name} on {Path(self.facts['source']).name}" + (
                " (synthetic faces)" if self.facts["synthetic"] else ""
            )
            kept = self.kept_epoch
            for kind in ("svg", "png"):
                path = self.folder.path / f"curves.{kind}"
                draw_curves(self.at.history, path, title=title, kept_epoch=kept, stopped=stopped)

    def advise(self) -> str:
        """Return what to do when another process is lost."""
        if not self.folder.last.exists():
            return f"{self.folder.path}: nothing is saved yet: start again"
        return f"the newest checkpoint stays: go on with  mien train --resume {self.folder.path}"

    def interrupted(self) -> Interrupted:
        """Return the error that says how to go on, once everything is saved."""
        self.draw(None)
        self.accelerator.wait_for_everyone()
        where = f"epoch {self.at.epoch + 1}, step {self.at.step} of {self.steps}"
        return Interrupted(
            f"stopped at {where}; everything is saved: go on with  mien train --resume {self.folder.path}"
        )

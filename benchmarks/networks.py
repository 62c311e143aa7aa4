"""Train, from random weights, every network that a shipped file descends from, and make the files. Resumable.

    python -m benchmarks.networks --data fer2013.csv --votes fer2013new.csv [--photographs FOLDER]
        [--out runs/networks] [--seed 0] [--list]

Each step is a command of mien that can be given by hand (`--list` shows them all and trains nothing). What is finished
is left out, what was stopped goes on, bit for bit. About two hours and a half on one core with AVX-512. Photographs
(`benchmarks.photographs`) teach what is no face; without them that is learnt from drawings and votes alone.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A run: its folder's name, its recipe, and what else `mien train` is told; {out} is the folder of all runs."""

    name: str
    recipe: str
    options: tuple[str, ...] = ()


TRAININGS = (
    Training(name="heads-first", recipe="heads"),
    Training(
        name="heads",
        recipe="heads",
        options=(
            *("--set", "train.start_from={out}/heads-first", "--set", "train.teachers={out}/heads-first"),
            *("--set", "train.teacher_share=0.5", "--set", "train.label_smoothing=0", "--set", "train.epochs=120"),
            *("--set", "train.lr=0.03", "--set", "train.start_side=48"),
        ),
    ),
)
"""In the order in which they need each other; the last one ships."""

Runner = Callable[[list[str]], None]


def list_commands(data: Path, votes: Path, out: Path, seed: int, photographs: Path | None = None) -> list[list[str]]:
    """Return the commands that are left to do, in order."""
    commands = []
    for training in TRAININGS:
        folder = out / training.name
        if is_finished(folder):
            continue
        if (folder / "checkpoints" / "last.safetensors").exists():
            commands.append(["mien", "train", "--resume", str(folder)])
            continue
        given = ["--data", str(data), "--votes", str(votes), "--recipe", training.recipe, "--seed", str(seed)]
        options = [option.format(out=out) for option in training.options]
        commands.append(["mien", "train", *given, *options, "--out", str(folder)])
    last = out / TRAININGS[-1].name
    given = ["--data", str(data), "--votes", str(votes)]
    more = [] if photographs is None else ["--photographs", str(photographs)]
    return [*commands, ["benchmarks.bundle", str(last), str(out / "weights"), *given, *more]]


def is_finished(folder: Path) -> bool:
    """Say whether the run in `folder` has come to its end."""
    try:
        facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return facts.get("outcome") is not None


def run_command(command: list[str]) -> None:
    """Run a module of this Python: a command that fails ends all."""
    subprocess.run([sys.executable, "-m", *command], check=True)


def make_networks(commands: list[list[str]], run: Runner = run_command) -> None:
    """Run the commands one after the other, telling each."""
    for command in commands:
        print("python -m", shlex.join(command), flush=True)
        run(command)


def main() -> None:
    """Read the options and begin."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--votes", type=Path, required=True)
    parser.add_argument("--photographs", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/networks"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    commands = list_commands(options.data, options.votes, options.out, options.seed, options.photographs)
    if options.list:
        print("\n".join(f"python -m {shlex.join(command)}" for command in commands))
        return
    try:
        make_networks(commands)
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)


if __name__ == "__main__":
    main()

"""Several processes: they train as one with a larger batch, one of them writes, and none waits for one that is gone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import take_steps
import torch
from safetensors.torch import load_file
from torch import nn

from conftest import ROOT, stop_mien, write_shapes
from mien.errors import ConfigError
from mien.models import build_model
from mien.processes import count_processes, is_first_of_machine, is_main_process, was_left_alone
from mien.recipes.named import QUICK
from mien.runs.run import load_tensors
from mien.theory import batchnorm
from mien.training import RunFolder
from mien.training.engine import start_accelerator
from mien.training.sync_norm import SyncNorm, synchronise_norms

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "COLUMNS": "140"}
LAUNCH = (sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port")
TINY = ("--recipe", "quick", "--set", "train.batch_size=8", "--device", "cpu", "--checkpoint-minutes", "0")
STOPPED_AT = ROOT / "tests" / "stopped_at.py"


def launch(*arguments: object, port: int, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run two processes as a user does."""
    command, environment = [*LAUNCH, str(port), *map(str, arguments)], {**ENVIRONMENT, **variables}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def find_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def port() -> int:
    """Return a port that nobody listens on."""
    return find_port()


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what one process, and what two, have made of the same steps."""
    script, folder = ROOT / "tests" / "training" / "take_steps.py", tmp_path_factory.mktemp("taken")
    alone = subprocess.run([sys.executable, script, folder / "one"], env=ENVIRONMENT, check=False)
    together = launch(script, folder / "two", port=find_port())
    assert (0, 0) == (alone.returncode, together.returncode), together.stderr
    return folder


def test_the_norm_of_two_processes_is_the_norm_of_all_their_maps_derived_by_hand(taken: Path) -> None:
    """Outputs, all gradients and running statistics: mien.theory on the whole batch, in double precision."""
    found, (maps, slopes) = load_file(taken / "two-norm"), (take_steps.MAPS, take_steps.SLOPES)
    gamma, beta = np.ones(5), np.zeros(5)
    grads = batchnorm.batchnorm_backward(slopes, maps, gamma)
    running = batchnorm.update_running(np.zeros(5), np.ones(5), maps)
    share = slice(3, 6)  # of the second process, which wrote the file
    expected = {
        "normal": batchnorm.batchnorm(maps, gamma, beta).y[share],
        "maps": grads.x[share],
        "weight": grads.gamma,
        "bias": grads.beta,
        "running_mean": running[0],
        "running_var": running[1],
    }
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name].numpy(), value, rtol=1e-10, atol=1e-10, err_msg=name)


def test_two_processes_take_the_steps_of_one_with_the_whole_batch(taken: Path) -> None:
    """Weights, norms, average, momentum and losses after 20 steps, seen in the process that does not decide."""
    one, two = load_file(taken / "one"), load_file(taken / "two")
    assert one.keys() == two.keys()
    for name, expected in one.items():
        torch.testing.assert_close(
            expected, two[name], rtol=0, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}"
        )
    assert two["agreed"].tolist() == [True, False]
    assert two["told"].item() == 0


@pytest.fixture
def process_group(tmp_path: Path) -> object:
    """Let this process be a group of one."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'meeting'}", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("process_group")
@pytest.mark.parametrize("shape", [(6, 5, 4, 3), (9, 5)])
def test_the_synchronised_norm_is_batch_norm(shape: tuple[int, ...]) -> None:
    """Outputs, gradients and running statistics, in training and in evaluation."""
    generator = torch.Generator().manual_seed(0)
    plain = (nn.BatchNorm2d if len(shape) == 4 else nn.BatchNorm1d)(5, dtype=torch.float64)
    nn.init.uniform_(plain.weight, generator=generator)
    synchronised = nn.Sequential(type(plain)(5, dtype=torch.float64))
    synchronised[0].load_state_dict(plain.state_dict())
    synchronise_norms(synchronised, torch.device("cpu"))
    assert isinstance(synchronised[0], SyncNorm)
    maps = 3.0 + torch.randn(shape, generator=generator, dtype=torch.float64)
    own, other = maps.clone().requires_grad_(), maps.clone().requires_grad_()
    for _ in range(2):
        expected, found = plain(own), synchronised(other)
    (expected**3).sum().backward()
    (found**3).sum().backward()
    torch.testing.assert_close(expected, found)
    torch.testing.assert_close(own.grad, other.grad)
    torch.testing.assert_close(plain.state_dict(), synchronised[0].state_dict())
    torch.testing.assert_close(plain.eval()(maps), synchronised.eval()(maps))


def test_synchronising_keeps_the_names_and_the_very_parameters() -> None:
    """So that checkpoints fit, and an optimiser that was made before still moves them."""
    network = build_model(QUICK.model, classes=3, size=16)
    names, before = list(network.state_dict()), list(map(id, network.parameters()))
    synchronise_norms(network, torch.device("cpu"))
    assert names == list(network.state_dict())
    assert sorted(before) == sorted(map(id, network.parameters()))
    assert not any(isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)) for module in network.modules())


def test_a_process_alone_is_the_first_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a launcher, and with the variables of one."""
    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR"):
        monkeypatch.delenv(name, raising=False)
    assert (1, True, True, False) == (count_processes(), is_main_process(), is_first_of_machine(), was_left_alone())
    monkeypatch.setenv("RANK", "8")
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "16")
    assert (16, False, True) == (count_processes(), is_main_process(), is_first_of_machine())


def test_a_launcher_that_starts_only_one_of_the_wanted_processes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """`accelerate launch --cpu --num_processes 2` without MPI would train quietly with half the batch."""
    monkeypatch.setenv("ACCELERATE_USE_CPU", "True")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    with pytest.raises(ConfigError, match="torchrun --nproc_per_node"):
        start_accelerator("cpu", "no")


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of small pictures."""
    return write_shapes(tmp_path_factory.mktemp("data") / "shapes", per_class=24)


@pytest.mark.slow
def test_ctrl_c_saves_once_and_one_process_goes_on_with_the_same_batch(shapes: Path, tmp_path: Path, port: int) -> None:
    """One line of each kind, one checkpoint; the run that goes on alone takes as many faces a step."""
    run = RunFolder(tmp_path / "run")
    training = ("train", "--data", shapes, *TINY, "--set", "train.epochs=400", "--out", run.path)
    stopped = launch(STOPPED_AT, "SIGINT", "step 6", *training, port=port, STOP_RANK="0", STOP_PARENT="1")
    assert [1, 1] == [stopped.stderr.count("mien: saving"), stopped.stderr.count("mien: stopped at epoch")]
    position = load_tensors(run.last)[1]["position"]
    assert json.loads((run.path / "run.json").read_text())["processes"] == 2
    again = stop_mien(signal.SIGINT, "step 6", "train", "--resume", run.path)
    facts = load_tensors(run.last)[1]
    assert "started with 2 processes and goes on with 1: each step stays at 16 faces" in again.err
    assert facts["faces_per_step"] == 16
    assert facts["position"]["epoch"] >= position["epoch"]


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_process_ends_the_run_with_one_line_and_a_good_checkpoint(
    shapes: Path, tmp_path: Path, port: int, victim: int
) -> None:
    """SIGKILL to either: the other one says what happened and how to go on, and what it says is true."""
    run = RunFolder(tmp_path / "run")
    training = ("train", "--data", shapes, *TINY, "--set", "train.epochs=400", "--out", run.path)
    killed = launch(STOPPED_AT, "SIGKILL", "step 6", *training, port=port, STOP_RANK=str(victim))
    assert killed.returncode != 0
    line = f"mien: process {1 - victim} of 2: another process has ended or does not answer; the newest checkpoint stays"
    assert 1 == killed.stderr.count(line), killed.stderr
    assert str(ROOT / "src") not in killed.stderr  # no traceback of ours; the launcher shows one of its own
    tensors, facts = load_tensors(run.last)
    assert all(np.isfinite(value.numpy()).all() for name, value in tensors.items() if name.startswith("network."))
    assert facts["faces_per_step"] == 16


@pytest.mark.slow
def test_bad_input_is_one_line_of_one_process(tmp_path: Path, port: int) -> None:
    """Found when both processes are together already, so that neither may leave the other waiting."""
    (tmp_path / "empty").mkdir()
    ended = launch("-m", "mien", "train", "--data", tmp_path / "empty", *TINY, "--out", tmp_path / "run", port=port)
    assert ended.returncode != 0
    assert 1 == ended.stderr.count("mien: ")
    assert not (tmp_path / "run").exists()

"""The moving average of weights."""

import torch
from torch import nn

from mien.training.ema import rate_of_average, start_average, update_average


def test_the_average_of_constant_weights_is_those_weights() -> None:
    """Nothing moves where nothing changes."""
    network = nn.Linear(3, 2)
    average = start_average(network)
    for step in range(5):
        update_average(average, network, rate_of_average(0.9, step))
    torch.testing.assert_close(network.weight, average.weight)


def test_the_average_moves_by_one_minus_the_decay() -> None:
    """Late in training the decay is the one asked for."""
    network, target = nn.Linear(1, 1), 3.0
    average = start_average(network)
    nn.init.constant_(average.weight, 1.0)
    nn.init.constant_(network.weight, target)
    update_average(average, network, rate_of_average(0.9, 10_000))
    torch.testing.assert_close(torch.tensor([[0.9 * 1.0 + 0.1 * target]]), average.weight)


def test_early_steps_forget_the_start_quickly() -> None:
    """At step 0 the decay is 1/10, whatever was asked for."""
    network = nn.Linear(1, 1)
    average = start_average(network)
    nn.init.constant_(average.weight, 0.0)
    nn.init.constant_(network.weight, 1.0)
    update_average(average, network, rate_of_average(0.999, 0))
    torch.testing.assert_close(torch.tensor([[0.9]]), average.weight)


def test_batch_norm_statistics_are_averaged_and_counters_copied() -> None:
    """A network evaluated with the average needs the statistics that belong to it."""
    network = nn.BatchNorm1d(2)
    average = start_average(network)
    network(torch.randn(8, 2))
    update_average(average, network, rate_of_average(0.9, 10_000))
    assert average.num_batches_tracked == 1
    torch.testing.assert_close(0.1 * network.running_mean, average.running_mean)


def test_the_average_has_no_gradients_and_is_in_evaluation_mode() -> None:
    """It is there to be measured, not trained."""
    average = start_average(nn.Linear(2, 2))
    assert not average.training
    assert not any(value.requires_grad for value in average.parameters())

"""Several networks as one."""

import numpy as np
import pytest
import torch

from conftest import draw_shapes
from mien.evaluation.predict import predict_probabilities
from mien.models import build_model
from mien.models.mixture import mix_networks
from mien.models.summary import summarise
from mien.recipes.schema import ModelConfig


@pytest.fixture(scope="module")
def networks():
    """Return three untrained networks, the last one for larger faces."""
    torch.manual_seed(0)
    return [build_model(ModelConfig(name="small"), classes=3, size=size).eval() for size in (16, 16, 24)]


def test_a_mixture_answers_with_the_weighted_mean_of_probabilities(networks):
    """Also where a member takes smaller faces than the mixture does."""
    images, shares = draw_shapes(4, size=24).images, (0.5, 0.25, 0.25)
    expected = sum(
        share * predict_probabilities(network, images) for network, share in zip(networks, shares, strict=True)
    )
    mixture = mix_networks(networks, shares)
    assert 24 == mixture.size
    np.testing.assert_allclose(expected, predict_probabilities(mixture, images), atol=1e-5)


def test_a_mixture_of_one_is_that_network(networks):
    """Its probabilities, to rounding."""
    images = draw_shapes(4).images
    expected = predict_probabilities(networks[0], images)
    np.testing.assert_allclose(expected, predict_probabilities(mix_networks(networks[:1], (1.0,)), images), atol=1e-6)


def test_the_weights_of_a_mixture_are_those_of_its_members(networks):
    """Every tensor of every member, and the shares, are in its state: one file holds it all."""
    state = mix_networks(networks, (0.5, 0.25, 0.25)).state_dict()
    assert 1 + sum(len(network.state_dict()) for network in networks) == len(state)
    assert [0.5, 0.25, 0.25] == state["layers.0.shares"].tolist()


def test_the_layers_of_a_mixture_can_be_listed(networks):
    """Its parameters are those of its members."""
    parts = [summarise(network).parameters for network in networks[:2]]
    assert sum(parts) == summarise(mix_networks(networks[:2], (0.5, 0.5))).parameters

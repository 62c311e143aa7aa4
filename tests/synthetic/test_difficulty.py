"""How hard the faces are: too varied for a linear classifier on pixels, easy for a small convolutional network."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mien.synthetic import load_synthetic


@pytest.fixture(scope="module")
def splits():
    """The default set, as `mien train` sees it."""
    return load_synthetic()


@pytest.mark.slow
@pytest.mark.parametrize("inverse_penalty", [1e-4, 1e-3])
def test_a_linear_classifier_on_pixels_stays_under_60_percent(splits, inverse_penalty):
    """Multinomial logistic regression on standardised pixels; weaker penalties only overfit more."""
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=inverse_penalty, tol=0.01, max_iter=300))
    pixels = splits.train.images.reshape(len(splits.train), -1).astype(np.float32)
    classifier.fit(pixels, splits.train.labels)
    accuracy = classifier.score(splits.test.images.reshape(len(splits.test), -1), splits.test.labels)
    assert 0.25 < accuracy < 0.60


@pytest.fixture
def torch():
    """Torch on one thread: with several, tests that run side by side wait for each other."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield torch
    torch.set_num_threads(threads)


@pytest.mark.slow
def test_a_small_network_passes_90_percent(splits, torch):
    """Four convolutions with 65,000 weights in all, three passes over the train split."""
    torch.manual_seed(0)
    network = build_network(torch)
    train_three_epochs(torch, network.train(), splits.train)
    with torch.no_grad():
        guesses = network.eval()(standardise(torch, splits.test.images)).argmax(dim=1).numpy()
    assert (guesses == splits.test.labels).mean() > 0.90


def standardise(torch, images):
    """Return float32 (N, 1, H, W) around 0."""
    return (torch.from_numpy(images)[:, None].float() - 128) / 64


def build_network(torch):
    """Return four convolutions, the first in steps of 2, the others pooled, and a linear layer."""
    nn = torch.nn
    layers = [nn.Conv2d(1, 16, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    for entering, leaving in ((16, 32), (32, 64), (64, 64)):
        convolution = nn.Conv2d(entering, leaving, 3, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm2d(leaving), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 3 * 3, 7))


def train_three_epochs(torch, network, faces, batch=64, epochs=3):
    """Train with AdamW and one cycle of the learning rate."""
    images, labels = standardise(torch, faces.images), torch.from_numpy(faces.labels)
    batches = len(faces) // batch
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 6e-3, total_steps=epochs * batches)
    for _ in range(epochs):
        for chosen in torch.randperm(len(faces))[: batches * batch].view(-1, batch):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(network(images[chosen]), labels[chosen]).backward()
            optimiser.step()
            schedule.step()

"""The compiled loops on ARM's 64 bits (NEON), under an emulator: that they are right, not how fast they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import test_ops as held
from emulated import Emulated, build_program, find_missing

from mien.native import ops

pytestmark = pytest.mark.skipif(bool(find_missing()), reason=str(find_missing()))


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    """Return the loops at the width of vectors that is chosen there."""
    library = Emulated(build_program(tmp_path_factory.mktemp("emulated")))
    yield library
    library.close()


@pytest.fixture(autouse=True)
def arm(emulated: Emulated, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let torch's operators call the emulated library; a test that never does proves nothing."""
    monkeypatch.setattr(ops, "load_library", lambda: emulated)
    before = emulated.calls
    yield
    assert emulated.calls > before


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 7), (9, 12)])
@pytest.mark.parametrize(("channels", "kernels"), [(32, 96), (64, 32)])
def test_a_convolution_and_its_gradients_hold_on_arm(channels: int, kernels: int, height: int, width: int) -> None:
    """Rounding apart, as on the processors of the other tests: tiles of 4×4, of 6×6 and parts of both."""
    held.test_a_convolution_and_its_gradients_are_those_of_torch_in_float64(3, channels, kernels, height, width)


def test_a_first_layer_and_its_gradient_hold_on_arm() -> None:
    """Of one channel."""
    held.test_a_convolution_of_few_channels_and_its_gradients_are_those_of_torch_in_float64(1, 64, 9, 12)


def test_a_convolution_with_its_norm_folded_in_holds_on_arm() -> None:
    """With rectifier, max-pool and maps to add."""
    held.test_a_convolution_with_its_norm_folded_in_is_that_of_torch_in_float64(6, 14, 0.2, 32, True)


@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_a_norm_and_its_gradients_hold_on_arm(pool: bool, slope: float) -> None:
    """With rectifier and pool."""
    held.test_a_norm_with_rectifier_and_pool_and_its_gradients_are_those_of_torch_in_float64(pool, slope, 0.0)


def test_random_slopes_and_zeros_hold_on_arm() -> None:
    """The gradient is that of the very numbers that were drawn."""
    held.test_a_random_norm_has_the_gradient_of_its_own_draws()

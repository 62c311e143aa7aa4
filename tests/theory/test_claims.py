"""The claims hold, and each witness would notice if one did not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from mien.theory.claims import Claim, Results, check_claim, compare_results, slopes_of
from mien.theory.gradcheck import Named
from mien.theory.witnesses import CLAIMS, network

BY_NAME = [pytest.param(claim, id=f"{claim.topic}: {claim.name}") for claim in CLAIMS]


def spoil(formula: Callable[[Named], Results]) -> Callable[[Named], Results]:
    """Return the formula with every answer 2 % too large."""
    return lambda at: {name: 1.02 * np.asarray(value) for name, value in formula(at).items()}


@pytest.mark.parametrize("claim", BY_NAME)
def test_a_claim_holds_with_other_inputs_than_the_commands(claim: Claim) -> None:
    """Seed 1, one trial: all three witnesses agree."""
    finding = check_claim(claim, seed=1, trials=1)
    assert finding.autograd is not None
    assert finding.holds


@pytest.mark.parametrize("claim", BY_NAME)
def test_each_witness_notices_a_broken_formula(claim: Claim) -> None:
    """An answer that is 2 % off is outside the tolerance of each witness alone."""
    finding = check_claim(replace(claim, formula=spoil(claim.formula)), seed=1, trials=1)
    assert finding.autograd is not None
    assert min(finding.by_hand, finding.autograd) > claim.tolerance
    assert finding.numerical > claim.numerical_tolerance
    assert not finding.holds


def test_an_answer_that_is_left_out_is_infinitely_far() -> None:
    """A formula cannot hold by saying less."""
    full = {"x": np.ones(2), "y": np.ones(2)}
    assert np.inf == compare_results({"x": np.ones(2)}, full)
    assert np.inf == compare_results({"x": np.ones(3), "y": np.ones(2)}, full)


def test_differences_without_a_gradient_are_no_witness() -> None:
    """A formula that names no input gives nothing to differentiate, which is an error, not agreement."""
    with pytest.raises(ValueError, match="expected a gradient of one of"):
        slopes_of(lambda at: 0.0)({"x": np.ones(1)}, {"y": np.ones(1)}, np.random.default_rng(0))


@pytest.mark.parametrize("is_training", [True, False])
def test_the_network_is_differenced_where_its_loss_has_one_slope(is_training: bool) -> None:
    """Drawn inputs keep away from every kink; put on one (a bias that leaves an activation at 0), they would not."""
    at = dict(network.draw_faces(np.random.default_rng(3)))
    assert network.measure_margin(at, is_training) > network.MARGIN
    at["1.weight"], at["1.bias"] = np.zeros(2), np.zeros(2)
    assert network.measure_margin(at, is_training) == 0.0


def run_python(code: str) -> str:
    """Return what a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_the_theory_imports_nothing_but_numpy() -> None:
    """Neither torch nor matplotlib nor any other part of mien comes with it, but its version."""
    code = (
        "import sys, mien.theory.witnesses, mien.theory.page, mien.theory.derivations, mien.theory.schedules\n"
        "foreign = ('torch', 'matplotlib', 'PIL', 'rich', 'typer', 'sklearn')\n"
        "print([name for name in sys.modules if name in foreign or name.startswith('mien.')"
        " and not name.startswith('mien.theory')])"
    )
    assert run_python(code) == "['mien.version']"


def test_without_torch_the_other_witnesses_still_count() -> None:
    """Autograd is then None, and the claim holds by hand and numerically."""
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from mien.theory.claims import check_claim\nfrom mien.theory.witnesses import CLAIMS\n"
        "finding = check_claim(CLAIMS[2]); print(finding.autograd, finding.holds)"
    )
    assert run_python(code) == "None True"

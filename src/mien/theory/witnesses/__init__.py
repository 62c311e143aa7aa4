"""Every claim of the theory, in the order of docs/theory.md.

One module a topic: it draws inputs and asks the formula and its three witnesses.
"""

from __future__ import annotations

from mien.theory.claims import Claim
from mien.theory.witnesses import batchnorm, convolution, crossentropy, layers, network, optimisers

CLAIMS: tuple[Claim, ...] = tuple(
    sorted(
        (
            *convolution.CLAIMS,
            *batchnorm.CLAIMS,
            *crossentropy.CLAIMS,
            *optimisers.CLAIMS,
            *layers.CLAIMS,
            *network.CLAIMS,
        ),
        key=lambda claim: claim.section,
    )
)

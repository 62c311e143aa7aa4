"""How a network holds up when its faces are blurred, noisy, dark, turned, cut wrongly or covered.

`corruptions` names them, `stress` measures a network under each, a `Robustness` comes out. The protocol, corruptions of
five severities and the mean accuracy over all of them, is that of Hendrycks and Dietterich 2019 ("Benchmarking Neural
Network Robustness to Common Corruptions and Perturbations", ICLR).
"""

from mien.robustness.corruptions import CORRUPTIONS, SEVERITIES, Corruption, corrupt
from mien.robustness.result import Condition, Robustness

__all__ = ["CORRUPTIONS", "SEVERITIES", "Condition", "Corruption", "Robustness", "corrupt"]

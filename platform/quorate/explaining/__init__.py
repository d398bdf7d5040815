"""What a run's forecasts rest on: features shuffled among out-of-fold rows, and what they add to raw scores.

The fitted models of a run are not stored, so members are fitted again, on the same rows with the same seeds.
"""

from quorate.explaining._explain import explain
from quorate.explaining._explanation import Explanation

__all__ = ["Explanation", "explain"]

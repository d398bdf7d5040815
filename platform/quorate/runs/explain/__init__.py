"""What a run's forecasts rest on: features shuffled among out-of-fold rows, and what they add to raw scores.

The fitted models of a run are not stored, so members are fitted again, on the same rows with the same seeds.
"""

from quorate.runs.explain._explain import explain
from quorate.runs.explain.explanation import Explanation

__all__ = ["Explanation", "explain"]

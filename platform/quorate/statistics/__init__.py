"""The statistics behind metrics and gates; one definition each, used wherever the number appears.

Returns are simple, per bar, net, and zero where no position is held. Every ratio states how it is
annualised. What is undefined is NaN, never zero and never infinite.

Every function takes anything that holds real numbers in as many dimensions as it says, one unless (n, k) is said: an
array of any type, a list, a Series, and computes in float64. Arrays side by side have equal lengths, are taken by
position, and where two come from pandas their indexes must be equal. Masks and classes are booleans, or 0 and 1. What
is not so, and an option outside its range, is a `ValueError` that names the argument, what it must be and what it was.

A value that is not known (NaN, infinite, None, masked) is allowed, and what would have to know it is not known either:
a figure is NaN, a drawdown None; a series (`drawdowns`, `equity_curve`, `returns_of`, `mean_by_bar`) is NaN where it
reaches. No value is dropped. An empty `market`, or `bar` of an information coefficient, is one that is not known.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__.append("load")


def load() -> None:
    """Import what the slower statistics need, while there is nothing else to do."""
    import statsmodels.stats.proportion  # noqa: F401

"""The statistics behind metrics and gates; one definition each, used wherever the number appears.

Returns are simple, per bar, net, and zero where no position is held. Every ratio states how it is
annualised. What is undefined is NaN, never zero and never infinite.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__.append("load")


def load() -> None:
    """Import what the slower statistics need, while there is nothing else to do."""
    import statsmodels.stats.proportion  # noqa: F401

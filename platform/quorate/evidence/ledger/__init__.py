"""What was tried on the same history, as the ledger of the home knows it.

A trial is one distinct out-of-sample return series that could have been promoted. It counts against every
candidate whose bars share history with its own and whose days overlap; that of an opened holdout also against
the walk-forward of every other recipe on such bars. Fits, and thresholds and weights chosen
inside a series from its past, are no trials.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

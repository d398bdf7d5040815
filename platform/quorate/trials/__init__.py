"""What was tried on the same history, as the ledger of the home knows it.

A trial is one distinct out-of-sample return series that could have been promoted. It counts against every
candidate whose bars share history with its own and whose days overlap; that of an opened holdout also against
the walk-forward of every other recipe on such bars. Fits, and thresholds and weights chosen
inside a series from its past, are no trials.
"""

from quorate.trials._candidates import Candidate, Recorder, record_candidates, stored_candidates
from quorate.trials._count import Trials, count, trials_so_far
from quorate.trials._effective import effective
from quorate.trials._lineage import lineage_of, related
from quorate.trials._openings import Opening, looks, record_opening, record_override

__all__ = [
    "Candidate",
    "Opening",
    "Recorder",
    "Trials",
    "count",
    "effective",
    "lineage_of",
    "looks",
    "record_candidates",
    "record_opening",
    "record_override",
    "related",
    "stored_candidates",
    "trials_so_far",
]

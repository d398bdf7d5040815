"""What was tried on the same history, as the ledger of the home knows it.

A trial is one distinct out-of-sample return series that could have been promoted. It counts against every
candidate whose bars share history with its own and whose days overlap; that of an opened holdout also against
the walk-forward of every other recipe on such bars. Fits, and thresholds and weights chosen
inside a series from its past, are no trials.
"""

from quorate.evidence.ledger.candidates import Candidate, Recorder, record_candidates, stored_candidates
from quorate.evidence.ledger.independent import effective
from quorate.evidence.ledger.ledger import Ledger, ledger_of
from quorate.evidence.ledger.lineage import lineage_of, related
from quorate.evidence.ledger.openings import Opening, looks, record_opening, record_override
from quorate.evidence.ledger.reports import record_report
from quorate.evidence.ledger.tally import Count, count, tried_so_far

__all__ = [
    "Candidate",
    "Count",
    "Ledger",
    "Opening",
    "Recorder",
    "count",
    "effective",
    "ledger_of",
    "lineage_of",
    "looks",
    "record_candidates",
    "record_opening",
    "record_override",
    "record_report",
    "related",
    "stored_candidates",
    "tried_so_far",
]

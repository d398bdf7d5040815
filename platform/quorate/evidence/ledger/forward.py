"""The forward record: what versions forecast before it came, a chain of its own that the ledger notes the head of.

::

    HOME/forward/record.jsonl    an entry per line, chained as the ledger is; of all versions, so that one head tells all
    HOME/forward/lock            held while entries are added

It is apart from the ledger, as it may grow by many entries a second, and every count of trials reads the whole ledger.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

from quorate.evidence.ledger.chain import Entry
from quorate.evidence.ledger.ledger import Ledger, ledger_of
from quorate.store import Home

FOLDER, FILE = "forward", "record.jsonl"


def record_of(home: Home, warn: Callable[[str], object] = warnings.warn) -> Ledger:
    """Return the chain of a home's forward record."""
    return Ledger(home.path / FOLDER, warn, FILE)


def last_noted(home: Home) -> Entry | None:
    """Return the latest entry of the ledger about the forward record."""
    return next((e for e in reversed(ledger_of(home).entries()) if e.get("kind") == "forward"), None)


def note_record(home: Home, verdicts: Mapping[str, str]) -> Entry | None:
    """Note in the ledger how far the record goes, and what was said of each ensemble; nothing, if that is known.

    Raises
    ------
    IntegrityError
        If the ledger, or the record, was changed.
    """
    lines = record_of(home).entries()
    if not lines:
        return None
    before = last_noted(home)
    said = {**(before["verdicts"] if before else {}), **verdicts}
    told = {"entries": lines[-1]["seq"], "head": lines[-1]["hash"], "verdicts": said}
    if before and all(before[name] == value for name, value in told.items()):
        return None
    return ledger_of(home).append([{"kind": "forward", "run": "", **told}])[0]

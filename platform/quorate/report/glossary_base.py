"""What a word of the glossary is made of."""

from __future__ import annotations

from typing import NamedTuple


class Term(NamedTuple):
    """A word of the report, in three lines."""

    meaning: str
    formula: str
    source: str


OURS = "a word of this platform"
COMMON = "a common word of trading"

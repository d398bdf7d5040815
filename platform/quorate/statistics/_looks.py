"""What looking at a holdout again costs."""

from __future__ import annotations

from quorate.statistics._boundary import Count, Level, checked

FIRST = 0.8  # of the whole level: who looks once keeps most of it


@checked
def look_level(look: Count, level: Level = 0.05) -> float:
    """Return the level of the `look`-th test on one holdout, so that all together are wrong with `level` at most.

    The first has four fifths of it; those after it share the rest, the k-th ``1 / (k (k - 1))`` of that. They add up to
    the whole however many there are, so that it holds whenever one stops looking, and whatever is looked at
    (Bonferroni's inequality; spending as in Lan and DeMets 1983).

    Parameters
    ----------
    look : int
        1 for the first.
    level : float
        Of all looks together.
    """
    return level * (FIRST if look == 1 else (1 - FIRST) / (look * (look - 1)))

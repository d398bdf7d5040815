"""Which trials are known when another is asked: the same on any number of workers.

Trials are asked in generations. While one is fitted the next is asked already, so that workers never wait for the
sampler; it knows all of the generations before the one that is under way. Those of a generation run side by side
against the best of the generations before: which of them is finished first does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence

GENERATION = 4  # with the one under way at most 8 are asked ahead, which costs no quality (measured)


class Wait(Exception):
    """More trials must be decided before the next can be asked."""


def known_to(number: int, counts: Sequence[bool], trials: int, size: int = GENERATION) -> tuple[int, int] | None:
    """Return how many trials the sampler knows when trial `number` is asked, and where its generation begins.

    Parameters
    ----------
    counts : sequence of bool
        For each decided trial, in order, whether it counts; one that failed does not.
    trials : int
        How many are to count in the end.

    Returns
    -------
    known, begun : int
        Trials that are known, and the number of the first of its generation; None, if trial `number` is not needed:
        all that were asked for are there.

    Raises
    ------
    Wait
        If that depends on trials that are not decided yet.
    """
    known, begun, latest = 0, 0, 0  # decided trials that are known, all that were asked, those of the latest generation
    while True:
        if known > len(counts):
            raise Wait
        asked = max(min(size, trials - sum(counts[:known]) - latest), 0)
        if asked == latest == 0:
            return None
        if begun <= number < begun + asked:
            return known, begun
        known, begun, latest = begun, begun + asked, asked

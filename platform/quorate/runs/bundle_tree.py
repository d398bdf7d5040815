"""The hash tree of a bundle: one hash for all that is in it, which fits that hash chooses, and what these can find.

Leaves and nodes are hashed apart, as in RFC 6962, so that no node can be passed off as a leaf.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

FORGED = 0.1  # share of fits that are taken to be forged, where it is said how likely that is to be found


def root_of(leaves: Sequence[bytes]) -> str:
    """Return the root of the tree over leaves, SHA-256 in hexadecimal; their order and number are part of it.

    Raises
    ------
    ValueError
        If there are none.
    """
    if not leaves:
        raise ValueError("a hash tree must have leaves; it was given none")
    level = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        pairs = [
            hashlib.sha256(b"\1" + one + other).digest() for one, other in zip(level[::2], level[1::2], strict=False)
        ]
        level = [*pairs, *level[2 * len(pairs) :]]  # the last of an odd number goes up as it is
    return level[0].hex()


def chosen(root: str, total: int, wanted: int, word: str = "") -> list[int]:
    """Return which of the fits are computed again: positions in the tree, each as likely as any other.

    Parameters
    ----------
    root : str
        The tree's: whoever changes a fit changes it, and with it which fits are chosen.
    total, wanted : int
        How many fits there are, and how many to choose, without repeating one.
    word : str
        The verifier's own: whoever makes many bundles until their roots choose well does not know it.
    """

    def rank(place: int) -> bytes:
        return hashlib.sha256(f"{root}|{word}|{place}".encode()).digest()

    return sorted(sorted(range(total), key=rank)[:wanted])


def chance(total: int, spots: int, share: float = FORGED) -> float:
    """Return how likely it is that at least one of the chosen fits is forged, if this share of them is.

    Fits are chosen without repeating one: hypergeometric. Of many fits it is ``1 - (1 - share) ** spots``.
    """
    if not total or not spots:
        return 0.0
    forged = min(total, max(1, math.floor(total * share + 0.5)))
    return 1.0 - math.comb(total - forged, min(spots, total)) / math.comb(total, min(spots, total))

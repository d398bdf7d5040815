"""What many judged surrogates come to: shares with their intervals, and the smallest edge that is certified."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from quorate.evidence.result import finite_or_none
from quorate.runs.prove.draw import Drawn
from quorate.statistics._distribution import wilson

POWER = 0.8


def share(passed: int, n: int) -> dict[str, Any]:
    """Return a share with its interval of 95 % (Wilson 1927), as plain data."""
    low, high = (min(max(end, 0.0), 1.0) for end in wilson(passed / n, n))
    return {"passed": passed, "n": n, "share": passed / n, "low": low, "high": high}


def share_in_turn(passed: Iterable[bool], n: int) -> dict[str, Any]:
    """Return the share of up to `n` surrogates, as `share` does, from as many as decide whether it reaches `POWER`.

    It ends where so many were missed that all that are left could not make up for them: with all `n` the answer would
    be the same. The share is of those that were asked; the interval holds what it says of these, too: of 60, between
    93 and 98 % at true shares of 5 to 95 %, as that of all 60 does.
    """
    asked = good = 0
    for asked, one in enumerate(passed, 1):
        good += one
        if (n - asked + good) / n < POWER:
            break
    return share(good, asked)


def level(strength: float, correlation: float, drawn: Sequence[Drawn], brief: bool = False) -> dict[str, Any]:
    """Return what all surrogates of one strength came to, as plain data.

    ``edge`` is the mean annual Sharpe ratio after costs of the judged series over their walk-forwards. ``missed``
    counts the required gates that did not pass, ``only`` those that were the only one; of brief cases neither is known.
    ``instead`` counts by which keys of the recipe (``set``) a clearly better candidate would be judged.
    """
    better = Counter(one.instead for one in drawn if one.instead)
    n, known = len(drawn), [one.sharpe for one in drawn if one.sharpe is not None]
    every = [(*one.development, *(f"{gate} (holdout)" for gate in one.holdout)) for one in drawn]
    return {
        "strength": strength,
        "correlation": correlation,
        "edge": finite_or_none(float(np.mean(known))) if known else None,
        "walk_forward": share(sum(not one.development for one in drawn), n),
        "all": share(sum(not gates for gates in every), n),
        "one_trial": share(sum(one.one_trial for one in drawn), n),
        "missed": {} if brief else _counted(gate for gates in every for gate in gates),
        "instead": [{"set": dict(keys), "n": count} for keys, count in better.most_common()],
        "only": {} if brief else _counted(gates[0] for gates in every if len(gates) == 1),
    }


def _counted(gates: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(gates).items(), key=lambda item: (-item[1], item[0])))


def smallest(edges: Sequence[float | None], shares: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the smallest edge that is certified with `POWER`, and its interval; None where none of them is.

    Parameters
    ----------
    edges : sequence of float
        Ascending.
    shares : sequence of dict
        Of each, as `share` gives it: between two edges the share is taken to lie on the line between theirs.
    """
    return {
        "edge": crossing(edges, [one["share"] for one in shares]),
        "low": crossing(edges, [one["high"] for one in shares]),
        "high": crossing(edges, [one["low"] for one in shares]),
    }


def crossing(edges: Sequence[float | None], values: Sequence[float], wanted: float = POWER) -> float | None:
    """Return where values first reach what is wanted, on the line between two points; None, if they do not.

    Values that fall again count as the highest before them. The first edge, if it is enough, is the answer.
    """
    before: tuple[float, float] | None = None
    for edge, value in zip(edges, values, strict=True):
        if edge is None or not math.isfinite(value):
            continue
        if value >= wanted:
            if before is None:
                return edge
            low, less = before
            return low + (edge - low) * (wanted - less) / (value - less)
        before = edge, max(value, before[1] if before else value)
    return None


def instead(levels: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Return the keys of the recipe that have a clearly better candidate judged; none, if there is none.

    It is the one that is better most often at any edge, if that alone leaves fewer than `POWER` to pass.
    """
    told = [(one["n"] / level["all"]["n"], one["set"]) for level in levels for one in level["instead"][:1]]
    share, keys = max(told, key=lambda each: each[0], default=(0.0, {}))
    return dict(keys) if share > 1 - POWER else {}


def binding(levels: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the gate that is most often missed at the largest edge that is not certified; None, if none is missed.

    Above it there is none, or one that is certified.
    """
    for one in reversed(levels):
        if one["all"]["share"] < POWER and one["missed"]:
            gate, count = next(iter(one["missed"].items()))
            return {"gate": gate, "missed": count, "n": one["all"]["n"], "edge": one["edge"]}
    return None

"""Whether what a version reads, and how its forecasts come true, is still what it was: told beside, by evidence.

Each quantity is one value a bar, held against its own values before by `quorate.statistics._shift`, in both directions.
The evidence of several is their mean, which is valid again however they depend on each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.folds import NEVER
from quorate.serving.account import Forward
from quorate.serving.record import clock_of
from quorate.statistics import Floats
from quorate.statistics._shift import before_of, shift_evidence

DRIFT = 20.0  # evidence from which on it is called so: 5 % at any time
SHIFTS = (-1.0, -0.5, -0.25, 0.25, 0.5, 1.0)  # of a mean, in deviations of one value
INDEPENDENT = 150  # values before, at least: what lasts longer drifts by itself
MOST = 3  # quantities that are named


@dataclass(frozen=True)
class Drift:
    """How far something has moved from what it was.

    Parameters
    ----------
    verdict : {"KEEP", "DRIFT", "TOO EARLY"}
        DRIFT, if the evidence was ever above `DRIFT`; TOO EARLY, where nothing could be compared.
    evidence, highest : float or None
        At the last bar, and the most that it was.
    bars : int
        Forward bars compared.
    largest : dict of str to float
        The quantities with the most evidence of their own.
    not_judged : list of str
        Quantities that vary too slowly, or not at all.
    """

    verdict: str
    evidence: float | None = None
    highest: float | None = None
    bars: int = 0
    largest: dict[str, float] = field(default_factory=dict)
    not_judged: list[str] = field(default_factory=list)


def drift_of(before: Mapping[str, Floats], now: Mapping[str, Floats]) -> Drift:
    """Return whether quantities have moved, each (n_before,) and (n,), one value a bar."""
    bars = len(next(iter(now.values()), ()))
    known = {name: before_of(values) for name, values in before.items()}
    judged = [name for name, one in known.items() if one.independent >= INDEPENDENT]
    left = [name for name in known if name not in judged]
    if not judged or not bars:
        return Drift("TOO EARLY", bars=bars, not_judged=left)
    found = {name: shift_evidence(now[name], known[name], SHIFTS) for name in judged}
    together = np.mean(list(found.values()), axis=0)
    most = sorted(found, key=lambda name: (-float(found[name][-1]), name))[:MOST]
    highest = float(together.max())
    return Drift(
        "DRIFT" if highest > DRIFT else "KEEP",
        float(together[-1]),
        highest,
        bars,
        {name: float(found[name][-1]) for name in most},
        left,
    )


def drift_of_inputs(forward: Forward) -> Drift:
    """Return whether features have moved: of each the rank among all values up to the end of what was judged.

    Its place (``NAME``), and how far it is from the middle (``NAME, spread``), the mean over symbols.
    """
    data, last = forward.walk.dataset, clock_of(forward.version).judged
    judged = int(np.searchsorted(forward.bars.times, last, "right"))
    old, new = data.bar < judged, data.bar >= max(forward.start, judged)
    before: dict[str, Floats] = {}
    now: dict[str, Floats] = {}
    if not new.any() or not old.any():
        return Drift("TOO EARLY")
    for column, name in enumerate(data.feature_names):
        values = data.X[:, column]
        every = np.sort(values[old])
        rank = (np.searchsorted(every, values, "left") + np.searchsorted(every, values, "right")) / (2 * len(every))
        for label, ranks in ((name, rank), (f"{name}, spread", np.abs(rank - 0.5))):
            before[label] = _by_bar(ranks[old], data.bar[old])
            now[label] = _by_bar(ranks[new], data.bar[new])
    return drift_of(before, now)


def drift_of_calibration(forward: Forward) -> Drift:
    """Return whether forecasts come true otherwise than in the backtest: those recorded, whose labels have ended.

    Of each: the error, its size, whether the direction was right, and where there are quantiles the share of them below
    what came.
    """
    walk, judged = forward.walk, forward.report.standing["series"][0]["name"]
    table = forward.report.stored("predictions")
    column = next(name for name in (f"ensemble/{judged}", f"member/{judged}") if name in table)
    levels = [name for name in table if str(name).startswith(f"ensemble/{judged}/q")]
    told = table[[column, "label", *levels]].to_numpy(dtype=np.float64)
    kept = np.isfinite(told[:, :2]).all(axis=1)
    times = table["time"].to_numpy()[kept]
    before = _scores(told[kept, 0], told[kept, 1], told[kept, 2:], walk.binary)
    data, later = walk.dataset, np.flatnonzero(walk.dataset.bar >= forward.start).tolist()
    row_of = {(int(data.bar[row]), int(data.symbol[row])): row for row in later}
    symbol = {name: place for place, name in enumerate(forward.bars.symbols)}
    rows: list[list[float]] = []
    bar: list[int] = []
    for position, entry in sorted(forward.used.items()):
        for one in entry["symbols"]:
            row = row_of.get((position, symbol.get(one["symbol"], -1)))
            if row is None or one.get("forecast") is None or data.end[row] == NEVER:
                continue
            quantiles: dict[str, Any] = one.get("quantiles") or {}
            own = [quantiles.get(str(name).rpartition("/q")[2], np.nan) for name in levels]
            rows.append([one["forecast"], float(data.y[row]), *own])
            bar.append(position)
    if not rows:
        return Drift("TOO EARLY")
    values = np.array(rows, dtype=np.float64)
    now = _scores(values[:, 0], values[:, 1], values[:, 2:], walk.binary)
    at = np.array(bar)
    return drift_of(
        {name: _by_bar(one, np.unique(times, return_inverse=True)[1]) for name, one in before.items()},
        {name: _by_bar(one, at) for name, one in now.items() if name in before},
    )


def _scores(forecast: Floats, label: Floats, quantiles: Floats, binary: bool) -> dict[str, Floats]:
    middle = 0.5 if binary else 0.0
    error = label - forecast
    found = {
        "error": error,
        "size of the error": np.abs(error),
        "direction": ((forecast - middle) * (label - middle) > 0).astype(np.float64),
    }
    if quantiles.shape[1]:
        below = (quantiles < label[:, None]).mean(axis=1)
        found |= {"quantiles below": below, "quantiles below, spread": np.abs(below - 0.5)}
    return found


def _by_bar(values: Floats, bar: NDArray[np.int64]) -> Floats:
    """Return the mean of each bar's values, in time order; `bar` does not fall."""
    _, place = np.unique(bar, return_inverse=True)
    found: Floats = np.bincount(place, weights=values) / np.bincount(place)
    return found

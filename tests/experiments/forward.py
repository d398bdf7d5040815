"""How often `quorate monitor` is wrong, and how soon it is right: the tables of docs/monitor.md.

Run as ``python tests/experiments/forward.py [DRAWS]``; 2,000 draws take a few minutes. Series are those of
tests/support/series.py; what is promised and what comes are drawn together, with the same mean, or another one after.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import signal

sys.path.insert(0, str(Path(__file__).parents[1]))

from quorate.serving.drift import DRIFT, drift_of
from quorate.serving.watched import DOUBT, SHARPE, WITHDRAW
from quorate.statistics._shift import before_of, shift_evidence
from support.series import KINDS, alike

Floats = NDArray[np.float64]
Make = Callable[[np.random.Generator, int, int], Floats]
YEAR, LOOKS = 252, 500
LESS, MORE = -SHARPE / math.sqrt(YEAR), SHARPE / math.sqrt(YEAR)


def tails(rng: np.random.Generator, draws: int, n: int) -> Floats:
    """Return values with the tails of a t distribution with three degrees of freedom."""
    return rng.standard_t(3, size=(draws, n))


def crashes(rng: np.random.Generator, draws: int, n: int) -> Floats:
    """Return values that gain a little and lose much once in a hundred times, of mean zero."""
    found: Floats = np.where(rng.random((draws, n)) < 0.01, -5.0, 0.0) + rng.normal(size=(draws, n)) * 0.7
    return found + 0.05


RETURNS: dict[str, Make] = {**KINDS, "t(3)": tails, "crashes": crashes}


def sizes(draws: int) -> None:
    """Print how often a promise that is kept is doubted, and withdrawn, at any of 250 or 500 looks."""
    print("| returns | judged bars | WITHDRAW, 250 looks | WITHDRAW, 500 looks | ever above 5 | edge, where none is |")
    print("|---|---|---|---|---|---|")
    for kind, make in RETURNS.items():
        for judged in (125, 500, 1250, 2500):
            found = np.zeros(4)
            for one in make(np.random.default_rng([judged, len(kind)]), draws, judged + LOOKS):
                before = before_of(one[:judged])
                evidence = shift_evidence(one[judged:], before, LESS)
                edge = shift_evidence(one[judged:], before, MORE, mean=0.0)
                highest = evidence.max()
                found += [evidence[:250].max() > WITHDRAW, highest > WITHDRAW, highest > DOUBT, edge.max() > WITHDRAW]
            print(f"| {kind} | {judged:,} | {' | '.join(f'{share:.1%}' for share in found / draws)} |", flush=True)


def power(draws: int) -> None:
    """Print how soon an edge that is gone, or turned round, is withdrawn."""
    print("| Sharpe ratio promised | then | within 125 bars | 250 | 500 | 1,000 | median bars |")
    print("|---|---|---|---|---|---|---|")
    for sharpe in (1, 2, 3):
        for word, after in (("gone", 0), ("reversed", -1)):
            until = []
            rng = np.random.default_rng(sharpe)
            for one in KINDS["independent"](rng, draws, 1250 + 1000):
                edge = sharpe / math.sqrt(YEAR)
                before = before_of(one[:1250] + edge)
                over = shift_evidence(one[1250:] + after * edge, before, LESS) > WITHDRAW
                until.append(int(over.argmax()) + 1 if over.any() else math.inf)
            shares = [f"{np.mean(np.array(until) <= n):.0%}" for n in (125, 250, 500, 1000)]
            median = float(np.median(until))
            told = f"{median:.0f}" if math.isfinite(median) else "more than 1,000"
            print(f"| {sharpe} | {word} | {' | '.join(shares)} | {told} |", flush=True)


def drift(draws: int) -> None:
    """Print how often features that last are said to drift, and how often a shift of half a deviation is found."""
    print("| autocorrelation | judged bars | judged | DRIFT, where none is | DRIFT, half a deviation |")
    print("|---|---|---|---|---|")
    for share in (0.0, 0.5, 0.9, 0.95, 0.98, 0.99):
        for judged in (1250, 2500):
            rng = np.random.default_rng([judged, round(100 * share)])
            make = alike(share) if share < 0.95 else slow(share)
            looked, false, found = 0, 0, 0
            for one in make(rng, draws, judged + LOOKS):
                for moved in (0.0, 0.5):
                    values = one + moved * one.std() * (np.arange(len(one)) >= judged)
                    every = np.sort(values[:judged])
                    rank = np.searchsorted(every, values) / judged
                    both = {"place": rank, "spread": np.abs(rank - 0.5)}
                    said = drift_of({k: v[:judged] for k, v in both.items()}, {k: v[judged:] for k, v in both.items()})
                    assert (said.highest or 0) <= DRIFT or said.verdict == "DRIFT"
                    if moved == 0:
                        looked += said.verdict != "TOO EARLY"
                        false += said.verdict == "DRIFT"
                    else:
                        found += said.verdict == "DRIFT"
            shares = [f"{count / max(looked, 1):.1%}" if looked >= draws / 20 else "-" for count in (false, found)]
            print(f"| {share:g} | {judged:,} | {looked / draws:.0%} | {' | '.join(shares)} |", flush=True)


def slow(share: float) -> Make:
    """Return a maker of series that keep nearly all of the value before, begun long ago."""

    def make(rng: np.random.Generator, draws: int, n: int) -> Floats:
        found: Floats = signal.lfilter([1.0], [1.0, -share], rng.normal(size=(draws, n + 2000)), axis=1)[:, 2000:]
        return found

    return make


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    for part in (sizes, power, drift):
        part(count)
        print()

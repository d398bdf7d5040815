"""How often gates decide wrongly, of simulated series without skill: the sizes in docs/studies.md.

Each gate itself is asked, with just what it reads. A batch is drawn from its own seed, so that it can be drawn again.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from quorate import statistics
from quorate_plugins.gates import cross_section, forecasts, paths, regimes, single, statistical
from support.series import KINDS

Floats = NDArray[np.float64]
Make = Callable[[np.random.Generator, int, int], Floats]
BATCHES = 20
CANDIDATES, TRIALS, FAMILY, LOOKS, SYMBOLS, PATHS = 5, 20, 24, 10, 10, 10
NOTHING = SimpleNamespace(returns=np.zeros(1))  # a benchmark that does not vary


def shown(returns: Floats, **more: Any) -> Any:
    """Return what a gate sees of a judged series."""
    performance = SimpleNamespace(
        returns=returns, bars_per_year=252.0, market=more.pop("market", np.empty(0)), carry=None
    )
    told = {"look": 0, "earlier": None, "benchmark": NOTHING, "candidates": {}, "trials": None, "seed": 0}
    return SimpleNamespace(performance=performance, **{**told, **more})


def correlated(make: Make, rng: np.random.Generator, count: int, n: int) -> Floats:
    """Return series that correlate by .5, (count, n)."""
    found = make(rng, count + 1, n)
    together: Floats = (found[1:] + found[0]) / math.sqrt(2)
    return together


def family(series: Floats, seed: int) -> Any:
    """Return what a gate sees of a family of candidates, of which the best is judged."""
    names = [str(k) for k in range(len(series))]
    best = int((series.mean(axis=1) / series.std(axis=1)).argmax())
    candidates = dict(zip(names, series, strict=True))
    return shown(series[best], judged=names[best], candidates=candidates, seed=seed)


def rolled(values: Floats, h: int) -> Floats:
    """Return labels that span `h` bars, which overlap."""
    summed = np.cumsum(values, axis=-1)
    found: Floats = summed[..., h:] - summed[..., :-h]
    return found


def psr(make: Make, rng: np.random.Generator, n: int, draws: int) -> Iterator[str]:
    for one in make(rng, draws, n):
        yield single.psr(shown(one)).verdict


def looks(make: Make, rng: np.random.Generator, n: int, draws: int) -> Iterator[str]:
    """Ten recipes on one holdout: whether any passes."""
    for _ in range(draws):
        found = (single.psr(shown(one, look=k)).verdict for k, one in enumerate(make(rng, LOOKS, n), 1))
        yield "PASS" if "PASS" in found else "FAIL"


def alpha(make: Make, rng: np.random.Generator, n: int, draws: int) -> Iterator[str]:
    """A share of a market that gains."""
    for one, other in zip(make(rng, draws, n), make(rng, draws, n), strict=True):
        market = other + 0.06
        yield single.alpha(shown(one + 0.8 * market, market=market)).verdict


def best_of_trials(gate: Callable[..., Any]) -> Callable[..., Iterator[str]]:
    """The best of twenty trials that correlate by .5."""

    def asked(make: Make, rng: np.random.Generator, n: int, draws: int) -> Iterator[str]:
        for _ in range(draws):
            seen = family(correlated(make, rng, TRIALS, n), 0)
            tried = statistics.effective_trials(np.column_stack(list(seen.candidates.values())))
            seen.trials = SimpleNamespace(n=TRIALS, effective=tried)
            yield gate(seen).verdict

    return asked


def best_of_family(gate: Callable[..., Any], count: int) -> Callable[..., Iterator[str]]:
    """Independent candidates, of which the best is judged."""

    def asked(make: Make, rng: np.random.Generator, n: int, draws: int) -> Iterator[str]:
        for _ in range(draws):
            yield gate(family(make(rng, count, n), int(rng.integers(2**31)))).verdict

    return asked


def mcs(make: Make, rng: np.random.Generator, n: int, draws: int) -> Iterator[str]:
    """Candidates that are as good as each other, of which any is judged."""
    for _ in range(draws):
        seen = family(make(rng, CANDIDATES, n), int(rng.integers(2**31)))
        seen.judged = "0"
        yield statistical.mcs(seen).verdict


def forecast(h: int) -> Callable[..., Iterator[str]]:
    """Forecasts that last as long as the labels, and know nothing of them."""

    def asked(make: Make, rng: np.random.Generator, n: int, draws: int) -> Iterator[str]:
        known = np.arange(1, n + 1 - h)
        for moves, told in zip(make(rng, draws, n + h), make(rng, draws, n + h), strict=True):
            y = rolled(moves, h)
            naive = np.full(n, math.nan)
            naive[h:] = np.cumsum(y)[: n - h] / known
            seen = shown(y, horizon=h, members={})
            vars(seen.performance).update(
                labels=y, predictions=0.3 * rolled(told, h), naive=naive, forecast_bar=np.arange(n)
            )
            yield forecasts.forecast(seen).verdict

    return asked


def rank_ic(h: int) -> Callable[..., Iterator[str]]:
    """Ten symbols, each with its own labels, and forecasts that know nothing of them."""

    def asked(make: Make, rng: np.random.Generator, n: int, draws: int) -> Iterator[str]:
        for _ in range(draws):
            y, f = rolled(make(rng, SYMBOLS, n + h), h), rolled(make(rng, SYMBOLS, n + h), h)
            seen = shown(y[0], horizon=h)
            vars(seen.performance).update(
                labels=y.T.ravel(), predictions=f.T.ravel(), forecast_bar=np.repeat(np.arange(n), SYMBOLS)
            )
            yield cross_section.rank_ic(seen).verdict

    return asked


def coverage(h: int) -> Callable[..., Iterator[str]]:
    """Intervals of 90 % that hold it."""

    def asked(make: Make, rng: np.random.Generator, n: int, draws: int) -> Iterator[str]:
        levels = np.array([0.05, 0.95])
        rows = np.tile(np.quantile(rolled(make(np.random.default_rng(h), 1000, 1000 + h), h), levels), (n, 1))
        for y in rolled(make(rng, draws, n + h), h):
            seen = shown(y, horizon=h, members={})
            vars(seen.performance).update(labels=y, levels=levels, quantiles=rows, forecast_bar=np.arange(n))
            yield forecasts.coverage(seen).verdict

    return asked


def in_regimes(yearly: float) -> Callable[..., Iterator[str]]:
    """One Sharpe ratio at all times; five regimes that last for months and have nothing to do with it."""

    def asked(make: Make, rng: np.random.Generator, n: int, draws: int) -> Iterator[str]:
        month = np.arange(n) // 42
        words = {"volatility": np.array(["calm", "usual", "wild"])[month % 3],
                 "trend": np.array(["above", "below"])[(month // 3) % 2]}  # fmt: skip
        deviation = make(np.random.default_rng(1), 1000, 1000).std()
        for one in make(rng, draws, n):
            seen = shown(one + deviation * yearly / math.sqrt(252), regimes=words)
            seen.performance.times = np.datetime64("2020-01-01") + np.arange(n + 1)
            yield regimes.regimes(seen).verdict

    return asked


def broken(make: Make, rng: np.random.Generator, n: int, draws: int) -> Iterator[str]:
    """A mean that never changes: the test of a break that `regimes` and the report use."""
    for one in make(rng, draws, n):
        yield "FAIL" if statistics.break_test(one).p_value < 0.05 else "PASS"


def cpcv(make: Make, rng: np.random.Generator, n: int, draws: int) -> Iterator[str]:
    """Ten paths without skill that correlate by .5."""
    for _ in range(draws):
        found = SimpleNamespace(returns=correlated(make, rng, PATHS, n).T, splits=20, embargo=0, reason="", lost=())
        yield paths.cpcv(shown(np.zeros(n), paths=lambda *_, found=found: found)).verdict


@dataclass(frozen=True)
class Case:
    """A gate that is asked of series about which it can only be wrong.

    Parameters
    ----------
    asked : callable
        Yields verdicts.
    draws : mapping of int to int
        Of a batch, by the number of bars.
    wrong : str
        The verdict that is wrong.
    says : str
        How often the gate says that it is wrong at most; empty, where it says nothing.
    """

    asked: Callable[..., Iterator[str]]
    draws: Mapping[int, int]
    wrong: str
    says: str


MANY, SOME, FEW = ({504: n, 1260: n} for n in (200, 50, 20))
FAMILIES = {126: 20, 252: 20, 504: 20, 1260: 10}
CASES: Mapping[str, Case] = {
    "`psr`": Case(psr, {252: 200, **MANY}, "PASS", "5 %"),
    "`psr`, ten looks at one holdout": Case(looks, {252: 50, **SOME}, "PASS", "5 %"),
    "`alpha`": Case(alpha, {252: 200, **MANY}, "PASS", "5 %"),
    "`selection`, best of 20 trials": Case(best_of_trials(single.selection), FEW, "PASS", "5 %"),
    "`dsr`, the same": Case(best_of_trials(single.dsr), {504: 15, 1260: 15}, "PASS", "10 %"),
    "`spa`, best of 5": Case(
        best_of_family(statistical.spa, CANDIDATES), {126: 50, 252: 50, 504: 50, 1260: 25}, "PASS", "5 %"
    ),
    "`stepm`, best of 5": Case(best_of_family(statistical.stepm, CANDIDATES), FAMILIES, "PASS", "5 %"),
    "`mcs`, any of 5": Case(mcs, FAMILIES, "FAIL", "10 %"),
    "`pbo`, best of 24": Case(best_of_family(statistical.pbo, FAMILY), {504: 10, 1260: 10}, "PASS", ""),
    "`forecast`, labels of 1 bar": Case(forecast(1), MANY, "PASS", "5 %"),
    "`forecast`, of 5": Case(forecast(5), MANY, "PASS", "5 %"),
    "`forecast`, of 20": Case(forecast(20), MANY, "PASS", "5 %"),
    "`rank-ic`, labels of 1 bar": Case(rank_ic(1), FEW, "PASS", "5 %"),
    "`rank-ic`, of 5": Case(rank_ic(5), FEW, "PASS", "5 %"),
    "`rank-ic`, of 20": Case(rank_ic(20), FEW, "PASS", "5 %"),
    "`coverage`, labels of 1 bar": Case(coverage(1), {504: 50, 1260: 20}, "FAIL", "5 %"),
    "`coverage`, of 5": Case(coverage(5), {504: 50, 1260: 20}, "FAIL", "5 %"),
    "`coverage`, of 20": Case(coverage(20), {504: 50, 1260: 20}, "FAIL", "5 %"),
    "`regimes`, Sharpe ratio 0": Case(in_regimes(0.0), {504: 100, 1260: 100}, "FAIL", "10 %"),
    "`regimes`, Sharpe ratio 0.5": Case(in_regimes(0.5), SOME, "FAIL", "10 %"),
    "break of a mean": Case(broken, {252: 200, **MANY}, "FAIL", "5 %"),
    "`cpcv`": Case(cpcv, MANY, "PASS", ""),
}
BARS = sorted({bars for case in CASES.values() for bars in case.draws})


def batch(bars: int, k: int) -> dict[str, Any]:
    """Ask the gates of a batch of series: verdicts counted, by gate and kind of series."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for place, (name, case) in enumerate(CASES.items()):
        for kind, (word, make) in enumerate(KINDS.items()):
            if bars in case.draws:
                rng = np.random.default_rng((bars, k, place, kind))
                found.setdefault(name, {})[word] = dict(Counter(case.asked(make, rng, bars, case.draws[bars])))
    return {"counts": found}


def table(rows: Mapping[int, Sequence[Mapping[str, Any]]]) -> list[str]:
    """Return how often each gate was wrong, as lines of Markdown; `rows` are batches, by the number of bars."""
    lines = [
        f"| gate | is wrong at most | bars | draws | {' | '.join(KINDS)} |",
        f"|---|---|{'---|' * (2 + len(KINDS))}",
    ]
    for name, case in CASES.items():
        for bars in case.draws:
            kinds = [_together(rows.get(bars, ()), name, kind) for kind in KINDS]
            if draws := sum(kinds[0].values()):
                cells = " | ".join(_share(found, case.wrong) for found in kinds)
                lines.append(f"| {name} | {case.says or 'not said'} | {bars:,} | {draws:,} | {cells} |")
    return lines


def _together(rows: Sequence[Mapping[str, Any]], name: str, kind: str) -> Counter[str]:
    """Return the verdicts of all batches."""
    found: Counter[str] = Counter()
    for row in rows:
        found.update(row["counts"].get(name, {}).get(kind, {}))
    return found


def _share(verdicts: Counter[str], wrong: str) -> str:
    n = sum(verdicts.values())
    undecided = verdicts["INSUFFICIENT"] / n
    told = f"{verdicts[wrong] / n:.1%}".replace("%", " %")
    return "not judged" if undecided > 0.9 else told if undecided < 0.005 else f"{told} ({undecided:.0%} not judged)"

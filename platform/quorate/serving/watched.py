"""A version against what it was promoted for: the evidence on the bars that it has forecast, and the verdict.

The hypothesis is that the mean of its forward returns is no lower than that of the judged ones. The evidence against it
exceeds 20 in 5 % of all that keep their promise, at most, however often one looks: `quorate.statistics._shift`, and
docs/monitor.md for how often in simulations.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from quorate.bars.digest import history_digest
from quorate.evidence.ledger import Standing
from quorate.recipe.canonical import digest
from quorate.serving.account import Forward, promised_of
from quorate.serving.drift import drift_of_calibration, drift_of_inputs
from quorate.statistics import Floats, block_length
from quorate.statistics._resampling import positions
from quorate.statistics._shift import Before, before_of, shift_evidence

WITHDRAW, DOUBT = 20.0, 5.0  # evidence above which it is said: 5 %, and 20 %, at any time
FEWEST = 20  # scored bars, below which nothing is kept but by name
INDEPENDENT = 50  # judged bars, at least, that tell as much as independent ones
SHARPE = np.array([1.0, 2.0, 4.0])  # annual, by which a mean may have fallen short
ALIKE = 0.5  # of the deviation of returns, that differences of two versions have at least
DRAWS, LOOKS = 200, 500  # histories drawn from the backtest, and bars of each


@dataclass(frozen=True)
class Watched:
    """What became of a version since it was judged.

    Parameters
    ----------
    name, version, run, stage : str, int, str, str
        Which, and the stage that it was in.
    verdict : {"KEEP", "DOUBT", "WITHDRAW", "TOO EARLY"}
        WITHDRAW, if the evidence was ever above 20; DOUBT, if it is above 5 now; TOO EARLY below 20 scored bars.
    bars : int
        Scored.
    first, last : str or None
        Sessions of the first and the last of them.
    total_return : float or None
        Compounded over them, net, in excess of cash.
    sharpe, promised : float or None
        Annualised: of the scored bars, and of the backtest.
    evidence, highest : float or None
        That the mean is lower than promised: at the last bar, and the most that it was.
    withdrawn : str or None
        The session at which it first exceeded 20.
    edge : float or None
        Evidence that the mean is above zero, at the last bar.
    false_alarms, needed : float or None
        Of histories drawn from the backtest itself: the share that would be withdrawn within 500 bars; and the median
        number of bars until those are whose edge is gone, None if it is more.
    inputs, calibration : dict
        `quorate.serving.drift.Drift` as plain data.
    problems : list of str
        What is not scored, and why.
    digest : str
        Of all that this follows from: entries, prices, version.
    """

    name: str
    version: int
    run: str
    stage: str
    verdict: str = "TOO EARLY"
    bars: int = 0
    first: str | None = None
    last: str | None = None
    total_return: float | None = None
    sharpe: float | None = None
    promised: float | None = None
    evidence: float | None = None
    highest: float | None = None
    withdrawn: str | None = None
    edge: float | None = None
    false_alarms: float | None = None
    needed: float | None = None
    inputs: dict[str, Any] = field(default_factory=dict)
    calibration: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    digest: str = ""

    @property
    def label(self) -> str:
        """``NAME@VERSION``."""
        return f"{self.name}@{self.version}"


def watched(standing: Standing, account: Forward | None) -> Watched:
    """Return what became of a version, by its forward account; None, where it has recorded nothing."""
    own: dict[str, Any] = {
        "name": standing.name,
        "version": standing.version,
        "run": standing.run,
        "stage": standing.stage,
    }
    if account is None:
        return Watched(**own, problems=["nothing is recorded yet: quorate predict --version NAME --record"])
    bars, returns = account.bars, account.returns
    before = before_of(account.promised)
    year = bars.bars_per_year
    told: dict[str, Any] = {
        "bars": len(returns),
        "promised": _sharpe(account.promised, year),
        "inputs": asdict(drift_of_inputs(account)),
        "calibration": asdict(drift_of_calibration(account)),
        "problems": account.problems(),
        "digest": digest(
            [standing.seal, history_digest(bars), [account.used[bar]["hash"] for bar in sorted(account.used)]]
        ),
    }
    if before.independent < INDEPENDENT:
        told["problems"].append(
            f"its backtest has {before.n} bars, which tell as much of the mean as {before.independent:.0f} independent "
            f"ones; {INDEPENDENT} are needed"
        )
        return Watched(**own, **told)
    false_alarms, needed = _reach(account.promised, before, year)
    told |= {"false_alarms": false_alarms, "needed": needed}
    if not len(returns):
        return Watched(**own, **told)
    against = shift_evidence(returns, before, -SHARPE / math.sqrt(year))
    edge = shift_evidence(returns, before, SHARPE / math.sqrt(year), mean=0.0)
    over = against > WITHDRAW
    days = bars.sessions[account.scored]
    told |= {
        "verdict": verdict_of(against),
        "first": str(days[0]),
        "last": str(days[-1]),
        "total_return": float(np.prod(1 + returns) - 1),
        "sharpe": _sharpe(returns, year),
        "evidence": float(against[-1]),
        "highest": float(against.max()),
        "withdrawn": str(days[int(over.argmax())]) if over.any() else None,
        "edge": float(edge[-1]),
    }
    return Watched(**own, **told)


def verdict_of(evidence: Floats) -> str:
    """Return what follows from the evidence after each scored bar, (n,), that a promise is not kept."""
    if len(evidence) and evidence.max() > WITHDRAW:
        return "WITHDRAW"
    if len(evidence) < FEWEST:
        return "TOO EARLY"
    return "DOUBT" if evidence[-1] > DOUBT else "KEEP"


def _reach(promised: Floats, before: Before, year: float) -> tuple[float, float | None]:
    """Return how often histories drawn from the backtest are withdrawn, and after how many bars those without edge.

    Blocks of bars are drawn again, both for what was promised and for what comes, so that the error of the promise is
    in it. The seed is of the returns.
    """
    block = min(block_length(promised), before.n / 2)
    seed = zlib.crc32(promised.tobytes())
    draws = np.vstack(list(positions(before.n, block, DRAWS, seed)))
    further = np.vstack(list(positions(before.n, block, DRAWS * -(-LOOKS // before.n), seed + 1)))
    looks = further.reshape(DRAWS, -1)[:, :LOOKS]
    shifts = -SHARPE / math.sqrt(year)
    false, until = 0, []
    for first, then in zip(draws, looks, strict=True):
        known, drawn = before_of(promised[first % before.n]), promised[then % before.n]
        if known.independent < INDEPENDENT:
            continue
        false += bool((shift_evidence(drawn, known, shifts) > WITHDRAW).any())
        gone = shift_evidence(drawn - before.mean, known, shifts) > WITHDRAW
        until.append(int(gone.argmax()) + 1 if gone.any() else math.inf)
    needed = float(np.median(until)) if until else math.inf
    return false / DRAWS, needed if math.isfinite(needed) else None


def compared_with(own: Forward, other: Forward, label: str) -> dict[str, Any] | None:
    """Return the evidence that one version earns more than another on the bars that both are scored on."""
    shared, here, there = np.intersect1d(
        own.bars.times[own.scored], other.bars.times[other.scored], return_indices=True
    )
    series = [promised_of(one.report) for one in (own, other)]
    _, old_here, old_there = np.intersect1d(series[0][0], series[1][0], return_indices=True)
    before = before_of(series[1][1][old_there] - series[0][1][old_here])
    # Versions that were alike in their backtests may differ more at work: bets suit that, too.
    before = replace(before, deviation=max(before.deviation, ALIKE * float(np.std(series[0][1]))))
    if not len(shared) or before.independent < INDEPENDENT:
        return None
    more = other.returns[there] - own.returns[here]
    shifts = SHARPE / math.sqrt(own.bars.bars_per_year)
    better, worse = (float(shift_evidence(more, before, sign * shifts, mean=0.0)[-1]) for sign in (1, -1))
    return {"other": label, "bars": len(shared), "better": better, "worse": worse}


def _sharpe(returns: Floats, year: float) -> float | None:
    if len(returns) < 2 or not (spread := float(np.std(returns, ddof=1))) > 0:
        return None
    return float(returns.mean()) / spread * math.sqrt(year)

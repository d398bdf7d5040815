"""One function per detector; each says what it found, and none stops the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate import statistics
from quorate.auditing import _causality as causality
from quorate.auditing._null import Null, null_bars, summarise
from quorate.auditing._pipeline import Floats, predictions_of, returns_of, study_of
from quorate.backtest import backtest
from quorate.bars import Bars
from quorate.candidates import decide_judged
from quorate.errors import IntegrityError
from quorate.findings import REPEATED, repeated_opens
from quorate.fitting import Fitting
from quorate.folds import audit_folds
from quorate.recipe.schema import Recipe
from quorate.registry import Registry
from quorate.study import Study

CUTS = 25
SEEDS = 5
LABEL_DRAWS = 5
TOLD = 5
MOST_Z, MOST_RMS, MOST_UNDEFINED = 4.0, 1.7, 0.25

State = Literal["clean", "alarm", "warning", "unknown"]


@dataclass(frozen=True)
class Finding:
    """What one detector says.

    Parameters
    ----------
    detector : str
        Its name.
    state : {"clean", "alarm", "warning", "unknown"}
        An alarm is a leak; a warning is not proven to be one.
    detail : str
        What was compared, or what was found.
    figures : mapping
        Numbers for those who compute.
    """

    detector: str
    state: State
    detail: str
    figures: Mapping[str, Any] = field(default_factory=dict)


def findings(
    recipe: Recipe,
    registry: Registry,
    bars: Bars,
    fitting: Fitting,
    draws: int,
    told: Callable[[str], None] = lambda stage: None,
) -> Iterator[Finding]:
    """Yield what every detector finds, the cheap ones first.

    Parameters
    ----------
    recipe : Recipe
        Resolved, and made small for the audit.
    bars : Bars
        Up to the holdout.
    told : callable
        Hears what is being looked at.
    """
    yield _opens(recipe, bars)
    told("features and labels")
    try:
        study = study_of(recipe, registry, bars)
    except IntegrityError as e:  # no other detector can work with what looks ahead
        yield Finding("features and labels", "alarm", str(e))
        return
    seed = recipe.seed
    yield _checked("features and labels", "values", lambda: causality.check_features(study, CUTS, seed))
    yield _drift(study)
    yield _checked("folds", "folds", lambda: _folds(study))
    told("fits")
    predictions = predictions_of(study, fitting)
    yield _checked("fits", "members fitted again", lambda: causality.check_fits(study, predictions, fitting))
    yield _checked("signals", "weights", lambda: causality.check_signals(study, predictions, 5, seed))
    yield _checked("fills", "fills", lambda: _fills(study, predictions))
    yield _null(recipe, registry, bars, fitting, draws, told)
    yield _null(recipe, registry, bars, fitting, min(draws, LABEL_DRAWS), told, shuffled=True)
    told("seeds")
    yield _seeds(study, predictions, fitting)


def _checked(detector: str, what: str, check: Callable[[], int]) -> Finding:
    try:
        count = check()
    except IntegrityError as e:
        return Finding(detector, "alarm", str(e))
    return Finding(detector, "clean", f"{count:,} {what}", {"compared": count})


def _opens(recipe: Recipe, bars: Bars) -> Finding:
    share = repeated_opens(bars)
    told = f"{share:.1%} of opens equal the close before"
    bad = recipe.backtest.fill == "open" and share > REPEATED
    advice = ': fills at the open are not credible; set backtest.fill = "close"' if bad else ""
    return Finding("opens", "warning" if bad else "clean", told + advice, {"share": share})


def _drift(study: Study) -> Finding:
    drifting = causality.feature_drift(study)
    if not drifting:
        count = len(study.dataset.feature_names)
        return Finding("start", "clean", f"{count} features do not depend on where the data begins")
    name, worst = max(drifting.items(), key=lambda item: item[1])
    detail = f"{len(drifting)} features depend on where data begins, {name} by {worst:.2g} deviations"
    return Finding("start", "warning", detail, drifting)


def _folds(study: Study) -> int:
    audit_folds(study.folds, study.dataset.bar, study.dataset.end, study.recipe.folds.embargo)
    return len(study.folds)


def _fills(study: Study, predictions: Floats) -> int:
    """Check against the bars alone that every fill is later than its decision, and at that bar's price."""
    judged = decide_judged(study, predictions)
    first, stop = study.folds[0].first, len(study.bars)
    span = study.bars.take(first, stop)
    [result] = backtest(span, judged.decisions.targets[first:stop][:, :, None], study.trading.take(first, stop))
    price, symbols = span.fill(study.trading.fill), list(span.symbols)
    times = span.times
    for when, paid in (("entered", "entry_price"), ("exited", "exit_price")):
        rows = result.trades if when == "entered" else result.closed
        stamp = rows[when].dt.tz_localize(None).to_numpy().astype("datetime64[us]")
        decided = rows["decided"].dt.tz_localize(None).to_numpy().astype("datetime64[us]")
        bar, column = np.searchsorted(times, stamp), np.array([symbols.index(s) for s in rows["symbol"]], dtype=int)
        if (stamp <= decided).any():
            raise IntegrityError(f"{int((stamp <= decided).sum())} orders were filled at or before their decision")
        if when == "entered":
            _check_wanted(span, judged.decisions.targets[first:stop], bar, column, rows["side"].to_numpy() == "long")
        due = price[bar, column]
        apart = np.abs(rows[paid].to_numpy() / due - 1) > 1e-9
        wrong = apart & np.isfinite(due)
        if wrong.any():
            k = int(wrong.argmax())
            raise IntegrityError(
                f"{int(wrong.sum())} fills are not at the {study.trading.fill} of their bar, the first on "
                f"{span.sessions[bar[k]]}: {rows[paid].to_numpy()[k]:g}, which was {due[k]:g}"
            )
    return len(result.trades) + len(result.closed)


def _check_wanted(
    span: Bars, targets: Floats, bar: NDArray[np.int64], column: NDArray[np.int64], long: NDArray[np.bool_]
) -> None:
    """Check that the weight which was desired one bar before each entry has the side that was entered."""
    before = np.where(span.present, targets, np.nan)
    before = pd.DataFrame(before).ffill().to_numpy()[bar - 1, column]  # a missed bar keeps what was desired
    wrong = np.where(long, ~(before > 0), ~(before < 0))
    if wrong.any():
        k = int(wrong.argmax())
        raise IntegrityError(
            f"{int(wrong.sum())} positions were entered before it was decided, the first on {span.sessions[bar[k]]}: "
            f"the weight desired until then was {before[k]:g}"
        )


def _null(
    recipe: Recipe,
    registry: Registry,
    bars: Bars,
    fitting: Fitting,
    draws: int,
    told: Callable[[str], None],
    shuffled: bool = False,
) -> Finding:
    """Trade markets without anything to find, fitted to their labels, or to these in another order."""
    # Labels are shuffled on such markets, too: where there is a signal, chance trades with it or against it.
    detector, what = (
        ("null labels", "orders of the labels") if shuffled else ("null market", "markets without anything to find")
    )
    first = recipe.seed + (100_000 if shuffled else 0)
    returns = []
    for draw in range(draws):
        if draw % TOLD == 0:
            told(f"{detector}: {draw + 1} of {draws}")
        study = study_of(recipe, registry, null_bars(bars, first + draw))
        if shuffled:
            study = _with_shuffled_labels(study, recipe.seed + draw)
        returns.append(returns_of(study, predictions_of(study, fitting)))
    return _judged(detector, summarise(returns, bars.bars_per_year), what)


def _with_shuffled_labels(study: Study, seed: int) -> Study:
    known = np.flatnonzero(np.isfinite(study.dataset.y))
    y = study.dataset.y.copy()
    y[known] = y[np.random.default_rng([seed, 17]).permutation(known)]
    return replace(study, dataset=replace(study.dataset, y=y))


def _judged(detector: str, found: Null, what: str) -> Finding:
    figures = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in asdict(found).items()}
    if found.undefined > MOST_UNDEFINED * found.draws:
        detail = f"{found.undefined} of {found.draws} {what} gave no Sharpe ratio"
        return Finding(detector, "unknown", detail, figures)
    most = rms_limit(found.draws - found.undefined)
    state: State = "clean" if abs(found.z) <= MOST_Z and found.rms <= most else "alarm"
    mean = float(np.mean(found.sharpes))
    detail = f"{found.draws} {what}: mean Sharpe {mean:+.2f} (z {found.z:+.1f}), RMS {found.rms:.2f}"
    more = "" if state == "clean" else f"; |z| must be <= {MOST_Z:g} and RMS <= {most:.2g}: something leaks"
    return Finding(detector, state, detail + more, figures)


def rms_limit(draws: int) -> float:
    """Return the root mean square that so many draws of a clean pipeline exceed as seldom as 20 exceed `MOST_RMS`."""
    from scipy import stats

    seldom = stats.chi2.sf(20 * MOST_RMS**2, 20)
    return max(MOST_RMS, math.sqrt(float(stats.chi2.isf(seldom, draws)) / draws))


def _seeds(study: Study, predictions: Floats, fitting: Fitting) -> Finding:
    """Fit with other seeds: what comes of it is how much of the result is the choice of a seed."""
    per_year = study.bars.bars_per_year
    sharpes = [statistics.sharpe(returns_of(study, predictions), per_year)]
    for k in range(1, SEEDS):
        other = replace(study, recipe=study.recipe.model_copy(update={"seed": study.recipe.seed + k}))
        sharpes.append(statistics.sharpe(returns_of(other, predictions_of(other, fitting)), per_year))
    known = [s for s in sharpes if math.isfinite(s)]
    if len(known) < 2:
        return Finding("seeds", "unknown", "nothing was traded")
    spread = float(np.std(known, ddof=1))
    chance = math.sqrt(per_year / max(len(study.bars) - study.folds[0].first, 1))
    detail = f"{len(known)} seeds: Sharpe {min(known):.2f} to {max(known):.2f}, deviation {spread:.2f}"
    if spread > chance:
        return Finding("seeds", "warning", f"{detail}: more than chance explains ({chance:.2f})", {"sharpes": known})
    return Finding("seeds", "clean", detail, {"sharpes": known, "deviation": spread})

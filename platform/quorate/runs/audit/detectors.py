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
from quorate.bars.between import known_too_early
from quorate.bars.panel import Bars
from quorate.bars.quality import repeated_opens
from quorate.dataset.folds import NEVER, audit_folds
from quorate.errors import FitError, IntegrityError
from quorate.evidence.result import plain
from quorate.execution.transforms import BESIDE
from quorate.plugins.registry import Registry
from quorate.recipe.schema import Recipe
from quorate.runs.audit import causality
from quorate.runs.audit.joins import check_joins
from quorate.runs.audit.null import Null, null_bars, summarise
from quorate.runs.audit.pipeline import predictions_of, returns_of, walk_forward_of
from quorate.statistics import Floats
from quorate.trading.backtest import backtest, fills
from quorate.walkforward.findings import REPEATED
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.members import Fitting
from quorate.walkforward.series import decide_judged

CUTS = 25
SEEDS = 5
LABEL_DRAWS = 5
TOLD = 5
MOST_Z, MOST_RMS, MOST_UNDEFINED = 4.0, 1.7, 0.25
MOST_AUC, MOST_CORRELATION = 0.6, 0.3  # of a single feature with the label

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
    yield _between_symbols(bars)
    if bars.covariates:
        yield _checked("covariates", "values", lambda: check_joins(recipe, registry, bars, recipe.seed))
    told("features and labels")
    try:
        walk = walk_forward_of(recipe, registry, bars)
    except IntegrityError as e:  # no other detector can work with what looks ahead
        yield Finding("features and labels", "alarm", str(e))
        return
    seed = recipe.seed
    yield _checked("features and labels", "values", lambda: causality.check_features(walk, CUTS, seed))
    yield _checked("inputs", "features", lambda: causality.check_inputs(walk, null_bars(bars, seed)))
    yield _plausible(walk)
    yield _drift(walk)
    yield _checked("folds", "folds", lambda: _folds(walk))
    told("fits")
    try:
        predictions = predictions_of(walk, fitting)
    except FitError as e:
        if BESIDE not in str(e):
            raise
        yield Finding("fits", "alarm", str(e).partition("\n")[0])
        return
    yield _checked("fits", "members fitted again", lambda: causality.check_fits(walk, predictions, fitting))
    yield _checked("signals", "weights", lambda: causality.check_signals(walk, predictions, 5, seed))
    yield _checked("fills", "fills", lambda: _fills(walk, predictions))
    fewer = min(draws, LABEL_DRAWS)
    yield _whole("null market", lambda: _null(recipe, registry, bars, fitting, draws, told))
    yield _whole("null labels", lambda: _null(recipe, registry, bars, fitting, fewer, told, shuffled=True))
    told("seeds")
    yield _whole("seeds", lambda: _seeds(walk, predictions, fitting))


def _whole(detector: str, look: Callable[[], Finding]) -> Finding:
    """Return what was found; a pipeline that is stopped on the way, since something looks ahead, is an alarm."""
    try:
        return look()
    except IntegrityError as e:
        return Finding(detector, "alarm", str(e))


def _checked(detector: str, what: str, check: Callable[[], int]) -> Finding:
    def look() -> Finding:
        count = check()
        return Finding(detector, "clean", f"{count:,} {what}", {"compared": count})

    return _whole(detector, look)


def _opens(recipe: Recipe, bars: Bars) -> Finding:
    share = repeated_opens(bars)
    told = f"{share:.1%} of opens equal the close before"
    bad = recipe.backtest.fill == "open" and share > REPEATED
    advice = ': fills at the open are not credible; set backtest.fill = "close"' if bad else ""
    return Finding("opens", "warning" if bad else "clean", told + advice, {"share": share})


def _between_symbols(bars: Bars) -> Finding:
    """Tell of symbols whose bars know the next return of another's."""
    early = known_too_early(bars)
    if early:
        return Finding("between symbols", "alarm", "; ".join(early))
    pairs = len(bars.symbols) * (len(bars.symbols) - 1)
    return Finding("between symbols", "clean", f"{pairs:,} pairs of symbols", {"compared": pairs})


def _plausible(walk: WalkForward) -> Finding:
    """Tell of single features that know more of the label than the past of a market does."""
    known = np.isfinite(walk.dataset.y)
    y, X = walk.dataset.y[known], walk.dataset.X[known].astype(np.float64)
    told = {}
    for j, name in enumerate(walk.dataset.feature_names):
        if walk.binary:
            area = statistics.auc(y, X[:, j])
            if abs(area - 0.5) > MOST_AUC - 0.5:
                told[name] = max(area, 1 - area)
        elif X[:, j].std() > 0 and y.std() > 0:
            correlation = abs(float(np.corrcoef(X[:, j], y)[0, 1]))
            if correlation > MOST_CORRELATION:
                told[name] = correlation
    for name, means in _told_by_category(walk, known):
        area = statistics.auc(y, means) if walk.binary else abs(float(np.corrcoef(means, y)[0, 1]))
        if area > (MOST_AUC if walk.binary else MOST_CORRELATION):
            told[name] = area
    if not told:
        return Finding("plausibility", "clean", "no feature alone tells more of the label than markets let it")
    what, bound = ("AUC", MOST_AUC) if walk.binary else ("correlation", MOST_CORRELATION)
    name, value = max(told.items(), key=lambda item: item[1])
    more = f", and {len(told) - 1} more" if len(told) > 1 else ""
    detail = f"feature {name} alone tells the label with {what} {value:.2f}{more}: above {bound:g} is seldom honest"
    return Finding("plausibility", "warning", detail, told)


def _told_by_category(walk: WalkForward, known: NDArray[np.bool_]) -> Iterator[tuple[str, Floats]]:
    """Yield each category, and of each row with a label the mean label of its level among the rows of other parity."""
    rows = np.flatnonzero(known)
    categories, y = walk.dataset.categories, walk.dataset.y[rows]
    codes = categories.among(categories.known(rows), rows)
    odd = np.arange(len(rows)) % 2
    for name, code in zip(categories.names, codes.T, strict=True):
        means = np.empty(len(rows))
        for here in (0, 1):
            other = odd != here
            count = np.bincount(code[other], minlength=code.max() + 1)
            total = np.bincount(code[other], y[other], minlength=code.max() + 1)
            of_level = np.where(count > 0, total / np.maximum(count, 1), y.mean())
            means[odd == here] = of_level[code[odd == here]]
        if means.std() > 0 and y.std() > 0:
            yield name, means


def _drift(walk: WalkForward) -> Finding:
    drifting = causality.feature_drift(walk)
    if not drifting:
        count = len(walk.dataset.feature_names)
        how = "1 feature does" if count == 1 else f"{count} features do"
        return Finding("start", "clean", f"{how} not depend on where the data begins")
    name, worst = max(drifting.items(), key=lambda item: item[1])
    how = "1 feature depends" if len(drifting) == 1 else f"{len(drifting)} features depend"
    detail = f"{how} on where data begins, {name} by {worst:.2g} deviations"
    return Finding("start", "warning", detail, drifting)


def _folds(walk: WalkForward) -> int:
    audit_folds(walk.folds, walk.dataset.bar, walk.dataset.learnt_end, walk.recipe.folds.embargo)
    return len(walk.folds)


def _fills(walk: WalkForward, predictions: Floats) -> int:
    """Check every order against the bars alone: at its bar's price, and as was desired one bar before."""
    first, stop = walk.folds[0].first, len(walk.bars)
    targets = decide_judged(walk, predictions).decisions.targets[first:stop]
    span, trading = walk.bars.take(first, stop), walk.trading.take(first, stop)
    [result] = backtest(span, targets[:, :, None], trading)
    trades = result.trades
    late = int((trades["entered"] <= trades["decided"]).sum())
    if late:
        raise IntegrityError(f"{late} orders were filled at or before their decision")
    orders = fills(span, targets, trading)
    ruined = result.equity <= 0
    orders = orders[orders["bar"] < (int(ruined.argmax()) if ruined.any() else len(span))]
    bar, column, price = (orders[name].to_numpy() for name in ("bar", "column", "price"))
    due = span.fill(trading.fill)[bar, column]  # NaN where one that ended is paid out
    wrong = np.abs(price / due - 1) > 1e-9
    if wrong.any():
        k = int(wrong.argmax())
        raise IntegrityError(
            f"{int(wrong.sum())} fills are not at the {trading.fill} of their bar, the first on "
            f"{span.sessions[bar[k]]}: {price[k]:g}, which was {due[k]:g}"
        )
    _check_wanted(span, targets, orders[span.present[bar, column]], trading.rules is not None)
    return len(orders)


def _check_wanted(span: Bars, targets: Floats, orders: pd.DataFrame, by_rules: bool = False) -> None:
    """Check that each order left the side that was desired one bar before it, or, by order rules, perhaps nothing."""
    bar, column = orders["bar"].to_numpy(), orders["column"].to_numpy()
    desired = np.where(span.present, targets, np.nan)
    # A missed bar keeps what was desired.
    before = pd.DataFrame(desired).ffill().fillna(0.0).to_numpy()[bar - 1, column]
    after = orders.groupby("column")["size"].cumsum().to_numpy()
    after = np.where(np.abs(after) <= 1e-6 * np.abs(orders["size"].to_numpy()), 0.0, after)
    wrong = (np.sign(after) != np.sign(before)) & ((after != 0) | (not by_rules))
    if wrong.any():
        k = int(wrong.argmax())
        raise IntegrityError(
            f"{int(wrong.sum())} orders were filled before they were decided, the first on {span.sessions[bar[k]]}: "
            f"it left {after[k]:g} of {span.symbols[column[k]]}, and the weight desired until then was {before[k]:g}"
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
        walk = walk_forward_of(recipe, registry, null_bars(bars, first + draw))
        if shuffled:
            walk = _with_shuffled_labels(walk, recipe.seed + draw)
        returns.append(returns_of(walk, predictions_of(walk, fitting, in_sample=False)))
    return _judged(detector, summarise(returns, bars.bars_per_year), what)


def _with_shuffled_labels(walk: WalkForward, seed: int) -> WalkForward:
    known = np.flatnonzero(walk.dataset.learnt_end != NEVER)
    return replace(walk, dataset=walk.dataset.relabelled(known, np.random.default_rng([seed, 17]).permutation(known)))


def _judged(detector: str, found: Null, what: str) -> Finding:
    figures = plain(asdict(found))
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


def _seeds(walk: WalkForward, predictions: Floats, fitting: Fitting) -> Finding:
    """Fit with other seeds: what comes of it is how much of the result is the choice of a seed."""
    per_year = walk.bars.bars_per_year
    sharpes = [statistics.sharpe(returns_of(walk, predictions), per_year)]
    for k in range(1, SEEDS):
        other = replace(walk, recipe=walk.recipe.model_copy(update={"seed": walk.recipe.seed + k}))
        sharpes.append(statistics.sharpe(returns_of(other, predictions_of(other, fitting)), per_year))
    known = [s for s in sharpes if math.isfinite(s)]
    if len(known) < 2:
        return Finding("seeds", "unknown", "nothing was traded")
    spread = float(np.std(known, ddof=1))
    chance = math.sqrt(per_year / max(len(walk.bars) - walk.folds[0].first, 1))
    detail = f"{len(known)} seeds: Sharpe {min(known):.2f} to {max(known):.2f}, deviation {spread:.2f}"
    if spread > chance:
        return Finding("seeds", "warning", f"{detail}: more than chance explains ({chance:.2f})", {"sharpes": known})
    return Finding("seeds", "clean", detail, {"sharpes": known, "deviation": spread})

"""Rules of strategies: weights from scores and bars, from those up to the bar only."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.bars.panel import FIELDS, Bars
from quorate.plugins.provider import Plugin
from quorate.plugins.specs import StrategySpec
from quorate.statistics import Floats
from quorate.testing._base import NotApplicable, Violation, after, call, causal
from quorate.testing.markets import market, sides
from quorate.testing.tools.compare import (
    changed,
    cuts,
    differs,
    first_of,
    number,
    plain,
    read_only,
    seeded,
    watch_inputs,
)
from quorate.testing.tools.fresh import MEMORY, fresh
from quorate.trading.asking import strategy_arguments

_N, _FIRST = 260, 40  # bars, and the first one that has a prediction
_LEVELS = (0.0, 0.02, 0.2)
AHEAD = (
    "it reads later rows. Row t may read rows up to and including t, of the score and of every input: no maximum, "
    "mean or rank over all rows, no shift backwards (score[t + 1], close[t + 1])"
)


@after("input-unmodified")
def check_strategy_computes(plugin: Plugin) -> None:
    """A weight in -1..1 for every score, whatever the threshold; of a portfolio, sizes of a bar that add up to 1."""
    nothing = np.full((_N, 2), np.nan)
    for name, score in (
        ("two symbols", scores(2)),
        ("one symbol", scores(1)),
        ("five symbols", scores(5)),
        ("expected returns", scores(2) * 0.05),
        ("certain scores", np.sign(scores(2))),
        ("scores of zero", scores(2) * 0.0),
        ("no prediction at all", nothing),
    ):
        for threshold, binary in product(_LEVELS, _kinds(plugin)):
            weights = compute(plugin, score, threshold, binary=binary)
            read = np.isfinite(score)
            with np.errstate(invalid="ignore"):
                wrong = read & ~(np.abs(weights) <= 1 + 1e-9)
            if wrong.any():
                row, column = first_of(wrong)
                raise Violation(
                    f"in row {row}, column {column} the weight is {number(weights[row, column])} for a score of "
                    f"{number(score[row, column])} and threshold {threshold} ({name}): it must be a finite "
                    "number in -1..1 "
                    "wherever there is a score; np.clip bounds it, np.nan_to_num fills it",
                    bar=row,
                    column=column,
                    score=plain(score[row, column]),
                    threshold=threshold,
                    found=str(weights[row, column]),
                )
            traded = np.where(read | ~_bars(score).present, weights, 0.0)
            _check_gross(plugin, traded, f"threshold {threshold}, {name}")


def _check_gross(plugin: Plugin, weights: Floats, asked: str) -> None:
    """Raise, if a portfolio's weights of a bar are more than the capital."""
    assert isinstance(plugin.spec, StrategySpec)
    gross = np.abs(weights).sum(axis=1)
    if plugin.spec.portfolio and gross.max() > 1 + 1e-9:
        row = int(gross.argmax())
        raise Violation(
            f"in row {row} the sizes of the weights add up to {gross[row]:g} ({asked}): those of a portfolio are "
            "shares of one capital, so it must be 1 at most. Divide them by their sum, or leave portfolio=True out",
            bar=row,
            expected="at most 1",
            found=float(gross[row]),
        )


@causal
@after("input-unmodified", "deterministic")
def check_strategy_prefix_invariant(plugin: Plugin) -> None:
    """Weights do not change when the later scores and bars are cut off."""
    for threshold, binary in product((0.02, 0.2, 0.0), _kinds(plugin)):
        score = scores(2)
        whole = _computed(plugin, score, threshold, binary)
        for known in cuts(_FIRST + 40, _N, seed=int(threshold * 100)):
            part = compute(plugin, score[:known], threshold, binary=binary)
            _same(score[:known], whole[:known], part, f"with the rows up to {known - 1} only", known)


@causal
@after("input-unmodified", "deterministic")
def check_strategy_scramble_invariant(plugin: Plugin) -> None:
    """Weights do not change when other scores follow, or other bars."""
    for threshold, binary in product((0.02, 0.2), _kinds(plugin)):
        score = scores(2)
        whole = _computed(plugin, score, threshold, binary)
        for known in (int(k) for k in np.linspace(_FIRST + 40, _N - 1, 12)):
            others = {"scores": (np.vstack([score[:known], scores(2, seed=7)[known:] * 2.5]), _bars(score))}
            if _inputs(plugin):
                others["bars"] = (score, _scrambled(_bars(score), known))
            for what, (scored, bars) in others.items():
                part = compute(plugin, scored, threshold, bars, binary)[:known]
                _same(score[:known], whole[:known], part, f"when other {what} follow from row {known} on", known)


@after("input-unmodified", "deterministic", "prefix-invariant", "scramble-invariant")
def check_strategy_symbols_independent(plugin: Plugin) -> None:
    """Weights of a symbol do not depend on the scores and bars of others (unless `cross_sectional`)."""
    assert isinstance(plugin.spec, StrategySpec)
    if plugin.spec.cross_sectional:
        raise NotApplicable("it is declared cross_sectional")
    score = scores(4)
    whole = _computed(plugin, score, 0.02)
    for columns in ([0], [1], [2], [3], [3, 1]):
        part = compute(plugin, score[:, columns], 0.02, _chosen(_bars(score), columns))
        wrong = np.isfinite(score[:, columns]) & differs(whole[:, columns], part, scale=1.0)
        if wrong.any():
            row, column = first_of(wrong)
            raise Violation(
                f"in row {row}, column {columns[column]} the weight is "
                f"{number(whole[row, columns[column]], part[row, column])} "
                "among four "
                f"symbols and {number(part[row, column], whole[row, columns[column]])} among {len(columns)}, from the "
                "same scores of its "
                "own: it mixes "
                "symbols. Work along axis 0 (time) only, or declare cross_sectional=True",
                bar=row,
                column=columns[column],
                expected=plain(part[row, column]),
                found=plain(whole[row, columns[column]]),
            )


def check_strategy_input_unmodified(plugin: Plugin) -> None:
    """The scores are left as they were, and the inputs."""
    score = scores(2)
    given = _given(plugin, _bars(score))
    arrays = {name: given.pop(name) for name in _inputs(plugin)}

    def weights(score: Floats, *inputs: Floats) -> None:
        call(plugin, score, 0.02, **given, **dict(zip(arrays, inputs, strict=True)))

    watch_inputs({"score": score, **arrays}, weights)


@after("input-unmodified")
def check_strategy_deterministic(plugin: Plugin) -> None:
    """The same scores and bars give the same weights."""
    score, found = scores(2), []
    for seed in (1, 2, 3):
        with seeded(seed):
            found.append(_computed(plugin, score, 0.02))
    for again in found[1:]:
        _repeats(score, found[0], again, "the next, from the same scores", "draw nothing at random")
    # A position held in the last row of one series, and a next one that begins with scores that say neither in nor out.
    for last in (0.9, -0.9):
        one, calm = score.copy(), scores(2, seed=9).copy()
        one[-5:], calm[_FIRST : _FIRST + 20] = last, 0.3 * 0.02
        with seeded(1):
            compute(plugin, one, 0.02)
            after, anew = compute(plugin, calm, 0.02), compute(fresh(plugin), calm, 0.02)
        _repeats(calm, anew, after, "after other scores of the same shape were seen", MEMORY)
    with seeded(1):
        _repeats(score, found[0], compute(plugin, score, 0.02), "after other scores were seen", MEMORY)


def _repeats(score: Floats, first: Floats, again: Floats, when: str, remedy: str) -> None:
    wrong = np.isfinite(score) & differs(first, again, 0.0)
    if wrong.any():
        row, column = first_of(wrong)
        raise Violation(
            f"in row {row}, column {column} the weight is {number(first[row, column], again[row, column])} the first "
            "time and "
            f"{number(again[row, column], first[row, column])} {when}: {remedy}",
            bar=row,
            column=column,
            expected=plain(first[row, column]),
            found=plain(again[row, column]),
        )


@after("input-unmodified")
def check_strategy_reacts(plugin: Plugin) -> None:
    """Different scores give different weights."""
    kinds = [scores(3, seed) * size for seed in (0, 1) for size in (1.0, -1.0, 0.1, 5.0)]
    for threshold in _LEVELS:
        first = _computed(plugin, kinds[0], threshold)
        for score in kinds[1:]:
            if differs(first, compute(plugin, score, threshold), scale=1.0)[np.isfinite(score)].any():
                return
    raise Violation(
        f"its weights are the same for eight different series of scores, e.g. {number(first[-1, 0])} in the "
        "last row: it "
        "does not read the score, so no model can make a difference. Let the weight depend on score and threshold",
        bar=_N - 1,
        found=plain(first[-1, 0]),
    )


def scores(n_symbols: int, seed: int = 0) -> Floats:
    """Return scores that come and go slowly: none in the first bars, none for a symbol now and then."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 0.1, (_N, n_symbols))
    score = np.empty_like(noise)
    score[0] = noise[0]
    for t in range(1, _N):
        score[t] = 0.6 * score[t - 1] + noise[t]
    score = np.clip(score * np.exp(rng.normal(0, 0.2, n_symbols)), -1, 1)
    score[:_FIRST] = np.nan
    score[rng.random((_N, n_symbols)) < 0.03] = np.nan
    return read_only(score)


def compute(plugin: Plugin, score: Floats, threshold: float, bars: Bars | None = None, binary: bool = True) -> Floats:
    """Compute the weights; `bars` are those of `_bars`, unless others are given.

    Raises
    ------
    Violation
        If it fails, or gives another shape.
    """
    given = _given(plugin, bars or _bars(score), binary)
    with np.errstate(all="ignore"):
        answer = call(plugin, read_only(score), threshold, **given)
    weights: NDArray[np.float64] = np.asarray(answer)
    if weights.dtype.kind not in "fiub":
        raise Violation(f"its weights are of type {weights.dtype}: they must be numbers", found=str(weights.dtype))
    if weights.shape != score.shape:
        raise Violation(
            f"for scores {score.shape} it gave weights {weights.shape}: it must give one for each score",
            expected=list(score.shape),
            found=list(weights.shape),
        )
    return weights.astype(np.float64)


def _inputs(plugin: Plugin) -> tuple[str, ...]:
    assert isinstance(plugin.spec, StrategySpec)
    return plugin.spec.inputs


def _given(plugin: Plugin, bars: Bars, binary: bool = True) -> dict[str, Any]:
    """Return what the strategy is passed by name: panels, NaN where a symbol has no bar, and what it asks for."""
    assert isinstance(plugin.spec, StrategySpec)
    return strategy_arguments(plugin.spec, bars, {"binary": binary, "horizon": 1, "side": sides})


def _kinds(plugin: Plugin) -> tuple[bool, ...]:
    """Return the kinds of score, binary or not, that the strategy tells apart."""
    return (True, False) if "binary" in _given(plugin, _bars(scores(1))) else (True,)


@cache
def _market(n_symbols: int) -> Bars:
    """Return a market whose symbols miss a bar now and then, where they have no score either."""
    bars = market(_N, n_symbols, seed=21)
    missed = np.isnan(scores(n_symbols)) & (np.arange(_N)[:, None] >= _FIRST) & (np.arange(_N)[:, None] % 2 == 0)
    panels: dict[str, Any] = {n: read_only(np.where(missed, np.nan, getattr(bars, n))) for n in FIELDS}
    return replace(bars, **panels)


def _bars(score: Floats) -> Bars:
    """Return the bars that go with scores: as many, of as many symbols."""
    return _market(score.shape[1]).take(0, len(score))


def _chosen(bars: Bars, columns: list[int]) -> Bars:
    """Return the bars of some columns, in their order."""
    panels: dict[str, Any] = {name: read_only(getattr(bars, name)[:, columns]) for name in FIELDS}
    return replace(bars, symbols=tuple(bars.symbols[j] for j in columns), **panels)


def _scrambled(bars: Bars, known: int) -> Bars:
    """Return the bars up to row `known` - 1, and others after: another market, at three times the price."""
    other = market(_N, len(bars.symbols), seed=22)
    panels: dict[str, Any] = {
        name: read_only(np.vstack([getattr(bars, name)[:known], 3.0 * getattr(other, name)[known:]])) for name in FIELDS
    }
    return replace(bars, **panels)


def _computed(plugin: Plugin, score: Floats, threshold: float, binary: bool = True) -> Floats:
    try:
        return compute(plugin, score, threshold, binary=binary)
    except Violation as e:
        raise NotApplicable("it does not compute: see the rule 'computes'") from e


def _same(score: Floats, whole: Floats, part: Floats, how: str, known: int) -> None:
    wrong = np.isfinite(score) & changed(whole, part)
    if wrong.any():
        row, column = first_of(wrong)
        raise Violation(
            f"in row {row}, column {column} the weight is {number(whole[row, column], part[row, column])} with all "
            "rows and "
            f"{number(part[row, column], whole[row, column])} {how}: {AHEAD}",
            bar=row,
            column=column,
            changed_from=known,
            expected=plain(part[row, column]),
            found=plain(whole[row, column]),
        )

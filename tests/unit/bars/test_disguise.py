"""A covariate that is a symbol in disguise is found, whatever of it it is and to which scale; others are not."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from quorate.bars.disguise import disguised
from quorate.bars.panel import Bars
from quorate.bars.records import covariate_of
from quorate.testing import market

BARS = market(240, 3)
HELD = "AAA"


def told(values: np.ndarray, symbols: tuple[str, ...] = (), late: int = 0) -> Bars:
    """Return bars with a covariate of a value at each close, known some bars later; of some symbols, or of all."""
    closes = pd.DatetimeIndex(BARS.times).tz_localize("UTC")
    known = closes[np.minimum(np.arange(len(closes)) + late, len(closes) - 1)]
    rows = [
        pd.DataFrame({"symbol": name, "time": closes, "published_at": known, "x": values}) for name in symbols or [""]
    ]
    return BARS.with_covariates({"other": covariate_of(pd.concat(rows, ignore_index=True))})


def of_held(field: str = "close") -> np.ndarray:
    return np.asarray(getattr(BARS, field)[:, BARS.symbols.index(HELD)])


def returns(values: np.ndarray) -> np.ndarray:
    return np.append(np.nan, values[1:] / values[:-1] - 1)


PLANTED: dict[str, tuple[Callable[[], np.ndarray], str, str]] = {
    "close": (of_held, "close", ""),
    "open": (lambda: of_held("open"), "open", ""),
    "high": (lambda: of_held("high"), "high", ""),
    "low": (lambda: of_held("low"), "low", ""),
    "volume": (lambda: of_held("volume"), "volume", ""),
    "in another currency": (lambda: of_held() * 0.8731, "close", ""),
    "rebased and rounded": (lambda: np.round(of_held() / of_held()[0] * 100, 2), "close", ""),
    "logarithm": (lambda: np.log10(of_held()), "close", "the logarithm of "),
    "returns in per cent": (lambda: 100 * returns(of_held()), "close", "the returns of "),
    "log returns": (lambda: np.log1p(returns(of_held())), "close", "the logarithm of "),
    "half of the time": (lambda: np.where(np.arange(240) < 150, of_held(), of_held() ** 0), "close", ""),
}


@pytest.mark.parametrize("case", PLANTED)
def test_a_symbol_in_disguise_is_named(case: str) -> None:
    make, field, what = PLANTED[case]
    [found] = disguised(told(make()), [HELD])
    assert (found.covariate, found.symbol, found.late) == ("other", HELD, 0)
    if case != "log returns":  # which are nearly the returns
        assert (found.field, found.what) == (field, what)


def test_one_that_comes_late_or_holds_for_a_single_symbol_is_found_too() -> None:
    [found] = disguised(told(of_held(), late=2), [HELD])
    assert (found.field, found.late) == ("close", 2)
    assert [one.symbol for one in disguised(told(of_held(), ("BBB",)), [HELD])] == [HELD]
    # What the symbol alone reads of itself teaches no model.
    assert list(disguised(told(of_held(), (HELD,)), [HELD])) == []


def test_what_is_no_symbol_is_let_pass() -> None:
    rng = np.random.default_rng(0)
    walk = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, 240)))
    step = np.append(0.0, np.diff(np.log(of_held())))
    for values in (
        walk,
        rng.normal(size=240),
        rng.integers(0, 2, 240).astype(float),
        np.arange(240.0),
        np.full(240, 3.0),
        np.cumsum(rng.choice([-1.0, 1.0], 240)) + 500,
        np.asarray(BARS.close[:, 1]),  # another symbol
        100 * np.exp(np.cumsum(0.9 * step + 0.436 * rng.permutation(step))),  # related: a correlation of 0.9
    ):
        assert list(disguised(told(values), [HELD])) == []


def test_many_symbols_take_no_time() -> None:
    bars = market(300, 30)
    closes = pd.DatetimeIndex(np.repeat(bars.times, 30)).tz_localize("UTC")
    frame = pd.DataFrame({"symbol": np.tile(bars.symbols, 300), "time": closes, "published_at": closes})
    rng = np.random.default_rng(1)
    wide = bars.with_covariates({"a": covariate_of(frame.assign(x=rng.normal(size=len(frame))))})
    began = time.process_time()
    assert list(disguised(wide, bars.symbols[:10])) == []
    assert time.process_time() - began < 5

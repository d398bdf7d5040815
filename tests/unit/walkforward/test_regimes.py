"""The regime of a bar is what was known before it, and no more."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from quorate.trading.costs import Trading
from quorate.walkforward import regimes as module
from quorate.walkforward.regimes import MONTH, TREND, regimes_of

FIRST, STOP = 500, 900
FOLDS = [SimpleNamespace(first=500), SimpleNamespace(first=700)]


@pytest.fixture
def found(monkeypatch):
    """Regimes of a market whose value is given."""

    def of(value):
        monkeypatch.setattr(module, "market_of", lambda walk, stop: value[:stop])
        return regimes_of(None, FOLDS, FIRST, STOP)

    return of


def market(seed=1):
    rng = np.random.default_rng(seed)
    wild = np.where(np.arange(STOP) // 90 % 2, 0.02, 0.005)
    return np.cumprod(1 + rng.normal(0.0003, 1, STOP) * wild)


def test_each_is_what_the_close_before_the_return_tells(found):
    value, told = market(), found(market())
    returns = value[1:] / value[:-1] - 1
    for at in (500, 640, 699, 700, 898):  # a return begins at this bar
        cut = 500 if at < 700 else 700
        past = [returns[k - MONTH : k].std(ddof=1) for k in range(MONTH, cut)]
        now, thirds = returns[at - MONTH : at].std(ddof=1), np.quantile(past, [1 / 3, 2 / 3])
        assert told["volatility"][at - FIRST] == ("calm", "usual", "wild")[int((now > thirds).sum())]
        side = "above" if value[at] > value[at - TREND + 1 : at + 1].mean() else "below"
        assert told["trend"][at - FIRST] == side
    assert all(len(words) == STOP - FIRST - 1 for words in told.values())
    assert {*told["volatility"]} == {"calm", "usual", "wild"}


@pytest.mark.parametrize("at", [520, 699, 701, 850])
def test_another_future_changes_none_before_it(found, at):
    value, other = market(), market()
    other[at + 1 :] *= np.linspace(1.5, 0.1, STOP - at - 1)
    one, two = found(value), found(other)
    for kind in one:
        assert np.array_equal(one[kind][: at - FIRST + 1], two[kind][: at - FIRST + 1])
    assert not np.array_equal(one["trend"], two["trend"])


def test_slippage_is_added_to_that_of_the_recipe():
    assert Trading(slippage=0.0005, fees=0.001).worse(0.001) == Trading(slippage=0.0015, fees=0.001)
    each = Trading(slippage=np.array([[0.001], [0.002]])).worse(0.001).slippage
    assert np.asarray(each).ravel() == pytest.approx([0.002, 0.003])

"""Symbols that are delisted, end, or leave the universe; and orders of several markets in one panel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.bars.panel import Bars
from quorate.bars.universe import Spell, Universe
from quorate.dataset.labels import Labels, build_labels
from quorate.dataset.rows import build_dataset
from quorate.plugins.specs import FeatureSpec, LabelSpec
from quorate.trading import orders as module
from quorate.trading.backtest import backtest
from quorate.trading.costs import Trading
from quorate.trading.portfolio import share_of_capital
from quorate.trading.risk import Risk, limited
from quorate_plugins.labels.cross_section import rank
from quorate_plugins.labels.returns import trade_return

DAYS = pd.bdate_range("2020-01-06", periods=20)
FREE = Trading(capital=1000.0)


def day(k):
    return DAYS[k].date()


def panel(*closes):
    """Symbols A, B, ..., each with its closes, which are its opens, too; NaN where there is no bar."""
    times = pd.DatetimeIndex(quorate.get_calendar("us-equity").close_times(DAYS.to_numpy())).tz_localize("UTC")
    frames = [pd.DataFrame({"symbol": "ABC"[k], "time": times, "close": one}) for k, one in enumerate(closes)]
    frame = pd.concat(frames).dropna()
    return Bars.from_frame(frame.assign(**dict.fromkeys(["open", "high", "low"], frame["close"])))


FLAT = np.full(20, 10.0)
ENDS = np.where(np.arange(20) < 10, 10.0, np.nan)


def held(bars, weight=0.5):
    """What came of holding every symbol throughout."""
    return backtest(bars, np.full((*bars.close.shape, 1), weight), FREE)[0]


@pytest.mark.parametrize(
    "spell, haircut, lost", [({"payout": 4.0}, 0.0, 0.6), ({}, 0.0, 0.0), ({}, 0.3, 0.3), ({"payout": 0.0}, 0.5, 1.0)]
)
@pytest.mark.usefixtures("engine")
def test_a_delisted_symbol_is_paid_out_at_the_first_bar_after_its_exit(spell, haircut, lost):
    told = Universe((Spell("A"), Spell("B", exit=day(9), delisted=True, **spell)), haircut)
    result = held(replace(panel(FLAT, ENDS), universe=told))
    assert result.equity[9] == pytest.approx(1000.0)
    assert result.equity[10] == pytest.approx(1000.0 * (1 - 0.5 * lost), rel=1e-5)
    [closed] = result.trades[result.trades["symbol"] == "B"].to_dict("records")
    assert closed["closed"]
    assert closed["exited"] == pd.Timestamp(panel(FLAT).times[10], tz="UTC")


@pytest.mark.usefixtures("engine")
def test_what_ends_without_a_word_is_paid_out_later_less_the_haircut(monkeypatch):
    monkeypatch.setattr(module, "GONE", 5)
    bars = panel(FLAT, ENDS)
    plain, cut = held(bars).equity, held(replace(bars, universe=Universe((), 0.4))).equity
    assert plain == pytest.approx(np.full(20, 1000.0))
    assert cut[13] == pytest.approx(1000.0)
    assert cut[14] == pytest.approx(800.0)


def test_a_symbol_that_left_has_no_share_and_no_limits_left_over():
    told = Universe((Spell("A"), Spell("B", entry=day(3), exit=day(9), delisted=True)))
    bars = replace(panel(FLAT, ENDS), universe=told)
    share = share_of_capital(bars.present, member=bars.member)
    assert share[:, 0].tolist() == [1.0] * 3 + [0.5] * 7 + [1.0] * 10
    again = replace(panel(FLAT, FLAT), universe=Universe((*told.spells, Spell("B", entry=day(14)))))
    weights = limited(np.ones((20, 2, 1)), again, [Risk(max_bars=30, band=2.0)], "open")
    assert weights[14:, 1, 0].tolist() == [1.0] * 6


def test_rows_are_of_members_and_features_among_symbols_see_these_alone():
    rng = np.random.default_rng(1)
    bars = panel(*(100 * np.exp(rng.normal(0, 0.02, 20).cumsum()) for _ in range(3)))
    told = Universe((Spell("A"), Spell("B"), Spell("C", entry=day(6), exit=day(14))))
    counted = FeatureSpec(
        "others",
        lambda close: np.isfinite(close).sum(axis=1, keepdims=True) + 0 * close,
        lookback=3,
        cross_sectional=True,
    )
    own = FeatureSpec("mean", lambda close: close / pd.DataFrame(close).rolling(5).mean().to_numpy(), lookback=5)
    labels = Labels(np.zeros((20, 3)), np.full((20, 3), 19))
    alone = build_dataset(replace(bars, universe=told), [own], labels)
    assert np.unique(alone.bar[alone.symbol == 2]).tolist() == list(range(6, 15))  # its history came before its entry
    among = build_dataset(replace(bars, universe=told), [counted, own], labels)
    assert np.unique(among.bar[among.symbol == 2]).tolist() == list(range(8, 15))  # since three bars in the universe
    assert set(among.X[among.bar == 5, 0]) == {2.0}
    assert set(among.X[among.bar == 8, 0]) == {3.0}
    whole = build_dataset(bars, [own], labels)
    same = (whole.symbol == 2) & (whole.bar >= 6) & (whole.bar < 15)
    assert (whole.X[same] == alone.X[alone.symbol == 2]).all()


def test_labels_count_what_a_delisting_paid_and_rank_members_alone():
    earns = LabelSpec("earns", trade_return, task="regression")
    told = Universe((Spell("A"), Spell("B", exit=day(9), payout=4.0, delisted=True)))
    values = build_labels(replace(panel(FLAT, ENDS), universe=told), earns, 2, "open", {}).values[:, 1]
    assert values[6] == 0.0
    assert values[7:9].tolist() == pytest.approx([-0.6, -0.6])
    places = LabelSpec("places", rank, task="regression", cross_sectional=True)
    bars = panel(FLAT + np.arange(20), FLAT + 2 * np.arange(20), FLAT + 3 * np.arange(20))
    members = Universe((Spell("A"), Spell("B"), Spell("C", entry=day(6), exit=day(14))))
    ranked = build_labels(replace(bars, universe=members), places, 2, "open", {}).values
    assert [len(set(row[np.isfinite(row)])) for row in ranked[:17]] == [2] * 6 + [3] * 9 + [2] * 2


@pytest.mark.usefixtures("engine")
def test_orders_of_several_markets_are_filled_at_prices_after_their_decision():
    times = pd.date_range("2020-01-06", periods=28, tz="UTC") + pd.Timedelta(days=1)
    close = 100.0 + np.arange(28)
    coin = Bars.from_frame(
        pd.DataFrame(
            {"symbol": "C", "time": times, "open": close - 0.5, "high": close, "low": close - 1, "close": close}
        ),
        "24x7",
    )
    bars = quorate.align([panel(FLAT), coin])
    targets = np.zeros((*bars.close.shape, 1))
    targets[3:6, 1] = 1.0  # decided on Thursday, Friday and Monday
    [trade] = backtest(bars, targets, FREE)[0].trades.to_dict("records")
    assert trade["entry_price"] == coin.open[4, 0]  # of Friday, from midnight on
    assert trade["exit_price"] == coin.open[9, 0]
    assert backtest(bars, targets, replace(FREE, fill="close"))[0].trades["entry_price"].iloc[0] == bars.close[4, 1]

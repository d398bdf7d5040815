"""Cost models: what they give, what is refused, and what a backtest makes of costs that differ by bar and symbol."""

from __future__ import annotations

import numpy as np
import pytest

from quorate.errors import IntegrityError, PluginError
from quorate.testing.markets import market, panel
from quorate.trading.backtest import backtest, equity_curves
from quorate.trading.costs import Trading, check_cost
from quorate.walkforward.causality import audit_costs
from quorate_plugins.costs import bar_range, fixed

BARS = panel(120, late=40)


def test_the_fixed_model_gives_what_it_is_told():
    assert fixed(BARS) == (0.0005, 0.0002)
    assert fixed(BARS, fees=0.001, slippage=0.0) == (0.001, 0.0)


def test_the_range_model_reads_the_bars_before_the_fill_and_not_those_of_other_symbols():
    fees, slippage = bar_range(BARS, share=0.1, window=5)
    assert fees == 0.0005
    row, column = 60, 1
    before = [(BARS.high[t, column] - BARS.low[t, column]) / BARS.close[t, column] for t in range(row - 5, row)]
    assert slippage[row, column] == pytest.approx(0.1 * np.mean(before), rel=1e-12)
    alone = bar_range(BARS.select(["BBB"]), share=0.1, window=5)[1]
    np.testing.assert_allclose(slippage[40:, 1], alone[:, 0], rtol=1e-12)
    assert np.isfinite(slippage[BARS.present]).all()
    assert bar_range(BARS, share=10.0, most=0.01)[1].max() == 0.01


@pytest.mark.parametrize(
    "value, said",
    [
        (-0.1, "0 <= fees < 0.5; it was -0.1"),
        (0.5, "0 <= fees < 0.5; it was 0.5"),
        (np.nan, "it was nan"),
        (np.zeros(120), r"must be a number or an array \(120, 2\); its shape is \(120,\)"),
        (np.where(np.arange(120)[:, None] == 70, 2.0, np.zeros((120, 2))), "it was 2"),
    ],
    ids=["negative", "percent", "nan", "a column", "one bar"],
)
def test_what_is_no_fraction_is_refused(value, said):
    with pytest.raises(PluginError, match=f"cost model 'mine': fees .*{said}"):
        check_cost(value, "fees", "mine", BARS)


def test_costs_matter_only_where_a_symbol_has_a_bar():
    shares = np.where(BARS.present, 0.001, np.nan)
    checked = check_cost(shares, "fees", "mine", BARS)
    assert np.isfinite(checked).all()
    assert (checked[BARS.present] == 0.001).all()
    assert check_cost(0, "fees", "mine", BARS) == 0.0


def test_equal_costs_as_numbers_and_as_arrays_give_equal_books():
    bars = market(60, 2)
    targets = np.where(np.arange(60)[:, None, None] % 7 < 3, 0.5, 0.0) * np.ones((60, 2, 1))
    numbers = Trading("open", 0.001, 0.0005, 10_000.0)
    arrays = Trading("open", np.full((60, 2), 0.001), np.full((60, 2), 0.0005), 10_000.0)
    one, other = backtest(bars, targets, numbers)[0], backtest(bars, targets, arrays)[0]
    assert one.equity.tobytes() == other.equity.tobytes()
    assert (one.fees, one.slippage) == (other.fees, other.slippage)


def test_an_order_pays_what_its_own_bar_and_symbol_cost():
    bars = market(40, 2)
    targets = np.zeros((40, 2, 1))
    targets[10:20, 0] = 0.5
    targets[12:22, 1] = 0.5
    fees = np.zeros((40, 2))
    fees[11, 0], fees[23, 1] = 0.01, 0.02  # filled a bar after the decision
    free = backtest(bars, targets, Trading(capital=1000.0))[0]
    costly = backtest(bars, targets, Trading("open", fees, 0.0, 1000.0))[0]
    paid = costly.trades.set_index("symbol")["fees"]
    entry = costly.trades.set_index("symbol")
    assert paid["AAA"] == pytest.approx(0.01 * entry.loc["AAA", "size"] * entry.loc["AAA", "entry_price"])
    assert paid["BBB"] == pytest.approx(0.02 * entry.loc["BBB", "size"] * entry.loc["BBB", "exit_price"])
    assert free.fees == 0.0
    assert costly.fees == pytest.approx(paid.sum())


def test_many_series_at_once_pay_the_same():
    bars = market(50, 2)
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, (50, 2, 5)) * 0.5
    trading = Trading("open", rng.uniform(0, 0.01, (50, 2)), rng.uniform(0, 0.01, (50, 2)), 1000.0)
    together = equity_curves(bars, targets, trading)
    for k in range(5):
        assert equity_curves(bars, targets[:, :, [k]], trading)[:, 0].tolist() == together[:, k].tolist()
    part = trading.take(10, 30)
    assert (part.fees == trading.fees[10:30]).all()
    assert (part.fill, part.capital) == ("open", 1000.0)


def test_a_cost_model_that_looks_ahead_stops_the_run():
    bars = market(100)

    def ahead(known):
        gap = np.abs(np.diff(known.close, axis=0, append=known.close[-1:])) / known.close
        return Trading("open", np.minimum(gap, 0.1), 0.0)

    with pytest.raises(IntegrityError, match="cost model 'mine' looks ahead: its fees before 20"):
        audit_costs("mine", ahead(bars), ahead, bars, 50)

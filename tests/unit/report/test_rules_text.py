"""What a report says of the orders of its backtest."""

from __future__ import annotations

from quorate.report.sections.trading import rules_text


def test_rules_of_orders_are_told_and_nothing_where_there_are_none() -> None:
    assert rules_text({"fill": "open"}) == ""
    assert rules_text({"lots": 10.0, "band": 0.005, "rebalance": "weekly"}) == (
        ", in lots of 10, changes of weight below 0.5% left, rebalanced at the first bar of a week"
    )
    assert rules_text({"lots": {"SPY": 10, "BTC": 0.001}}) == ", in lots of 10 SPY, 0.001 BTC"

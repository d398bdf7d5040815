"""The columns of the views of SQL that tell of regimes, and of what is left later, dearer and with more capital."""

from __future__ import annotations

from quorate.report.columns import PART, Described
from quorate.report.sql_forecasts import RUN

OF_FIRMNESS: dict[str, tuple[str, list[Described]]] = {
    "regimes": (
        "One row per regime of the market, or year, and series: the judged one, and buy and hold.",
        [
            RUN,
            PART,
            Described("kind", "str", "volatility, trend or year"),
            Described("regime", "str", "calm, usual, wild; above, below the trailing mean; a year; NULL: not known"),
            Described("bars", "int64", "returns in it"),
            Described("series", "str", "the judged one, or buy-and-hold/hold"),
            Described("total_return", "float64", "of these bars"),
            Described("sharpe, sharpe_low, sharpe_high", "float64", "annual, with its 90 % interval"),
            Described("max_drawdown", "float64", "of these bars, put one behind the other"),
            Described("share", "float64", "of the sum of all logarithmic returns; NULL, where that is no gain"),
        ],
    ),
    "carry": (
        "One row per series of a run with `data.cash`, `costs.borrow` or `costs.funding`: what cash earned for it, and "
        "what its positions paid.",
        [
            RUN,
            PART,
            Described("series", "str", "NAME/STRATEGY"),
            Described("cash", "float64", "what cash earned per year, on average: returns are judged in excess of it"),
            Described("interest", "float64", "earned by the account's cash, in currency"),
            Described("borrow", "float64", "paid for what was short"),
            Described("funding", "float64", "paid for what was long, less what was earned on what was short"),
            Described(
                "interest_per_year, borrow_per_year, funding_per_year", "float64", "the same as a share of the account"
            ),
        ],
    ),
    "ladders": (
        "One row per step of a ladder: what the same decisions earn later, at worse prices, or with other capital.",
        [
            RUN,
            PART,
            Described("ladder", "str", "lag, slippage, or, where the size of orders costs something, capital"),
            Described(
                "step", "float64", "bars from a decision to its fill; basis points per side that are added; currency"
            ),
            Described("sharpe, total_return", "float64", "as in metrics"),
            Described("cagr", "float64", "growth per year; this and what follows of capital alone"),
            Described("impact_bp", "float64", "mean impact in basis points, by the value of orders"),
            Described("largest_share", "float64", "that an order had of what was traded in its session"),
        ],
    ),
    "capacity": (
        "One row per level that the Sharpe ratio falls to as capital grows, where the size of orders costs something.",
        [
            RUN,
            PART,
            Described("level", "str", "half of what next to no capital has; gate: what the gate sharpe asks for"),
            Described("at_none", "float64", "the Sharpe ratio with next to no capital"),
            Described("sharpe", "float64", "the level"),
            Described("capital", "float64", "at which it falls to the level; NULL, where none is small enough"),
            Described("reached", "str", "at this capital; above it, the most that was tried; or never"),
        ],
    ),
}

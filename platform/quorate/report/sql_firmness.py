"""The columns of the views of SQL that tell of regimes, and of what is left later and at worse prices."""

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
    "ladders": (
        "One row per step of a ladder: what the same decisions earn filled later, or at worse prices.",
        [
            RUN,
            PART,
            Described("ladder", "str", "lag or slippage"),
            Described("step", "int64", "bars from a decision to its fill; basis points per side that are added"),
            Described("sharpe, total_return", "float64", "as in metrics"),
        ],
    ),
}

"""The words of the report on regimes, and on what is left later, at worse prices, and with more capital."""

from __future__ import annotations

from quorate.report.glossary_base import COMMON, OURS, Term

OF_FIRMNESS: dict[str, Term] = {
    "regime": Term(
        "What times of the market a bar belongs to: calm, usual or wild; above or below its trailing mean; a year.",
        "as known at the close before: deviation of 21 returns of buy and hold, cut at the terciles of all bars before "
        "the fold; its value against the mean of 200 bars",
        OURS,
    ),
    "Sharpe CI": Term(
        "Where the true Sharpe ratio lies with 90% confidence; it may lie below zero for years by chance.",
        "t distribution, by the long-run error of the ratio's terms",
        "Lazarus, Lewis, Stock and Watson (2018), JBES 36(4)",
    ),
    "share of gain": Term(
        "What part of the whole gain these bars earned; below zero they lost.",
        "sum of their logarithmic returns / sum of all; not told, where there is no gain",
        COMMON,
    ),
    "held return": Term("What buying and holding came to in the same bars.", "As return.", COMMON),
    "held Sharpe": Term("The Sharpe ratio of buying and holding in the same bars.", "As Sharpe.", COMMON),
    "held max DD": Term("The deepest fall of buying and holding in the same bars.", "As max DD.", COMMON),
    "lag": Term("Bars from a decision to its fill: 1 is what is traded.", "Every order so much later.", OURS),
    "added slippage": Term(
        "How much worse each fill is than the recipe says, in basis points: 0 is what is traded.",
        "Per side, on top of the recipe's costs.",
        OURS,
    ),
    "capital": Term(
        "What an account begins with; the larger it is, the larger its orders, and the more they move prices.",
        "The same desired weights, traded with so much.",
        OURS,
    ),
    "impact": Term(
        "What orders lose because they are large: they move the price against themselves.",
        "Mean over orders, by their values: what the cost model adds by the square root of an order's value",
        "Toth and others (2011), Phys. Rev. X 1, 021006",
    ),
    "share of day": Term(
        "The largest share that an order had of all that was traded in its symbol that day.",
        "value of the order / (volume times close, of the session that filled it)",
        OURS,
    ),
    "capacity": Term(
        "With how much capital half of the Sharpe ratio is left, and with how much it falls to the gate's bound.",
        "Of the same decisions, between two capitals that were tried: in proportion to the square root of the capital",
        OURS,
    ),
    "interest": Term(
        "What the cash of the account earned, in its currency.",
        "(1 - net weight) x data.cash x years between closes",
        OURS,
    ),
    "a year": Term("The same per year, as a share of the account.", "sum of the shares / years", OURS),
    "borrow": Term(
        "What was paid for what was short, in the account's currency.", "short weight x costs.borrow x years", OURS
    ),
    "funding": Term(
        "What was paid for what was long, less what was earned on what was short.",
        "net weight x costs.funding x years",
        OURS,
    ),
    "regimes": Term(
        "Whether no regime of volatility or trend lost beyond chance, and no break left a mean that is not above zero.",
        "Smallest p-value: of Sharpe ratios below zero times the number of regimes, and of OLS-CUSUM",
        "Ploberger and Kraemer (1992), Econometrica 60(2)",
    ),
}

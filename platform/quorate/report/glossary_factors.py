"""The words of the report on the recipe's own benchmark and factors."""

from __future__ import annotations

from quorate.report.glossary_base import COMMON, Term

LONG_RUN = "t distribution, by the long-run error: Lazarus, Lewis, Stock and Watson (2018), JBES 36(4)"

OF_FACTORS: dict[str, Term] = {
    "active": Term(
        "What was earned more than the benchmark, a year.",
        "mean of the returns less the benchmark's, times periods a year",
        COMMON,
    ),
    "active CI": Term("Where the true active return lies with 90% confidence.", "mean +- error", LONG_RUN),
    "TE": Term(
        "Tracking error: how far the returns stray from the benchmark's.", "deviation of the difference", COMMON
    ),
    "IR": Term(
        "Information ratio: what was earned beyond the benchmark, or the factors, for the risk that was taken for it.",
        "active / TE; alpha / residual",
        "Goodwin (1998), FAJ 54(4); Treynor and Black (1973), JB 46(1)",
    ),
    "beta": Term(
        "How much of each move of the benchmark, or of a factor, the returns have.",
        "slope of a regression of the returns on it, and on all other factors",
        "Sharpe (1964), JF 19(3)",
    ),
    "beta CI": Term("Where the true beta lies with 90% confidence.", "beta +- error", LONG_RUN),
    "up capture": Term(
        "How much of the benchmark's rise was earned; above 1 more than it.",
        "mean return over the benchmark's, in periods in which that rose",
        "Bacon (2008), Practical Portfolio Performance Measurement and Attribution",
    ),
    "down capture": Term(
        "How much of the benchmark's fall was suffered; below 0 something was earned meanwhile.",
        "mean return over the benchmark's, in periods in which that fell",
        "Bacon (2008), Practical Portfolio Performance Measurement and Attribution",
    ),
    "alpha CI": Term("Where the true alpha lies with 90% confidence.", "alpha +- error", LONG_RUN),
    "R2": Term("The share of the ups and downs that the factors explain.", "1 - residual variance / variance", COMMON),
    "residual": Term("Volatility of what the factors do not explain.", "deviation of the residuals, a year", COMMON),
    "factor": Term(
        "A series of returns that much of what anyone earns is made of: of the market, of small over large stocks.",
        "as its file has it, between the same closes",
        "Fama and French (1993), JFE 33(1)",
    ),
    "factor-alpha": Term(
        "Whether more was earned than the betas to the recipe's factors explain.",
        "p-value of a regression's constant of 0, one-sided, by its long-run error",
        "Jensen (1968), JF 23(2); Fama and French (1993), JFE 33(1)",
    ),
}

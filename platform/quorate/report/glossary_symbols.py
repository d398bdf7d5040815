"""The words of the report on symbols beside each other."""

from __future__ import annotations

from quorate.report.glossary_base import COMMON, OURS, Term

GRINOLD = "Grinold and Kahn (2000), Active Portfolio Management"
TEST = "Lazarus, Lewis, Stock and Watson (2018), JBES 36(4)"

OF_SYMBOLS: dict[str, Term] = {
    "IC": Term(
        "Information coefficient: whether symbols that were ranked higher came higher. 0.05 is much.",
        "rank correlation of forecasts and labels across the symbols of a bar (Spearman), mean over bars",
        GRINOLD,
    ),
    "IC low": Term(
        "What the IC is above with 95% confidence: above zero, it is no chance.",
        "IC - quantile of the t distribution x standard error, as of t",
        TEST,
    ),
    "ICIR": Term(
        "How steady the IC is from bar to bar; not annualised.", "mean / deviation of the rank correlations", GRINOLD
    ),
    "t": Term(
        "The IC over its standard error: beyond 2 it is hardly chance. Labels that overlap are allowed for.",
        "mean / root of (mean square of products with B slow cosines / n); B = min(0.4 n^(2/3), n / 2 horizon), n bars",
        TEST,
    ),
    "positive": Term("The share of bars with a rank correlation above zero.", "bars above zero / bars", COMMON),
    "Q1": Term(
        "What came, on average, of the fifth of a bar's symbols that was forecast lowest; Q5 is the highest fifth.",
        "mean label by bucket of the forecast's rank within the bar, mean over bars",
        COMMON,
    ),
    "Q2": Term("The same of the second fifth from below.", "As Q1.", COMMON),
    "Q3": Term("The same of the fifth in the middle.", "As Q1.", COMMON),
    "Q4": Term("The same of the second fifth from above.", "As Q1.", COMMON),
    "Q5": Term("The same of the fifth that was forecast highest.", "As Q1.", COMMON),
    "spread": Term(
        "What the highest fifth of a bar's forecasts came to beyond the lowest.",
        "Q5 - Q1 of each bar, mean over bars",
        COMMON,
    ),
    "spread t": Term("The spread over its standard error.", "As t.", TEST),
    "contribution": Term(
        "What a symbol earned for the portfolio: all of them add up to its total return.",
        "gain or loss of the symbol, net of costs / capital",
        OURS,
    ),
    "year": Term("What happened in that year of the calendar.", "By the close of each bar, UTC.", COMMON),
    "bars": Term("How many bars a figure rests on.", "Bars that have one.", COMMON),
    "rank-ic": Term("Whether symbols that are ranked higher come higher, beyond chance.", "IC low", TEST),
}

"""The words of the report: what each means, how it is reckoned, and where it comes from."""

from __future__ import annotations

from quorate.errors import RecipeError, near_misses
from quorate.report.glossary_base import COMMON, OURS, Term
from quorate.report.glossary_factors import OF_FACTORS
from quorate.report.glossary_firmness import OF_FIRMNESS
from quorate.report.glossary_forecasts import OF_DISTRIBUTIONS
from quorate.report.glossary_forward import OF_FORWARD
from quorate.report.glossary_portfolio import OF_PORTFOLIOS
from quorate.report.glossary_symbols import OF_SYMBOLS
from quorate.report.glossary_training import OF_TRAINING

GLOSSARY: dict[str, Term] = {
    **OF_DISTRIBUTIONS,
    **OF_FACTORS,
    **OF_FIRMNESS,
    **OF_FORWARD,
    **OF_PORTFOLIOS,
    **OF_SYMBOLS,
    **OF_TRAINING,
    # --- the verdict
    "verdict": Term(
        "Whether an ensemble has earned promotion: PASS, FAIL, or INSUFFICIENT where too little is known to say.",
        "FAIL, if a gate that counts failed; else INSUFFICIENT, if one cannot be judged; else PASS.",
        OURS,
    ),
    "gate": Term(
        "A question that a run must answer with yes. Its letter is its tier: A integrity, B headline figures, C luck, "
        "D robustness.",
        "A figure compared with a bound; quorate plugins show NAME has its options.",
        OURS,
    ),
    "value": Term("The figure that a gate judges.", "See the gate's own name.", OURS),
    "must be": Term("The bound that a gate's figure is compared with.", "From the recipe's [gates].", OURS),
    "to pass, and to mind": Term(
        "What would have to be different for a gate to pass, and what it says beside its figures.",
        "With all else as it was: so many more bars at this Sharpe ratio, so much lower costs, so many fewer trials.",
        OURS,
    ),
    "uncertainty": Term(
        "How far the figure may be from the truth.",
        "An interval, a bound, or the p-value of a second test; see the gate's own name.",
        OURS,
    ),
    "sample": Term("On how much the figure rests.", "Bars, trades, candidates or draws.", OURS),
    "buy & hold": Term(
        "Buying at the first chance and never selling: what doing nothing would have earned, after costs.",
        "Equal weights in all symbols from the first bar on.",
        COMMON,
    ),
    "holdout": Term(
        "The last bars, which nothing is fitted, chosen or judged on until quorate promote opens them.",
        "holdout.fraction or holdout.bars of the recipe; each opening is an entry in the ledger.",
        OURS,
    ),
    "walk-forward": Term(
        "Learning from the past, predicting the bars after it, and moving on: no prediction knows its future.",
        "Fold after fold; labels that reach into the bars to be predicted are left out of training.",
        "Pardo (1992), Design, Testing and Optimization of Trading Systems",
    ),
    "trials": Term(
        "Series that were tried on these bars, by all runs that the ledger knows: the best of many is lucky.",
        "Correlated ones count as fewer independent ones: as many whose best is as lucky.",
        "Bailey and Lopez de Prado (2014), Journal of Portfolio Management 40(5)",
    ),
    # --- performance
    "series": Term(
        "A combination of forecasts and a strategy that was traded: an ensemble, a member, or what they must beat.",
        "Ensemble or member, then the strategy; the first one is judged.",
        OURS,
    ),
    "return": Term(
        "What was earned in all, as a share of the capital, after fees and slippage.", "last equity / first - 1", COMMON
    ),
    "CAGR": Term(
        "The return of a year that would have come to the same.",
        "(last equity / first)^(bars a year / bars) - 1",
        COMMON,
    ),
    "Sharpe": Term(
        "Return for the risk taken: the mean of the returns over their deviation, per year. 0.5 is usual for shares.",
        "mean / deviation (ddof 1) x root of the bars of a year; of returns in excess of data.cash, where it is given",
        "Sharpe (1994), Journal of Portfolio Management 21(1)",
    ),
    "max DD": Term(
        "The deepest fall of the equity from its highest so far.", "min(equity / highest before - 1)", COMMON
    ),
    "drawdown": Term("How far the equity is below its highest so far.", "equity / highest before - 1", COMMON),
    "volatility": Term(
        "How much the returns vary, per year.", "deviation (ddof 1) x root of the bars of a year", COMMON
    ),
    "win rate": Term("The share of closed trades that gained after costs.", "winners / closed trades", COMMON),
    "closed": Term(
        "Trades that ended: bought and sold, or sold short and bought back.", "Number of round trips.", COMMON
    ),
    "exposure": Term("The share of bars with a position.", "bars with a position / bars", COMMON),
    "turnover": Term(
        "How much was traded, in capitals per year.", "traded value / mean equity, over the years", COMMON
    ),
    "lot": Term("What a symbol is traded in multiples of.", "Orders in units, rounded toward zero to it.", COMMON),
    "band": Term(
        "How small a change of weight is not traded.", "|desired weight - weight held| below it; exits always", COMMON
    ),
    "accuracy": Term("The share of forecasts with the right direction.", "right / all forecasts with a label", COMMON),
    "AUC": Term(
        "How well forecasts order ups above downs: 0.5 is chance, 1 perfect.",
        "Share of pairs of an up and a down in which the up was forecast higher.",
        "Fawcett (2006), Pattern Recognition Letters 27(8)",
    ),
    "equity": Term("What the account is worth at each close.", "cash + positions at the close", COMMON),
    # --- how it came about
    "fold": Term("One step of the walk-forward.", "Trained on what is before, tested on what follows.", OURS),
    "train rows": Term("Rows of bars and symbols that a fold learnt from.", "With features and an ended label.", OURS),
    "tested": Term("The days that a fold predicted.", "First and last.", OURS),
    "threshold": Term(
        "How sure a forecast must be to be traded.",
        "On each fold the one that would have been best before it, by backtests of the past alone.",
        OURS,
    ),
    "in-sample": Term(
        "The share of rows that the members learnt from of which they tell the direction; of the latest 1,024 at most.",
        "right / all such rows, asked of the fitted model again",
        COMMON,
    ),
    "out-of-sample": Term(
        "The same share of the rows after them, which they had not seen.", "right / all rows of the test", COMMON
    ),
    "decay": Term(
        "What was learnt by heart and not for life: how much fewer directions were right on rows that were not seen.",
        "out-of-sample less in-sample",
        "Pardo (1992), Design, Testing and Optimization of Trading Systems",
    ),
    "member": Term("A model whose forecasts the ensemble combines.", "[models] of the recipe", OURS),
    "DM": Term(
        "Whether a member's forecasts err less than the naive one, the mean of all labels known before: below zero "
        "they do. Where the model can become the naive forecast, it is too strict.",
        "Mean difference of squared errors over its long-run standard error; symbols of one bar are averaged.",
        "Diebold and Mariano (1995); Lazarus, Lewis, Stock and Watson (2018)",
    ),
    "p-value": Term(
        "How often chance alone would show as much: below 0.05 it seldom does. It is not the chance of being wrong.",
        "Of the test beside it, two-sided unless that says otherwise.",
        "Fisher (1925), Statistical Methods for Research Workers",
    ),
    "reliability": Term(
        "Whether forecasts mean what they say: of those that say 60 %, some 60 % should come true.",
        "Forecasts of like size in groups: their mean beside what came of them; on the diagonal both are the same.",
        "Murphy (1973), Journal of Applied Meteorology 12(4)",
    ),
    "one way": Term(
        "How one-sided forecasts are: near 100 % they tell one direction whatever comes, and the member has collapsed.",
        "Share of the more frequent direction of the forecasts, its folds by their rows",
        OURS,
    ),
    "dispersion": Term(
        "How much forecasts differ from each other, against what they forecast. Honest forecasts of returns differ "
        "little, by some hundredths of what the labels do; below a thousandth they are one value.",
        "Standard deviation of the forecasts over that of the labels of the same rows",
        OURS,
    ),
    "collapsed": Term(
        "A member that predicts nearly one direction or one value on a fold, where the labels have more than that.",
        "99 % of forecasts of one direction where fewer than 90 % of the labels are, or a dispersion below 0.001; from "
        "50 rows on",
        OURS,
    ),
    "against naive": Term(
        "What DM says: better, or worse, than the naive forecast, or no evidence of either.",
        "Two-sided, at 5 %.",
        "Diebold and Mariano (1995), Journal of Business and Economic Statistics 13(3)",
    ),
    "largest weights": Term(
        "The members that count most in a fold's ensemble.", "From what they did on earlier folds alone.", OURS
    ),
    "correlation": Term(
        "How alike the members' predictions are: 1 the same, 0 nothing in common.", "Pearson's r", COMMON
    ),
    "symbol": Term("What is traded, by its name in the data.", "A column of the bars.", COMMON),
    "rows": Term("Forecasts of a symbol that have a label.", "Number.", OURS),
    "MASE": Term(
        "Error of the forecasts over that of the naive one: below 1 they beat it.",
        "mean |error| / mean |error of the naive forecast|",
        "Hyndman and Koehler (2006), International Journal of Forecasting 22(4)",
    ),
    "error": Term(
        "Mean error of the price that is forecast, as a share of it.", "mean |forecast - price| / price", COMMON
    ),
    "naive error": Term(
        "Mean error of the forecast that the price stays what it was, as a share of it.",
        "mean |last price - price| / price",
        COMMON,
    ),
    "lowest": Term("The lowest forecast of a group.", "Forecasts are sorted and parted into equal groups.", OURS),
    "highest": Term("The highest forecast of a group.", "See lowest.", OURS),
    "mean forecast": Term("What a group of forecasts expected.", "Mean of the forecasts.", OURS),
    "share that rose": Term(
        "What came of a group of forecasts: of calibrated ones it is as large as the mean forecast.",
        "Share of labels that are up",
        "Brier (1950), Monthly Weather Review 78(1)",
    ),
    "mean that came": Term("What came of a group of forecasts.", "Mean of the labels.", OURS),
    "forecasts": Term("Forecasts whose label is known.", "Number.", OURS),
    "rose": Term("How often the label was up.", "Number.", OURS),
    "did not": Term("How often the label was not up.", "Number.", OURS),
    # --- trades and costs
    "side": Term("Whether a trade gained when the price rose (long) or fell (short).", "Sign of the position.", COMMON),
    "entered": Term("The day that a trade began, at the next bar's fill after its decision.", "Day.", OURS),
    "left": Term("The day that a trade ended.", "Day.", OURS),
    "pnl": Term("What a trade gained or lost after costs.", "In units of the account.", COMMON),
    "ended": Term("What ended a trade: a signal, a limit, or the end of the bars.", "See quorate trades.", OURS),
    "break-even": Term(
        "How many times as high costs could be for nothing to be left.",
        "Where the mean return, which falls by the same with each multiple of the costs, is zero.",
        OURS,
    ),
    # --- gates
    "integrity": Term(
        "Whether the run saw nothing of the future and its accounts add up.",
        "Pipelines cut off at random bars give the same; fills agree with orders; equity with trades.",
        OURS,
    ),
    "null-market": Term(
        "Whether the pipeline finds something where there is nothing: then it knows its future.",
        "Sharpe ratios on redrawn markets without a signal; their mean and spread must be those of chance.",
        "docs/evidence.md",
    ),
    "sharpe": Term(
        "Whether the Sharpe ratio is above a bound.", "See Sharpe; the interval is Lo's (2002).", "Lo (2002)"
    ),
    "max-drawdown": Term(
        "Whether the deepest fall stayed below a bound.",
        "See max DD; beside it the 95 % quantile of falls with returns in other orders.",
        "Politis and Romano (1994), stationary bootstrap",
    ),
    "win-rate": Term(
        "Whether more trades won than lost, and open ones do not take it all.",
        "See win rate; beside it Wilson's lower bound.",
        "Wilson (1927)",
    ),
    "sample-size": Term("Whether there were enough trades and bars to judge.", "Numbers against bounds.", OURS),
    "psr": Term(
        "How likely the true Sharpe ratio is above zero, given so many bars, their skew and fat tails, and that they "
        "depend on each other. A holdout that was looked at before asks for more.",
        "t distribution of S over its long-run standard error, S per bar",
        "Bailey and Lopez de Prado (2012), Journal of Risk 15(2); Lazarus, Lewis, Stock and Watson (2018)",
    ),
    "alpha": Term(
        "How likely chance alone would leave as much beside the share of buying and holding that is in it.",
        "p-value of the constant in a regression on buy and hold, by its long-run standard error, one-sided",
        "Jensen (1968), Journal of Finance 23(2)",
    ),
    "selection": Term(
        "How likely as many trials without skill would have shown as high a Sharpe ratio.",
        "1 - (1 - p) ^ N: p of the Sharpe ratio by itself, and as many independent trials as would be as lucky",
        "Sidak (1967), JASA 62(318)",
    ),
    "dsr": Term(
        "How likely the true Sharpe ratio is above the mean of the best that as many trials would have shown.",
        "psr against root(variance among the trials) x expected maximum of so many independent ones",
        "Bailey and Lopez de Prado (2014), Journal of Portfolio Management 40(5)",
    ),
    "spa": Term(
        "How likely the best candidate would look as good by luck, against cash and buying and holding.",
        "p-value of the superior predictive ability test, by the stationary bootstrap",
        "Hansen (2005), Journal of Business and Economic Statistics 23(4)",
    ),
    "stepm": Term(
        "Whether the judged candidate itself is above luck, with all others looked at, too.",
        "Stepwise p-value by the bootstrap of the largest statistic",
        "Romano and Wolf (2005), Econometrica 73(4)",
    ),
    "mcs": Term(
        "Whether no other candidate is clearly better.",
        "p-value of the model confidence set",
        "Hansen, Lunde and Nason (2011), Econometrica 79(2)",
    ),
    "pbo": Term(
        "How often the best candidate of one half of the bars is below the middle in the other half.",
        "Share of combinations of blocks of bars",
        "Bailey, Borwein, Lopez de Prado and Zhu (2017), Journal of Computational Finance 20(4)",
    ),
    "cpcv": Term(
        "Whether the Sharpe ratio holds on other paths through the same bars.",
        "Paths made of combinatorial, purged folds",
        "Lopez de Prado (2018), Advances in Financial Machine Learning, chapter 12",
    ),
    "forecast": Term(
        "Whether forecasts beat the naive one, the mean of what was known.",
        "p-value of Clark and West's test, and of moving with what the naive one missed; the larger counts",
        "Clark and West (2007), Journal of Econometrics 138(1)",
    ),
    "cost-stress": Term("Whether enough is left when costs double.", "Sharpe ratio at twice the costs", OURS),
    "delay": Term("Whether enough is left when orders fill a bar later.", "Sharpe ratio of late orders", OURS),
    "unseen-symbols": Term(
        "What was learnt earns on symbols that nothing was learnt from, over the same bars.",
        "The Sharpe ratio there, by models, weights and thresholds of the other symbols.",
        OURS,
    ),
    "concentration": Term(
        "Whether something is left without the best trades, and without the best month.",
        "The smaller of the two returns that remain",
        OURS,
    ),
    "halves": Term("Whether both halves of the bars gained.", "The smaller of the two returns", OURS),
}


def find(word: str) -> tuple[str, Term]:
    """Return a term and its name, however it is written.

    Raises
    ------
    RecipeError
        If there is no such word, with those that are near.
    """
    known = {name.lower(): name for name in GLOSSARY}
    for written in (word, word.lower(), word.lower().replace(" ", "-"), word.lower().replace("-", " ")):
        name = word if written in GLOSSARY and written == word else known.get(written)
        if name:
            return name, GLOSSARY[name]
    near = near_misses(word.lower(), list(known))
    raise RecipeError(f"there is no word {word!r} in the glossary{near}: quorate explain-term lists all")


def page() -> str:
    """Return the glossary as Markdown."""
    parts = [
        "# Glossary\n\nThe words of the report. `quorate explain-term WORD` says the same in a terminal. "
        "This page is written by `make docs`."
    ]
    for name, term in sorted(GLOSSARY.items(), key=lambda item: (item[0].lower(), item[0])):
        lines = (f"**{name}**: {term.meaning}", f"Reckoned: {_ended(term.formula)}", f"Source: {_ended(term.source)}")
        parts.append("<br>\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _ended(text: str) -> str:
    return text if text.endswith(".") else f"{text}."

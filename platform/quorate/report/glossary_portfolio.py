"""Words about several ensembles as one portfolio."""

from __future__ import annotations

from quorate.report.glossary_base import OURS, Term

OF_PORTFOLIOS: dict[str, Term] = {
    "joint return": Term(
        "What was earned from one joint close to the next: closes at which all ensembles of a portfolio are known.",
        "Sessions that all have, of daily bars; else the moments at which each has closed once more.",
        "Refresh times: Barndorff-Nielsen, Hansen, Lunde and Shephard (2011), Journal of Econometrics 162(2)",
    ),
    "diversification ratio": Term(
        "How much less a portfolio varies than its members by themselves: 1 where all move as one.",
        "mean volatility of the members, by their shares / volatility of the portfolio",
        "Choueifaty and Coignard (2008), Journal of Portfolio Management 35(1)",
    ),
    "risk": Term(
        "Which part of a portfolio's variance a member is; below zero, where it takes risk from the others.",
        "w_i (S w)_i / w' S w; w shares, S covariance of the returns",
        "Maillard, Roncalli and Teiletche (2010), Journal of Portfolio Management 36(4)",
    ),
    "risk budget": Term(
        "The volatility per year that a portfolio may have at most; above it all shares are scaled down.",
        "min(1, budget / volatility), by returns of the walk-forward before each close",
        OURS,
    ),
}

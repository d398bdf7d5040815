"""Words of ``quorate monitor``."""

from __future__ import annotations

from quorate.report.glossary_base import OURS, Term

VALID = "Ville (1939); Hendriksen, de Heide and Grünwald (2021)"

OF_FORWARD: dict[str, Term] = {
    "evidence": Term(
        "The evidence that a version earns less than its backtest promised: 1 at first, above 20 once in twenty times "
        "at most for what keeps its promise, however often one looks.",
        "A mixture of likelihood ratios of forward returns, for Sharpe ratios lower by 1, 2 and 4; docs/monitor.md.",
        VALID,
    ),
    "edge": Term(
        "The evidence that the mean of forward returns is above zero.",
        "As evidence, for Sharpe ratios above zero by 1, 2 and 4.",
        VALID,
    ),
    "promised": Term(
        "The Sharpe ratio that a version was judged by.", "Of the walk-forward and the holdout, annualised.", OURS
    ),
    "drift": Term(
        "Whether what a version reads, or how its forecasts come true, has moved from what it was.",
        "As evidence, for shifts in both directions by a quarter, a half and one deviation; the mean over quantities.",
        VALID,
    ),
}

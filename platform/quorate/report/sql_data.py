"""The columns of the views of SQL that tell of bars: what was found in them, set apart, read beside them, imported."""

from __future__ import annotations

from quorate.report.columns import DAY, SYMBOL, TIME, Described
from quorate.report.sql_forecasts import RUN, TEXTS

CHECKED = ("findings", "quarantine")  # files of runs whose recipes have [data.checks]
OF_DATA: dict[str, tuple[str, list[Described]]] = {
    "findings": (
        "One row per rule and symbol of which a run found something in its bars: of recipes with `[data.checks]`.",
        [
            RUN,
            Described("rule", "str", "the rule, as `quorate data check` names it"),
            Described("symbol", "str", "whose bars; empty: those of all"),
            Described("bars", "int64", "how many bars, or places"),
            Described("share", "float64", "of the symbol's bars, or of all"),
            Described("first, worst_at", "str", "session of the first, and of the worst; within a day also the time"),
            Described("worst", "float64", "how bad that is, in the rule's unit"),
            Described("told", "str", "all of it in a sentence"),
            Described("action", "str", "what became of it: warn, refuse or quarantine"),
        ],
    ),
    "quarantine": (
        "One row per bar that a run set apart.",
        [
            RUN,
            SYMBOL,
            Described("time", TIME, "its close"),
            Described("session", TIME, "its session"),
            Described("open, high, low, close, volume", "float64", "what it held"),
            Described("rule, reason", "str", "by which rule, and why"),
        ],
    ),
    "covariates": (
        "One row per covariate of a run: what was read of it.",
        [
            RUN,
            Described("name", "str", "its table in the recipe, `[covariates.NAME]`"),
            Described("source", "str", "what read it"),
            Described("values", TEXTS, "its values"),
            Described("symbols", "int64", "that records are of; 0: they hold for all"),
            Described("records", "int64", "how many were known by the last bar"),
            Described("first, last", TIME, "the earliest and latest reference time"),
            Described("delay, delay_max", "float64", "days from there to when it was known, the median and the most"),
            Described("age, age_max", "float64", "days from there to the closes of bars, the median and the most"),
            Described("known", "float64", "share of bars at whose close something was known that is not stale"),
            Described("lag, missing, max_age, stale, resample", "str", "as the recipe has them"),
            Described("aggregate", "object", "what the records of a period come to, by value"),
            Described("sha256", "str", "of the records"),
        ],
    ),
    "imports": (
        "One row per import into a collection of the store, and symbol that it brought.",
        [
            Described("collection", "str", "where"),
            Described("import", "str", "its id"),
            Described("loaded_at, known_at", TIME, "when it was made, and from when on its bars count as known"),
            Described("source, frequency", "str", "what read it, and how long its bars are"),
            SYMBOL,
            Described("first, last", DAY, "its sessions"),
            Described("new, rewritten, gone", "int64", "bars that were new, otherwise before, or no longer there"),
            Described("set_apart", "int64", "bars that its rules set apart"),
            Described("rules", TEXTS, "by which"),
        ],
    ),
}

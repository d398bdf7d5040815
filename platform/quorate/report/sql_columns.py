"""The views that SQL is asked of: what each column is. The documentation, the views and a test of them read it here."""

from __future__ import annotations

from quorate.report.columns import DAY, PART, SERIES, SYMBOL, TABLES, TIME, Described
from quorate.report.sql_data import CHECKED, OF_DATA
from quorate.report.sql_factors import OF_FACTORS
from quorate.report.sql_firmness import OF_FIRMNESS
from quorate.report.sql_forecasts import OF_FORECASTS, RUN, TEXTS

IN_SQL = {"str": "VARCHAR", "float64": "DOUBLE", "int64": "BIGINT", "bool": "BOOLEAN", "object": "JSON"}
IN_SQL |= {TIME: "TIMESTAMP WITH TIME ZONE", DAY: "DATE"}

SWEEP = Described("run", "str", "the sweep's id; the ledger calls it a run, too")

# Views over Parquet files.
UNSEEN = "unseen"  # of which runs with symbols that are held out have rows
_TRADED = ("equity", "weights", "votes", "trades", "grid")
FILES = ("predictions", UNSEEN, *_TRADED, "fits", "skill", "ic", "training", "batches")
_TOLD = ("cross_section", "quantiles", "intervals", "tails", "steps", "seeds", "seed_spread", "networks", *OF_FIRMNESS)
_NOTED = ("warnings", "covariates", "stages")
OF_REPORTS = ("metrics", "gates", "folds", "symbols", *_TOLD, *OF_FACTORS, *_NOTED)  # over report.json
OF_RUNS = (*OF_REPORTS, *FILES, *CHECKED)
OF_STORE = ("imports",)
TRAINED = ("training", "batches")  # of which runs have rows that train a model which tells how
ACROSS = ("ic",)  # of which only runs of several symbols have rows
SPARSE = (*_TOLD, *OF_FACTORS, *TRAINED, *ACROSS, UNSEEN)  # of which few runs have rows
OF_SWEEPS = ("studies", "trials")
OF_LEDGER = ("ledger", "candidates")


def _of_table(name: str, *more: Described) -> tuple[str, list[Described]]:
    """Return a table of a report as a view: the run comes first, and what was the index is a column."""
    about, columns = TABLES[name]
    return about, [RUN, *(one._replace(name=one.name.removesuffix(" (index)")) for one in columns), *more]


VIEWS: dict[str, tuple[str, list[Described]]] = {
    "runs": (
        "One row per run, whatever became of it.",
        [
            RUN,
            Described("name", "str", "what it is called; else its recipe, and what was changed in it"),
            Described("recipe", "str", "the recipe's name"),
            Described("source, data", "str", "where its bars came from, and which they are"),
            Described("state", "str", "finished, running, submitted, failed, interrupted, damaged or unreadable"),
            Described("verdict", "str", "of the development: PASS, FAIL or INSUFFICIENT"),
            Described("holdout", "str", "of the holdout; NULL, if it was not opened"),
            Described("sharpe", "float64", "of the judged series; of the holdout once it was opened"),
            Described("tags", TEXTS, "what people gave it"),
            Described("note", "str", "what people say of it"),
            Described("reason", "str", "why it failed or cannot be read"),
            Described("created", TIME, "when it began"),
            Described("frequency", "str", "of its bars: 1d, 1h, ..."),
            Described("symbols, bars", "int64", "how many of them"),
            Described("first, last", DAY, "sessions of its first and last bar"),
            Described("fingerprint", "str", "SHA-256 of its bars"),
            Described("recipe_digest", "str", "SHA-256 of the recipe"),
            Described("results_digest", "str", "SHA-256 of the results: equal for equal numbers"),
            Described("trials", "int64", "series that were tried on these bars by then"),
            Described("effective_trials", "float64", "independent ones that they are worth"),
            Described("quorate, python", "str", "their versions"),
            Described("executor", "str", "serial, processes or ray"),
            Described("workers, fits", "int64", "how many of them"),
            Described("cached", "int64", "fits that were taken from the home"),
            Described("seconds", "float64", "how long it took"),
            Described("peak_memory_mib", "float64", "of the process that drove it"),
            Described("total_memory_mib, cpu_seconds", "float64", "of all its processes on the machine"),
        ],
    ),
    "stages": (
        "One row per stage of a part, in their order: what it took.",
        [
            RUN,
            PART,
            Described("stage", "str", "its name"),
            Described("seconds", "float64", "how long it took"),
            Described("cpu_seconds", "float64", "of all its processes on the machine"),
            Described("total_memory_mib", "float64", "that they held at most at a time, as far as was seen"),
            Described("peak_memory_mib", "float64", "that the process that drove it held at most"),
        ],
    ),
    "metrics": _of_table("metrics"),
    "gates": _of_table("gates"),
    "folds": _of_table("folds", Described("chosen", "object", "options of the strategy, where the recipe has a grid")),
    "symbols": (
        "One row per symbol of a run of several: the judged series on it alone.",
        [
            RUN,
            PART,
            SYMBOL,
            Described("rows, closed-trades", "int64", "forecasts, and trades that were over"),
            Described("sharpe, max-drawdown, accuracy, mase, pct-mae, pct-naive", "float64", "as in metrics"),
            Described("price-mae", "float64", "mean absolute error of its price, in its own currency"),
            Described("contribution", "float64", "its part of the total return of the judged series"),
            Described("turnover", "float64", "its part of that of the judged series"),
        ],
    ),
    "cross_section": (
        "One row per series, and step of a member, of a run of several symbols: how forecasts rank those of a bar.",
        [
            RUN,
            PART,
            Described("series", "str", "the ensembler, or the model"),
            Described("step", "int64", "bars that the label spans"),
            Described("bars", "int64", "with three symbols or more"),
            Described("ic, sd, icir", "float64", "mean and deviation of the rank correlation, and one over the other"),
            Described("t, p_value", "float64", "of a mean of zero, for labels that overlap"),
            Described("low", "float64", "lower bound of the mean, 95 % one-sided"),
            Described("positive", "float64", "share of bars above zero"),
            Described("freedom", "int64", "degrees of freedom of the t distribution"),
            Described("spread", "float64", "mean label of the highest fifth of forecasts less that of the lowest"),
            Described("spread_t, spread_p", "float64", "the same test of it"),
            Described("buckets", "DOUBLE[]", "mean label of each fifth of a bar's forecasts, the lowest first"),
        ],
    ),
    **OF_FORECASTS,
    **OF_FIRMNESS,
    **OF_FACTORS,
    "warnings": (
        "One row per warning of a part.",
        [RUN, PART, Described("warning", "str", "what is to be minded")],
    ),
    **{name: _of_table(name) for name in FILES},
    **OF_DATA,
    "ledger": (
        "One row per entry of the ledger, oldest first.",
        [
            Described("seq", "int64", "its number"),
            Described("time", TIME, "when it was added"),
            Described("kind", "str", "candidate, opening, report, override, ..."),
            RUN._replace(meaning="the run or sweep that it is about"),
            PART,
            Described("hash", "str", "SHA-256 of the line, the next one has it"),
            Described("entry", "object", "all of it"),
        ],
    ),
    "candidates": (
        "One row per series that was tried, as the ledger has it.",
        [
            Described("seq", "int64", "number of its entry in the ledger"),
            Described("time", TIME, "when it was added"),
            RUN._replace(meaning="the run or sweep that tried it"),
            PART,
            *SERIES,
            Described("sharpe_per_bar, skew, kurtosis", "float64", "of its returns per bar, not annual"),
            Described("bars", "int64", "how many returns"),
            Described("bars_per_year", "float64", "for annualising"),
            Described("first, last", DAY, "their sessions"),
            Described("key", "str", "hash of days and returns: equal ones are one trial"),
            Described("fingerprint, recipe_digest", "str", "SHA-256 of bars and recipe, as in runs"),
        ],
    ),
    "studies": (
        "One row per search of a sweep; of one that is not finished a row without a search.",
        [
            SWEEP,
            Described("search", "str", "the model that was tuned, or what the search is called"),
            Described("recipe, state", "str", "the recipe's name, and what became of the sweep"),
            Described("created", TIME, "when it began"),
            Described("objectives", TEXTS, "what was sought, the first one first"),
            Described("trials, best", "int64", "how many trials, and the number of the best"),
            Described("own_value, best_value", "float64", "what the recipe's own parameters came to, and the best"),
            Described("kept", "str", "own or tuned: which parameters are to be used"),
            Described("better, helped", "bool", "on rows that no trial saw: than the own ones, for certain"),
            Described("kept_params", "object", "the parameters"),
        ],
    ),
    "trials": (
        "One row per trial of a finished sweep.",
        [
            SWEEP,
            Described("search", "str", "as in studies"),
            Described("trial", "int64", "its number, from 0"),
            Described("state", "str", "complete, raced (stopped early) or failed"),
            Described("value", "float64", "the first objective"),
            Described("values", "DOUBLE[]", "of several objectives each"),
            Described("folds", "int64", "that it was judged on"),
            Described("cpu_seconds", "float64", "what it took"),
            Described("params", "object", "its parameters: params->>'NAME' is one of them"),
        ],
    ),
}

# What one asks of them; a test runs each.
EXAMPLES = {
    "the best runs of each recipe": """\
select recipe, run, sharpe, verdict from runs where state = 'finished'
qualify row_number() over (partition by recipe order by sharpe desc) = 1""",
    "which gates fail most often, and by how much": """\
select gate, count(*) as failed, round(median(margin), 3) as typical_margin
from gates where part = 'development' and verdict = 'FAIL' group by gate order by failed desc""",
    "does the judged ensemble beat its best member": """\
select run, max(sharpe) filter (where role = 'ensemble') as ensemble,
       max(sharpe) filter (where role = 'member') as best_member
from metrics where part = 'development' group by run order by ensemble - best_member desc""",
    "how well the forecasts of panels rank symbols, by year": """\
select run, series, year(time) as year, count(*) as bars, avg(ic) as ic, avg((ic > 0)::int) as positive
from ic group by all order by run, series, year""",
    "what the rules found in the bars of the latest runs, the widest first": """\
select run, rule, symbol, bars, round(100 * share, 2) as per_cent, told from findings
order by run desc, share desc limit 20""",
    "covariates that came later than a week": """\
select run, name, source, records, delay, known from covariates where delay > 7 order by delay desc""",
    "what imports brought, rewrote and set apart": """\
select collection, import, count(*) as symbols, sum(new) as new, sum(rewritten) as rewritten, sum(set_apart) as apart
from imports group by all order by import desc limit 20""",
    "trades of the judged series that lost most": """\
select t.run, t.symbol, t.side, t.entered, t.pnl_fraction from trades t
join metrics m on (m.run, m.part, m.series) = (t.run, t.part, t.series) and m.role = 'ensemble'
order by t.pnl_fraction limit 10""",
    "how often the naive forecast was right, by fold": """\
select run, fold, count(*) as forecasts, avg(((naive > 0.5) = (label > 0.5))::int) as naive_right
from predictions where label is not null group by run, fold order by run, fold""",
    "equity of every series in rows instead of columns": """\
from (unpivot (select * exclude (part) from equity) on columns(* exclude (run, time)) into name series value capital)
select run, series, last(capital order by time) as ended_with group by all order by ended_with desc limit 10""",
    "where the time of fits goes": """\
select model, count(*) as fits, round(sum(cpu_seconds), 1) as cpu_seconds, count(*) filter (where error <> '') as failed
from fits where not cached group by model order by cpu_seconds desc""",
    "which stages take the time, and the memory": """\
select stage, round(sum(seconds), 1) as seconds, round(sum(cpu_seconds), 1) as cpu_seconds,
       max(total_memory_mib) as most_mib
from stages group by stage order by seconds desc""",
    "where training and validation loss part: the gap at the best epoch": """\
select run, model, round(median(epoch)) as best_epoch, median(val_loss - train_loss) as gap
from training where best group by run, model order by gap desc""",
    "how much was tried on the same bars": """\
select fingerprint, count(distinct run) as runs, count(distinct key) as series, min(first) as since
from candidates group by fingerprint""",
    "the trials of all sweeps, the best ones first": """\
select run, search, trial, value, params from trials where state = 'complete' order by value limit 10""",
    "runs by tag": "select tag, count(*) as runs from (select unnest(tags) as tag from runs) group by tag",
}


def types_of(name: str) -> dict[str, str]:
    """Return the columns of a view, but those of which there are several, and the type of each in SQL."""
    found = {}
    for one in VIEWS[name][1]:
        for column in one.name.split(", "):
            if not _is_pattern(column):
                found[column] = IN_SQL.get(one.dtype, one.dtype)
    return found


def patterns_of(name: str) -> list[str]:
    """Return how the columns of a view are called of which there are several: by a word in capitals."""
    return [column for one in VIEWS[name][1] for column in one.name.split(", ") if _is_pattern(column)]


def _is_pattern(column: str) -> bool:
    return any(word.isupper() for word in column.split("/"))


def listed() -> list[dict[str, object]]:
    """Return the views as plain data: name, what a row is, and columns with type and meaning."""
    return [
        {
            "view": name,
            "about": about,
            "columns": [
                {"column": column, "type": IN_SQL.get(one.dtype, one.dtype), "meaning": one.meaning}
                for one in columns
                for column in one.name.split(", ")
            ],
        }
        for name, (about, columns) in VIEWS.items()
    ]


def tables_page(names: tuple[str, ...] = tuple(VIEWS), level: str = "##") -> str:
    """Return views and their columns as Markdown."""
    parts = []
    for name in names:
        about, columns = VIEWS[name]
        rows = [
            f"| `{'`, `'.join(one.name.split(', '))}` | {IN_SQL.get(one.dtype, one.dtype)} | {one.meaning} |"
            for one in columns
        ]
        parts.append("\n".join([f"{level} {name}\n\n{about}\n", "| column | type | what |", "|---|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def page() -> str:
    """Return how SQL is asked, and of what, as Markdown."""
    examples = "\n\n".join(
        f"{what[:1].upper()}{what[1:]}:\n\n```sql\n{statement}\n```" for what, statement in EXAMPLES.items()
    )
    return f"{ABOUT}\n## Examples\n\n{examples}\n\n{tables_page()}"


ABOUT = """\
# SQL over all runs

`quorate sql "select ..."` asks one statement of everything in a home. The views below are those tables of \
reports that [tables.md](tables.md) describes, of all runs together, with the run's id as their first column, \
and further ones. `quorate sql` without a statement, or with `--tables`, lists them in the terminal; `describe \
VIEW` has the columns that a view has in this home.

```bash
quorate sql "select run, recipe, verdict, sharpe from runs order by sharpe desc"
quorate sql query.sql --csv answer.csv      # a statement in a file; - reads it from the standard input
quorate sql "from gates" --json             # also --parquet FILE; --csv - writes to the standard output
```

In Python, `quorate.sql("select ...")` returns a DataFrame. This page is written by `make docs`.

The language is DuckDB's. Names with `-` or `/` go in double quotes: `"max-drawdown"`, `"member/ridge"`. Times \
are UTC. A word in capitals stands for several columns. They are those of all runs: where a run has no such \
column it is NULL, as is a number that is not known.

Before a number is shown it is checked that it is what was computed: reports by their seal, tables by the \
SHA-256 that the report has of them, the ledger by its chain. Only what the statement names is read. A run that \
is not finished, or not whole, is left out of what it lacks, and a line says so; `runs` has all of them, with \
their state. A ledger that was changed is not read at all.

A statement can only read, and only the views. It cannot write, reach another file or a network, load anything, \
change a setting, or see the environment. It may take 2 GiB of memory and, unless `--timeout` says otherwise, a \
minute; Ctrl-C ends it at once. For more than that, `quorate export RUN --to DIR` writes the tables of a run as \
files that every other program reads. CSV holds texts as they are: a spreadsheet may take one that begins with \
`=` for a formula.
"""

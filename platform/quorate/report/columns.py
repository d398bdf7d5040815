"""The tables of a report: what each column is. The documentation, and a test of the tables themselves, read it here."""

from __future__ import annotations

from typing import NamedTuple


class Described(NamedTuple):
    """A column: its name, where a word in capitals stands for several, its dtype, and what is in it."""

    name: str
    dtype: str
    meaning: str


TIME = "datetime64[us, UTC]"
DAY = "datetime64[us]"
PART = Described("part", "str", "development or holdout")
SERIES = [
    Described("series", "str", "NAME/STRATEGY: the key of a series in every table"),
    Described("name", "str", "the ensembler, the model, or buy-and-hold"),
    Described("strategy", "str", "how its forecasts are traded"),
    Described("role", "str", "ensemble (the judged one first), alternative, member, baseline or benchmark"),
]
BAR = Described("time (index)", TIME, "close of the bar, when its forecast is made")
SYMBOL = Described("symbol", "str", "by its name in the data")

FIT = [
    PART,
    Described("model", "str", "its name in the recipe"),
    Described("fold", "int64", "the fold that it was fitted for"),
]

TABLES: dict[str, tuple[str, list[Described]]] = {
    "metrics": (
        "One row per series and part.",
        [PART, *SERIES, Described("METRIC", "float64", "each metric by its name, see quorate plugins --kind metric")],
    ),
    "gates": (
        "One row per gate and part.",
        [
            PART,
            Described("gate", "str", "its name"),
            Described("verdict", "str", "PASS, FAIL or INSUFFICIENT"),
            Described("value, threshold", "float64", "what it judges, and the bound"),
            Described("condition", "str", "how they are compared"),
            Described("margin", "float64", "by how much it is met; below zero it is not"),
            Described("benchmark", "float64", "the same figure of buying and holding"),
            Described("unit", "str", "ratio, fraction, p-value, count, ..."),
            Described("uncertainty, sample", "str", "how sure the figure is, and on how much it rests"),
            Described("reason, warning", "str", "what is lacking, and what is to be minded"),
            Described("required", "bool", "whether it counts for the verdict"),
            Described("tier", "str", "A to D"),
            Described("inputs", "object", "a dict of what it was computed from"),
        ],
    ),
    "folds": (
        "One row per fold.",
        [
            PART,
            Described("fold", "int64", "its number, from 0"),
            Described("train_first, train_last, label_end, test_first, test_last", DAY, "sessions; both ends included"),
            Described("train_rows, test_rows", "int64", "rows: forecasts of a symbol at a bar"),
            Described("threshold", "float64", "chosen from the past alone"),
            Described("weight/MEMBER", "float64", "in the ensemble; NaN for a method without weights"),
        ],
    ),
    "predictions": (
        "One row per symbol and bar: out-of-fold forecasts.",
        [
            BAR,
            PART,
            Described("row", "int64", "its place in the dataset"),
            SYMBOL,
            Described("fold", "int64", "the fold that predicted it"),
            Described("label", "float64", "what came: 0 or 1, or a return; NaN where it has not come yet"),
            Described("label_end", TIME, "when that was known"),
            Described("naive", "float64", "the mean of the labels that were known"),
            Described("member/MODEL", "float64", "what each model forecast; also what else it gave, MODEL/OUTPUT"),
            Described("ensemble/NAME", "float64", "what each ensembler made of them; NAME/qLEVEL with an interval"),
        ],
    ),
    "unseen": (
        "One row per bar and symbol that is held out, of a run with holdout.symbols.",
        [
            BAR,
            PART,
            SYMBOL,
            Described("fold", "int64", "the fold whose models predicted it"),
            Described("label", "float64", "as in predictions"),
            Described("member/MODEL", "float64", "what each model forecast; also what else it gave, MODEL/OUTPUT"),
            Described("ensemble/NAME", "float64", "what each ensembler made of them; NAME/qLEVEL with an interval"),
            Described("weight", "float64", "what the judged series wants to hold"),
        ],
    ),
    "equity": (
        "One row per bar.",
        [
            BAR,
            PART,
            Described("NAME/STRATEGY", "float64", "what the capital is worth, in its currency, by series"),
            Described("cash", "float64", "what cash earned since the bar before, where the recipe has rates"),
        ],
    ),
    "weights": (
        "One row per symbol and bar: what the judged series wants to hold.",
        [
            BAR,
            PART,
            SYMBOL,
            Described("weight", "float64", "share of the equity, ordered at this close"),
        ],
    ),
    "votes": (
        "One row per symbol and bar: what each member weighed in the judged ensemble.",
        [BAR, PART, SYMBOL, Described("member/MODEL", "float64", "its weight; NaN for a method without weights")],
    ),
    "trades": (
        "One row per round trip of every series.",
        [
            PART,
            SERIES[0],
            SYMBOL,
            Described("side", "str", "long or short"),
            Described("decided", TIME, "close of the bar at which it was ordered"),
            Described("entered, exited", TIME, "when it was filled and, if it was closed, ended; else the last bar"),
            Described("size", "float64", "units of the symbol"),
            Described("entry_price, exit_price", "float64", "with slippage"),
            Described("fees, pnl", "float64", "in currency; the profit is net of fees"),
            Described("pnl_fraction", "float64", "of what it cost to enter"),
            Described("closed", "bool", "whether it was over at the last bar"),
        ],
    ),
    "grid": (
        "One row per series, threshold and options of the strategy: what each would have earned.",
        [
            PART,
            *SERIES,
            Described("threshold", "float64", "how sure a forecast had to be"),
            Described("options", "str", "JSON: the strategy's other options"),
            Described("sharpe, total-return, max-drawdown, exposure, entries", "float64", "what came of it"),
        ],
    ),
    "fits": (
        "One row per fit.",
        [
            *FIT,
            Described("key", "str", "hash of all that its result depends on"),
            Described("train_rows", "int64", "rows that it learnt from"),
            Described(
                "in_sample, out_of_sample", "float64", "share of right directions of rows learnt from, and after"
            ),
            Described(
                "direction_share, label_direction_share",
                "float64",
                "share of the more frequent direction of its forecasts, and of the labels of the same rows",
            ),
            Described("sd, label_sd", "float64", "standard deviation of its forecasts, and of these labels"),
            Described("collapsed", "str", "one direction or one value, where the labels have more; else empty"),
            Described("seconds, cpu_seconds", "float64", "what it took when it was computed"),
            Described("peak_memory_mib", "float64", "what its process held at most meanwhile; NaN where not known"),
            Described("began", TIME, "when that was"),
            Described("place", "str", "host and process"),
            Described("cached", "bool", "whether it was taken from the home"),
            Described("error", "str", "why it failed; empty, if it did not"),
        ],
    ),
    "skill": (
        "One row per member: its forecasts against the naive one, by the test of Diebold and Mariano.",
        [
            PART,
            Described("model", "str", "its name in the recipe"),
            Described("n", "int64", "forecasts that were compared"),
            Described("dm", "float64", "below zero where its squared errors are smaller"),
            Described("p_value", "float64", "two-sided"),
            Described("verdict", "str", "better than naive, worse than naive or no evidence, at 5 %"),
        ],
    ),
    "ic": (
        "One row per series and bar of a run of several symbols: how its forecasts rank them.",
        [
            PART,
            Described("time", TIME, "close of the bar, when the forecasts were made"),
            Described("series", "str", "the ensembler, or the model: forecasts are the same however they are traded"),
            Described("symbols", "int64", "with a forecast and a label, three or more"),
            Described("ic", "float64", "rank correlation of forecasts and labels across them"),
            Described("spread", "float64", "mean label of the highest fifth of forecasts less that of the lowest"),
        ],
    ),
    "training": (
        "One row per epoch of every fit whose model tells how it was trained; NaN for what it does not tell.",
        [
            *FIT,
            Described("epoch", "int64", "from 1 on; of boosting, a tree"),
            Described("train_loss, val_loss", "float64", "on the rows learnt from, and on those held back"),
            Described("val_score", "float64", "what progress is measured by"),
            Described("learning_rate", "float64", "of the epoch's last step"),
            Described("gradient", "float64", "mean length, before it is clipped"),
            Described("seconds", "float64", "what it took; of fits in lock step its share"),
            Described("best", "bool", "whether the model predicts as it was after this epoch"),
        ],
    ),
    "batches": (
        "One row per step of every fit whose model tells them; of more than 10,000 each is the mean of several.",
        [
            *FIT,
            Described("epoch, batch", "int64", "from 1 on; of several steps the first"),
            Described("loss", "float64", "on the rows of the step"),
        ],
    ),
}


def page() -> str:
    """Return the tables as Markdown."""
    parts = [
        "# Tables of a report\n\n`report` is what `quorate.run` and `quorate.load_report` return; each table is a "
        "DataFrame of the development and, once it was opened, the holdout. Times are UTC. `series` names a series by "
        "one key in all of them. Names with `-` or `/` go in backticks where `query` takes them: "
        '``report.metrics.query("`max-drawdown` > -0.2")``. `report.typed` is the whole document as typed objects, '
        "[report.schema.json](report.schema.json) its schema. [SQL](sql.md) asks the same tables of all runs together. "
        "This page is written by `make docs`."
    ]
    for name, (about, columns) in TABLES.items():
        rows = [f"| `{'`, `'.join(one.name.split(', '))}` | {one.dtype} | {one.meaning} |" for one in columns]
        parts.append("\n".join([f"## report.{name}\n\n{about}\n", "| column | dtype | what |", "|---|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"

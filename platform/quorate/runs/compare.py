"""Runs beside each other: their metrics and how sure the differences are, the gates that flip, and their recipes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quorate.errors import DataError, RecipeError, plural
from quorate.evidence.result import finite_or_none
from quorate.report.html import fragment
from quorate.report.report import Report
from quorate.report.sections.model import Lines
from quorate.report.views.compare import as_html, sections, sentence
from quorate.runs import differing
from quorate.runs.loaded import load_report
from quorate.statistics import Floats, returns_of
from quorate.statistics._excess import excess_of
from quorate.statistics._paired import RATIOS, figures_of, interval, resampled_differences
from quorate.store.label import display_name

if TYPE_CHECKING:
    import pandas as pd

DRAWS, CONFIDENCE = 1000, 0.90
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FEWEST = 3  # sessions in common: two returns, which have a deviation


@dataclass(frozen=True, eq=False)
class Comparison:
    """Runs beside the first of them.

    Parameters
    ----------
    document : mapping
        ``part``, the one that stands in all; ``runs``, each with the ``letter`` that stands for it; ``comparisons``,
        one for each run but the first: ``sentence``, ``data``, ``metrics``, ``gates``, ``recipe``; ``resampling``.
    curves : mapping of str to (times, equity)
        By letter: the close of each bar, and what the judged series was worth then.
    """

    document: Mapping[str, Any]
    curves: Mapping[str, tuple[NDArray[np.datetime64], Floats]] = field(repr=False)

    @property
    def runs(self) -> tuple[str, ...]:
        """The ids of the runs."""
        return tuple(run["run"] for run in self.document["runs"])

    @property
    def sentence(self) -> str:
        """Which earned more for its risk, and whether beyond chance, in plain words."""
        return " ".join(one["sentence"] for one in self.document["comparisons"])

    @property
    def metrics(self) -> pd.DataFrame:
        """One row per run but the first and metric: ``a`` of the first run, ``b`` of this, ``difference``, interval."""
        return self._table("metrics", ("metric", "a", "b", "difference", "low", "high"))

    @property
    def gates(self) -> pd.DataFrame:
        """One row per run but the first and gate: both verdicts and values, and whether the verdict ``flips``."""
        return self._table("gates", ("gate", "tier", "a", "b", "a_value", "b_value", "unit", "flips"))

    @property
    def recipe(self) -> pd.DataFrame:
        """One row per run but the first and key of the recipe that differs: ``a`` of the first run, ``b`` of this."""
        return self._table("recipe", ("key", "a", "b"))

    @property
    def equity(self) -> pd.DataFrame:
        """What became of 1 at each close, UTC, a column by letter; NaN where a run has no such bar."""
        import pandas as pd

        columns = {
            letter: pd.Series(values / values[0] if values[0] else values, pd.DatetimeIndex(times).tz_localize("UTC"))
            for letter, (times, values) in self.curves.items()
        }
        return pd.DataFrame(columns).rename_axis("time")

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return dict(self.document)

    def to_html(self, static: bool = False) -> str:
        """Return it as one page that asks nobody for anything; `static`: without any script."""
        return as_html(self.document, self.growth(), static)

    def growth(self) -> Lines:
        """Return `equity` as it is drawn."""
        import pandas as pd

        table = self.equity
        values = {str(letter): table[letter].tolist() for letter in table}
        return Lines(
            "growth of 1, logarithmic",
            pd.DatetimeIndex(table.index).to_pydatetime().tolist(),
            values,
            "ratio",
            log=True,
        )

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what the terminal does."""
        return fragment(sections(self.document, self.growth()))

    def _table(self, key: str, columns: Sequence[str]) -> pd.DataFrame:
        import pandas as pd

        rows = [{"run": one["run"], **row} for one in self.document["comparisons"] for row in one[key]]
        return pd.DataFrame(rows, columns=["run", *columns])

    def __repr__(self) -> str:
        return f"Comparison({self.sentence})"


def compare(a: str, b: str, *more: str, home: str | Path | None = None) -> Comparison:
    """Compare finished runs with the first of them.

    The judged series of each is looked at in the part that stands in all: the holdout, where all have opened it, else
    the development. A difference of a figure that is made of returns has the interval of a stationary bootstrap that
    draws the same bars of both. Runs on other bars are compared by such figures alone, on the sessions that both have.

    Parameters
    ----------
    a, b, more : str
        Each the id of a run, an unambiguous part of one, or ``latest``.
    home : path, optional
        Where they are; default ``QUORATE_HOME`` or ``.quorate``.

    Returns
    -------
    Comparison

    Raises
    ------
    StoreError
        If there is no such run, or it is not finished.
    IntegrityError
        If it was changed.
    DataError
        If two runs have no session in common.
    """
    names = (a, b, *more)
    if len(names) > len(LETTERS):
        raise RecipeError(f"up to {len(LETTERS)} runs can be compared; there were {len(names)}")
    reports = [load_report(name, home=home) for name in names]
    part = "holdout" if all(report.results["holdout"] for report in reports) else "development"
    told = [_Told(letter, report, part) for letter, report in zip(LETTERS, reports, strict=False)]
    return Comparison(
        {
            "part": part,
            "runs": [one.listed() for one in told],
            "comparisons": [_compared(told[0], other) for other in told[1:]],
            "resampling": {
                "method": "stationary bootstrap that draws the same bars of both, percentiles",
                "draws": DRAWS,
                "confidence": CONFIDENCE,
            },
        },
        {one.letter: (one.times, one.equity) for one in told},
    )


class _Told:
    """What one run says of the part that is compared."""

    def __init__(self, letter: str, report: Report, part: str) -> None:
        self.letter = letter
        self.report = report
        self.part = part
        self.section: Mapping[str, Any] = report.results[part]
        self.judged: Mapping[str, Any] = self.section["series"][0]
        self.data: Mapping[str, Any] = report.provenance["data"]
        self.series = f"{self.judged['name']}/{self.judged['strategy']}"
        rows = report.rows(part, "equity", ["time", self.series, *(["cash"] if self.section.get("carry") else ())])
        times, equity, *cash = zip(*rows, strict=True)
        self.times = np.array([time.replace(tzinfo=None) for time in times], dtype="datetime64[us]")
        self.equity: Floats = np.array(equity, dtype=np.float64)
        self._cash: Floats | None = np.cumprod(1 + np.array(cash[0])) if cash else None

    def cash_at(self, bars: NDArray[np.int64]) -> Floats | None:
        """Return what 1 in cash has grown to at some bars; None, where it earns nothing."""
        return None if self._cash is None else self._cash[bars]

    @property
    def span(self) -> str:
        """Its first and last session."""
        return f"{self.section['span']['first']}..{self.section['span']['last']}"

    def listed(self) -> dict[str, Any]:
        """Return what it is, as plain data."""
        recipe = self.report.provenance["recipe"]["name"]
        assert self.report.source is not None  # it was loaded
        return {
            "letter": self.letter,
            "run": self.report.run_id,
            "name": display_name(self.report.source, recipe),
            "recipe": recipe,
            "series": self.series,
            "span": dict(self.section["span"]),
            "verdict": self.section["verdict"],
        }


@dataclass(frozen=True, eq=False)
class _Common:
    """What two runs earned on the bars that both have."""

    same: bool
    differs: Sequence[str]
    sessions: NDArray[np.datetime64]
    equity: tuple[Floats, Floats]
    cash: tuple[Floats | None, Floats | None]
    bars_per_year: float

    @property
    def returns(self) -> tuple[Floats, Floats]:
        """Net returns from one common bar to the next."""
        one, other = (returns_of(equity) for equity in self.equity)
        return one, other

    @property
    def excess(self) -> tuple[Floats, Floats]:
        """The same in excess of cash."""
        pairs = zip(self.equity, self.cash, strict=True)
        one, other = (excess_of(equity, None if cash is None else returns_of(cash)) for equity, cash in pairs)
        return one, other


def _compared(a: _Told, b: _Told) -> dict[str, Any]:
    common = _common(a, b)
    metrics, block = _metrics(a, b, common)
    equal = bool(np.array_equal(*common.returns))
    data = {
        "same": common.same,
        "differs": list(common.differs),
        "bars": len(common.sessions),
        "first": str(common.sessions[0].astype("datetime64[D]")),
        "last": str(common.sessions[-1].astype("datetime64[D]")),
        "bars_per_year": common.bars_per_year,
        "block": finite_or_none(block),
    }
    compared = {row["metric"] for row in metrics}
    defined = dict.fromkeys(
        name for told in (a, b) for name, value in told.judged["metrics"].items() if value is not None
    )
    return {
        "run": b.report.run_id,
        "letter": b.letter,
        "with": a.letter,
        "sentence": sentence(a.letter, b.letter, metrics, data, equal, CONFIDENCE),
        "data": data,
        "metrics": metrics,
        "left_out": [name for name in defined if name not in compared],
        "gates": differing.gates(a.section["gates"], b.section["gates"]),
        "recipe": differing.changed(differing.recipe(a.report), differing.recipe(b.report)),
    }


def _common(a: _Told, b: _Told) -> _Common:
    """Return the bars that both have, and what differs between theirs.

    Raises
    ------
    DataError
        If there are none, or too few for a figure.
    """
    differs = []
    if a.data["fingerprint"] != b.data["fingerprint"]:
        differs.append(f"bars: {_bars(a.data)} -> {_bars(b.data)}")
    if a.span != b.span:
        differs.append(f"span: {a.span} -> {b.span}")
    daily = a.data["frequency"] == b.data["frequency"] == "1d"
    keys = []
    for one in (a, b):
        # Markets close at other hours; a bar that is stamped at midnight closed in the session before it.
        days = (one.times - np.timedelta64(1, "us")).astype("datetime64[D]")
        keys.append(days.astype("datetime64[us]") if daily else one.times)
    sessions, first, second = np.intersect1d(keys[0], keys[1], return_indices=True)
    if len(sessions) < FEWEST:
        count = plural(len(sessions), "session") if len(sessions) else "no session"
        raise DataError(
            f"runs {a.report.run_id} and {b.report.run_id} cannot be compared, they have {count} in common: "
            f"{'; '.join(differs) or 'both are shorter than that'}"
        )
    a_year = min(float(a.data["bars_per_year"]), float(b.data["bars_per_year"]))
    equity, cash = (a.equity[first], b.equity[second]), (a.cash_at(first), b.cash_at(second))
    return _Common(not differs, differs, sessions, equity, cash, a_year)


def _bars(data: Mapping[str, Any]) -> str:
    symbols = data["symbols"]
    more = f" and {len(symbols) - 3:,} more" if len(symbols) > 3 else ""
    named = ", ".join(symbols[:3]) + more
    return (
        f"{named}, {data['bars']:,} x {data['frequency']}, {data['first']}..{data['last']}, {data['fingerprint'][:8]}"
    )


def _metrics(a: _Told, b: _Told, common: _Common) -> tuple[list[dict[str, Any]], float]:
    """Return the metrics of two runs, and the mean block of the bars that were drawn."""
    figures, (one, other) = figures_of(common.bars_per_year), common.returns
    ratios = {name: figures.pop(name) for name in RATIOS}
    # The same whichever of the two comes first.
    seed = int.from_bytes(hashlib.sha256(common.sessions.astype("datetime64[us]").tobytes()).digest()[:4])
    drawn, block = resampled_differences(other, one, figures, DRAWS, seed)
    drawn |= resampled_differences(*common.excess[::-1], ratios, DRAWS, seed)[0]
    rows = []
    for name in dict.fromkeys((*a.judged["metrics"], *b.judged["metrics"])):
        if common.same:
            values = [told.judged["metrics"].get(name) for told in (a, b)]
        elif name in drawn:
            figure, pair = (ratios[name], common.excess) if name in ratios else (figures[name], (one, other))
            values = [finite_or_none(float(figure(returns[None, :])[0])) for returns in pair]
        else:
            continue
        if all(value is None for value in values):
            continue
        known = all(value is not None for value in values)
        low, high = interval(drawn[name], CONFIDENCE) if known and name in drawn else (float("nan"),) * 2
        rows.append(
            {
                "metric": name,
                "a": values[0],
                "b": values[1],
                "difference": values[1] - values[0] if known else None,
                "low": finite_or_none(low),
                "high": finite_or_none(high),
            }
        )
    return rows, block

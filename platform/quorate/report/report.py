"""The report: one object, rendered in many ways with identical numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from quorate.errors import StoreError
from quorate.evidence.ledger.notes import noted
from quorate.evidence.verdict import overall
from quorate.recipe.canonical import digest

if TYPE_CHECKING:
    import pandas as pd

    from quorate.report.schema import ReportDocument
    from quorate.store import Run


PARTS = ("development", "holdout")


@dataclass(frozen=True, eq=False)
class Report:
    """Everything about one run.

    Parameters
    ----------
    document : mapping
        The content of ``report.json``: schema_version, provenance, results, telemetry.
    source : Run or None
        Where the tables are.
    """

    document: Mapping[str, Any]
    source: Run | None = field(default=None, repr=False)

    @property
    def run_id(self) -> str:
        """The run's id."""
        return str(self.document["provenance"]["run"])

    @property
    def results(self) -> Mapping[str, Any]:
        """What was computed: equal for equal recipe, data and seed."""
        return self.document["results"]  # type: ignore[no-any-return]

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Recipe, data, plugins, seeds and versions."""
        return self.document["provenance"]  # type: ignore[no-any-return]

    @property
    def telemetry(self) -> Mapping[str, Any]:
        """How long it took and where it ran."""
        return self.document["telemetry"]  # type: ignore[no-any-return]

    @cached_property
    def typed(self) -> ReportDocument:
        """The whole document as typed objects: ``report.typed.results.development.gates[0].value``."""
        from quorate.report.schema import ReportDocument

        return ReportDocument.model_validate(self.document)

    @property
    def promoted(self) -> bool:
        """Whether the holdout was opened, and development and holdout both passed."""
        return self.results["holdout"] is not None and self.verdict == "PASS"

    @property
    def verdict(self) -> str:
        """PASS, FAIL or INSUFFICIENT: of the development, and of the holdout once it was opened."""
        parts = [self.results["development"], self.results["holdout"]]
        return overall(part["verdict"] for part in parts if part)

    @property
    def override(self) -> Mapping[str, Any] | None:
        """When, over which verdict and why the run is used all the same, and where the ledger says so.

        ``time``, ``verdict``, ``reason``, ``seq`` and ``hash``; None, if it was not overridden.

        Raises
        ------
        IntegrityError
            If the run's note of it was changed.
        """
        found = noted(self.source, "override") if self.source else None
        return found and {name: found[name] for name in ("time", "verdict", "reason", "seq", "hash")}

    @property
    def standing(self) -> Mapping[str, Any]:
        """The part that counts now: the holdout once it was opened, else the development."""
        return self.results["holdout"] or self.results["development"]  # type: ignore[no-any-return]

    @property
    def digest(self) -> str:
        """SHA-256 of the results."""
        return digest(self.results)

    @property
    def seal(self) -> str:
        """SHA-256 of the whole document but the seal that it carries."""
        return digest({key: value for key, value in self.document.items() if key != "seal"})

    @property
    def gates(self) -> pd.DataFrame:
        """One row per gate and part; columns as `quorate.report.columns.TABLES` says, as of every table."""
        return self._table("gates")

    @property
    def metrics(self) -> pd.DataFrame:
        """One row per series and part, one column per metric."""
        import pandas as pd

        table = self._table("series")
        metrics = pd.DataFrame(list(table["metrics"]), index=table.index).astype("float64")
        return _keyed(table.drop(columns="metrics")).join(metrics)

    @property
    def folds(self) -> pd.DataFrame:
        """One row per fold: spans, rows, threshold, and the members' weights."""
        import pandas as pd

        table = self._table("folds")
        for name in ("train_first", "train_last", "label_end", "test_first", "test_last"):
            table[name] = pd.to_datetime(table[name]).astype("datetime64[us]")
        weights = pd.DataFrame(list(table["weights"]), index=table.index).astype("float64").add_prefix("weight/")
        return table.drop(columns="weights").join(weights)

    def _table(self, key: str) -> pd.DataFrame:
        import pandas as pd

        rows = [{"part": part, **row} for part in PARTS for row in (self.results[part] or {}).get(key, [])]
        return pd.DataFrame(rows)

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """Out-of-fold predictions by close: one row per symbol and bar, a column per member and ensemble."""
        return self.stored("predictions").set_index("time")

    @cached_property
    def unseen(self) -> pd.DataFrame:
        """Predictions of the symbols that are held out, by close: one row per symbol and bar."""
        return self.stored("unseen").set_index("time")

    @cached_property
    def trades(self) -> pd.DataFrame:
        """Round trips of every series, with the times of their fills."""
        return self.stored("trades")

    @cached_property
    def equity(self) -> pd.DataFrame:
        """Equity by close, a column per series."""
        return self.stored("equity").set_index("time")

    @cached_property
    def weights(self) -> pd.DataFrame:
        """Desired weights of the judged series, by the close at which they are decided."""
        return self.stored("weights").set_index("time")

    @cached_property
    def votes(self) -> pd.DataFrame:
        """What each member weighed in the judged ensemble, by close; NaN for a method without weights."""
        return self.stored("votes").set_index("time")

    @cached_property
    def grid(self) -> pd.DataFrame:
        """What every threshold, with every combination of the strategy's grid, earned with every series."""
        return _keyed(self.stored("grid").rename(columns={"series": "name"}))

    @cached_property
    def fits(self) -> pd.DataFrame:
        """Every fit: its key, rows, seconds and place."""
        import pandas as pd

        table = self.stored("fits")
        return table.assign(began=pd.to_datetime(table["began"], unit="s", utc=True).astype("datetime64[us, UTC]"))

    @cached_property
    def skill(self) -> pd.DataFrame:
        """How each member's forecasts did against the naive one."""
        return self.stored("skill")

    @cached_property
    def ic(self) -> pd.DataFrame:
        """How the forecasts of each series rank the symbols of each bar; empty for a run of one symbol."""
        if any(self.results[part] and self.results[part].get("cross_section") for part in PARTS):
            return self.stored("ic")
        import pandas as pd

        from quorate.report.columns import TABLES

        return pd.DataFrame({one.name: pd.Series(dtype=one.dtype) for one in TABLES["ic"][1]})

    @cached_property
    def training(self) -> pd.DataFrame:
        """The epochs of every fit whose model tells how it was trained."""
        return self.stored("training")

    @cached_property
    def batches(self) -> pd.DataFrame:
        """The loss of every step of these fits."""
        return self.stored("batches")

    def to_html(self, static: bool = False) -> str:
        """Return the report as one page that asks nobody for anything; `static`: without any script."""
        from quorate.report.written import as_html

        return as_html(self, static)

    def to_markdown(self) -> str:
        """Return the report as Markdown."""
        from quorate.report.written import as_markdown

        return as_markdown(self)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what the terminal does."""
        from quorate.report.html import fragment
        from quorate.report.sections import usual_of

        return fragment(usual_of(self))

    def rows(self, part: str, name: str, columns: Sequence[str]) -> list[tuple[Any, ...]]:
        """Return columns of a part's table row by row, as plain values; None is what is not known."""
        return self._source(name, [part]).rows(part, name, self.document["files"][f"{part}/{name}.parquet"], columns)

    def stored(self, name: str) -> pd.DataFrame:
        """Return a table as it is stored, of both parts."""
        import pandas as pd

        parts = [part for part in PARTS if self.results[part]]
        if name == "unseen" and not any(self.results[part].get(name) for part in parts):
            raise StoreError(f"run {self.run_id} holds no symbols out (holdout.symbols): it has no table {name!r}")
        source, files = self._source(name, parts), self.document["files"]
        frames = [source.frame(part, name, files[f"{part}/{name}.parquet"]) for part in parts]
        return pd.concat(frames, ignore_index=True)

    def _source(self, name: str, parts: Sequence[str]) -> Run:
        """Return the run that has this table of these parts."""
        if self.source is None:
            raise StoreError("this report has no tables: it was not read from a home")
        if any(f"{part}/{name}.parquet" not in self.document["files"] for part in parts):
            raise StoreError(f"run {self.run_id} was made before there was a table {name!r}")
        return self.source

    def __repr__(self) -> str:
        return f"Report({self.run_id}: {self.verdict})"


def _keyed(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of names and strategies with the key that other tables have for both."""
    table.insert(1, "series", table["name"] + "/" + table["strategy"])
    return table

"""Rows of SQL about bars: covariates of runs, and imports into the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from quorate.report.report import PARTS, Report
from quorate.store.bars.collection import Collection

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]
ALIKE = ("name", "source", "values", "symbols", "records", "first", "last", "known", "max_age", "stale", "sha256")


def covariate_rows(report: Report) -> Iterator[Row]:
    """Yield a row for each covariate of a run."""
    for one in report.provenance["data"].get("covariates", ()):
        yield {
            **{name: one[name] for name in ALIKE},
            **{name: one.get(name) for name in ("lag", "resample", "aggregate")},
            "missing": str(one["missing"]),
            **{name: one[name]["median"] for name in ("delay", "age")},
            **{f"{name}_max": one[name]["max"] for name in ("delay", "age")},
        }


def benchmark_rows(report: Report) -> Iterator[Row]:
    """Yield a row for each series that was held against the recipe's own benchmark."""
    for part, told in _held_against(report, "benchmark"):
        yield from ({**_common(part, told), "name": told["name"], **row} for row in told["series"])


def factor_rows(report: Report) -> Iterator[Row]:
    """Yield a row for each series and factor of the recipe."""
    for part, told in _held_against(report, "factors"):
        for row in told["series"]:
            own = {name: value for name, value in row.items() if name != "betas"}
            yield from ({**_common(part, told), **one, "beta_p_value": one["p_value"], **own} for one in row["betas"])


def _held_against(report: Report, table: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for part in PARTS:
        if found := (report.results[part] or {}).get(table):
            yield part, found


def _common(part: str, told: Mapping[str, Any]) -> Row:
    return {"part": part, **{name: told[name] for name in ("periods", "bars", "left_out")}}


def checked_files(report: Report) -> Mapping[str, str]:
    """Return the hashes of the files that a run keeps of what was found in its bars; empty, if it has no checks."""
    files: Mapping[str, str] = report.provenance["data"].get("quality", {}).get("files", {})
    return files


def import_rows(collection: Collection) -> Iterator[Row]:
    """Yield a row for each import into a collection and symbol, those that only set bars of it apart among them.

    Raises
    ------
    StoreError
        If what was imported is not as it was stored.
    """
    for one in collection.imports():
        apart = _by_symbol(collection.set_apart(one)) if one.quarantine else {}
        told = {name: getattr(one, name).isoformat() for name in ("loaded_at", "known_at")}
        for symbol in sorted({*one.symbols, *apart}):
            brought = one.symbols.get(symbol)
            rules = apart.get(symbol, [])
            yield {
                "collection": collection.name,
                "import": one.id,
                **told,
                **{name: getattr(one, name) for name in ("source", "frequency")},
                "symbol": symbol,
                **(brought._asdict() if brought else {}),
                "set_apart": len(rules),
                "rules": sorted({*rules}),
            }


def _by_symbol(apart: pd.DataFrame) -> dict[str, list[str]]:
    """Return the rule of each bar that was set apart, by symbol."""
    found: dict[str, list[str]] = {}
    for symbol, rule in zip(apart["symbol"], apart["rule"], strict=True):
        found.setdefault(str(symbol), []).append(str(rule))
    return found

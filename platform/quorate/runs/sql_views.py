"""What the views of SQL are made of: rows of reports, of sweeps and of the ledger, and tables as they were stored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Collection as Several
from pathlib import Path
from typing import Any

from quorate.errors import IntegrityError, QuorateError, StoreError, reason_of
from quorate.report.report import PARTS, Report
from quorate.report.sql_columns import (
    ACROSS,
    OF_LEDGER,
    OF_REPORTS,
    OF_RUNS,
    OF_STORE,
    OF_SWEEPS,
    SPARSE,
    UNSEEN,
    types_of,
)
from quorate.report.sql_data import CHECKED
from quorate.report.views.runs import row_of
from quorate.runs.sql_data import benchmark_rows, checked_files, covariate_rows, factor_rows, import_rows
from quorate.store import Run
from quorate.store.bars.collection import Collection
from quorate.store.plain import check_plain
from quorate.store.sql import View

Row = dict[str, Any]
NAMED = 3  # runs that lack the same, for the same reason
ODD = (LookupError, TypeError, AttributeError, ValueError)  # what a document of other make comes to

# What a stored table has otherwise than the report's table, see `Report.fits` and `Report.grid`.
CHANGES = {
    "fits": {"began": "make_timestamptz(CAST(floor(began * 1000000) AS BIGINT))"},
    "grid": {"series": "series || '/' || strategy", "name": "series"},
    "findings": {"worst_at": '"at"', "action": '"then"'},
}
RENAMED = {"findings": ("at", "then")}  # words of SQL


class Gathered:
    """Views of runs, and what is to be said of those that lack something.

    Parameters
    ----------
    names : collection of str
        The views that are wanted; nothing else is read.
    runs, sweeps : sequence of Run
        Whose.
    strict : bool
        Whether a run that is not whole is an error.
    """

    def __init__(self, names: Several[str], runs: Sequence[Run], sweeps: Sequence[Run], strict: bool = False) -> None:
        self._out: dict[tuple[str, str], list[str]] = {}  # runs that lack something, by what and why
        self._names, self._strict = names, strict
        self._rows: dict[str, list[Row]] = {name: [] for name in names}
        self._files: dict[str, list[Path]] = {name: [] for name in names}
        self._left: list[str] = []  # not finished
        if {"runs", *OF_RUNS} & set(names):
            for run in runs:
                self._add_run(run)
        if set(OF_SWEEPS) & set(names):
            for sweep in sweeps:
                self._add_sweep(sweep)

    def joined(self, other: Gathered) -> Gathered:
        """Return it with what was gathered of further runs."""
        for name in self._names:
            self._rows[name] += other._rows[name]
            self._files[name] += other._files[name]
        for key, runs in other._out.items():
            self._out.setdefault(key, []).extend(runs)
        self._left += other._left
        return self

    @property
    def warnings(self) -> list[str]:
        """What is to be said, a line each."""
        told = [
            f"{_some(runs)} {'is' if len(runs) == 1 else 'are'} left out of {names}: {reason}"
            for (names, reason), runs in self._out.items()
        ]
        return [*told, f"not finished, and so only in runs and studies: {_some(self._left)}"] if self._left else told

    def views(self) -> dict[str, View]:
        """Return the views by name."""
        return {
            name: View(
                types_of(name), self._rows[name], self._files[name], CHANGES.get(name, {}), RENAMED.get(name, ())
            )
            for name in self._names
        }

    def add_ledger(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Put the entries of the ledger into its views."""
        for name in set(OF_LEDGER) & set(self._names):
            self._rows[name] = list(_entries(entries) if name == "ledger" else _candidates(entries))

    def add_imports(self, collections: Iterable[Collection]) -> None:
        """Put what was imported into collections of the store into its view."""
        for name in set(OF_STORE) & set(self._names):
            for one in collections:
                try:
                    self._rows[name] += list(import_rows(one))
                except (QuorateError, OSError, *ODD) as e:
                    self.leave_out(one.name, [name], str(e) if isinstance(e, QuorateError) else reason_of(e))

    def leave_out(self, run: str, names: Several[str], reason: str) -> None:
        """Say that a run is not in some views; or end, where all must be whole."""
        if self._strict:
            raise IntegrityError(f"run {run} is not whole: {reason}")
        self._out.setdefault((", ".join(sorted(names)), reason), []).append(run)

    def _add_run(self, run: Run) -> None:
        report, reason = None, ""
        wanted = {*OF_RUNS} & set(self._names)
        if run.state == "finished":
            try:
                report = sealed(run)
            except QuorateError as e:
                reason = str(e)
                if wanted:
                    self.leave_out(run.id, wanted, reason)
        elif wanted:
            self._left.append(run.id)
        if "runs" in self._names:
            row = row_of(run, report)
            try:
                row |= _facts(run, report)
            except ODD as e:
                reason = f"its report is not what quorate writes: {reason_of(e)}"
            if reason:
                row |= {"state": "unreadable", "reason": reason, **dict.fromkeys(("verdict", "holdout", "sharpe"))}
            self._rows["runs"].append(row)
        if report is not None:
            self._add_reported(run, report, wanted)

    def _add_reported(self, run: Run, report: Report, wanted: Several[str]) -> None:
        for name in sorted(wanted):
            try:
                if name in OF_REPORTS:
                    self._rows[name] += [{**row, "run": run.id} for row in OF_REPORT[name](report)]
                elif name in CHECKED:
                    if files := checked_files(report):
                        self._files[name].append(_whole(run, files, "data", name))
                else:
                    there = [part for part in PARTS if report.results[part] and _has(report.results[part], name)]
                    self._files[name] += [_whole(run, report.document["files"], part, name) for part in there]
            except (QuorateError, OSError, *ODD) as e:
                told = str(e) if isinstance(e, QuorateError) else reason_of(e)
                self.leave_out(run.id, [name], told)

    def _add_sweep(self, sweep: Run) -> None:
        from quorate.runs.swept import sealed_sweep

        begun: Row = {"run": sweep.id, "state": sweep.state, "created": sweep.begun_at or None}
        try:
            if sweep.state != "finished":
                self._rows.get("studies", []).append(begun)
                self._left += [sweep.id] if "trials" in self._names else []
                return
            document = sealed_sweep(sweep).document
            for name in set(OF_SWEEPS) & set(self._names):
                self._rows[name] += list((_studies if name == "studies" else _trials)(sweep, document))
        except (QuorateError, *ODD) as e:
            told = str(e) if isinstance(e, QuorateError) else reason_of(e)
            self.leave_out(sweep.id, set(OF_SWEEPS) & set(self._names), told)


def _some(runs: Sequence[str]) -> str:
    more = f" and {len(runs) - NAMED:,} more" if len(runs) > NAMED else ""
    return ", ".join(runs[:NAMED]) + more


def sealed(run: Run) -> Report:
    """Return the report of a run, if it is as it was written."""
    report = Report(run.report(), run)
    try:
        if report.document.get("seal") != report.seal:
            raise IntegrityError(f"{run.path / 'report.json'} was changed after the run: it has another seal")
        if report.run_id != run.id or not all(isinstance(report.results[part], dict | None) for part in PARTS):
            raise IntegrityError(f"{run.path / 'report.json'} is of run {report.run_id}")
    except ODD as e:
        raise IntegrityError(f"its report is not what quorate writes: {reason_of(e)}") from e
    return report


def _has(part: Mapping[str, Any], name: str) -> bool:
    """Return whether a part has a table that only some runs have: of several symbols, or with some held out."""
    if name == UNSEEN:
        return bool(part.get(name, {}).get("predicted"))
    return name not in ACROSS or bool(part.get("cross_section"))


def _whole(run: Run, files: Mapping[str, str], part: str, name: str) -> Path:
    """Return where a table lies, after checking that it is what was stored, by the hashes of files."""
    path = run.path / part / f"{name}.parquet"
    told = files.get(f"{part}/{name}.parquet")
    if told is None:
        raise StoreError("it was made before there was such a table")
    for one in (path.parent, path):
        check_plain(one)
    if not path.exists():
        raise IntegrityError(f"there is no file {path}")
    with open(path, "rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != told:
            raise IntegrityError(f"{path} was changed after the run: it has another hash")
    return path


def _parts(report: Report) -> Iterator[tuple[Row, Mapping[str, Any]]]:
    for part in PARTS:
        if report.results[part]:
            yield {"part": part}, report.results[part]


def _metrics(report: Report) -> Iterator[Row]:
    for told, part in _parts(report):
        for one in part["series"]:
            key = {"series": f"{one['name']}/{one['strategy']}"}
            yield one["metrics"] | told | key | {name: one[name] for name in ("name", "strategy", "role")}


def _gates(report: Report) -> Iterator[Row]:
    for told, part in _parts(report):
        yield from ({**gate, **told} for gate in part["gates"])


def _folds(report: Report) -> Iterator[Row]:
    for told, part in _parts(report):
        for fold in part["folds"]:
            weights = {f"weight/{name}": weight for name, weight in fold["weights"].items()}
            yield {name: value for name, value in fold.items() if name != "weights"} | weights | told


def _listed(name: str) -> Callable[[Report], Iterator[Row]]:
    """Return what gives the rows of a list that a part may have."""

    def rows(report: Report) -> Iterator[Row]:
        for told, part in _parts(report):
            yield from ({**one, **told} for one in part.get(name, ()))

    return rows


def _warnings(report: Report) -> Iterator[Row]:
    for told, part in _parts(report):
        yield from ({**told, "warning": text} for text in part["warnings"])


def _stages(report: Report) -> Iterator[Row]:
    for part in PARTS:
        told = report.telemetry if part == PARTS[0] else report.telemetry.get(part) or {}
        use = told.get("stage_use", {})
        for name, seconds in told.get("stages", {}).items():
            yield {"part": part, "stage": name, "seconds": seconds, **use.get(name, {})}


OF_REPORT: dict[str, Callable[[Report], Iterator[Row]]] = {
    "metrics": _metrics,
    "gates": _gates,
    "folds": _folds,
    **{name: _listed(name) for name in ("symbols", *SPARSE)},
    "warnings": _warnings,
    "covariates": covariate_rows,
    "benchmark": benchmark_rows,
    "factors": factor_rows,
    "stages": _stages,
}


def _facts(run: Run, report: Report | None) -> Row:
    """Return what `runs` has beyond what the list of runs shows."""
    if report is None:
        return {"created": run.begun_at or None}
    told, took = report.provenance, report.telemetry
    trials = report.standing.get("trials") or {}
    return {
        "created": told["created"],
        **{name: told["data"].get(name) for name in ("frequency", "bars", "first", "last", "fingerprint")},
        "symbols": len(told["data"]["symbols"]),
        **{name: told.get(name) for name in ("recipe_digest", "results_digest")},
        "trials": trials.get("n"),
        "effective_trials": trials.get("effective"),
        **{name: told["libraries"].get(name) for name in ("quorate", "python")},
        **{name: took.get(name) for name in ("executor", "workers", "fits", "cached", "seconds", "peak_memory_mib")},
        **{name: took.get(name) for name in ("total_memory_mib", "cpu_seconds")},
    }


def _entries(entries: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    for entry in entries:
        yield {**{name: entry.get(name) for name in ("seq", "time", "kind", "run", "part", "hash")}, "entry": entry}


def _candidates(entries: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    alike = ("seq", "time", "run", "part", "strategy", "role", "skew", "kurtosis", "bars", "bars_per_year")
    for entry in entries:
        if entry.get("kind") == "candidate":
            yield {
                **{name: entry[name] for name in (*alike, "first", "last", "key")},
                "series": f"{entry['series']}/{entry['strategy']}",
                "name": entry["series"],
                "sharpe_per_bar": entry["sharpe"],
                "fingerprint": entry["data"],
                "recipe_digest": entry["recipe"],
            }


def _studies(sweep: Run, document: Mapping[str, Any]) -> Iterator[Row]:
    for name, search in document["searches"].items():
        best = search.get("best") or {}
        yield {
            "run": sweep.id,
            "search": name,
            "recipe": document["recipe"]["name"],
            "state": sweep.state,
            "created": document["created"],
            "objectives": [one["name"] for one in document["objectives"]],
            "trials": len(search["trials"]),
            "best": best.get("trial"),
            "own_value": (search.get("own") or {}).get("value"),
            "best_value": best.get("value"),
            **{key: search.get(key) for key in ("kept", "better", "helped", "kept_params")},
        }


def _trials(sweep: Run, document: Mapping[str, Any]) -> Iterator[Row]:
    names = ("trial", "state", "value", "values", "folds", "cpu_seconds", "params")
    for name, search in document["searches"].items():
        for trial in search["trials"]:
            yield {"run": sweep.id, "search": name, **{key: trial.get(key) for key in names}}

"""The home: where runs, bars and plugin sources are kept.

::

    HOME/runs/RUN/            one folder per run: recipe.toml, run.json, log.jsonl, report.json, and per part *.parquet;
                              label.json, if there is one, is what people say of it
    HOME/sweeps/SWEEP/        one folder per sweep: recipe.toml, run.json, log.jsonl, journal.log, report.json,
                              best_params.json
    HOME/fits/fits.sqlite     finished fits by key
    HOME/models/KEY.*         fitted models by the keys of their fits, where a recipe keeps them
    HOME/checkpoints/KEY/     where trainings stand that are not finished, by the keys of their fits
    HOME/bars/HASH.parquet    bars by fingerprint; beside them, where they have these: HASH.universe.json,
                              HASH.fills.parquet, HASH.benchmark.parquet, HASH.factors.parquet, and
                              HASH.covariates.json, which names the records of each
    HOME/sources/HASH.py      plugin files by hash
    HOME/ledger/              what was tried, see `quorate.evidence.ledger`
    HOME/forward/             what versions forecast, sealed, see `quorate.serving.record`
    HOME/registry/            versions of what was promoted, see `quorate.store.registry`
    HOME/backup.json          when it was brought to another place last, and where
    HOME/jobs/                what commands that `quorate ui` began have printed
    HOME/schedules/           what is done again and again, see `quorate.store.schedules`
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from quorate.errors import DataError, IntegrityError, RecipeError, StoreError, near_misses
from quorate.plugins.local import LocalSource
from quorate.store.covariates import keep_covariates, kept_covariates, note_of, records_of
from quorate.store.files import TEMPORARY, io_reason, sync, write_json, write_text
from quorate.store.parquet import read_parquet, write_parquet
from quorate.store.places import check_here
from quorate.store.plain import check_home
from quorate.store.run import Run
from quorate.store.sharing import open_to_group
from quorate.store.trust import claim

if TYPE_CHECKING:
    from quorate.bars.panel import Bars

_LEFT_OVER = re.compile(r"\..+\.\d+-[0-9a-f]{8}\.tmp")  # as `replacing` names what it writes
LINEAGE = ".lineage.json"  # of what bars were made of
RESAMPLED, FINER = "resampled", "finer"  # beside the calendar of bars that were made of shorter ones
REFERENCES = ("benchmark", "factors")  # the same of those that returns are held against
LEFT = 3600.0  # seconds after which nobody is writing a file any more


class Home:
    """A folder that holds everything the platform keeps.

    Parameters
    ----------
    path : Path or None
        Default: the environment variable ``QUORATE_HOME``, else ``.quorate`` in the current folder.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        # Libraries may change the current folder.
        given = path or os.environ.get("QUORATE_HOME") or ".quorate"
        check_here(os.fspath(given), "a home")
        self.path = Path(given).absolute()
        try:
            str(self.path).encode()
        except UnicodeEncodeError:
            raise RecipeError(f"the path of a home must be text in UTF-8; it was {str(self.path)!r}") from None
        check_home(self.path)
        open_to_group(self.path)

    def check_outside(self, path: Path) -> None:
        """Refuse to write for people among what is kept: a name there may be that of a report.

        Raises
        ------
        StoreError
            If the path lies in the home, also by way of a link.
        """
        if path.resolve().is_relative_to(self.path.resolve()):
            raise StoreError(f"cannot write {path}: it lies in the home {self.path}, which keeps runs; name another")

    @property
    def option(self) -> str:
        """What a command needs to be told to find this home: `` --home PATH``, or nothing."""
        return "" if self.path == Home().path else f" --home {self.path}"

    def claim(self) -> None:
        """Note the home as this user's, before anything is kept in it, if nothing is yet."""
        claim(self.path)

    def check_writable(self) -> None:
        """Raise `StoreError`, if nothing can be written here; better before a long run than after it."""
        try:
            # A home that is not there yet is made when there is something to keep.
            there = next(folder for folder in (self.path, *self.path.parents) if folder.exists())
            probe = there / f".probe-{secrets.token_hex(4)}"
            try:
                probe.write_bytes(b"x")
            finally:
                probe.unlink(missing_ok=True)
        except OSError as e:
            raise StoreError(io_reason(e, self.path)) from e
        self._collect()

    def left_over(self) -> list[Path]:
        """Return what writes that were killed have left."""
        runs = [run.path for run in (*self.runs(), *self.runs("sweep"))]
        folders = (self.path, *(self.path / name for name in ("bars", "sources", "ledger")), *runs)
        return [left for folder in folders if not folder.is_symlink() for left in _left_in(folder)]

    def _collect(self) -> None:
        """Remove what writes that were killed have left."""
        for left in self.left_over():
            with suppress(OSError):
                left.unlink(missing_ok=True)

    def new_run(self, name: str, kind: Literal["run", "sweep"] = "run") -> Run:
        """Create the folder of a new run or sweep; its id sorts by time and is never used twice."""
        while True:
            now = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S.%f")
            run = Run(self, f"{now}-{name}-{secrets.token_hex(2)}", kind)
            try:
                run.path.mkdir(parents=True)
                sync(run.path.parent)
            except FileExistsError:
                continue
            except OSError as e:
                raise StoreError(io_reason(e, run.path)) from e
            return run

    def runs(self, kind: Literal["run", "sweep"] = "run") -> list[Run]:
        """Return all runs, or all sweeps, oldest first."""
        folder = self.path / f"{kind}s"
        there = sorted(folder.iterdir()) if folder.is_dir() else []
        return [Run(self, p.name, kind) for p in there if p.is_dir() and not p.is_symlink()]

    def find(self, name: str = "latest", unfinished: bool = False, kind: Literal["run", "sweep"] = "run") -> Run:
        """Return the run of that id, of an unambiguous part of it, or the ``latest`` finished (or unfinished) one.

        With `kind` ``"sweep"`` the sweep.

        Raises
        ------
        StoreError
            If none or several match.
        """
        runs = self.runs(kind)
        more = "quorate runs" if kind == "run" else "quorate sweep list"
        if name == "latest":
            wanted = ("interrupted", "failed", "submitted") if unfinished else ("finished",)
            found = [run for run in runs if run.state in wanted and (run.begun_at or not unfinished)]
            if found:
                return found[-1]
            if unfinished:
                busy = [f": {run.id} is going on in another process" for run in runs if run.state == "running"]
                raise StoreError(f"there is no unfinished {kind} in {self.path}{''.join(busy[:1])}; see {more}")
            last = f"the last one, {runs[-1].id}, is {runs[-1].state}{runs[-1].remedy}" if runs else ""
            start = f"start one, e.g. quorate {kind} planted"
            raise StoreError(f"there is no finished {kind} in {self.path}: {last or start}")
        return self._named(name, runs, kind, f"{kind}s", more)

    def runs_and_sweeps(self) -> list[Run]:
        """Return all runs and sweeps, oldest first."""
        return sorted((*self.runs(), *self.runs("sweep")), key=lambda run: run.id)

    def find_either(self, name: str = "latest") -> Run:
        """Return the run or sweep of that id, of an unambiguous part of it, or the ``latest``, whatever its state.

        Raises
        ------
        StoreError
            If none or several match.
        """
        every = self.runs_and_sweeps()
        if name == "latest" and every:
            return every[-1]
        what = "run or sweep"
        return self._named(name, every, what, "runs and sweeps", "quorate runs, and quorate sweep list")

    def _named(self, name: str, runs: list[Run], what: str, several: str, more: str) -> Run:
        found = [run for run in runs if run.id == name] or [run for run in runs if name in run.id]
        if len(found) == 1:
            return found[0]
        if not found:
            sweeps = [] if what != "run" else [sweep for sweep in self.runs("sweep") if name in sweep.id]
            if sweeps:
                raise StoreError(
                    f"there is no run {name!r} in {self.path}: {sweeps[0].id} is a sweep: quorate sweep show "
                    "takes several, and puts them side by side"
                )
            raise StoreError(
                f"there is no {what} {name!r} in {self.path}{near_misses(name, [r.id for r in runs])}; see {more}"
            )
        raise StoreError(
            f"{name!r} fits {len(found)} {several}, e.g. {found[0].id} and {found[-1].id}: give more of the id"
        )

    def keep_bars(self, bars: Bars) -> None:
        """Store the bars under their fingerprint, once."""
        path = self._bars(bars.fingerprint)
        calendar = path.with_suffix(".json")
        if not (path.exists() and calendar.exists()):
            if bars.universe is not None:
                write_json(path.with_suffix(".universe.json"), bars.universe.to_dict())
            if bars.fills is not None:
                write_parquet(bars.fills.to_frame(), path.with_suffix(".fills.parquet"))
            if bars.covariates:
                keep_covariates(path, bars.covariates)
            beside: dict[str, Any] = {RESAMPLED: bars.resampled} if bars.resampled else {}
            for name, one in bars.references.items():
                write_parquet(one.to_frame(), path.with_suffix(f".{name}.parquet"))
                beside[name] = one.note
            if bars.finer is not None:
                self.keep_bars(bars.finer)
                beside[FINER] = bars.finer.fingerprint
            write_json(calendar, {**asdict(bars.calendar), **beside})
            write_parquet(bars.to_frame(), path)
        if bars.made_of - (known := self._made_of(path)):  # equal bars may be made of different ones
            write_json(path.with_suffix(LINEAGE), sorted(bars.made_of | known))

    def bars(self, fingerprint: str) -> Bars:
        """Return stored bars.

        Raises
        ------
        IntegrityError
            If they are not what was stored.
        """
        from quorate.bars.calendar import Calendar
        from quorate.bars.panel import FIELDS, Bars  # what lists runs reads none
        from quorate.bars.references import ReferenceSeries

        path = self._bars(fingerprint)
        if not path.exists():
            raise StoreError(f"the bars {fingerprint[:12]} are not in {self.path}: the run cannot be computed again")
        try:
            told = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            resampled, finer = told.pop(RESAMPLED, ""), told.pop(FINER, None)
            noted = {name: told.pop(name) for name in REFERENCES if name in told}
            frame = read_parquet(path)
            bars = Bars.from_frame(frame, Calendar(**told), sorted({*map(str, frame)} - {"symbol", "time", *FIELDS}))
            bars = replace(bars, **self._beside(path))
            if resampled:
                bars = replace(bars, resampled=resampled, frequency=resampled)
            if finer is not None:
                bars = replace(bars, finer=self.bars(finer))
            if note_of(path).exists():
                bars = bars.with_covariates(kept_covariates(path))
            frames = {name: read_parquet(path.with_suffix(f".{name}.parquet")) for name in noted}
            found = {name: ReferenceSeries.from_frame(frame, **noted[name]) for name, frame in frames.items()}
            bars = bars.with_references(found)
        except (DataError, OSError, TypeError, ValueError, KeyError) as e:
            raise IntegrityError(f"{path} was changed: {e}") from e
        if bars.fingerprint != fingerprint:
            raise IntegrityError(
                f"{path} was changed: its fingerprint is {bars.fingerprint[:12]}, not {fingerprint[:12]}"
            )
        return bars

    def _beside(self, path: Path) -> dict[str, Any]:
        """Return what is stored of bars beside their frame."""
        from quorate.bars.fills import Fills
        from quorate.bars.universe import Universe

        found: dict[str, Any] = {"made_of": self._made_of(path)}
        if (universe := path.with_suffix(".universe.json")).exists():
            found["universe"] = Universe.from_dict(json.loads(universe.read_text(encoding="utf-8")))
        if (fills := path.with_suffix(".fills.parquet")).exists():
            found["fills"] = Fills.from_frame(read_parquet(fills))
        return found

    def _made_of(self, path: Path) -> frozenset[str]:
        """Return digests of what stored bars were made of; that none is known makes them other than they were."""
        beside = path.with_suffix(LINEAGE)
        if not beside.exists():
            return frozenset()
        try:
            return frozenset(map(str, json.loads(beside.read_text(encoding="utf-8"))))
        except (OSError, TypeError, ValueError) as e:
            raise IntegrityError(f"{beside} was changed: it must be a list of digests: {e}") from e

    def bars_files(self, fingerprint: str) -> list[Path]:
        """Return the files that stored bars are in."""
        path = self._bars(fingerprint)
        finer = json.loads(path.with_suffix(".json").read_text(encoding="utf-8")).get(FINER)
        beside = records_of(path) if note_of(path).exists() else []
        own = [*sorted(path.parent.glob(f"{fingerprint}.*")), *beside]
        return [*own, *(self.bars_files(finer) if finer else [])]

    def _bars(self, fingerprint: str) -> Path:
        return self.path / "bars" / f"{fingerprint}.parquet"

    def keep_source(self, source: LocalSource) -> None:
        """Store a plugin file under its hash, once."""
        path = self.path / "sources" / f"{source.sha256}.py"
        if not path.exists():
            write_text(path, source.text)

    def source(self, sha256: str, name: str) -> LocalSource:
        """Return a stored plugin file."""
        path = self.path / "sources" / f"{sha256}.py"
        try:
            source = LocalSource(Path(name), path.read_text(encoding="utf-8"))
        except OSError as e:
            raise StoreError(f"the plugin file {name} ({sha256[:12]}) is not in {self.path}: {e}") from e
        if source.sha256 != sha256:
            raise IntegrityError(f"{path} was changed since the run used it")
        return source


def _left_in(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        for left in folder.glob(f".*{TEMPORARY}"):
            if _LEFT_OVER.fullmatch(left.name) and time.time() - left.lstat().st_mtime > LEFT:
                yield left

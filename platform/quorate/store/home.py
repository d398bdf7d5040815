"""The home: where runs, bars and plugin sources are kept.

::

    HOME/runs/RUN/            one folder per run: recipe.toml, run.json, log.jsonl, report.json, and per part *.parquet
    HOME/fits/fits.sqlite     finished fits by key
    HOME/bars/HASH.parquet    bars by fingerprint
    HOME/sources/HASH.py      plugin files by hash
    HOME/ledger/              what was tried, see `quorate.evidence.ledger`
"""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import pandas as pd

from quorate.bars.calendar import Calendar
from quorate.bars.panel import FIELDS, Bars
from quorate.errors import DataError, IntegrityError, RecipeError, StoreError, near_misses
from quorate.plugins.local import LocalSource
from quorate.store.documents import REPORT_VERSION, check_begun, read_document, seal_of
from quorate.store.files import TEMPORARY, io_reason, sync, write_json, write_text
from quorate.store.parquet import read_parquet, write_parquet
from quorate.store.plain import check_home, check_run
from quorate.store.trust import claim

_LEFT_OVER = re.compile(r"\..+\.\d+-[0-9a-f]{8}\.tmp")  # as `replacing` names what it writes
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
        self.path = Path(path or os.environ.get("QUORATE_HOME") or ".quorate").absolute()
        try:
            str(self.path).encode()
        except UnicodeEncodeError:
            raise RecipeError(f"the path of a home must be text in UTF-8; it was {str(self.path)!r}") from None
        check_home(self.path)

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

    def _collect(self) -> None:
        """Remove what writes that were killed have left."""
        runs = [run.path for run in self.runs()]
        for folder in (self.path, *(self.path / name for name in ("bars", "sources", "ledger")), *runs):
            with suppress(OSError):
                for left in () if folder.is_symlink() else folder.glob(f".*{TEMPORARY}"):
                    if _LEFT_OVER.fullmatch(left.name) and time.time() - left.lstat().st_mtime > LEFT:
                        left.unlink(missing_ok=True)

    def new_run(self, name: str) -> Run:
        """Create the folder of a new run; its id sorts by time and is never used twice."""
        while True:
            now = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S.%f")
            run = Run(self, f"{now}-{name}-{secrets.token_hex(2)}")
            try:
                run.path.mkdir(parents=True)
                sync(run.path.parent)
            except FileExistsError:
                continue
            except OSError as e:
                raise StoreError(io_reason(e, run.path)) from e
            return run

    def runs(self) -> list[Run]:
        """Return all runs, oldest first."""
        folder = self.path / "runs"
        there = sorted(folder.iterdir()) if folder.is_dir() else []
        return [Run(self, p.name) for p in there if p.is_dir() and not p.is_symlink()]

    def find(self, name: str = "latest", unfinished: bool = False) -> Run:
        """Return the run of that id, of an unambiguous part of it, or the ``latest`` finished (or unfinished) one.

        Raises
        ------
        StoreError
            If none or several match.
        """
        runs = self.runs()
        if name == "latest":
            wanted = ("interrupted", "failed", "submitted") if unfinished else ("finished",)
            found = [run for run in runs if run.state in wanted and (run.begun_at or not unfinished)]
            if found:
                return found[-1]
            if unfinished:
                raise StoreError(f"there is no unfinished run in {self.path}; see quorate runs")
            raise StoreError(f"there is no finished run in {self.path}: start one, e.g. quorate run planted")
        found = [run for run in runs if run.id == name] or [run for run in runs if name in run.id]
        if len(found) == 1:
            return found[0]
        if not found:
            raise StoreError(
                f"there is no run {name!r} in {self.path}{near_misses(name, [r.id for r in runs])}; see quorate runs"
            )
        raise StoreError(f"{name!r} fits {len(found)} runs, e.g. {found[0].id} and {found[-1].id}: give more of the id")

    def keep_bars(self, bars: Bars) -> None:
        """Store the bars under their fingerprint, once."""
        path = self._bars(bars.fingerprint)
        calendar = path.with_suffix(".json")
        if not (path.exists() and calendar.exists()):
            write_json(calendar, asdict(bars.calendar))
            write_parquet(bars.to_frame(), path)

    def bars(self, fingerprint: str) -> Bars:
        """Return stored bars.

        Raises
        ------
        IntegrityError
            If they are not what was stored.
        """
        path = self._bars(fingerprint)
        if not path.exists():
            raise StoreError(f"the bars {fingerprint[:12]} are not in {self.path}: the run cannot be computed again")
        try:
            calendar = Calendar(**json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
            frame = read_parquet(path)
            bars = Bars.from_frame(frame, calendar, sorted({*map(str, frame)} - {"symbol", "time", *FIELDS}))
        except (DataError, OSError, TypeError, ValueError) as e:
            raise IntegrityError(f"{path} was changed: {e}") from e
        if bars.fingerprint != fingerprint:
            raise IntegrityError(
                f"{path} was changed: its fingerprint is {bars.fingerprint[:12]}, not {fingerprint[:12]}"
            )
        return bars

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


class Run:
    """One run's folder."""

    def __init__(self, home: Home, run_id: str) -> None:
        self.home = home
        self.id = run_id
        self.path = home.path / "runs" / run_id

    @property
    def state(self) -> str:
        """``finished``, ``running``, ``submitted``, ``failed``, or ``interrupted``: ended before it could say why.

        Or ``damaged``: a link or a pipe is where one of its files should be.
        """
        try:
            self.check()
        except IntegrityError:
            return "damaged"
        if (self.path / "report.json").exists():
            return "finished"
        if self._locked():
            return "running"
        if (self.path / "job.json").exists():
            return "submitted"  # a cluster computes it
        return "failed" if (self.path / "error.txt").exists() else "interrupted"

    def check(self) -> None:
        """Raise `IntegrityError`, if a link or a pipe is where one of its files should be."""
        check_run(self.path)

    @property
    def begun_at(self) -> str:
        """When it was begun; empty, if it was stopped before it could note that, or what it noted is damaged."""
        with suppress(StoreError, IntegrityError):
            return str(self._noted().get("created", ""))
        return ""

    @contextmanager
    def driving(self) -> Iterator[None]:
        """Hold the run: no other process may work on it meanwhile, and that one does is seen in its state.

        Raises
        ------
        StoreError
            If another process does.
        """
        with open(self.path / "lock", "a", encoding="utf-8") as file:
            # Whoever asks for the state holds it for a moment, too.
            for _ in range(20):
                if _lock(file, fcntl.LOCK_EX):
                    break
                time.sleep(0.05)
            else:
                raise StoreError(f"run {self.id} is going on in another process: wait for it, or stop it there")
            yield

    def _locked(self) -> bool:
        try:
            with open(self.path / "lock", encoding="utf-8") as file:
                return not _lock(file, fcntl.LOCK_SH)
        except OSError:
            return False

    def write_begun(self, document: Mapping[str, Any]) -> None:
        """Store ``run.json``: all that is needed to go on with the run, or to compute it again."""
        whole = {"schema_version": REPORT_VERSION, **document}
        write_json(self.path / "run.json", {**whole, "seal": seal_of(whole)})

    def begun(self) -> dict[str, Any]:
        """Return the content of ``run.json``, or what the report of a run without one says.

        Raises
        ------
        StoreError
            If the run was stopped before it was written, or it was written by a newer version.
        IntegrityError
            If it is damaged, or was changed.
        """
        if found := self._noted():
            check_begun(found, self.path / "run.json")
            return found
        if not (self.path / "report.json").exists():
            raise StoreError(f"run {self.id} was stopped before it had begun: start it again")
        return self.report()["provenance"]  # type: ignore[no-any-return]

    def _noted(self) -> dict[str, Any]:
        """Return the content of ``run.json``; nothing, if there is none."""
        self.check()
        path = self.path / "run.json"
        if not path.exists():
            return {}
        found = read_document(path)
        if "seal" in found and found.pop("seal") != seal_of(found):
            raise IntegrityError(f"{path} was changed after it was written: it has another seal")
        return found

    def write_frames(self, part: str, frames: Mapping[str, pd.DataFrame]) -> dict[str, str]:
        """Store the tables of a part, development or holdout, as Parquet; return each file's SHA-256."""
        hashes = {}
        for name, frame in frames.items():
            file = f"{part}/{name}.parquet"
            write_parquet(frame, self.path / file)
            hashes[file] = hashlib.sha256((self.path / file).read_bytes()).hexdigest()
        return hashes

    def frame(self, part: str, name: str, sha256: str) -> pd.DataFrame:
        """Return a stored table, or raise `IntegrityError`, if it is gone or not what was stored."""
        path = self.path / part / f"{name}.parquet"
        try:
            if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
                raise IntegrityError(f"{path} was changed after the run: it has another hash")
            return read_parquet(path)
        except (DataError, OSError) as e:
            raise IntegrityError(f"run {self.id} is not whole: {e}") from e

    def write_report(self, document: Mapping[str, Any]) -> None:
        """Store ``report.json``; from then on the run is finished. ``gates.json`` repeats what the gates said."""
        gates = {part: found["gates"] for part, found in document.get("results", {}).items() if found}
        write_json(self.path / "gates.json", gates)
        write_json(self.path / "report.json", document)

    def report(self) -> dict[str, Any]:
        """Return the content of ``report.json``.

        Raises
        ------
        StoreError
            If the run has none, or it was written by a newer version.
        IntegrityError
            If it is not valid JSON.
        """
        self.check()
        path = self.path / "report.json"
        if not path.exists():
            raise StoreError(f"run {self.id} is {self.state}: it has no report{self._reason()}")
        return read_document(path)

    @property
    def failure(self) -> str:
        """Why it failed, as it was told; empty, if it did not, or could not say."""
        try:
            self.check()
        except IntegrityError as e:
            return str(e)
        path = self.path / "error.txt"
        return path.read_text(encoding="utf-8", errors="replace").strip() if path.exists() else ""

    def _reason(self) -> str:
        if self.failure:
            return f": {self.failure}"
        return f": quorate resume {self.id}" if self.state in ("interrupted", "submitted") else ""


def _lock(file: IO[str], how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

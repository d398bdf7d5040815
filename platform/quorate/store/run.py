"""A run's folder, see `quorate.store.home`."""

from __future__ import annotations

import fcntl
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, TypeVar

from quorate.errors import DataError, IntegrityError, StoreError
from quorate.store.documents import REPORT_VERSION, check_begun, read_document, seal_of
from quorate.store.files import write_json
from quorate.store.parquet import read_parquet, read_rows, write_parquet
from quorate.store.plain import check_run

if TYPE_CHECKING:
    import pandas as pd

    from quorate.store.home import Home

T = TypeVar("T")


class Run:
    """One run's folder, or a sweep's.

    Parameters
    ----------
    home : Home
        Whose.
    run_id : str
        Its name.
    kind : {"run", "sweep"}
        Which of the two; a sweep's lies in ``HOME/sweeps``.
    """

    def __init__(self, home: Home, run_id: str, kind: Literal["run", "sweep"] = "run") -> None:
        self.home = home
        self.id = run_id
        self.kind = kind
        self.path = home.path / f"{kind}s" / run_id

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
        if self.busy:
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
                raise StoreError(
                    f"{self.kind} {self.id} is going on in another process: wait for it, or stop it there; "
                    f"quorate watch {self.id}{self.home.option} shows how far it is"
                )
            yield

    @property
    def busy(self) -> bool:
        """Whether a process holds it; one of another machine is not always seen."""
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
            raise StoreError(f"{self.kind} {self.id} was stopped before it had begun: start it again")
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
            with (self.path / file).open("rb") as written:
                hashes[file] = hashlib.file_digest(written, "sha256").hexdigest()
        return hashes

    def frame(self, part: str, name: str, sha256: str) -> pd.DataFrame:
        """Return a stored table, or raise `IntegrityError`, if it is gone or not what was stored."""
        return self._table(part, name, sha256, read_parquet)

    def rows(self, part: str, name: str, sha256: str, columns: Sequence[str]) -> list[tuple[Any, ...]]:
        """Return columns of a stored table row by row; raises as `frame` does."""
        return self._table(part, name, sha256, lambda path: read_rows(path, columns))

    def _table(self, part: str, name: str, sha256: str, read: Callable[[Path], T]) -> T:
        path = self.path / part / f"{name}.parquet"
        try:
            if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
                raise IntegrityError(f"{path} was changed after the run: it has another hash")
            return read(path)
        except (DataError, OSError) as e:
            raise IntegrityError(f"run {self.id} is not whole: {e}") from e

    def write_report(self, document: Mapping[str, Any]) -> None:
        """Store ``report.json``; from then on the run is finished. ``gates.json`` repeats what the gates said."""
        if self.kind == "run":
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
            raise StoreError(f"{self.kind} {self.id} is {self.state}: it has no report{self.remedy}")
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

    @property
    def remedy(self) -> str:
        """Why it failed, or what goes on with it, after a colon; empty, if it is finished."""
        if self.failure:
            return f": {self.failure}"
        if self.state == "running":
            return f": quorate watch {self.id}{self.home.option} shows how far it is"
        return f": {self.resume_command}" if self.state in ("interrupted", "submitted") else ""

    @property
    def resume_command(self) -> str:
        """What goes on with it."""
        return f"quorate {'sweep ' if self.kind == 'sweep' else ''}resume {self.id}{self.home.option}"


def _lock(file: IO[str], how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

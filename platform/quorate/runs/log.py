"""The log of a run: one JSON object per line, for programs and for `quorate timeline`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quorate import __version__
from quorate.execution.progress import Progress
from quorate.store.log import LOG

if TYPE_CHECKING:
    from quorate.execution.metering import Use
    from quorate.execution.task import FitResult, FitTask


class RunLog(Progress):
    r"""Writes what it hears to ``RUN/log.jsonl``, each event at once; what it hears before it knows the run, then.

    Every event has ``time``, in seconds since 1970, and ``event``:

    ========== ==================================================================================================
    run        a process begins to work on the run: run, command, pid, host, version; events up to the next such
               one are its own
    stage      state (``begin`` or ``end``), name; at its end: began, seconds
    use        stage, cpu_seconds, total_memory_mib, peak_memory_mib: what a stage took, right before its end
    workers    workers, executor
    plan       what is to be fitted: folds, fits, cached, seconds, guessed, executor, workers, doubts
    fits       totals per model, number of folds, and their numbers
    handed     fits, as [model, fold], or [model, fold, replicate] beyond the first seed: handed out together
    fit        model, fold, key, cached, place, began, seconds, cpu_seconds, error, notes; replicate likewise
    trial      how a sweep stands after a trial, as `quorate.execution.progress.Progress.trial` hears it
    warning    message
    note       message
    end        state: ``finished``, ``interrupted`` or ``failed``; missing, if the process was killed
    ========== ==================================================================================================

    A log that cannot be written never stops a run.
    """

    def __init__(self) -> None:
        self._file: int | None = None
        self._early: list[bytes] = []
        self._torn = False

    def run(self, folder: Path, command: str = "run") -> None:
        """Begin to write, after what is there already."""
        early, self._early = self._early, []
        self.close()
        try:
            self._file = os.open(folder / LOG, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            size = os.fstat(self._file).st_size
            # A process that was killed while it wrote left half a line.
            self._torn = size > 0 and os.pread(self._file, 1, size - 1) != b"\n"
        except OSError:
            return
        self._write("run", run=folder.name, command=command, pid=os.getpid(), host=os.uname().nodename,
                    version=__version__)  # fmt: skip
        for line in early:
            self._append(line)

    def stage(self, name: str) -> None:
        """Write that a stage begins."""
        self._write("stage", state="begin", name=name)

    def staged(self, name: str, began: float, seconds: float) -> None:
        """Write how long a stage took."""
        self._write("stage", state="end", name=name, began=round(began, 6), seconds=round(seconds, 6))

    def used(self, name: str, use: Use) -> None:
        """Write what a stage took."""
        mib = [round(size / 2**20, 1) for size in use[1:]]
        cpu = round(use.cpu_seconds, 6)
        self._write("use", stage=name, cpu_seconds=cpu, total_memory_mib=mib[0], peak_memory_mib=mib[1])

    def planned(self, plan: Mapping[str, Any]) -> None:
        """Write what is to be fitted, without the folds' dates."""
        told = ("fits", "cached", "seconds", "guessed", "executor", "workers", "doubts")
        self._write("plan", folds=len(plan["folds"]), **{name: plan[name] for name in told})

    def fits(self, totals: Mapping[str, int], folds: Sequence[int] = ()) -> None:
        """Write how many fits are to come."""
        self._write("fits", totals=dict(totals), folds=len(folds), numbers=list(folds))

    def workers(self, count: int, executor: str = "") -> None:
        """Write how many fits may run at a time."""
        self._write("workers", workers=count, executor=executor)

    def began(self, tasks: Sequence[FitTask]) -> None:
        """Write which fits were handed out."""
        self._write("handed", fits=[task.which if task.replicate else task.which[:2] for task in tasks])

    def fitted(self, result: FitResult) -> None:
        """Write what came of a fit."""
        self._write(
            "fit",
            model=result.model,
            fold=result.fold,
            key=result.key,
            cached=result.cached,
            place=result.place,
            began=round(result.began, 6),
            seconds=round(result.seconds, 6),
            cpu_seconds=round(result.cpu_seconds, 6),
            error=result.error,
            notes=result.notes,
            **({"replicate": result.replicate} if result.replicate else {}),
        )

    def trial(self, told: Mapping[str, Any]) -> None:
        """Write how the sweep stands."""
        self._write("trial", **told)

    def warn(self, message: str) -> None:
        """Write the warning."""
        self._write("warning", message=message)

    def note(self, message: str) -> None:
        """Write the note."""
        self._write("note", message=message)

    def ended(self, state: str) -> None:
        """Write how the run ended; nothing is written after it."""
        self._write("end", state=state)
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, event: str, **more: Any) -> None:
        record = {"time": round(time.time(), 6), "event": event, **more}
        line = json.dumps(record, separators=(",", ":"), default=str).encode() + b"\n"
        if self._file is None:
            self._early.append(line)
        else:
            self._append(line)

    def _append(self, line: bytes) -> None:
        """Write a whole line in one call: there is nothing left to flush, and two processes never mix theirs."""
        if self._file is None:
            return
        line = b"\n" + line if self._torn else line
        try:
            self._torn = os.write(self._file, line) < len(line)
        except OSError:  # the disk is full: what matters says so itself
            self._torn = True

"""A run or a sweep while it goes on, by its log alone: in this terminal or another one, on this machine or another one.

Nothing is asked of the process that works on it, and nothing is in its way.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from quorate.errors import QuorateError, reason_of, visible
from quorate.report.figures import duration
from quorate.report.heard import Heard
from quorate.report.report import Report
from quorate.store.files import io_reason
from quorate.store.log import LOG, Follower

if TYPE_CHECKING:
    from quorate.report.console import Text
    from quorate.store import Home, Run

LATELY = 600.0  # seconds without a word after which what runs on another machine is looked for no more
SILENT = 60.0  # seconds without a word after which that is said
YOUNG = 10.0  # seconds that a run may take between its folder and the first line of its log


def going_on(home: Home) -> list[Watched]:
    """Return the runs and sweeps of a home that are going on, the newest first; those elsewhere by their log's age."""
    found = []
    for run in reversed(home.runs_and_sweeps()):
        with suppress(OSError):
            if run.busy or time.time() - (run.path / LOG).stat().st_mtime < LATELY:
                watched = Watched(run)
                watched.update()
                found += [] if watched.over else [watched]
    return found


class Watched:
    """What is known of a run or a sweep; `update` reads what is new of its log.

    Parameters
    ----------
    run : Run
        Which.
    clock : callable, optional
        Returns the time in seconds since 1970, here.

    Attributes
    ----------
    state : str
        ``starting``, ``running``, ``finished``, ``failed``, ``interrupted``, ``submitted``, ``removed`` or ``damaged``.
    trouble : str
        Why it cannot be read, or only in part; empty, if it can.
    verdict, said : str
        Of a finished run ``PASS``, ``FAIL`` or ``INSUFFICIENT``, and what came of it in a sentence.
    held : bool
        Whether a process is known to hold it; one of another machine is not always seen.

    Examples
    --------
    >>> from quorate.report.live import Watched
    >>> watched = Watched(run)  # doctest: +SKIP
    >>> while watched.update() or not watched.over:  # doctest: +SKIP
    ...     print(watched.draw(80, 24))
    """

    def __init__(self, run: Run, clock: Callable[[], float] = time.time) -> None:
        self.run = run
        self.heard = Heard()
        self.state, self.trouble, self.verdict, self.said, self.held = "starting", "", "", "", False
        self._clock = clock
        self._follower = Follower(run.path)
        self._skew, self._looked = 0.0, -float("inf")
        self._tall: dict[str, int] = {}
        self._size: tuple[int, int] = (0, 0)

    def update(self) -> bool:
        """Read what is new; return whether anything changed but the time."""
        before, self.held = self._facts(), False
        try:
            new = self._read()
            self.state, self.trouble = self._found(), ""
        except QuorateError as e:
            new, self.state, self.trouble = False, "damaged", str(e)
        except OSError as e:  # a disk of another machine may come back
            new, self.trouble = False, io_reason(e, self.run.path)
        changed = self._facts() != before
        if changed or new:
            self.verdict, self.said = self._judged()
        return new or changed

    def _facts(self) -> tuple[Any, ...]:
        return self.state, self.trouble, self.held, self.heard.attempts

    def _read(self) -> bool:
        logs, heard = self._follower.logs, False
        for events in self._follower.read():
            if self._follower.logs != logs:
                logs, self.heard, heard = self._follower.logs, Heard(), True
            for event in events:
                self.heard.hear(event)
            heard = heard or bool(events)
        now = self._clock()
        if self.heard.last and heard:
            # The latest was written between the last look and this one, or the clock that it was written by is off.
            self._skew = min(max(self._skew, self._looked - self.heard.last), now - self.heard.last)
        self._looked = now
        return heard

    def _found(self) -> str:
        """Return the state: by the log, and where that is silent by what holds the run."""
        if not self.run.path.is_dir():
            return "removed"
        self.run.check()
        if self.heard.state:
            return self.heard.state
        self.held = self.run.busy
        if self.held:
            elsewhere = (self.run.path / "job.json").exists()
            return "running" if self.heard.attempts else "submitted" if elsewhere else "starting"
        if self._read() and self.heard.state:  # it ended just now
            return self.heard.state
        if self.heard.attempts:
            # On another machine a process may hold it all the same: its silence is all that tells.
            return "interrupted" if self.heard.host == os.uname().nodename else "running"
        state = self.run.state
        young = self._clock() - self.run.path.stat().st_mtime < YOUNG
        return "starting" if state == "interrupted" and young else state

    def _judged(self) -> tuple[str, str]:
        """Return verdict and first sentence, once there are any."""
        if self.state != "finished":
            return "", ""
        try:
            document = self.run.report()
            if self.run.kind == "sweep":
                return "", str(document["sentences"][0])
            from quorate.report.sections.words import paragraph

            report = Report(document, self.run)
            return report.verdict, paragraph(report).partition(". ")[0].rstrip(".") + "."
        except QuorateError as e:
            self.trouble = str(e)
        except Exception as e:  # of another version, or not ours
            self.trouble = f"its report is not what quorate writes: {reason_of(e)}"
        return "", ""

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it by itself."""
        return not self.held and self.state not in ("starting", "running")

    @property
    def now(self) -> float:
        """The time on the log's clock: where that ends, once it is over."""
        if not self.heard.last:
            return self._clock()
        return self.heard.last if self.over else max(self._clock() - self._skew, self.heard.last)

    @property
    def silence(self) -> float:
        """Seconds since the last event."""
        return self.now - self.heard.last if self.heard.last else 0.0

    @property
    def unread(self) -> int:
        """How many lines of its log are none of ours."""
        return self._follower.unread + self.heard.strange

    @property
    def failure(self) -> str:
        """Why it failed, in a line; empty, if it did not, or that was not noted."""
        if self.state not in ("failed", "damaged"):
            return ""
        lines = [line for line in self.run.failure.splitlines() if line.strip()] or [""]
        return visible(lines[-1] if lines[0].startswith("Traceback") else lines[0])

    @property
    def next_step(self) -> str:
        """The command that goes on from here; empty while it is going on."""
        run, option = self.run, self.run.home.option
        if self.state == "finished":
            return f"quorate {'report' if run.kind == 'run' else 'sweep show'} {run.id}{option}"
        return self.again if self.state in ("failed", "interrupted", "submitted") else ""

    @property
    def again(self) -> str:
        """The command that goes on with what was stopped."""
        later = self.heard.command in ("promote", "sweep validate")
        command = f"quorate {self.heard.command} {self.run.id}{self.run.home.option}"
        return command if later else self.run.resume_command

    @property
    def lost(self) -> bool:
        """Whether a process of another machine gave no sign of life for long; it may run all the same."""
        return self.state == "running" and not self.held and self.silence >= SILENT

    def line(self) -> str:
        """Return how it stands in a line."""
        board, eta = self.heard.board, self.heard.eta
        told = [f"{self.state}  {self.run.kind} {self.run.id}"]
        told += [f"fits {board.done:,}/{board.total:,}"] if board.total else []
        told += [f"ETA {duration(eta)}"] if eta is not None and not self.over else []
        return visible("  ".join(told))

    def draw(self, width: int, height: int, wide: bool = True) -> Text:
        """Return the picture of now as lines that fit into a terminal of this size.

        What has a place keeps it, so that one picture can be drawn over the other.

        Parameters
        ----------
        wide : bool
            Whether the terminal shows more than ASCII.
        """
        from quorate.report.views.watch import picture

        if self._size != (width, height):
            self._size, self._tall = (width, height), {}
        self.heard.now = self.now
        return picture(self, width, height, wide, self._tall)

    def to_plain(self) -> dict[str, Any]:
        """Return what is known as plain data."""
        from quorate.report.views.watch import plain

        self.heard.now = self.now
        return plain(self)

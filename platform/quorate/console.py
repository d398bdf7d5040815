"""The terminal; the only module that imports rich. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from rich import box
from rich.console import Console as RichConsole
from rich.live import Live
from rich.markup import escape as escape
from rich.table import Table
from rich.text import Text

from quorate.progress import Progress

if TYPE_CHECKING:
    from quorate.fit import FitResult

PIPED_WIDTH = 140
STYLES = {"PASS": "bold green", "FAIL": "bold red", "INSUFFICIENT": "bold yellow", "INSUF": "bold yellow"}


class Console(RichConsole):
    """A console that leaves it to the caller what a closed pipe means."""

    def on_broken_pipe(self) -> None:
        """Pass the error on."""
        raise BrokenPipeError


def out() -> Console:
    """Return the console for results."""
    return _console(sys.stdout)


def err() -> Console:
    """Return the console for everything else."""
    return _console(sys.stderr)


def _console(stream: IO[str]) -> Console:
    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPED_WIDTH
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


def literal(text: str) -> str:
    """Return text that is printed as it is, whatever brackets it holds."""
    return escape(text)


def unicode(target: Console) -> bool:
    """Whether the terminal shows more than ASCII."""
    return target.encoding.lower().startswith("utf")


def plural(n: int, word: str) -> str:
    """Return ``1 worker``, ``2 workers``."""
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"


def verdict_text(verdict: str, short: bool = False) -> Text:
    """Return a verdict as a word in its colour; the word alone says it all."""
    word = "INSUF" if short and verdict == "INSUFFICIENT" else verdict
    return Text(word, style=STYLES.get(word, "bold"))


def table(columns: Sequence[tuple[str, str]], groups: Iterable[Iterable[Sequence[str | Text]]]) -> Table:
    """Return a plain table of groups of rows; a column is (heading, ``left`` or ``right``)."""
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for heading, side in columns:
        right = side == "right"
        grid.add_column(heading, justify="right" if right else "left", no_wrap=right, overflow="fold")
    for rows in groups:
        for row in rows:
            grid.add_row(*(escape(cell) if isinstance(cell, str) else cell for cell in row))
        grid.add_section()
    return grid


def facts(rows: Iterable[tuple[str, str]]) -> Table:
    """Return names and what they are, one per line, long ones wrapped beside their name."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bright_black", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in rows:
        grid.add_row(name, verdict_text(text) if text in STYLES else escape(text))
    return grid


def styled(text: str, style: str) -> Text:
    """Return text in a style."""
    return Text(text, style=style)


@contextmanager
def counting(what: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done, on a terminal, until it is over."""
    if not sys.stderr.isatty():
        yield lambda text: None
        return
    with err().status(what) as status:
        yield lambda text: status.update(f"{escape(what)}: {escape(text)}")


def make_progress() -> Progress:
    """Return a live display on a terminal, plain lines elsewhere."""
    return LiveProgress() if sys.stderr.isatty() else PlainProgress()


class _Counting(Progress):
    def __init__(self) -> None:
        self._start = time.monotonic()
        self._begun: float | None = None
        self._totals: dict[str, int] = {}
        self._done: dict[str, int] = {}

    def fits(self, totals: Mapping[str, int]) -> None:
        self._totals = dict(totals)
        self._done = dict.fromkeys(totals, 0)
        self._begun = time.monotonic()

    def fitted(self, result: FitResult) -> None:
        self._done[result.model] += 1

    def _figures(self) -> tuple[int, int, str]:
        done, total = sum(self._done.values()), sum(self._totals.values())
        elapsed = time.monotonic() - (self._begun or self._start)
        eta = f"{elapsed / done * (total - done):.0f} s" if done else "-"
        return done, total, f"elapsed {time.monotonic() - self._start:.0f} s, ETA {eta}"


class PlainProgress(_Counting):
    """One line per stage, and one for every tenth of the fits."""

    def __init__(self) -> None:
        super().__init__()
        self._tenth = 0

    def stage(self, name: str) -> None:
        """Tell the stage."""
        print(f"[{time.monotonic() - self._start:6.1f} s] {name}", file=sys.stderr, flush=True)

    def fitted(self, result: FitResult) -> None:
        """Count, and tell now and then."""
        super().fitted(result)
        done, total, times = self._figures()
        if done * 10 // total > self._tenth or done == total:
            self._tenth = done * 10 // total
            models = ", ".join(f"{name} {n}/{self._totals[name]}" for name, n in self._done.items())
            print(
                f"[{time.monotonic() - self._start:6.1f} s] fits {done}/{total} ({models}); {times}",
                file=sys.stderr,
                flush=True,
            )

    def warn(self, message: str) -> None:
        """Tell the warning."""
        print(f"warning: {message}", file=sys.stderr, flush=True)


class LiveProgress(_Counting):
    """A small table that is redrawn in place and gone when the run is over."""

    def __init__(self) -> None:
        super().__init__()
        self._stage = "starting"
        self._console = err()
        self._live = Live(get_renderable=self._draw, console=self._console, refresh_per_second=4, transient=True)
        self._live.start()

    def stage(self, name: str) -> None:
        """Show the stage."""
        self._stage = name

    def warn(self, message: str) -> None:
        """Tell the warning above the table."""
        self._console.print(Text("warning: ", style="yellow") + Text(message))

    def close(self) -> None:
        """Take the table away."""
        self._live.stop()

    def _draw(self) -> Table:
        done, total, times = self._figures()
        grid = Table(box=None, pad_edge=False, show_header=False)
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True)
        grid.add_column(justify="right", no_wrap=True)
        filled, empty = ("━", "╌") if unicode(self._console) else ("#", ".")
        for name, n in self._done.items():
            length = 24 * n // max(self._totals[name], 1)
            bar = Text(filled * length, style="green") + Text(empty * (24 - length), style="bright_black")
            grid.add_row(name, bar, f"{n}/{self._totals[name]}")
        grid.add_row(Text(self._stage, style="bold"), times, f"{done}/{total}" if total else "")
        return grid

"""The terminal; the only module that imports rich. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import io
import math
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import IO, Any

from rich import box
from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType
from rich.live import Live as Live
from rich.markup import escape as escape
from rich.segment import Segment
from rich.table import Table
from rich.text import Text as Text

from quorate.errors import plural as plural
from quorate.errors import visible
from quorate.report.figures import duration as duration
from quorate.report.figures import span as span

PIPED_WIDTH = 140
NOTEBOOK_WIDTH = 110
NOTEBOOK = '<pre style="white-space:pre;overflow-x:auto;line-height:1.3;font-family:monospace">{code}</pre>'
STYLES = {"PASS": "bold green", "FAIL": "bold red", "INSUFFICIENT": "bold yellow", "INSUF": "bold yellow"}

# Heading, side (see `table`), the width of a terminal from which on it is shown, and what is in it of a row's thing.
Column = tuple[str, str, int, Callable[[Any], str | Text]]


_results: ContextVar[Console | None] = ContextVar("results", default=None)
_messages: ContextVar[Console | None] = ContextVar("messages", default=None)


class Console(RichConsole):
    """A console that leaves it to the caller what a closed pipe means, and shows what would steer the terminal."""

    _state = threading.local()

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Return the pieces of what is shown; those of its parts, which are rendered meanwhile, are looked at once."""
        pieces = super().render(renderable, options)
        return pieces if getattr(self._state, "within", False) else self._shown(pieces)

    def _shown(self, pieces: Iterable[Segment]) -> Iterator[Segment]:
        more = iter(pieces)
        while True:
            self._state.within = True
            try:
                piece = next(more, None)
            finally:
                self._state.within = False
            if piece is None:
                return
            yield piece if piece.control or piece.text.isprintable() else piece._replace(text=visible(piece.text))

    def on_broken_pipe(self) -> None:
        """Pass the error on."""
        raise BrokenPipeError


def out() -> Console:
    """Return the console for results."""
    return _results.get() or _console(sys.stdout)


@contextmanager
def instead(console: Console, messages: bool = False) -> Iterator[None]:
    """Have results go to this console meanwhile; `messages`: and everything else."""
    tokens = [(kind, kind.set(console)) for kind in ((_results, _messages) if messages else (_results,))]
    try:
        yield
    finally:
        for kind, token in tokens:
            kind.reset(token)


def as_html(draw: Callable[[], None]) -> str:
    """Return what a view prints as HTML for a notebook, in the same words and colours."""
    console = Console(file=io.StringIO(), record=True, width=NOTEBOOK_WIDTH, highlight=False)
    with instead(console, messages=True):
        draw()
    return console.export_html(inline_styles=True, code_format=NOTEBOOK)


def as_text(draw: Callable[[], None], width: int = 100) -> str:
    """Return what a view prints, in so many columns and without colours."""
    console = Console(file=io.StringIO(), width=width, highlight=False)
    with instead(console, messages=True):
        draw()
    written: io.StringIO = console.file  # type: ignore[assignment]
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines())


def err() -> Console:
    """Return the console for everything else."""
    return _messages.get() or _console(sys.stderr)


def _console(stream: IO[str]) -> Console:
    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPED_WIDTH
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


def unicode(target: Console) -> bool:
    """Whether the terminal shows more than ASCII."""
    return target.encoding.lower().startswith("utf")


def figure(value: float | None, form: str) -> str:
    """Return a figure in a format; a dash, if it is not defined."""
    return "-" if value is None or math.isnan(value) else format(value, form)


def verdict_text(verdict: str, short: bool = False) -> Text:
    """Return a verdict as a word in its colour; the word alone says it all."""
    word = "INSUF" if short and verdict == "INSUFFICIENT" else verdict
    return Text(word, style=STYLES.get(word, "bold"))


def table(columns: Sequence[tuple[str, str]], groups: Iterable[Iterable[Sequence[str | Text]]]) -> Table:
    """Return a plain table of groups of rows; a column is (heading, side).

    A side is ``left``, ``right``, or ``name``: to the left, and never broken into lines.
    """
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for heading, side in columns:
        right = side == "right"
        grid.add_column(heading, justify="right" if right else "left", no_wrap=right or side == "name", overflow="fold")
    for rows in groups:
        for row in rows:
            grid.add_row(*(Text(visible(cell)) if isinstance(cell, str) else cell for cell in row))
        grid.add_section()
    return grid


def listing(columns: Sequence[Column], groups: Iterable[Iterable[Any]], width: int) -> Table:
    """Return a table of groups of things, a row for each, with the columns for which there is room."""
    shown = [column for column in columns if width >= column[2]]
    rows = [[[cell(thing) for *_, cell in shown] for thing in things] for things in groups]
    return table([(heading, side) for heading, side, *_ in shown], rows)


def facts(rows: Iterable[tuple[str, str]]) -> Table:
    """Return names and what they are, one per line, long ones wrapped beside their name."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bright_black", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in rows:
        grid.add_row(name, verdict_text(text) if text in STYLES else Text(text))
    return grid


@contextmanager
def counting(what: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done, on a terminal, until it is over."""
    if not sys.stderr.isatty():
        yield lambda text: None
        return
    with err().status(what) as status:
        yield lambda text: status.update(f"{escape(what)}: {escape(text)}")

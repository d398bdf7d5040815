"""The terminal; the only module that imports rich. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import io
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import IO, TYPE_CHECKING, Any

from rich import box
from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType
from rich.live import Live
from rich.markup import escape as escape
from rich.segment import Segment
from rich.table import Table
from rich.text import Text as Text

from quorate.errors import plural as plural
from quorate.errors import visible
from quorate.execution.progress import CACHED, DONE, FAILED, RUNNING, WAITING, Progress, finished
from quorate.execution.resources import used_memory
from quorate.report.board import Board
from quorate.report.figures import duration as duration
from quorate.report.figures import span as span

if TYPE_CHECKING:
    from quorate.execution.fit import FitResult

PIPED_WIDTH = 140
NOTEBOOK_WIDTH = 110
NOTEBOOK = '<pre style="white-space:pre;overflow-x:auto;line-height:1.3;font-family:monospace">{code}</pre>'
STYLES = {"PASS": "bold green", "FAIL": "bold red", "INSUFFICIENT": "bold yellow", "INSUF": "bold yellow"}

MODELS = 12  # that are shown one by one
QUIET = 1.0  # seconds between two plain lines on the fits
STATE_WORDS = {CACHED: "cached", DONE: "done", WAITING: "waiting", RUNNING: "running", FAILED: "failed"}
STATE_STYLES = {CACHED: "cyan", DONE: "green", WAITING: "bright_black", RUNNING: "bold yellow", FAILED: "bold red"}
MARKS = {CACHED: "▒", DONE: "█", WAITING: "·", RUNNING: "▸", FAILED: "✗"}
ASCII_MARKS = {CACHED: "=", DONE: "#", WAITING: ".", RUNNING: ">", FAILED: "X"}

# Heading, ``left`` or ``right``, the width of a terminal from which on it is shown, and what is in it of a row's thing.
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
    """Return a plain table of groups of rows; a column is (heading, ``left`` or ``right``)."""
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for heading, side in columns:
        right = side == "right"
        grid.add_column(heading, justify="right" if right else "left", no_wrap=right, overflow="fold")
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


def make_progress() -> Progress:
    """Return a live display on a terminal, plain lines elsewhere."""
    return LiveProgress() if sys.stderr.isatty() else PlainProgress()


class PlainProgress(Board):
    """One line per stage, and one for every tenth of the fits."""

    def __init__(self) -> None:
        super().__init__()
        self._tenth = 0
        self._told = 0.0

    def stage(self, name: str) -> None:
        """Tell the stage."""
        self._tell(name)

    def fits(self, totals: Mapping[str, int], folds: Sequence[int] = ()) -> None:
        """Begin to count."""
        super().fits(totals, folds)
        self._tenth, self._told = 0, self.elapsed

    def fitted(self, result: FitResult) -> None:
        """Count, and tell now and then, but not each tenth where they take no time."""
        super().fitted(result)
        done, total, elapsed = self.done, self.total, self.elapsed
        tenth = done * 10 // total
        if done < total and (tenth == self._tenth or elapsed < self._told + QUIET):
            return
        self._tenth, self._told = tenth, elapsed
        some = [f"{self.count(s):,} {word}" for s, word in ((CACHED, "cached"), (FAILED, "failed")) if self.count(s)]
        models = [f"{name} {finished(counts)}/{sum(counts)}" for name, counts in self.counts.items()]
        if len(models) > MODELS:
            models[MODELS:] = [f"and {len(models) - MODELS} more"]
        told = f" ({', '.join(some)})" if some else ""
        self._tell(f"fits {done}/{total}{told}: {', '.join(models)}; {_times(self)}")

    def trial(self, told: Mapping[str, Any]) -> None:
        """Tell it in a line."""
        self._tell(trial_line(told))

    def warn(self, message: str) -> None:
        """Tell the warning."""
        print(f"warning: {visible(message)}", file=sys.stderr, flush=True)

    def note(self, message: str) -> None:
        """Tell it."""
        self._tell(message)

    def _tell(self, text: str) -> None:
        print(f"[{self.elapsed:6.1f} s] {visible(text)}", file=sys.stderr, flush=True)


class LiveProgress(Board):
    """A grid of models and folds that is redrawn in place and gone when the run is over."""

    def __init__(self) -> None:
        super().__init__()
        self._stage = "starting"
        self._trials: dict[str, str] = {}
        self._memory, self._sampled = 0, -math.inf
        self._console = err()
        self._live = Live(get_renderable=self._draw, console=self._console, refresh_per_second=4, transient=True)
        self._live.start()

    def stage(self, name: str) -> None:
        """Show the stage."""
        self._stage = name

    def trial(self, told: Mapping[str, Any]) -> None:
        """Show how the sweep stands."""
        self._trials[told["model"]] = trial_line(told)
        self._stage = "trials\n" + "\n".join(self._trials.values())

    def warn(self, message: str) -> None:
        """Tell the warning above the grid."""
        self._console.print(Text("warning: ", style="yellow") + Text(message))

    def note(self, message: str) -> None:
        """Tell it above the grid."""
        self._console.print(Text(message, style="bright_black"))

    def close(self) -> None:
        """Take the grid away."""
        self._live.stop()

    def _draw(self) -> Text:
        now = time.monotonic()
        if now >= self._sampled + 1:
            self._memory = used_memory()
            # On a machine with very many processes looking at them takes time of the fits.
            self._sampled = now + 20 * (time.monotonic() - now)
        target = self._console
        return draw(self, self._stage, self._memory, target.width, target.height, unicode(target))


def trial_line(told: Mapping[str, Any]) -> str:
    """Return how a search stands after a trial."""

    def values(name: str) -> str:
        return " and ".join(figure(value, ".5g") for value in told[name])

    came = {"complete": values("values"), "raced": "stopped early", "failed": "failed"}[told["state"]]
    best = f"best {values('best')}, the recipe's own {values('own')}"
    if told["objectives"] == ["loss"]:
        best = f"best {values('best')}, {told['own'][0] - told['best'][0]:.2g} below the recipe's own"
    best += f", luck alone {told['luck']:.2g}" if told["luck"] is not None else ""
    words = {"front": "that none dominates", "running": "under way", "raced": "stopped early"}
    more = [f"{told[key]:,} {word}" for key, word in words.items() if told[key]]
    more += [f"deflated, a Sharpe ratio of {told['sharpe_asked']:.2f} would count"] if told["sharpe_asked"] else []
    more += [f"about {span(told['left_seconds'])} left"] if told["left_seconds"] else []
    more += [f"{told['failed']:,} failed: {told['error']}"] if told["error"] else []
    return "; ".join([f"{told['model']} {told['done']:,}/{told['of']:,}: trial {told['trial']} {came}", best, *more])


def draw(board: Board, stage: str, memory: int, width: int, height: int, wide: bool) -> Text:
    """Return what is known of a run as lines of at most this width; `wide`: with more than ASCII."""
    marks, dots = (MARKS, "…") if wide else (ASCII_MARKS, "~")
    lines = [Text(stage, style="bold")] if board.total else []
    rows = _chosen(board, max(min(MODELS, height - 6), 1))
    counts = {name: f"{finished(board.counts[name])}/{sum(board.counts[name])}" for name in rows}
    right = max(map(len, counts.values()), default=0)
    left = min(max(map(len, rows), default=0), max(width // 3, 8))
    for name in rows:
        short = name if len(name) <= left else name[: left - 1] + dots
        line = Text(f"{short:<{left}} ")
        for state in _cells(board.states[name], max(width - left - right - 3, 1)):
            line.append(marks[state], STATE_STYLES[state])
        lines.append(line + Text(f" {counts[name]:>{right}}"))
    more = [counts for name, counts in board.counts.items() if name not in rows]
    if more:
        lines.append(Text(f"and {len(more)} more {sum(map(finished, more))}/{sum(map(sum, more))}", "bright_black"))
    seen = [state for state in (DONE, CACHED, RUNNING, FAILED, WAITING) if board.count(state)]
    words = [Text(marks[s], STATE_STYLES[s]) + Text(f" {board.count(s):,} {STATE_WORDS[s]}") for s in seen]
    lines += _wrapped(words, width)
    words = [] if board.total else [Text(stage, style="bold")]
    if board.total and board.slots:
        words.append(Text(f"workers {board.busy}/{board.slots}"))
    if memory:
        words.append(Text(f"memory {memory / 1e9:.2f} GB"))
    words += [Text(text) for text in _times(board).split(", ")]
    return Text("\n").join([*lines, *_wrapped(words, width)])


def _chosen(board: Board, most: int) -> list[str]:
    """Return the models that are shown: if there are too many, those where something is going on."""
    names = list(board.counts)
    if len(names) <= most:
        return names

    def rank(name: str) -> tuple[bool, bool]:
        counts = board.counts[name]
        return not counts[RUNNING], finished(counts) == sum(counts)

    return sorted(sorted(names, key=rank)[:most], key=names.index)


def _cells(states: bytearray, room: int) -> list[int]:
    """Return one state per fold, or per several folds that lie beside each other."""
    n, cells = len(states), min(len(states), room)
    return [max(states[i * n // cells : (i + 1) * n // cells]) for i in range(cells)]


def _wrapped(words: Sequence[Text], width: int) -> list[Text]:
    """Return the words in lines, none of them cut."""
    lines: list[Text] = []
    for word in words:
        if lines and len(lines[-1]) + 2 + len(word) <= width:
            lines[-1] = lines[-1] + Text("  ") + word
        else:
            lines.append(word)
    return lines


def _times(board: Board) -> str:
    eta = board.eta
    told = f", ETA {'-' if eta is None else duration(eta)}" if board.done < board.total else ""
    return f"elapsed {duration(board.elapsed)}{told}"

"""What a run tells while it goes on: a grid that is redrawn in place on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from quorate.errors import visible
from quorate.execution.progress import CACHED, DONE, FAILED, RUNNING, WAITING, Progress, finished
from quorate.execution.resources import used_memory
from quorate.report.board import Board
from quorate.report.console import Live, Text, err, figure, unicode
from quorate.report.figures import duration, span

if TYPE_CHECKING:
    from quorate.execution.task import FitResult

MODELS = 12  # that are shown one by one
STATES = (DONE, CACHED, RUNNING, FAILED, WAITING)  # in the order in which they are told
QUIET = 1.0  # seconds between two plain lines on the fits
SELDOM = 10.0  # the same on epochs
STATE_WORDS = {CACHED: "cached", DONE: "done", WAITING: "waiting", RUNNING: "running", FAILED: "failed"}
STATE_STYLES = {CACHED: "cyan", DONE: "green", WAITING: "bright_black", RUNNING: "bold yellow", FAILED: "bold red"}
MARKS = {CACHED: "▒", DONE: "█", WAITING: "·", RUNNING: "▸", FAILED: "✗"}
ASCII_MARKS = {CACHED: "=", DONE: "#", WAITING: ".", RUNNING: ">", FAILED: "X"}


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

    def epoch(self, told: Mapping[str, str]) -> None:
        """Tell the first, the last and now and then one."""
        first, last = told["epoch"] == "1", float(told["seconds_left"]) == 0
        if first or last or self.elapsed >= self._told + SELDOM:
            self._told = self.elapsed
            self._tell(epoch_line(told))

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

    def epoch(self, told: Mapping[str, str]) -> None:
        """Show how far the training is."""
        self._stage = epoch_line(told)

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


def epoch_line(told: Mapping[str, str]) -> str:
    """Return how far a training is, and how long it takes at most, in a line."""
    losses = [f"{name} {told[name]}" for name in ("train_loss", "val_loss") if told.get(name, "nan") != "nan"]
    left = float(told["seconds_left"])
    ends = f"at most {duration(left)} left" if left else "done"
    return f"epoch {told['epoch']} of {told['epochs']}: {', '.join((*losses, ends))}"


def trial_line(told: Mapping[str, Any]) -> str:
    """Return how a search stands after a trial."""
    left = [f"about {span(told['left_seconds'])} left"] if told["left_seconds"] else []
    head = f"{told['model']} {told['done']:,}/{told['of']:,}: trial {came(told)}"
    return "; ".join([head, *standing_words(told), *left])


def came(told: Mapping[str, Any]) -> str:
    """Return which trial was the last, and what came of it."""
    how = {"complete": _values(told, "values"), "raced": "stopped early", "failed": "failed"}[told["state"]]
    return f"{told['trial']} {how}"


def standing_words(told: Mapping[str, Any]) -> list[str]:
    """Return how a search stands: its best against the recipe's own and what luck alone gives, then the rest."""
    best = f"best {_values(told, 'best')}, the recipe's own {_values(told, 'own')}"
    if told["objectives"] == ["loss"] and None not in (told["own"][0], told["best"][0]):
        best = f"best {_values(told, 'best')}, {told['own'][0] - told['best'][0]:.2g} below the recipe's own"
    best += f", luck alone {told['luck']:.2g}" if told["luck"] is not None else ""
    words = {"front": "that none dominates", "running": "under way", "raced": "stopped early"}
    more = [f"{told[key]:,} {word}" for key, word in words.items() if told[key]]
    more += [f"deflated, a Sharpe ratio of {told['sharpe_asked']:.2f} would count"] if told["sharpe_asked"] else []
    more += [f"{told['failed']:,} failed: {told['error']}"] if told["error"] else []
    return [best, *more]


def _values(told: Mapping[str, Any], name: str) -> str:
    return " and ".join(figure(value, ".5g") for value in told[name])


def draw(board: Board, stage: str, memory: int, width: int, height: int, wide: bool) -> Text:
    """Return what is known of a run as lines of at most this width; `wide`: with more than ASCII."""
    lines = [Text(stage, style="bold")] if board.total else []
    lines += grid(board, max(min(MODELS, height - 6), 1), width, wide)
    lines += legend(board, [s for s in STATES if board.count(s)], width, wide)
    words = [] if board.total else [Text(stage, style="bold")]
    if board.total and board.slots:
        words.append(Text(f"workers {board.busy}/{board.slots}"))
    if memory:
        words.append(Text(f"memory {memory / 1e9:.2f} GB"))
    words += [Text(text) for text in _times(board).split(", ")]
    return Text("\n").join([*lines, *wrapped(words, width)])


def grid(board: Board, most: int, width: int, wide: bool, letters: Mapping[str, str] | None = None) -> list[Text]:
    """Return a line for each model, with a mark for each fold, or for several that lie beside each other.

    Parameters
    ----------
    most : int
        Models that are shown; one more line counts the others.
    letters : mapping, optional
        What stands before each name.
    """
    marks, dots = (MARKS, "…") if wide else (ASCII_MARKS, "~")
    lines = []
    rows = _chosen(board, most)
    counts = {name: f"{finished(board.counts[name])}/{sum(board.counts[name])}" for name in rows}
    names = {name: (f"{letters.get(name, '*')} " if letters else "") + visible(name) for name in rows}
    right = max(map(len, counts.values()), default=0)
    left = min(max(map(len, names.values()), default=0), max(width // 3, 8))
    for name, told in names.items():
        short = told if len(told) <= left else told[: left - 1] + dots
        line = Text(f"{short:<{left}} ")
        for state, alike in groupby(_cells(board.states[name], max(width - left - right - 3, 1))):
            line.append(marks[state] * len(list(alike)), STATE_STYLES[state])
        lines.append(line + Text(f" {counts[name]:>{right}}"))
    more = [counts for name, counts in board.counts.items() if name not in rows]
    if more:
        lines.append(Text(f"and {len(more)} more {sum(map(finished, more))}/{sum(map(sum, more))}", "bright_black"))
    return lines


def legend(board: Board, states: Sequence[int], width: int, wide: bool) -> list[Text]:
    """Return what the marks of some states mean, and how many fits are in each."""
    marks = MARKS if wide else ASCII_MARKS
    words = [Text(marks[s], STATE_STYLES[s]) + Text(f" {board.count(s):,} {STATE_WORDS[s]}") for s in states]
    return wrapped(words, width)


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


def wrapped(words: Sequence[Text], width: int) -> list[Text]:
    """Return the words in lines, none of them cut."""
    lines: list[Text] = []
    for word in words:
        if lines and len(lines[-1]) + 2 + len(word) <= width:
            lines[-1] = lines[-1] + Text("  ") + word
        else:
            lines.append(Text() + word)  # its style is not that of the whole line
    return lines


def _times(board: Board) -> str:
    eta = board.eta
    told = f", ETA {'-' if eta is None else duration(eta)}" if board.done < board.total else ""
    return f"elapsed {duration(board.elapsed)}{told}"

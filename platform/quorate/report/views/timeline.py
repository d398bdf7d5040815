"""What ran where and when, in a terminal of any width."""

from __future__ import annotations

import datetime as dt
import string
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from quorate.report import console
from quorate.report.timeline import LOST, Attempt, Fit, Interval, Timeline, host_of

NARROW = 60
TABLES = 76  # columns from which tables show all they have
LANES, ATTEMPTS, SLOWEST, LONGEST = 16, 6, 5, 12  # how many of each are shown
LETTERS = string.ascii_lowercase + string.ascii_uppercase
# Two numbers beside each lane.
FIGURES = 8 + 1 + 4


def render(timeline: Timeline, target: console.Console | None = None) -> None:
    """Print the timeline."""
    target = target or console.out()
    target.print(f"[bold]{console.escape(timeline.run)}[/bold]")
    models = timeline.models
    letters = {row["model"]: letter for row, letter in zip(models, LETTERS, strict=False)}
    left = len(timeline.attempts) - ATTEMPTS
    if left > 0:
        target.print(f"{left:,} more before these, not shown")
    for attempt in timeline.attempts[-ATTEMPTS:]:
        target.print()
        _attempt(attempt, letters, target)
    if timeline.fits:
        dot = "·" if console.unicode(target) else "."
        target.print()
        target.print(f"{dot} idle  : mostly idle  ! failed  a b c as below", style="bright_black")
        target.print(_models(models, letters, target.width))
        target.print(_slowest(timeline, target.width))


def render_trace(timeline: Timeline, file: Path) -> None:
    """Print how to look at a trace that was written to a file."""
    fits = console.plural(len(timeline.fits), "fit")
    print(f"{file}: {fits}; open it in chrome://tracing or https://ui.perfetto.dev")


def _attempt(attempt: Attempt, letters: Mapping[str, str], target: console.Console) -> None:
    began = dt.datetime.fromtimestamp(attempt.began, dt.UTC)
    how = f" on {attempt.executor}" if attempt.executor else ""
    workers = f", {console.plural(attempt.workers, 'worker')}{how}" if attempt.workers else ""
    target.print(
        f"[bold]{attempt.command}[/bold]  {began:%Y-%m-%d %H:%M:%S} UTC, {attempt.state} after "
        f"{console.span(attempt.seconds)}{workers}; process {attempt.pid} on {console.escape(attempt.host)}, "
        f"quorate {attempt.version}"
    )
    _lanes(attempt, letters, target)
    for line in (_work(attempt), _trouble(attempt)):
        if line:
            target.print(line)


def _lanes(attempt: Attempt, letters: Mapping[str, str], target: console.Console) -> None:
    """Print the stages, and below them what each worker did; one column of text is one span of time."""
    lanes = attempt.lanes
    # The busiest, in their order.
    shown = set(sorted(lanes, key=lambda place: -_total(lanes[place]))[:LANES])
    one_host = {host_of(place) for place in lanes} <= {attempt.host, ""}
    names = {place: place.rpartition(":")[2] if one_host else place for place in lanes if place in shown}
    wide = max(map(len, [*(stage.name for stage in attempt.stages), *names.values(), "worker"]))
    wide = min(wide, max(target.width // 4, 8))
    room = max(min(target.width - wide - FIGURES - 2, 120), 8)
    bar, dot, hair = ("█", "·", "▏") if console.unicode(target) else ("#", ".", "|")

    def line(name: str, cells: str, seconds: str, share: str, style: str = "") -> None:
        short = name if len(name) <= wide else "~" + name[len(name) - wide + 1 :]
        chart = console.Text(cells, style)
        chart.highlight_regex("[:.·]+", "bright_black")
        chart.highlight_regex("!+", "bold red")
        target.print(console.Text(f"{short:<{wide}} ", "") + chart + console.Text(f" {seconds:>8} {share:>4}", ""))

    whole = max(attempt.seconds, 1e-9)
    for stage in attempt.stages:
        cells = _bar(stage, attempt, room, bar, hair)
        line(stage.name, cells, console.span(stage.seconds), f"{stage.seconds / whole:.0%}", "cyan")
    other = whole - _total(attempt.stages)
    if other > 0.01 * whole:
        line("other", " " * room, console.span(other), f"{other / whole:.0%}")
    if names:
        line("worker", "-" * room, "fits", "busy", "bright_black")
    for place, name in names.items():
        fits = lanes[place]
        busy = "" if place == LOST else f"{_total(fits) / max(attempt.span, 1e-9):.0%}"
        line(name, _gantt(fits, attempt, room, letters, dot), f"{len(fits):,}", busy)
    rest = [fits for place, fits in lanes.items() if place not in shown]
    if rest:
        busy = f"{sum(map(_total, rest)) / len(rest) / max(attempt.span, 1e-9):.0%}"
        line(f"+{len(rest)}", f"{f'and {len(rest)} more':<{room}}"[:room], f"{sum(map(len, rest)):,}", busy)


def _bar(stage: Interval, attempt: Attempt, room: int, bar: str, hair: str) -> str:
    step = max(attempt.seconds, 1e-9) / room
    first = min(int((stage.began - attempt.began) / step + 0.5), room - 1)
    last = min(int((stage.end - attempt.began) / step + 0.5), room)
    return (" " * first + (bar * (last - first) or hair)).ljust(room)


def _gantt(fits: Sequence[Fit], attempt: Attempt, room: int, letters: Mapping[str, str], dot: str) -> str:
    """Return the letter of the model that a worker spent most of each column on, if it was busy for half of it."""
    step = max(attempt.seconds, 1e-9) / room
    spent = [defaultdict[str, float](float) for _ in range(room)]
    failed = set()
    for fit in fits:
        begin, end = fit.began - attempt.began, fit.end - attempt.began
        first, last = (min(max(int(x / step), 0), room - 1) for x in (begin, end))
        for i in range(first, last + 1):
            spent[i][fit.name] += max(min(end, (i + 1) * step) - max(begin, i * step), 0.0)
        if fit.error:
            failed.add(last)
    cells = []
    for i, models in enumerate(spent):
        busy = sum(models.values()) / step
        most = max(models, key=lambda name: models[name], default="")
        worked = letters.get(most, "*") if busy >= 0.5 else ":"
        cells.append("!" if i in failed else worked if busy else dot)
    return "".join(cells)


def _work(attempt: Attempt) -> str:
    cached = sum(attempt.cached.values())
    told = [f"{console.plural(cached, 'fit')} cached"] if cached else []
    if attempt.fits:
        slots = attempt.busy + attempt.idle
        told += [
            f"{console.plural(len(attempt.fits), 'fit')} computed in {console.span(attempt.span)}",
            f"workers busy {attempt.busy / max(slots, 1e-9):.0%}, idle {console.span(attempt.idle)}",
        ]
    return ", ".join(told)


def _trouble(attempt: Attempt) -> str:
    figures = (
        (sum(bool(fit.error) for fit in attempt.fits), "failed (!)"),
        (attempt.repeated, "handed out again"),
        (attempt.in_flight, "in flight at the end"),
        (len(attempt.warnings), "warnings" if len(attempt.warnings) > 1 else "warning"),
    )
    told = ", ".join(f"{n:,} {word}" for n, word in figures if n)
    return f"[yellow]{told}[/yellow]" if told else ""


def _models(models: Sequence[Mapping[str, Any]], letters: Mapping[str, str], width: int) -> Any:
    figures = ("fits", "total", "longest", "mean", "cached", "failed", "CPU")
    columns = [("model", "left"), *((name, "right") for name in figures)][: None if width >= TABLES else 4]
    rows = [
        [
            f"{letters.get(m['model'], '*')} {m['model']}",
            f"{m['fits']:,}",
            console.span(m["seconds"]),
            console.span(m["longest"]),
            console.span(m["seconds"] / m["fits"]) if m["fits"] else "-",
            f"{m['cached']:,}",
            f"{m['failed']:,}",
            console.span(m["cpu_seconds"]),
        ]
        for m in models[:LONGEST]
    ]
    if more := models[LONGEST:]:
        rows.append(
            [f"{len(more)} more", f"{sum(m['fits'] for m in more):,}", console.span(sum(m["seconds"] for m in more))]
        )
    return console.table(columns, [[row[: len(columns)] for row in rows]])


def _slowest(timeline: Timeline, width: int) -> Any:
    start = timeline.attempts[0].began
    columns: list[console.Column] = [
        ("slowest fit", "left", 0, lambda fit: fit.name + (" !" if fit.error else "")),
        ("fold", "right", 0, lambda fit: str(fit.fold)),
        ("wall", "right", 0, lambda fit: console.span(fit.seconds)),
        ("CPU", "right", 0, lambda fit: console.span(fit.cpu_seconds)),
        ("began", "right", TABLES, lambda fit: f"+{console.span(fit.began - start)}"),
        ("worker", "left", TABLES, lambda fit: fit.place or LOST),
    ]
    return console.listing(columns, [timeline.fits[:SLOWEST]], width)


def _total(intervals: Sequence[Interval]) -> float:
    return sum(interval.seconds for interval in intervals)

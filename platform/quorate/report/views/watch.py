"""The picture of a run or a sweep that is going on: whatever has a place keeps it."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from quorate.errors import plural, visible
from quorate.report.console import STYLES, Console, Text, figure
from quorate.report.figures import duration, span
from quorate.report.progress import STATE_WORDS, STATES, came, grid, legend, standing_words, wrapped
from quorate.report.views.timeline import LETTERS

if TYPE_CHECKING:
    from quorate.report.live import Watched
    from quorate.store import Home

FEW = 8  # workers that are shown by name
SEAT = 26  # columns for each of them
ROWS = 4  # lines of workers that are shown as letters
OTHERS, LEAST = 5, 12  # others that have a line, and lines that are left to the first
HOSTS = 6  # that are named
WARNINGS = 3  # that are shown
TINTS = {"running": "bold yellow", "starting": "bold yellow", "finished": "bold green", "submitted": "bold cyan"}
FAINT = "bright_black"
# What gives up lines first, where there is no room, and how many it keeps.
YIELDS = (("hosts", 0), ("warnings", 1), ("workers", 1), ("stages", 1), ("trials", 1), ("figures", 1), ("who", 1),
          ("warnings", 0), ("failures", 0), ("legend", 0), ("workers", 0))  # fmt: skip

At = tuple[str, int, float] | None  # what a worker is at: model, fold, seconds


def picture(watched: Watched, width: int, height: int, wide: bool, tall: dict[str, int]) -> Text:
    """Return lines of at most this width, and not more than fit.

    Parameters
    ----------
    tall : dict
        How many lines each section took so far, which it takes from then on; it is changed.
    """
    letters = _letters(watched)
    sections = {
        "title": [_title(watched)],
        "who": _who(watched, width),
        "stages": _stages(watched, width),
        "trials": _trials(watched, width, wide),
        "grid": [],
        "legend": legend(watched.heard.board, STATES, width, wide) if watched.heard.board.total else [],
        "workers": _workers(watched, letters, width, wide),
        "figures": _figures(watched, width),
        "failures": _failures(watched),
        "outcome": _outcome(watched, width),
        "hosts": wrapped([Text(_flat(word), FAINT) for word in _hosts(watched.heard.hosts)], width),
        "warnings": _warnings(watched),
    }
    if not watched.over:
        for name, lines in sections.items():
            tall[name] = max(tall.get(name, 0), len(lines))
            lines += [Text()] * (tall[name] - len(lines))
        # Room for those to come is kept from the beginning.
        last = sections["warnings"]
        last += [Text()] * (WARNINGS + 2 - len(sections["hosts"]) - len(last))
    if watched.heard.board.total:
        models = len(watched.heard.board.counts)
        others = sum(map(len, sections.values()))
        least = min(models, 3)
        _give_up(sections, others + least - height)
        room = max(height - sum(map(len, sections.values())), 1)
        most = models if models <= room else max(room - 1, 1)
        sections["grid"] = grid(watched.heard.board, most, width, wide, letters)
    else:
        _give_up(sections, sum(map(len, sections.values())) - height)
    lines = [line for lines in sections.values() for line in lines][:height]
    while len(lines) > 1 and not lines[-1].plain:
        lines.pop()
    for line in lines:
        line.truncate(width, overflow="ellipsis" if wide else "crop")
        line.no_wrap = True
    return Text("\n").join(lines)


def beside(watched: Sequence[Watched], width: int, height: int, wide: bool) -> Text:
    """Return the picture of the first below a line for each of the others."""
    first, *others = watched
    heads = [Text(one.line(), FAINT) for one in others[:OTHERS]]
    heads += [Text(f"and {len(others) - OTHERS} more", FAINT)] if len(others) > OTHERS else []
    heads = heads[: max(height - LEAST, 0)]
    for head in heads:
        head.truncate(width, overflow="ellipsis" if wide else "crop")
    return Text("\n").join([*heads, first.draw(width, height - len(heads), wide)])


def nothing(home: Home, last: Sequence[Watched] = (), target: Console | None = None) -> dict[str, Any]:
    """Print that nothing is going on in a home, and how the last run or sweep ended; return that as plain data."""
    if target is not None:
        told = f"nothing is going on in {home.path}"
        if not last:
            target.print(Text(f"{told}: start something, e.g. quorate run planted"))
        for one in last:
            target.print(Text(f"{told}; the last was {one.run.kind} {one.run.id}, {one.state}"))
            for line in _outcome(one, target.width):
                target.print(line)
    return {"state": "nothing", "home": str(home.path)}


def _give_up(sections: dict[str, list[Text]], excess: int) -> None:
    for name, least in YIELDS:
        lines = sections[name]
        while excess > 0 and len(lines) > least:
            # Of warnings the oldest goes, below their head.
            del lines[1 if name == "warnings" and len(lines) > 1 and lines[-1].plain else -1]
            excess -= 1


def _letters(watched: Watched) -> dict[str, str]:
    """Return a letter for each model, where workers are shown as such."""
    if max(watched.heard.board.slots, len(watched.heard.board.seats)) <= FEW:
        return {}
    return dict(zip(watched.heard.board.counts, LETTERS, strict=False))


def _title(watched: Watched) -> Text:
    kind = "sweep " if watched.run.kind == "sweep" else ""
    again = ", again" if watched.heard.attempts > 1 else ""
    state = Text(f"{watched.state}{again if not watched.over else ''}", TINTS.get(watched.state, "bold red"))
    return state + Text("  ") + Text(visible(f"{kind}{watched.run.id}"), "bold")


def _who(watched: Watched, width: int) -> list[Text]:
    heard = watched.heard
    if not heard.attempts:
        return [Text(_no_log(watched), FAINT)]
    began = dt.datetime.fromtimestamp(heard.began, dt.UTC)
    words = [
        f"quorate {heard.command} since {began:%Y-%m-%d %H:%M:%S} UTC",
        f"process {heard.pid} on {heard.host}",
        f"{plural(heard.board.slots, 'worker')} on {heard.executor}" if heard.board.slots else "",
        f"process {heard.attempts} of this {watched.run.kind}" if heard.attempts > 1 else "",
    ]
    return wrapped([Text(_flat(word), FAINT) for word in words if word], width)


def _no_log(watched: Watched) -> str:
    if watched.state == "submitted":
        return "a cluster computes it, and brings its log along at the end"
    if watched.state in ("removed", "damaged"):
        return _flat(watched.trouble or "its folder is gone")
    return "nothing was written to its log yet" if not watched.over else "it has no log"


def _stages(watched: Watched, width: int) -> list[Text]:
    heard = watched.heard
    words = [Text(f"{_flat(name)} {span(seconds)}", "cyan") for name, seconds in heard.stages.items()]
    if heard.stage:
        words.append(Text(f"{_flat(heard.stage)} {duration(heard.now - heard.since)}", "bold"))
    return wrapped(words, width) or [Text()]


def _trials(watched: Watched, width: int, wide: bool) -> list[Text]:
    """Return for each search how many trials are done, and how the best stands."""
    lines = []
    full, empty = ("█", "·") if wide else ("#", ".")
    searches = watched.heard.trials
    left = min(max(map(len, searches), default=0), max(width // 3, 8))
    for name, told in searches.items():
        count = f"{told['done']:,}/{told['of']:,}"
        room = max(width - left - len(count) - 3, 1)
        done = min(max(room * told["done"] // max(told["of"], 1), 0), room)
        bar = Text(full * done, "green") + Text(empty * (room - done), FAINT)
        lines.append(Text(f"{_flat(name)[:left]:<{left}} ") + bar + Text(f" {count}"))
        best, *more = standing_words(told)
        words = [Text(_flat(best)), *(Text(_flat(word), FAINT) for word in (f"trial {came(told)}", *more))]
        lines += [Text("  ") + line for line in wrapped(words, max(width - 2, 1))]
    return lines


def _workers(watched: Watched, letters: Mapping[str, str], width: int, wide: bool) -> list[Text]:
    """Return what each worker is at: by name, or if they are many by the letter of the model."""
    board = watched.heard.board
    n = max(board.slots, len(board.seats))
    if not n or not board.total or watched.over:
        return []
    at = [board.at(seat) for seat in range(n)]
    dot = "·" if wide else "."
    if n <= FEW:
        per = max(min(width // SEAT, n), 1)
        seats = [_seat(i, one, min(width // per, 40) - 1, dot) for i, one in enumerate(at)]
        lines = [Text(" ").join(seats[i : i + per]) for i in range(0, n, per)]
    else:
        lines = [_strip(at[i : i + width], letters, dot) for i in range(0, n, width)]
        if len(lines) > ROWS:
            lines[ROWS:] = [Text(f"and {n - ROWS * width:,} more workers", FAINT)]
    longest = max((one for one in at if one), key=lambda one: one[2], default=None)
    told = f"longest {longest[0]} on fold {longest[1]}, {duration(longest[2])}" if longest else "nothing under way"
    return [Text(_flat(f"workers {board.busy}/{n} busy, {told}")), *lines]


def _strip(at: Sequence[At], letters: Mapping[str, str], dot: str) -> Text:
    line = Text()
    for idle, some in groupby(at, lambda one: one is None):
        marks = "".join(dot if one is None else letters.get(one[0], "*") for one in some)
        line.append(marks, FAINT if idle else "bold yellow")
    return line


def _seat(number: int, at: At, room: int, dot: str) -> Text:
    if at is None:
        return Text(f"{number + 1} {dot}".ljust(room), FAINT)
    model, fold, seconds = at
    rest = f" fold {fold} {duration(seconds)}"
    name = _flat(model)[: max(room - len(rest) - 2, 3)]
    return Text(f"{number + 1} ") + Text(f"{name}{rest}"[: room - 2].ljust(room - 2), "yellow")


def _figures(watched: Watched, width: int) -> list[Text]:
    heard = watched.heard
    rate, eta = heard.per_minute, heard.eta
    what = "trials" if heard.stage == "trials" or (heard.trials and not heard.board.total) else "fits"
    times = [
        f"elapsed {duration(heard.elapsed)}",
        f"ETA {'-' if eta is None else duration(eta)}" if not watched.over else "",
        f"{figure(rate, ',.0f' if rate is None or rate >= 10 else ',.1f')} {what}/min",
    ]
    work = [
        f"CPU {span(heard.cpu_seconds)}",
        f"{heard.computed:,} computed, {heard.cached:,} cached",
        f"memory {heard.memory:,.0f} MiB" if heard.memory else "",
    ]
    # Each of these lines has its place: one that grows does not push the next to where another was.
    parts = [times, work] if what == "fits" else [times]
    lines = [line for words in parts for line in wrapped([Text(word) for word in words if word], width)]
    if not watched.over:
        lines.append(_silence(watched))
    return lines


def _hosts(fits: Mapping[str, int]) -> list[str]:
    """Return how many fits each of several machines computed."""
    names = sorted(fits) if len(fits) > 1 else []
    more = [f"{sum(fits[name] for name in names[HOSTS:]):,} elsewhere"] if len(names) > HOSTS else []
    return [*(f"{fits[name]:,} on {name}" for name in names[:HOSTS]), *more]


def _silence(watched: Watched) -> Text:
    """Return for how long nothing was heard; of a process that may be gone it tells no more than that."""
    told = duration(watched.silence)
    if watched.trouble:
        return Text(_flat(watched.trouble), "red")
    if watched.lost:
        return Text(f"no sign of life for {told}; whether it still runs is known on {_flat(watched.heard.host)}", "red")
    return Text(f"last word {told} ago" if watched.heard.last else "", FAINT)


def _failures(watched: Watched) -> list[Text]:
    heard = watched.heard
    if not heard.failed:
        return [Text("no fit failed", FAINT)] if heard.board.total else []
    model, fold, error = heard.failures[-1]
    return [Text(f"{heard.failed:,} failed, the last {_flat(model)} on fold {fold}: {_flat(error)}", "bold red")]


def _outcome(watched: Watched, width: int) -> list[Text]:
    """Return what can be said of the verdict: before the end nothing but what speaks against it."""
    if not watched.over:
        when = "after the trials" if watched.run.kind == "sweep" else "at the end, when all gates are known"
        ended = [Text(f"if it was stopped: {watched.again}", FAINT)] if watched.lost else []
        return [Text(f"verdict  {when}", FAINT), *ended]
    lines = [Text("verdict  ") + Text(watched.verdict, STYLES.get(watched.verdict, "bold"))] if watched.verdict else []
    told = watched.said or watched.failure or (_flat(watched.trouble) if watched.heard.attempts else "")
    lines += [Text(line) for line in textwrap.wrap(_flat(told), max(width, 1))]
    if watched.next_step:
        lines += [Text(line, "bold") for line in textwrap.wrap(f"next: {watched.next_step}", max(width, 1))]
    return lines


def _warnings(watched: Watched) -> list[Text]:
    """Return the last few warnings, the newest last, below how many there are."""
    heard = watched.heard
    told = [(f"{message}{f' ({n:,} times)' if n > 1 else ''}") for message, n in heard.warnings.items()]
    told = [*heard.limits, *heard.doubts, *told]
    if watched.unread:
        told.append(f"{plural(watched.unread, 'line')} of the log could not be read")
    if not told:
        return []
    parts = [plural(n, word) for n, word in ((len(heard.doubts), "doubt"), (heard.warned, "warning")) if n]
    head = Text(", ".join(parts) or ("limits" if heard.limits else "the log"), "yellow")
    return [head, *(Text(f"  {_flat(text)}") for text in told[-WARNINGS:])]


def _flat(text: Any) -> str:
    return visible(" ".join(str(text).split()))


def plain(watched: Watched) -> dict[str, Any]:
    """Return what is known as plain data, times in seconds since 1970."""
    heard, board = watched.heard, watched.heard.board
    rate, eta = heard.per_minute, heard.eta
    return {
        watched.run.kind: watched.run.id,
        "state": watched.state,
        "trouble": watched.trouble,
        "reason": watched.failure,
        "command": heard.command,
        "pid": heard.pid,
        "host": heard.host,
        "began": heard.began or None,
        "attempts": heard.attempts,
        "last_event": heard.last or None,
        "silent_seconds": round(watched.silence, 3),
        "elapsed_seconds": round(heard.elapsed, 3),
        "eta_seconds": None if eta is None else round(eta, 3),
        "stage": heard.stage,
        "limits": heard.limits,
        "stages": {name: round(seconds, 4) for name, seconds in heard.stages.items()},
        "stage_use": heard.stage_use,
        "fits": {
            "total": board.total,
            "done": board.done,
            "computed": heard.computed,
            "cached": heard.cached,
            "failed": heard.failed,
            "per_minute": None if rate is None else round(rate, 3),
            "cpu_seconds": round(heard.cpu_seconds, 3),
        },
        "models": {
            name: {word: counts[state] for state, word in STATE_WORDS.items()} for name, counts in board.counts.items()
        },
        "workers": {
            "executor": heard.executor,
            "workers": board.slots,
            "busy": board.busy,
            "at": [
                {"model": one[0], "fold": one[1], "seconds": round(one[2], 3)}
                for seat in range(len(board.seats))
                if (one := board.at(seat))
            ],
            "fits_by_host": dict(heard.hosts),
        },
        "trials": {name: dict(told) for name, told in heard.trials.items()},
        "failures": [{"model": model, "fold": fold, "error": error} for model, fold, error in heard.failures],
        "doubts": heard.doubts,
        "warnings": heard.warnings,
        "unread_lines": watched.unread,
        "verdict": watched.verdict or None,
        "said": watched.said,
        "next": watched.next_step,
    }

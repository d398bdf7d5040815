"""The interactive window on a home of 500 runs: seconds to its first screen, and milliseconds per key.

A key is answered when the first thing is drawn because of it; what is read or computed beside the window for it, as
a section of a report, is drawn when it is there.
"""

from __future__ import annotations

import asyncio
import fcntl
import gc
import os
import pty
import re
import select
import shutil
import struct
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from figures import Figures, bench
from measure import QUORATE, fresh_home, quorate_run

from quorate.recipe.canonical import digest
from quorate.store import Home, Run

RUNS = 500
KEYS: dict[str, tuple[Sequence[str], Sequence[str], int]] = {  # what is pressed first, then again and again
    "moving in the list": ((), ("down", "down", "down", "up", "pagedown"), 100),
    "writing what to find": (("home", "slash"), ("p", "l", "a", "n", "backspace", "backspace", "backspace"), 42),
    "moving on the curves": (("enter", "escape", "home", "enter", "e"), ("left", "left", "shift+left"), 90),
    "looking closer at the curves": ((), ("i", "i", "o", "o"), 40),
    "moving among trades": (("t",), ("down", "pagedown", "up"), 90),
    "ordering trades": ((), ("s", "r"), 40),
    "moving among gates": (("g",), ("down", "up"), 40),
    "going through sections": (("escape",), ("n", "p"), 40),
    "help, and back": (("escape",), ("question_mark", "escape"), 30),
}
AIM = 30  # milliseconds


def bench_window(figures: Figures, repeats: int, quick: bool) -> None:
    """Time the first screen, and keys."""
    figures.title(f"quorate ui on {RUNS} runs of planted")
    with fresh_home() as place:
        quorate_run("planted", place)
        home = _many(Home(place))
        times = [_first_screen(home) for _ in range(3 if quick else 9)]
        figures.add("`quorate ui` to its first screen", times, "s", most=1)
        found = asyncio.run(_keys(home))
        every = [one for times in found.values() for one in times]
        for name, told in {**found, "all of these": every}.items():
            figures.add(f"95 of 100 keys are answered within, {name}", [_percentile(told, 0)], "ms", most=AIM)
        figures.add("and change the last on the screen within, all of these", [_percentile(every, 1)], "ms")


def _percentile(times: Sequence[tuple[float, float]], which: int) -> float:
    return sorted(one[which] for one in times)[int(0.95 * len(times))]


def _many(home: Home) -> Home:
    (first,) = home.runs()
    report = first.report()
    for number in range(RUNS - 1):
        run = Run(home, f"{first.id}-{number:03d}")
        shutil.copytree(first.path, run.path)
        report["provenance"]["run"] = run.id
        del report["seal"]
        report["seal"] = digest(report)
        run.write_report(report)
    return home


def _first_screen(home: Home) -> float:
    """Return the seconds from the command to the first row on the screen, in a pseudo terminal."""
    began = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm-256color"
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.execv(QUORATE, [QUORATE, "ui", "--home", str(home.path)])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    seen = b""
    while time.perf_counter() < began + 20:
        if select.select([terminal], [], [], 0.02)[0]:
            seen += os.read(terminal, 1 << 16)
            if b"planted-" in re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", seen):
                break
    took = time.perf_counter() - began
    os.kill(child, 9)
    os.waitpid(child, 0)
    os.close(terminal)
    return took


async def _keys(home: Home) -> dict[str, list[tuple[float, float]]]:
    """Return the milliseconds from each key to the first and the last that was drawn because of it."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from textual import events
    from textual.app import App

    from quorate.cli._ui import GARBAGE
    from quorate.report.browser import Browser
    from support.window import Window, stored

    drawn: list[float] = []
    display = App._display

    def told(self: Any, *given: Any, **named: Any) -> None:
        display(self, *given, **named)
        drawn.append(time.perf_counter())

    App._display = told  # type: ignore[method-assign]
    app = Browser(home, stored(home))
    found: dict[str, list[tuple[float, float]]] = {}
    async with app.run_test(size=(120, 40)) as pilot:
        window = Window(app, pilot)
        await window.settle()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GARBAGE)
        for name, (before, keys, times) in KEYS.items():
            await window.press(*before)
            found[name] = []
            for i in range(times):
                key = keys[i % len(keys)]
                drawn.clear()
                began = time.perf_counter()
                app.post_message(events.Key(key, key if len(key) == 1 else None))
                await asyncio.sleep(0.12)
                found[name].append(tuple(1000 * (at - began) for at in (drawn[0], drawn[-1])) if drawn else (0.0, 0.0))
    return found


PARTS = {"window": bench_window}

if __name__ == "__main__":
    bench(PARTS, __doc__)

"""The interactive window in a test: a home to look at, keys, and what is on the screen."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from textual import events
from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from quorate.report.browser import Browser, Doors
from quorate.report.browser.app import WARM
from quorate.report.browser.list_view import SETTLES, WRITTEN
from quorate.report.report import Report
from quorate.report.sections.model import Section
from quorate.store import Home, Run
from quorate.store.label import Label, write_label

SNAPSHOTS = Path(__file__).parents[1] / "snapshots"
PASSED = "20260102T030405.000006-planted-0a1b"
FAILED = "20260103T040506.000007-planted-2c3d"
STOPPED = "20260104T050607.000008-planted-4e5f"
TORN = "20260105T060708.000009-planted-6a7b"
SWEEP = "20260106T070809.000010-nasdaq-8c9d"
BARS = 240
STEADY = 0.05  # seconds in which nothing changes any more
PATIENCE = 200.0  # seconds for all steps

Walk = Callable[["Window"], Awaitable[None]]


class Window:
    """A window that is open: press keys, and read its screen."""

    def __init__(self, app: Browser, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other, and wait until what they asked for is there."""
        for key in keys:
            self.app.simulate_key(key)
            await self.settle()

    async def write(self, text: str) -> None:
        """Write into a field."""
        for letter in text:
            self.app.post_message(events.Key("space", " ") if letter == " " else events.Key(letter, letter))
        await self.pilot.pause(2 * WRITTEN)
        await self.settle()

    async def settle(self) -> None:
        """Wait until the home is read, and nothing is being read or drawn."""
        while self.app.is_running and not self.app.catalogue.read:
            await asyncio.sleep(0.01)
        for _ in range(3):
            await self.pilot._wait_for_screen()
            for worker in [one for one in self.app.workers if one.group != WARM]:
                with suppress(WorkerCancelled):
                    await worker.wait()
        await self.pilot.pause()

    async def rest(self) -> None:
        """Wait until what follows the cursor, once that rests, is there, and the screen is as it stays."""
        if any(one.display for one in self.app.screen.query("#preview")):
            await self.pilot.pause(2 * SETTLES)
        before: list[str] = []
        for _ in range(100):
            await self.settle()
            if self.lines() == before and before[-1]:  # the keys in the last line are made anew for each view
                return
            before = self.lines()
            await self.pilot.pause(STEADY)
        raise AssertionError(f"the screen does not come to rest:\n{self.text()}")

    async def until(self, wanted: Callable[[], object], seconds: float = 20.0) -> None:
        """Wait for something that another process, or the clock, brings about."""
        for _ in range(int(seconds / 0.05)):
            if wanted():
                return
            await self.pilot.pause(0.05)
        raise AssertionError(f"nothing came of it:\n{self.text()}")

    def lines(self) -> list[str]:
        """Return what is on the screen."""
        strips = self.app.screen._compositor.render_strips()  # the only way to its text
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

    def text(self) -> str:
        """Return what is on the screen as one text."""
        return "\n".join(self.lines())

    @property
    def focus(self) -> str | None:
        """What has the keys."""
        return self.app.focused.id if self.app.focused else None

    @property
    def crumbs(self) -> list[str]:
        """Where one is."""
        return list(self.app.screen.crumbs)  # type: ignore[attr-defined]


def walk(home: Home | Path, steps: Walk, size: tuple[int, int] = (120, 40), run: str = "", doors: Any = None) -> None:
    """Open a window on a home, and take steps in it."""
    place = home if isinstance(home, Home) else Home(home)

    async def open_and_walk() -> None:
        app = Browser(place, doors or stored(place), run)
        async with app.run_test(size=size) as pilot:
            window = Window(app, pilot)
            await window.settle()
            await steps(window)

    asyncio.run(asyncio.wait_for(open_and_walk(), PATIENCE))


def stored(home: Home) -> Doors:
    """Return doors to reports as they are stored, and to recipes that are built in."""

    def compare(names: Sequence[str]) -> list[Section]:
        from quorate.report.views.compare import sections
        from quorate.runs.compare import compare as beside

        found = beside(*names, home=home.path)
        return sections(found.document, found.growth())

    def load(run: str) -> Report:
        return Report(Run(home, run).report(), Run(home, run))

    return Doors(load, lambda name: Run(home, name, "sweep").report(), compare, lambda: ("nasdaq", "planted"))


def drawn_home(folder: Path) -> Home:
    """Return a home that is the same everywhere: runs that passed, failed, were stopped or damaged, and a sweep."""
    home = Home(folder)
    document = json.loads((SNAPSHOTS / "report.json").read_text(encoding="utf-8"))
    for name, part, verdict in ((PASSED, "holdout", "PASS"), (FAILED, None, "FAIL")):
        run = _run(home, name)
        one = json.loads(json.dumps(document))
        one["provenance"]["run"] = name
        one["results"]["development"]["verdict"] = verdict
        one["results"]["holdout"] = one["results"]["holdout"] if part else None
        one["files"] = _tables(run, one)
        run.write_report({**one, "seal": Report(one).seal})
    write_label(Run(home, PASSED), Label(tags=("good", "second try"), note="fees doubled"))
    stopped = _run(home, STOPPED)
    (stopped.path / "log.jsonl").write_bytes((SNAPSHOTS / "timeline.jsonl").read_bytes())
    begun = {**document["provenance"], "run": STOPPED, "changes": ["costs.fees=0.002"], "warnings": []}
    stopped.write_begun(begun)
    (_run(home, TORN).path / "report.json").write_text('{"schema_version": 1, "provena', encoding="utf-8")
    sweep = Run(home, SWEEP, "sweep")
    sweep.path.mkdir(parents=True)
    (sweep.path / "report.json").write_bytes((SNAPSHOTS / "sweep.json").read_bytes())
    return home


def _run(home: Home, name: str) -> Run:
    run = Run(home, name)
    run.path.mkdir(parents=True)
    (run.path / "recipe.toml").write_text('name = "planted"\n', encoding="utf-8")
    return run


def _tables(run: Run, document: dict[str, Any]) -> dict[str, str]:
    """Write equity and trades that look like some; return their hashes."""
    times = [datetime(2001, 12, 3, 21, tzinfo=UTC) + timedelta(days=i) for i in range(BARS)]
    found: dict[str, str] = {}
    for part in ("development", "holdout"):
        if not document["results"][part]:
            continue
        series = [f"{one['name']}/{one['strategy']}" for one in document["results"][part]["series"]]
        own = [100_000 * (1 + 0.002 * i + 0.05 * math.sin(i / 9)) for i in range(BARS)]
        held = [100_000 * (1 + 0.001 * i - 0.2 * math.sin(i / 40)) for i in range(BARS)]
        equity = pd.DataFrame({"time": times, **dict.fromkeys(series, own), "buy-and-hold/hold": held})
        rows = [
            {
                "series": series[0], "symbol": "SIM001", "side": "long" if i % 2 else "short",
                "entered": times[10 * i], "exited": times[10 * i + 1 + i % 7], "size": 100.0 + i,
                "entry_price": 50.0 + i, "exit_price": 51.0 + i * (1 + (-1) ** i / 50), "closed": True,
                "pnl": 100.0 * (-1) ** i * (i + 1), "pnl_fraction": 0.001 * (-1) ** i * (i + 1),
            }
            for i in range(20)
        ]  # fmt: skip
        found |= run.write_frames(part, {"equity": equity, "trades": pd.DataFrame(rows)})
    return found

"""The window: its rooms, what it reads, and the commands that run beside it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Literal

from rich.terminal_theme import TerminalTheme
from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.theme import Theme

from quorate.errors import QuorateError, plural, visible
from quorate.report.browser.catalogue import Catalogue
from quorate.report.browser.dialogs import Choice
from quorate.report.browser.jobs import Job, Jobs, typed
from quorate.report.browser.jobs_view import JobsView
from quorate.report.browser.runs_view import RunsView
from quorate.report.browser.sweeps_view import SweepsView
from quorate.report.browser.view import Subject, View
from quorate.report.report import Report
from quorate.report.sections.model import Section
from quorate.store import Home, Run
from quorate.store.label import default_name

WARM = "warm"  # what is read beforehand
AFTER = 2.0  # seconds after which what a command may need is read, that is not needed to look
LOOK = 0.5  # seconds between two looks at commands that are going on
THEMES = ("dark", "light")
DARK = Theme(
    "dark", primary="#6cb6ff", secondary="#9ecbff", accent="#f2cc60", foreground="#d5dae1", background="#14171c",
    surface="#1c2128", panel="#262c36", success="#6bc46d", warning="#daaa3f", error="#f47067",
)  # fmt: skip
LIGHT = Theme(
    "light", primary="#0550ae", secondary="#218bff", accent="#7d4e00", foreground="#1f2328", background="#ffffff",
    surface="#f6f8fa", panel="#e7ebf0", success="#116329", warning="#7d4e00", error="#b3131f", dark=False,
)  # fmt: skip
# The sixteen colours of a terminal, as they are read well on each background: black to white, then bright ones.
ON_DARK = TerminalTheme(
    (20, 23, 28), (213, 218, 225),
    [(20, 23, 28), (244, 112, 103), (107, 196, 109), (218, 170, 63), (108, 182, 255), (220, 140, 230), (78, 201, 215),
     (213, 218, 225)],
    [(139, 148, 160), (255, 147, 138), (141, 219, 140), (242, 204, 96), (150, 208, 255), (236, 170, 245),
     (120, 225, 235), (255, 255, 255)],
)  # fmt: skip
ON_LIGHT = TerminalTheme(
    (255, 255, 255), (31, 35, 40),
    [(31, 35, 40), (179, 19, 31), (17, 99, 41), (125, 78, 0), (5, 80, 174), (130, 40, 160), (0, 100, 120),
     (87, 96, 106)],
    [(94, 103, 113), (164, 14, 38), (26, 127, 55), (99, 60, 1), (33, 139, 255), (150, 70, 180), (20, 120, 140),
     (31, 35, 40)],
)  # fmt: skip


def _ledger() -> Screen[Any]:
    """Return the view of the ledger; what reads a ledger loads NumPy, which the first picture does without."""
    from quorate.report.browser.ledger_view import LedgerView

    return LedgerView()


@dataclass(frozen=True)
class Doors:
    """What the window asks of the rooms above it.

    Parameters
    ----------
    load : callable
        Takes a run's id; gives its report, after checking that it is as it was written.
    sweep : callable
        Takes a sweep's id; gives its report, after the same check.
    compare : callable
        Takes ids of runs; gives what ``quorate compare`` says of them.
    recipes : callable
        Gives the names of the recipes that ``quorate run`` knows by name.
    """

    load: Callable[[str], Report]
    sweep: Callable[[str], Mapping[str, Any]]
    compare: Callable[[Sequence[str]], list[Section]]
    recipes: Callable[[], Sequence[str]]


class Browser(App[None]):
    """The window.

    Parameters
    ----------
    home : Home
        What is looked at.
    doors : Doors
        What the rooms above do for it.
    run : str
        The run to begin with; "" for the list.
    theme : str
        One of `THEMES`.
    """

    CSS_PATH = "look.tcss"
    TITLE = "quorate"
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        "runs": RunsView,
        "sweeps": SweepsView,
        "ledger": _ledger,
        "jobs": JobsView,
    }
    DEFAULT_MODE = "runs"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", "Suspend", show=False),
        Binding("ctrl+t", "theme", "Dark or light", show=False),
    ]

    def __init__(self, home: Home, doors: Doors, run: str = "", theme: str = "dark") -> None:
        super().__init__()
        self.animation_level = "none"  # over a slow line a picture is sent once
        self.ansi_theme_dark, self.ansi_theme_light = ON_DARK, ON_LIGHT
        for one in (DARK, LIGHT):
            self.register_theme(one)
        self.theme = theme
        self.home, self.doors = home, doors
        self.first = run
        self.catalogue = Catalogue(home, self._changed)
        self.jobs = Jobs(home)
        self._going: dict[str, Job] = {}
        self._told = False
        self._reports = lru_cache(maxsize=8)(lambda run, stamp: doors.load(run))
        self._known_recipes = lru_cache(maxsize=1)(self._recipe_names)

    def on_mount(self) -> None:
        """Begin to read the home."""
        self.call_after_refresh(self.catalogue.start)  # the first picture waits for nothing
        self._going = {job.id: job for job in self.jobs.running()}
        self.set_interval(LOOK, self._look_at_jobs)
        self.set_timer(
            AFTER, lambda: self.run_worker(self._known_recipes, group=WARM, thread=True, exit_on_error=False)
        )

    def on_unmount(self) -> None:
        """Read no more."""
        self.catalogue.stop()

    @property
    def home_path(self) -> str:
        """The home, as commands are told of it; "" where they find it by themselves."""
        return "" if self.home.path == Home().path else str(self.home.path)

    @property
    def home_option(self) -> list[str]:
        """What commands are told to find the home."""
        return ["--home", self.home_path] if self.home_path else []

    def _changed(self) -> None:
        """Have the views told, once for all that changed since (called beside the window)."""
        if not self._told and self.is_running:
            self._told = True
            self.call_later(self._publish)

    def _publish(self) -> None:
        self._told = False
        for screen in self.screen_stack:  # those of other rooms look again when one comes back to them
            if isinstance(screen, View):
                screen.changed()

    def row_of(self, run: str) -> Mapping[str, Any] | None:
        """Return the row of a run; None, if there is none (any more)."""
        return self.catalogue.row("run", run)

    def _recipe_names(self) -> frozenset[str]:
        try:
            return frozenset(self.doors.recipes())
        except QuorateError:  # a plugin is not as it must be: commands say so, and each run has its own recipe
            return frozenset()

    def run_of(self, run: str) -> Run:
        """Return a run's folder."""
        return Run(self.home, run)

    def report_of(self, run: str) -> Report:
        """Return the report of a run, as it is now; raises as `Doors.load` does."""
        try:
            stamp = os.stat(self.run_of(run).path / "report.json").st_mtime_ns
        except OSError:
            stamp = 0
        return self._reports(run, stamp)

    def subject_of(self, row: Mapping[str, Any]) -> Subject:
        """Return what can be done something with: a run or sweep, and its recipe as commands are given it."""
        kind: Literal["run", "sweep"] = "sweep" if "sweep" in row else "run"
        run, recipe = Run(self.home, row[kind], kind), row["recipe"] or ""
        # A name stands for the recipe as it is given: one that was changed is in the run's own file.
        if recipe not in self._known_recipes() or default_name(run, recipe) != recipe:
            path = run.path / "recipe.toml"
            recipe = str(path) if path.exists() else ""
        return Subject(run.id, row["state"], recipe, kind)

    def begin(self, words: Sequence[str]) -> None:
        """Begin a command beside the window."""
        try:
            job = self.jobs.begin(words)
        except QuorateError as e:
            self.notify(visible(e), title="this cannot be begun", severity="error", timeout=8, markup=False)
            return
        self._going[job.id] = job
        self.notify(f"{job.command}\n4 shows what it prints", title="begun", timeout=3, markup=False)
        self._publish()

    def _look_at_jobs(self) -> None:
        for name, job in list(self._going.items()):
            state = job.state
            if state == "running":
                continue
            del self._going[name]
            self.catalogue.soon()
            last = [line for line in job.output.splitlines() if line.strip()][-1:] or [""]
            severity = "error" if state == "failed" else "warning" if state not in ("done", "PASS") else "information"
            told = f"{typed(job.words[:3])}\n{visible(last[0])[:200]}"
            self.notify(told, title=state, severity=severity, timeout=6, markup=False)  # type: ignore[arg-type]
            self._publish()

    def action_room(self, name: str) -> None:
        """Go to a room; in the one where one is, back to its list."""
        if self.current_mode == name:
            while len(self.screen_stack) > 1:
                self.pop_screen()
        else:
            self.switch_mode(name)

    async def action_quit(self) -> None:
        """Leave, after asking what becomes of commands that are going on."""
        running = self.jobs.running()
        if not running:
            self.exit()
            return
        many = f"{plural(len(running), 'command')} {'is' if len(running) == 1 else 'are'} going on."
        answers = [("leave", "l", "Let go on"), ("stop", "s", "Stop"), ("stay", "n", "Stay here")]
        question = f"{many} Without this window they go on, and quorate ui shows them again."
        self.push_screen(Choice(question, answers), self._quit)

    def _quit(self, answer: str | None) -> None:
        if answer == "stop":
            for job in self.jobs.running():
                job.stop()
        if answer in ("leave", "stop"):
            self.exit()

    def action_theme(self) -> None:
        """Change from dark to light, or back."""
        self.theme = THEMES[1 - THEMES.index(self.theme)] if self.theme in THEMES else THEMES[0]


def theme_of_terminal() -> str:
    """Return the theme for the terminal's background, where the terminal says what it is; else the dark one."""
    last = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return "light" if last in ("7", "15") else "dark"

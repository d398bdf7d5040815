"""Telling people what became of a run: what its recipe's ``[alerts]`` name, and ``alerts.jsonl`` of the home.

Alerts go out after the report is stored. What cannot be delivered is told and noted, and changes nothing else.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from quorate.errors import PluginError, QuorateError, RecipeError, StoreError, one_of, reason_of
from quorate.execution.progress import Clock, Progress
from quorate.plugins.calling import CallError, call, seconds_per_call
from quorate.plugins.guard import Overdue
from quorate.plugins.specs import Alert
from quorate.plugins.specs.alerting import TEST, USUAL, Event
from quorate.recipe.alerts import alert_of
from quorate.recipe.environment import blotted, names_in, substitute, tell
from quorate.recipe.schema import Recipe, Told
from quorate.report.figures import duration, figure
from quorate.report.report import Report
from quorate.report.sections.gates import binding, word, worst_first
from quorate.runs.driving import now
from quorate.runs.session import Session, open_session
from quorate.runs.stalled import noticing_stalls
from quorate.store import Run
from quorate.store.alerts import keep_alert, keep_delivery
from quorate.store.trust import is_trusted, require
from quorate.walkforward.members import Fitting

T = TypeVar("T")
SECONDS = 60.0  # that one alert may take
LINES = 12  # of an error that an alert has at most
NAMED = 3  # gates in the line that says all


@dataclass
class Teller:
    """Tells what became of a run, a sweep or a promotion.

    Parameters
    ----------
    session : Session
        Whose recipe says who is told.
    command : str
        What is done: ``run``, ``resume``, ``promote``, ``sweep``, ``sweep validate``, ``monitor``.
    stored : Run, optional
        What it is done to, from when on it is stored.
    """

    session: Session
    command: str = "run"
    stored: Run | None = None
    deliveries: list[dict[str, str]] = field(default_factory=list)

    def check(self) -> None:
        """Say beforehand who will not be told, and why."""
        for name, one in self._told.items():
            missing = [variable for variable in names_in(one.options) if variable not in os.environ]
            if missing:
                self._warn(f"alerts.{name} needs the variable {missing[0]}, which is not set: it will tell nobody")

    @contextmanager
    def watching(self, stored: Run, clock: Clock, fitting: Fitting) -> Iterator[None]:
        """Tell of what is stored from here on, and if it stands still."""
        self.stored = stored
        alerts = self.session.recipe.alerts
        seconds = 60 * alerts.stalled_minutes if alerts else 0.0

        def told() -> None:
            look = f"quorate watch {self._at}"
            self.tell("stalled", f"no fit was finished for {duration(seconds)}", [look])

        with noticing_stalls(seconds, told, clock, fitting):
            yield

    def failed(self, error: Exception) -> None:
        """Tell that it ended with an error."""
        if self.stored is None and (isinstance(error, RecipeError) or not self._told):
            return  # nothing was begun: whoever typed it reads what is wrong with the recipe
        if isinstance(error, StoreError) and self.stored is not None and self.stored.busy:
            return  # another process is at it, and tells what becomes of it
        what = {"promote": "the promotion", "sweep": "the sweep", "sweep validate": "the sweep's validation"}
        lines = (str(error) if isinstance(error, QuorateError) else reason_of(error)).splitlines()
        text = [*lines[:LINES], *(["..."] if len(lines) > LINES else []), self._goes_on()]
        self.tell("run-failed", f"{what.get(self.command, 'the run')} ended with an error", text)

    def finished(self, verdict: str = "") -> None:
        """Tell that a run or a sweep ended, and with which verdict."""
        assert self.stored is not None
        show = "sweep show" if self.stored.kind == "sweep" else "report"
        told = f"the {self.stored.kind} is finished" + (f": {verdict}" if verdict else "")
        self.tell("run-finished", told, [f"quorate {show} {self._at}"], verdict=verdict)

    def judged(self, report: Report, version: str | None) -> None:
        """Tell what became of a promotion, and as which version it is registered, if it is."""
        if not report.promoted:
            lines, names = _missed(report)
            more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
            told = f"it is not promoted: {report.verdict}, by {', '.join([*names[:NAMED], *more])}"
            self.tell("promotion-failed", told, [*lines, f"quorate gate {self._at}"], verdict=report.verdict)
        elif version is None:
            look = [f"quorate registry add {self._at}"]
            self.tell("promoted", "it is promoted, but not registered", look, verdict=report.verdict)
        else:
            look = [f"quorate registry show {version}{self._home}"]
            told = f"it is promoted, and registered as {version}"
            self.tell("promoted", told, look, what=version, verdict=report.verdict)

    def tell(self, event: Event | str, told: str, text: Sequence[str], *, what: str = "", verdict: str = "") -> None:
        """Note an alert, and send it to all that want it; nothing that goes wrong is raised."""
        try:
            self._tell(event, told, text, what or (self.stored.id if self.stored else ""), verdict)
        except KeyboardInterrupt:
            self._warn("alerts were interrupted: quorate alerts lists which of them were sent")
        except Exception as e:  # whatever it is, the run has its result
            self._warn(f"an alert of {event} could not be told: {reason_of(e)}")

    def _tell(self, event: str, told: str, text: Sequence[str], what: str, verdict: str) -> None:
        recipe, home = self.session.recipe, self.session.home
        wanted = {name: one for name, one in self._told.items() if event in (*one.on, TEST)}
        own = self._told.get("log")
        if not wanted and event not in (own.on if own else USUAL):
            return
        subject = " ".join(blotted(f"{recipe.name}: {told}", self._secret).split())
        lines = "\n".join(blotted(line, self._secret) for line in text)
        alert = Alert(event, now(), what, recipe.name, verdict, subject, lines)
        if wanted:
            home.claim()
        kept = self._noted(lambda: keep_alert(home.path, alert))
        if any(name != "log" for name in wanted) and not is_trusted(home.path):
            self._warn(
                f"alerts are not sent: the home {home.path} was not made here by you, and its recipe says where they "
                "go; if you trust it, say so once with --trust (in Python: quorate.trust_home)"
            )
            wanted = {}
        for name, one in wanted.items():
            reason = self._sent(name, one, alert)
            self.deliveries.append({"to": name, "reason": reason})
            if reason:
                self._warn(f"alerts.{name} did not tell {event}: {reason}")
            if kept:
                self._noted(partial(keep_delivery, home.path, kept, name, now(), reason))

    def _noted(self, keep: Callable[[], T]) -> T | None:
        """Note in the home's log what can be noted; an alert is sent all the same."""
        try:
            return keep()
        except StoreError as e:
            self._warn(f"the alert is not noted: {e}")
            return None

    def _sent(self, name: str, one: Told, alert: Alert) -> str:
        """Send an alert; return why that failed, without anything secret, or nothing."""
        try:
            spec = alert_of(self.session.registry, name, one)
            options = substitute(one.options, f"alerts.{name}")
        except RecipeError as e:
            return str(e)
        try:
            with seconds_per_call(SECONDS):
                call(spec, f"the event {alert.event}", [alert], options, read=_nothing)
        except QuorateError as e:
            cause = (e.__cause__ if isinstance(e, CallError) else None) or e
            if isinstance(cause, Overdue):
                return f"it took longer than {SECONDS:g} s"
            text = str(cause) if isinstance(cause, QuorateError) else reason_of(cause)
            return tell(text, one.options) or (
                f"{type(cause).__name__}; what it said may hold a value that must not be told, and is not shown"
            )
        return ""

    @property
    def _told(self) -> Mapping[str, Told]:
        alerts = self.session.recipe.alerts
        return alerts.told if alerts else {}

    @property
    def _secret(self) -> dict[str, Any]:
        """All of the recipe that may hold what must not be told."""
        recipe = self.session.recipe
        return {
            "data": recipe.data.options,
            "covariates": [one.options for one in (recipe.covariates or {}).values()],
            "references": [one.options for one in (recipe.benchmark, recipe.factors) if one],
            "storage": recipe.tuning.storage,
            "alerts": [one.options for one in self._told.values()],
        }

    @property
    def _at(self) -> str:
        return f"{self.stored.id if self.stored else 'latest'}{self._home}"

    @property
    def _home(self) -> str:
        """The home, in any case: whoever reads of it may stand in another folder."""
        return f" --home {shlex.quote(str(self.session.home.path))}"

    def _goes_on(self) -> str:
        """Return the command that looks into what failed, or goes on with it."""
        if self.stored is None:
            return f"quorate alerts --last 1{self._home}"
        words = {"promote": "promote", "sweep": "sweep resume", "sweep validate": "sweep validate"}
        return f"quorate {words.get(self.command, 'resume')} {self._at}"

    def _warn(self, message: str) -> None:
        """Tell now, but keep it out of the report: it is not about the run."""
        self.session.progress.warn(message)


@contextmanager
def alerting(session: Session, command: str, stored: Run | None = None) -> Iterator[Teller]:
    """Have it told if what happens inside ends with an error; Ctrl-C is none."""
    teller = Teller(session, command, stored)
    teller.check()
    try:
        yield teller
    except Exception as e:
        teller.failed(e)
        raise


def try_alerts(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    *,
    home: str | Path | None = None,
    plugins: Iterable[Any] = (),
    overrides: Iterable[str] = (),
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Send a test through each alert of a recipe, whatever events it is for; return what became of each.

    Raises
    ------
    RecipeError
        If the recipe names none.
    """
    session = open_session(recipe, home=home, plugins=plugins, overrides=overrides, progress=progress)
    if not (session.recipe.alerts and session.recipe.alerts.told):
        raise RecipeError(
            f'recipe {session.recipe.name} names no alerts: add [alerts], e.g. file = {{ path = "alerts.txt" }}; known '
            f"are {one_of(session.registry.names('alert'))}"
        )
    session.home.claim()
    require(session.home.path, "a test would be sent to where the recipe says")
    teller = Teller(session)
    teller.tell(TEST, "this is a test", [f"quorate alerts --last 1{teller._home}"])
    return [{**one, "delivered": not one["reason"]} for one in teller.deliveries]


def _nothing(answer: object) -> None:
    if answer is not None:
        raise PluginError(f"it must return nothing, and raise if it fails; it returned {type(answer).__name__}")


def _missed(report: Report) -> tuple[list[str], list[str]]:
    """Return a line for each gate that keeps a run from being promoted, and their names."""
    lines, names = [], []
    for part in ("development", "holdout"):
        gates = report.results[part]["gates"] if report.results[part] else []
        for gate in worst_first([gate for gate in gates if word(gate) in ("FAIL", "INSUFFICIENT")]):
            value, condition, bound = binding(gate)
            figures = f"{figure(value, gate['unit'])}, must be {condition} {figure(bound, gate['unit'])}"
            lines.append(f"{part}: {gate['gate']} {figures}: {word(gate)}")
            names.append(gate["gate"])
    return lines, list(dict.fromkeys(names))

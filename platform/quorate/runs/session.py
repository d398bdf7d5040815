"""The session: a resolved recipe with its registry and home, new or as it was in a stored run."""

from __future__ import annotations

import datetime as dt
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from quorate.bars.calendar import TOLERANCE, sessions_per_year
from quorate.bars.panel import Bars
from quorate.errors import DataWarning, IntegrityError, QuorateError, RecipeError, StoreError, near_misses, one_of
from quorate.execution.cache import FitCache
from quorate.execution.choose import make_executor
from quorate.execution.executor import Executor, Limits, Remote
from quorate.execution.fit import FitResult
from quorate.execution.progress import Progress
from quorate.plugins.code import modules_of
from quorate.plugins.registry import Registry
from quorate.recipe.digest import recipe_digest
from quorate.recipe.load import extend, load_recipe, merge, nested_override, redact, substitute, validate
from quorate.recipe.resolve import resolve
from quorate.recipe.schema import Recipe
from quorate.store import Home, Run
from quorate.walkforward.members import Fitting


@dataclass
class Session:
    """A resolved recipe with its registry, home and listeners: what every command starts from."""

    recipe: Recipe
    registry: Registry
    home: Home
    progress: Progress = field(default_factory=Progress)
    warnings: list[str] = field(default_factory=list)

    def warn(self, message: str) -> None:
        """Keep a warning for the report and tell it now."""
        if message not in self.warnings:
            self.warnings.append(message)
            self.progress.warn(message)

    @contextmanager
    def fitting(
        self,
        executor: Executor | None = None,
        *,
        cache: bool = True,
        results: list[FitResult] | None = None,
        one_part: bool = False,
    ) -> Iterator[Fitting]:
        """Yield where fits are done, and end afterwards what was started for them.

        Parameters
        ----------
        executor : Executor, optional
            The caller's; else one as the recipe says.
        cache : bool
            Whether finished fits are taken from the home and kept there, if the recipe wants that.
        results : list of FitResult, optional
            Where the fits are noted, for who must know of them whatever becomes of the run.
        one_part : bool
            An executor of its own is ended while what follows the fits of the first part is computed.
        """
        wanted = self.recipe.execution
        limits = Limits(wanted.fit_seconds, int(wanted.fit_memory * 2**30), self.progress.warn, self.progress.note)
        with ExitStack() as stack:
            kept = FitCache(self.home.path / "fits", self.progress.warn) if cache and wanted.cache else None
            if kept is not None:
                stack.callback(kept.close)
            made = Fitting(executor or stack.enter_context(self._executor()), self.progress, kept, limits)
            if results is not None:
                made.results = results
            if executor is not None or not one_part:
                yield made
                return
            ending = threading.Thread(target=made.executor.close, name="executor-end")
            made.over = ending.start
            yield made
            if ending.ident is not None:
                ending.join()

    def _executor(self) -> Executor:
        wanted = self.recipe.execution
        specs = [
            self.registry.get("model", (m.plugin if m else None) or name) for name, m in self.recipe.models.items()
        ]
        return make_executor(
            wanted.executor,
            wanted.workers,
            Remote(wanted.address, self.home.path, wanted.allow_insecure),
            modules_of(need for spec in specs for need in spec.requires),
        )


def open_session(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    *,
    home: str | Path | None = None,
    plugins: Iterable[Any] = (),
    overrides: Iterable[str] = (),
    progress: Progress | None = None,
) -> Session:
    """Load plugins, read and resolve the recipe."""
    registry = Registry.load(plugins)
    if isinstance(recipe, Recipe):
        loaded = recipe
    elif isinstance(recipe, Mapping):
        loaded = validate(extend(recipe, registry), "given")
    else:
        loaded = load_recipe(recipe, registry, overrides)
    if overrides and not isinstance(recipe, str | Path):
        raise RecipeError("overrides apply to a recipe given by name or path; change the mapping itself")
    for path in loaded.plugins:
        registry.add(path)
    registry.check()
    resolved, warned = resolve(loaded, registry)
    session = Session(resolved, registry, Home(home), progress or Progress())
    for message in warned:
        session.warn(message)
    for broken in registry.broken:
        # Told, but not kept: it takes no part in the run, and so must not change its digest.
        session.progress.warn(f"the plugin {broken.provider} is broken: {broken.reason}")
    return session


def restore_session(stored: Run, *, progress: Progress | None = None, overrides: Iterable[str] = ()) -> Session:
    """Return the session of a stored run: its resolved recipe and the plugin sources it used."""
    begun = stored.begun()
    inline = [f"{p['kind']} {p['name']!r}" for p in begun["plugins"] if p.get("inline")]
    if inline:
        raise StoreError(
            f"run {stored.id} used the inline plugin {inline[0]}, which is stored nowhere: it cannot be computed "
            "again; put it into a file and give that"
        )
    # What lies in folders now may be other than what ran; the run keeps what did.
    registry = Registry.load(environment=False)
    for used in {(p["sha256"], p["file"]) for p in begun["plugins"] if p["sha256"]}:
        registry.add_local(stored.home.source(*used), given=True)
    table = dict(begun["recipe"])
    # Which cluster there is, is a matter of now.
    table["execution"] = {k: v for k, v in table["execution"].items() if k != "address"}
    for item in overrides:
        table = merge(table, nested_override(item), f"--set {item}")
    recipe = validate(_dates(table), stored.id)
    if recipe_digest(recipe, registry) != begun["recipe_digest"]:
        raise IntegrityError(f"the recipe of run {stored.id} was changed after it: it has another digest")
    return Session(recipe, registry, stored.home, progress or Progress())


EXECUTORS = ("auto", "serial", "processes", "ray")


def executor(name: str = "auto", workers: int = 0, *, address: str = "", home: str | Path | None = None) -> Executor:
    """Start an executor to share among runs: ``with quorate.executor() as e: quorate.run(..., executor=e)``.

    Its processes stay, with what they have imported, until the context is left.

    Parameters
    ----------
    name : {"auto", "serial", "processes", "ray"}
        As `execution.executor` of a recipe.
    workers : int
        Fits at a time; 0: one per CPU.
    address : str
        A Ray cluster, ``HOST:PORT``.
    home : path, optional
        Where the token of a cluster is found that was started with it.

    Raises
    ------
    RecipeError
        For another name.
    """
    if name not in EXECUTORS:
        raise RecipeError(
            f"an executor must be one of {one_of(EXECUTORS)}; it was {name!r}{near_misses(name, EXECUTORS)}"
        )
    return make_executor(name, workers, Remote(address, Home(home).path))


def _dates(table: dict[str, Any]) -> dict[str, Any]:
    holdout = dict(table.get("holdout", {}))
    if isinstance(holdout.get("start"), str):
        holdout["start"] = dt.date.fromisoformat(holdout["start"])
    return {**table, "holdout": {k: v for k, v in holdout.items() if v is not None}}


def load_bars(session: Session) -> Bars:
    """Ask the recipe's source for its bars."""
    recipe, registry = session.recipe, session.registry
    spec = registry.get("source", recipe.data.source)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default", DataWarning)
        try:
            bars = spec.resolve()(**substitute(recipe.data.options, "data"))
        except QuorateError as e:
            told = redact(str(e), recipe.data.options)
            if told == str(e):
                raise
            raise type(e)(told) from None
        except Exception as e:
            told = redact(str(e), recipe.data.options)
            # A traceback would tell what the message hides.
            cause = e if told == str(e) else None
            raise QuorateError(f"source {recipe.data.source!r} failed: {type(e).__name__}: {told}") from cause
    for warning in caught:
        if issubclass(warning.category, DataWarning):
            session.warn(redact(str(warning.message), recipe.data.options))
    if not isinstance(bars, Bars):
        raise QuorateError(f"source {recipe.data.source!r} must return quorate.Bars; it returned {type(bars).__name__}")
    if told := _wrong_calendar(bars):
        session.warn(told)
    return bars


def _wrong_calendar(bars: Bars) -> str:
    """Return what to say, if the bars are not those of their calendar."""
    calendar = bars.calendar
    weekend = np.mean(np.isin((bars.sessions.astype(np.int64) + 3) % 7, (5, 6)))
    closed = calendar.sessions_per_year < 300 and weekend > 0.01 and bars.bars_per_year > 52
    advice = (
        'for a market that never closes set data.calendar = "24x7"'
        if closed
        else "set data.calendar to the one of the market"
    )
    seen = sessions_per_year(np.unique(bars.sessions))
    usual = {calendar.sessions_per_year, 52, 12}
    if seen is not None and all(abs(seen / n - 1) > TOLERANCE for n in usual):
        return (
            f"the bars have {seen:.0f} sessions a year, calendar {calendar.name!r} has {calendar.sessions_per_year}: "
            f"annualised by {bars.bars_per_year:g} bars a year; {advice}"
        )
    if closed:
        return (
            f"{weekend:.0%} of the sessions fall on weekends, but calendar {calendar.name!r} "
            f"has {calendar.sessions_per_year} sessions a year: {advice}"
        )
    return ""


def keep_sources(session: Session) -> None:
    """Store the plugin files, so that the run can be computed again after they changed."""
    for plugin in session.registry:
        if plugin.provider.local is not None:
            session.home.keep_source(plugin.provider.local)

"""The session: a resolved recipe with its registry and home, new or as it was in a stored run."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from quorate.errors import RecipeError, near_misses, one_of
from quorate.execution.cache import FitCache
from quorate.execution.choose import make_executor
from quorate.execution.executor import Executor, Limits, Remote
from quorate.execution.features import made_here
from quorate.execution.progress import Progress
from quorate.execution.watch import Watching
from quorate.plugins.calling import seconds_per_call
from quorate.plugins.code import modules_of
from quorate.plugins.guard import IMPORT_SECONDS
from quorate.plugins.registry import Registry
from quorate.plugins.specs import ModelSpec
from quorate.recipe.covariates import offer_features
from quorate.recipe.load import extend, from_python, load_recipe, merge, nested_override, validate
from quorate.recipe.resolve import resolve
from quorate.recipe.schema import Execution, Recipe
from quorate.recipe.text import parse
from quorate.store import Home
from quorate.store.checkpoints import FOLDER as CHECKPOINTS
from quorate.store.kept import KeptArrays
from quorate.store.models import KeptModels

if TYPE_CHECKING:
    from quorate.runs.quality import Quality
    from quorate.walkforward.members import Fitting

T = TypeVar("T")


@dataclass
class Session:
    """A resolved recipe with its registry, home and listeners: what every command starts from."""

    recipe: Recipe
    registry: Registry
    home: Home
    progress: Progress = field(default_factory=Progress)
    warnings: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)  # made in the recipe that was given, ``key=value``
    quality: Quality | None = None  # what was found in the bars, and set apart, where the recipe has checks

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
        keep: bool = False,
        keep_last: bool = False,
        one_part: bool = False,
        start: bool = True,
    ) -> Iterator[Fitting]:
        """Yield where fits are done, and end afterwards what was started for them.

        Parameters
        ----------
        executor : Executor, optional
            The caller's; else one as the recipe says.
        cache : bool
            Whether finished fits are taken from the home and kept there, if the recipe wants that.
        keep : bool
            Whether fitted models are kept in the home, if the recipe wants that.
        keep_last : bool
            Those of the last fold are kept, whatever the recipe wants.
        one_part : bool
            An executor of its own is ended while what follows the fits of the first part is computed.
        start : bool
            Else nothing can be fitted; it can only be told what would be.
        """
        from quorate.walkforward.members import Fitting  # showing a recipe does not need it
        from quorate.walkforward.models import Keeping, Wanted
        from quorate.walkforward.warm import States

        wanted = self.recipe.execution
        limits = Limits(wanted.fit_seconds, int(wanted.fit_memory * 2**30), self.progress.warn, self.progress.note)
        with ExitStack() as stack:
            stack.enter_context(seconds_per_call(limits.seconds))
            kept = FitCache(self.home.path / "fits", self.progress.warn) if cache and wanted.cache else None
            if kept is not None:
                stack.callback(kept.close)
            arrays = KeptArrays(self.home.path, made_here(), write=start) if kept is not None else None
            ready = executor or stack.enter_context(self._executor(start))
            home = KeptModels(self.home.path)
            which: Wanted = "last" if keep_last and wanted.keep_models == "no" else wanted.keep_models
            models = Keeping(home, which) if keep or keep_last else None
            states = States(home if kept is not None else None, self.progress.warn)
            every = wanted.checkpoint_seconds
            watching = Watching(self.home.path / CHECKPOINTS, every) if kept is not None and every and start else None
            made = Fitting(ready, self.progress, kept, arrays, limits, models, states, watching)
            if executor is not None or not one_part:
                yield made
                return
            ending = threading.Thread(target=made.executor.close, name="executor-end")
            made.over = ending.start
            yield made
            if ending.ident is not None:
                ending.join()

    def _executor(self, start: bool) -> Executor:
        wanted = self.recipe.execution
        specs = [
            self.registry.get(ModelSpec, (m.plugin if m else None) or name) for name, m in self.recipe.models.items()
        ]
        return make_executor(
            wanted.executor,
            wanted.workers,
            Remote(wanted.address, self.home.path, wanted.allow_insecure),
            modules_of(need for spec in specs for need in spec.requires),
            start,
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
    if not isinstance(recipe, str | os.PathLike | Mapping | Recipe):
        raise RecipeError(f"a recipe is given by its name, its path or as a mapping; it was {type(recipe).__name__}")
    registry = Registry.load(plugins, seconds=_import_seconds(recipe, overrides))
    if isinstance(recipe, Recipe):
        loaded = recipe
    elif isinstance(recipe, Mapping):
        loaded = validate(extend(recipe, registry), "given", registry)
    else:
        loaded = load_recipe(recipe, registry, overrides)
    if overrides and not isinstance(recipe, str | Path):
        raise RecipeError("overrides apply to a recipe given by name or path; change the mapping itself")
    for path in loaded.plugins:
        registry.add(path)
    offer_features(loaded, registry)
    registry.check()
    resolved, warned = resolve(loaded, registry)
    session = Session(resolved, registry, Home(home), progress or Progress(), changes=_changes(recipe, overrides))
    for message in warned:
        session.warn(message)
    for broken in registry.broken:
        # Told, but not kept: it takes no part in the run, and so must not change its digest.
        session.progress.warn(f"the plugin {broken.provider} is broken: {broken.reason}")
    return session


def _changes(recipe: str | Path | Mapping[str, Any] | Recipe, overrides: Iterable[str]) -> list[str]:
    """Return what was changed in a recipe that was given, or that a table extends, but for where fits run."""
    own = from_python(recipe) if isinstance(recipe, Mapping) and "extends" in recipe else {}
    told = [f"{key}={value}" for key, value in _dotted(own) if key not in ("extends", "name", "description")]
    return [item for item in (*told, *overrides) if not item.startswith("execution.")]


def _dotted(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            yield from _dotted(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _import_seconds(recipe: str | Path | Mapping[str, Any] | Recipe, overrides: Iterable[str]) -> float:
    """Return how long plugins may take to be imported, as far as that is known before there are any."""
    if isinstance(recipe, Recipe):
        return recipe.execution.import_seconds
    table: dict[str, Any] = {}
    with suppress(OSError, ValueError, LookupError, TypeError, RecipeError):
        if isinstance(recipe, Mapping):
            table = dict(recipe)
        elif Path(recipe).suffix == ".toml":
            table = parse(Path(recipe).read_text(encoding="utf-8"), "")
        for item in overrides:
            table = merge(table, nested_override(item), "")
        return Execution.model_validate({"import_seconds": table["execution"]["import_seconds"]}).import_seconds
    return IMPORT_SECONDS


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


def keep_sources(session: Session) -> None:
    """Store the plugin files, so that the run can be computed again after they changed."""
    for plugin in session.registry:
        if plugin.provider.local is not None:
            session.home.keep_source(plugin.provider.local)

"""Auditions: what a new member would add to the ensemble of a recipe, before the recipe is changed.

1. The session of each recipe is opened with the member in it; `_joined` and `_without` are the two recipes.
2. Both are laid out up to the holdout. The members that are there are fitted as a run fits them, so that a home which
   has run the recipe has their fits already; then the new member alone.
3. The ensembler combines with and without it, the strategy trades both, and `evidence.marginal` compares them.
4. What was looked at of the recipe's own bars enters the ledger; of the simulated markets nothing does.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from quorate.bars.panel import Bars
from quorate.errors import PluginError, RecipeError, one_of
from quorate.evidence.evidence import Performance
from quorate.evidence.ledger import Recorder, ledger_of
from quorate.evidence.marginal import SIZE, Answer, because
from quorate.execution.executor import Executor
from quorate.execution.progress import Clock, Progress
from quorate.plugins.registry import Registry
from quorate.plugins.specs import ModelSpec
from quorate.recipe.canonical import digest
from quorate.recipe.digest import recipe_digest
from quorate.recipe.resolve import resolve
from quorate.recipe.schema import Model, Recipe
from quorate.runs.audition_result import concluded, told_of, trading_of
from quorate.runs.driving import read_bars
from quorate.runs.session import Session, open_session
from quorate.runs.surroundings import in_usual_surroundings
from quorate.walkforward.beside import fit_beside
from quorate.walkforward.layout import holdout_start
from quorate.walkforward.series import Series

Given = str | Path | Mapping[str, Any] | Recipe
Kind = Literal["recipe", "planted", "noise"]


@dataclass(frozen=True)
class Audition:
    """What a new member would add.

    Parameters
    ----------
    document : mapping
        ``plugin``, ``params``; ``verdict``, ``JOIN``, ``REDUNDANT``, ``HARMFUL`` or ``TOO EARLY``; ``sentences``, the
        first of which says why; ``rules``, by which it is given; ``markets``, one for each recipe, planted and noise:
        ``kind``, ``recipe``, ``verdict`` (of noise ``HARMFUL`` or ``HARMLESS``), ``reason``, ``span``, ``loss``,
        ``set``, ``alike``, ``trading``, ``fits``,
        ``ledger``; ``telemetry``.
    """

    document: Mapping[str, Any]

    @property
    def verdict(self) -> Answer:
        """What follows from all markets."""
        answer: Answer = self.document["verdict"]
        return answer

    @property
    def sentences(self) -> list[str]:
        """What was found, in words; the first says the verdict and why."""
        return list(self.document["sentences"])

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return dict(self.document)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what the terminal does."""
        from quorate.report.console import as_html
        from quorate.report.views.audition import render

        return as_html(lambda: render(self.document))

    def __repr__(self) -> str:
        return f"Audition({self.sentences[0]})"


@in_usual_surroundings
def audition(
    plugin: Any,
    recipes: Given | Iterable[Given] = (),
    *,
    params: Mapping[str, Any] | None = None,
    planted: Given | None = "planted",
    noise: Given | None = "noise",
    home: str | Path | None = None,
    plugins: Iterable[Any] = (),
    overrides: Iterable[str] = (),
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Audition:
    """Say what a model would add to the ensembles of recipes, if it were one of their members.

    Only its own fits are computed where the home has run the recipes before. Holdouts stay closed. The series that are
    looked at of a recipe's own bars are trials, and enter the ledger; those of `planted` and `noise` do not.

    Parameters
    ----------
    plugin : str, path, spec, or object with hooks
        The name of a model, or what offers one. Of a recipe that has it already it is held against the others.
    recipes : recipe, or several
        As `quorate.run` takes them; without any, the verdict is that of the planted market.
    params : mapping, optional
        Parameters of the model, beside its defaults or the recipe's.
    planted, noise : recipe or None
        Markets of which it is known what there is to find: something, and nothing. None leaves one out.
    home, plugins, progress, executor
        As of `quorate.run`.
    overrides : iterable of str
        ``key=value``, for `recipes` alone.

    Returns
    -------
    Audition

    Raises
    ------
    RecipeError
        If there is no such model, or nothing to hold it against.
    QuorateError
        For anything else the user can put right.
    """
    given = [recipes] if isinstance(recipes, str | os.PathLike | Mapping | Recipe) else list(recipes)
    every: list[tuple[Kind, Given]] = [("recipe", one) for one in given]
    simulated: list[tuple[Kind, Given | None]] = [("planted", planted), ("noise", noise)]
    every += [(kind, one) for kind, one in simulated if one is not None]
    if all(kind == "noise" for kind, _ in every):
        raise RecipeError("audition: there is nothing to judge by: name a recipe, or leave the simulated markets in")
    clock, (name, files) = Clock(progress or Progress()), _named(plugin)
    ready: list[tuple[Kind, Session, Recipe]] = []
    left_out = []
    offered, changes = [*plugins, *files], tuple(overrides)
    for kind, one in every:
        with clock.stage("recipe"):
            try:
                session = open_session(
                    one,
                    home=home,
                    plugins=offered,
                    overrides=changes if kind == "recipe" else (),
                    progress=clock.progress,
                )
                ready.append((kind, *_opened(session, name, bool(files), params or {})))
            except RecipeError as e:
                if kind == "recipe" or not given:
                    raise
                left_out.append(f"It was not tried on the {kind} market: {str(e).removeprefix('audition: ')}.")
    markets = [
        _market(kind, session, alone, name, SIZE / max(len(given), 1) if kind == "recipe" else SIZE, clock, executor)
        for kind, session, alone in ready
    ]
    told = concluded(name, params or {}, markets)
    told["sentences"] += left_out
    return Audition({**told, "telemetry": clock.telemetry()})


def _named(plugin: Any) -> tuple[str, list[Any]]:
    """Return the name of the model, and what is to be given to have it."""
    if isinstance(plugin, str) and not plugin.endswith(".py") and os.sep not in plugin:
        return plugin, []
    offered = Registry.load([plugin], environment=False).given("model")
    if len(offered) == 1:
        return offered[0], [plugin]
    what = plugin if isinstance(plugin, str | os.PathLike) else getattr(plugin, "name", type(plugin).__name__)
    if not offered:
        raise RecipeError(
            f"audition: {what} must offer a model that can be used; it offers none: quorate check says why"
        )
    raise RecipeError(
        f"audition: one model at a time; {what} offers {one_of(offered)}: "
        f"name one and give the file beside it, quorate audition {offered[0]} --plugin {what}"
    )


def _opened(session: Session, name: str, given: bool, params: Mapping[str, Any]) -> tuple[Session, Recipe]:
    """Return the session of the recipe with the member, and the recipe without it."""
    session.home.check_writable()
    joined = _joined(session, name, params)
    return replace(session, recipe=joined), _without(joined, session.registry, name, given)


def _joined(session: Session, name: str, params: Mapping[str, Any]) -> Recipe:
    """Return the recipe with the member in it, all its parameters written out."""
    recipe, registry = session.recipe, session.registry
    own = recipe.models.get(name)
    plugin = (own.plugin if own else None) or name
    try:
        found = registry.find("model", plugin)
    except PluginError as e:
        raise RecipeError(f"audition: {e}") from e
    if found.state != "ok":
        raise RecipeError(f"audition: model {plugin!r} cannot be used: it {found.reason}")
    if registry.get(ModelSpec, plugin).baseline:
        raise RecipeError(f"audition: model {plugin!r} is a baseline, which has no vote in an ensemble")
    options = {**(own.model_dump() if own else {}), "plugin": plugin, **params}
    models = {**recipe.models, name: Model.model_validate(options)}
    return resolve(recipe.model_copy(update={"models": models}), registry)[0]


def _without(joined: Recipe, registry: Registry, name: str, given: bool) -> Recipe:
    """Return the recipe without the member, and without the features that came with its file."""
    models = {one: model for one, model in joined.models.items() if one != name}
    others = [registry.get(ModelSpec, (model and model.plugin) or one) for one, model in models.items()]
    if all(spec.baseline for spec in others):
        raise RecipeError(
            f"audition: recipe {joined.name!r} has no member but {name!r}, so there is no ensemble to hold it against: "
            f"add one, e.g. [models.{'lasso' if name == 'ridge' else 'ridge'}]"
        )
    source = registry.find("model", (joined.models[name] or Model()).plugin or name).provider
    came = {
        feature
        for feature in registry.given("feature")
        if given and registry.find("feature", feature).provider.module == source.module
    }
    features = joined.features.model_copy(update={"use": [one for one in joined.features.use if one not in came]})
    return joined.model_copy(update={"models": models, "features": features})


def _market(
    kind: Kind, session: Session, alone: Recipe, name: str, size: float, clock: Clock, executor: Executor | None
) -> dict[str, Any]:
    """Return what the member adds on one market, as plain data; `alone` is the recipe without it."""
    joined = session.recipe
    session.home.claim()
    bars = read_bars(session, clock)
    seen = bars.until(holdout_start(bars, joined))
    with session.fitting(executor) as fitting:
        stage = fit_beside(joined, alone, session.registry, seen, name, clock, fitting)
    with clock.stage("backtest"):
        series, judged = stage.judged()
    with clock.stage("evidence"):
        found = stage.compared(series, judged, size)
        ledger = _recorded(session, bars, series, judged) if kind == "recipe" else None
    sessions = stage.walk.bars.sessions
    trading = trading_of(judged, found)
    verdict = found.verdict if kind != "noise" or found.verdict == "HARMFUL" else "HARMLESS"
    return {
        "kind": kind,
        "recipe": session.recipe.name,
        "verdict": verdict,
        "reason": because(found, trading["gain"]) if verdict != "HARMLESS" else "it does no harm beyond chance",
        "span": {"first": str(sessions[stage.first]), "last": str(sessions[-1]), "folds": len(stage.walk.folds)},
        **told_of(found, stage.loss),
        "trading": trading,
        "fits": stage.fits,
        "ledger": ledger,
        "warnings": list(session.warnings),
    }


def _recorded(session: Session, bars: Bars, series: Sequence[Series], judged: Sequence[Performance]) -> dict[str, Any]:
    """Enter what was looked at in the ledger: whoever decides by it has seen it. A series that was known adds nothing.

    The ensemble with the member is what a run of the recipe with it will judge: then it is no trial any more.
    """
    registered = recipe_digest(session.recipe, session.registry)
    run = f"audition-{digest({'recipe': registered, 'data': bars.fingerprint})[:12]}"
    known = {entry.get("key") for entry in ledger_of(session.home).entries()}
    recorder = Recorder(
        session.home, bars, run=run, part="development", recipe_digest=registered, members=session.recipe.models
    )
    tried = recorder({one.label: performance for one, performance in zip(series, judged, strict=True)})
    new = {entry["key"] for entry in ledger_of(session.home).of_run(run)} - known
    return {"run": run, "new": len(new), "trials": tried.n, "effective": tried.effective}

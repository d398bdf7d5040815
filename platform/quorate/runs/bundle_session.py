"""The session of a bundle's run: with its plugin files where these are trusted, else with what is installed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quorate.errors import QuorateError
from quorate.execution.progress import Progress
from quorate.plugins.registry import Registry
from quorate.recipe.covariates import offer_features
from quorate.recipe.load import validate
from quorate.report.report import Report
from quorate.runs.session import Session
from quorate.runs.stored import restore_session

# What fits of other models do not depend on.
BESIDE_FITS = ("model", "ensembler", "metric", "gate")
HERE = ("execution.executor=auto", "execution.workers=0")  # where fits run is no matter of who made the bundle


@dataclass(frozen=True)
class Opened:
    """What can be computed of a bundle.

    Parameters
    ----------
    session : Session or None
        None, where nothing can be.
    whole : bool
        Whether all plugins of the run are in it, so that figures can be computed, too.
    unchecked : list of str
        What cannot be, and why.
    """

    session: Session | None
    whole: bool
    unchecked: list[str] = field(default_factory=list)


def session_of(report: Report, trusted: bool, progress: Progress) -> Opened:
    """Return the session of a bundle's run; its plugin files are executed only where they are trusted."""
    assert report.source is not None
    local = [(p["kind"], p["name"]) for p in report.provenance["plugins"] if p["sha256"]]
    try:
        if trusted or not local:
            return Opened(restore_session(report.source, progress, HERE), True)
        names = ", ".join(f"{kind} {name!r}" for kind, name in local)
        why = f"the bundle's own plugin files are not executed ({names}): read them, and say --trust if you trust them"
        if any(kind not in BESIDE_FITS for kind, _ in local):
            return Opened(None, False, [f"{why}; every fit depends on them, so none was computed anew"])
        models = {name for kind, name in local if kind == "model"}
        return Opened(_without(report, models, progress), False, [f"{why}; figures, and fits of these, are unchecked"])
    except QuorateError as e:
        return Opened(None, False, [f"the run cannot be computed here: {e}"])


def _without(report: Report, models: set[str], progress: Progress) -> Session:
    """Return the session without the bundle's own models, and all that judges."""
    assert report.source is not None
    table: dict[str, Any] = dict(report.provenance["recipe"])
    table["execution"] = {}
    table["holdout"] = {k: v for k, v in table.get("holdout", {}).items() if v is not None}
    table["models"] = {name: one for name, one in table["models"].items() if (_plugin(one) or name) not in models}
    registry = Registry.load(environment=False)
    recipe = validate(table, report.run_id)
    offer_features(recipe, registry)
    return Session(recipe, registry, report.source.home, progress)


def _plugin(model: Any) -> str | None:
    return model.get("plugin") if isinstance(model, Mapping) else None

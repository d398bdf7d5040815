"""A stored run opened again: its report as it was written, its recipe, bars and plugin files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from quorate.bars.panel import Bars
from quorate.errors import IntegrityError, RecipeError, StoreError
from quorate.execution import machine
from quorate.execution.progress import Progress
from quorate.plugins.registry import Registry
from quorate.recipe.covariates import offer_features
from quorate.recipe.digest import recipe_digest, used_plugins
from quorate.recipe.load import merge, nested_override, validate
from quorate.report.report import Report
from quorate.runs.session import Session
from quorate.store import Home, Run
from quorate.store.trust import require, trust


def reopen(
    report: Report, progress: Progress, *, overrides: Iterable[str] = (), changes: str = ""
) -> tuple[Session, Bars]:
    """Open a finished run again: its recipe with the plugin files that it used, and its bars.

    Parameters
    ----------
    overrides : iterable of str
        For ``execution`` only.
    changes : str
        How a warning begins that a library or the processor is not as it was; empty: none is told.

    Raises
    ------
    StoreError, IntegrityError
        If what it was made of is gone, or is not what was stored.
    """
    assert report.source is not None  # it was loaded
    session = restore_session(report.source, progress, overrides)
    if changes:
        for change in changed_since(report.provenance):
            session.warn(f"{changes}: {change}")
    return session, report.source.home.bars(report.provenance["data"]["fingerprint"])


def reopen_unfinished(stored: Run, progress: Progress, overrides: Iterable[str]) -> tuple[Session, Bars | None]:
    """Open a run that was not finished, with its bars, if it had read them; says what is not as it was.

    Raises
    ------
    StoreError
        If it was stopped before it had begun.
    """
    stored.home.check_writable()
    session = restore_session(stored, progress, overrides)
    begun = stored.begun()
    if begun["data"] is None:
        require(stored.home.path, f"{stored.kind} {stored.id} would read the bars that its home's recipe names")
    session.warnings += begun["warnings"]
    for change in changed_since(begun):
        session.warn(f"not as when the run was begun: {change}")
    code = {(p["kind"], p["name"]): p.get("code") for p in begun["plugins"]}
    for plugin in used_plugins(session.recipe, session.registry, stored.kind == "sweep"):
        if plugin.get("code") != code.get((plugin["kind"], plugin["name"])):
            session.warn(
                f"not as when the run was begun: the code of {plugin['kind']} {plugin['name']!r}, in a module that "
                "it imports: the results are those of the code as it is now"
            )
    return session, stored.home.bars(begun["data"]["fingerprint"]) if begun["data"] else None


def restore_session(stored: Run, progress: Progress, overrides: Iterable[str]) -> Session:
    """Return the session of a stored run: its resolved recipe and the plugin sources it used."""
    begun = stored.begun()
    inline = [f"{p['kind']} {p['name']!r}" for p in begun["plugins"] if p.get("inline") and p["kind"] != "alert"]
    if inline:
        raise StoreError(
            f"{stored.kind} {stored.id} used the inline plugin {inline[0]}, which is stored nowhere: it cannot be "
            "computed again; put it into a file and give that"
        )
    # What lies in folders now may be other than what ran; the run keeps what did.
    if files := sorted({str(p["file"]) for p in begun["plugins"] if p["sha256"]}):
        require(
            stored.home.path,
            f"{stored.kind} {stored.id} would execute the plugin files that its home keeps ({files[0]}, ...)",
        )
    registry = Registry.load(environment=False)
    for used in {(p["sha256"], p["file"]) for p in begun["plugins"] if p["sha256"]}:
        registry.add_local(stored.home.source(*used), given=True)
    table = dict(begun["recipe"])
    # Which cluster there is, and whether its network may see a token, is a matter of now.
    table["execution"] = {k: v for k, v in table["execution"].items() if k not in ("address", "allow_insecure")}
    for item in overrides:
        table = merge(table, nested_override(item), f"--set {item}")
    table["holdout"] = {k: v for k, v in table.get("holdout", {}).items() if v is not None}
    recipe = validate(table, stored.id)
    offer_features(recipe, registry)
    if recipe_digest(recipe, registry) != begun["recipe_digest"]:
        raise IntegrityError(f"the recipe of {stored.kind} {stored.id} was changed after it: it has another digest")
    return Session(recipe, registry, stored.home, progress)


def changed_since(then: Mapping[str, Any]) -> list[str]:
    """Return libraries and processor that are not what a run's first note, or its provenance, says they were."""
    here = {**machine.libraries(), **machine.machine()}
    return machine.differing({**then["libraries"], **then["machine"]}, here)


def trust_home(home: str | Path | None = None) -> None:
    """Say that a home may be trusted as it is: its plugin files are executed, and its recipes read what they name.

    A home that you made here is trusted already; one that was copied, moved or cloned is not. It is noted outside
    the home, and so asked once for each place.

    Parameters
    ----------
    home : str or Path, optional
        The home's folder; default: ``QUORATE_HOME``, else ``.quorate``.

    Raises
    ------
    StoreError
        If there is none, or it cannot be noted.
    """
    trust(Home(home).path)


def check_execution_only(overrides: Iterable[str], command: str) -> None:
    """Raise `RecipeError`, if an override is for more than where fits run."""
    for item in overrides:
        if not item.startswith("execution."):
            raise RecipeError(f"{command} takes --set for execution only: {item} would make it another run")

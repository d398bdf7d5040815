"""Putting a recipe through all detectors, and keeping what they found."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from quorate.bars.held_out import without
from quorate.bars.panel import Bars
from quorate.errors import StoreError
from quorate.execution.executor import Executor
from quorate.execution.progress import Progress
from quorate.plugins.code import code_digest
from quorate.recipe.canonical import digest
from quorate.recipe.digest import used_plugins
from quorate.runs.audit.detectors import Finding, findings
from quorate.runs.audit.held_out import held_out
from quorate.runs.audit.pipeline import audited, options_of
from quorate.runs.held_out import hold_out
from quorate.runs.loading import load_bars
from quorate.runs.session import Session, open_session
from quorate.runs.surroundings import in_usual_surroundings
from quorate.store import Home
from quorate.store.files import write_json
from quorate.walkforward.layout import holdout_start

VERSION = 1
DRAWS = 20


@dataclass(frozen=True)
class Audit:
    """What the audit of a pipeline found.

    Parameters
    ----------
    recipe, key : str
        Name, and the hash of all that turns bars into decisions.
    data : str
        Fingerprint of the bars that it was audited on.
    full : bool
        Whether with the recipe's own folds and parameters.
    findings : tuple of Finding
        One per detector.
    """

    recipe: str
    key: str
    data: str
    full: bool
    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        """Whether no detector raised an alarm."""
        return not any(finding.state == "alarm" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"schema_version": VERSION, **asdict(self), "clean": self.clean}

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what the terminal does."""
        from quorate.report.console import as_html
        from quorate.report.views.audit import render

        return as_html(lambda: render(self.to_dict()))


@in_usual_surroundings
def audit(
    recipe: str | Path | Mapping[str, Any],
    *,
    home: str | Path | None = None,
    plugins: Iterable[Any] = (),
    overrides: Iterable[str] = (),
    full: bool = False,
    draws: int = DRAWS,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Audit:
    """Put the pipeline of a recipe through all detectors; the holdout stays closed.

    What is found is kept in the home, where the gate ``null-market`` of a run with the same pipeline reads it.

    Parameters
    ----------
    recipe, home, plugins, overrides, progress, executor
        As of `quorate.run`.
    full : bool
        Use the recipe's own folds and parameters; else four folds and every model's ``audit_params``.
    draws : int
        Markets without anything to find.

    Returns
    -------
    Audit
    """
    session = open_session(recipe, home=home, plugins=plugins, overrides=overrides, progress=progress)
    try:
        return audit_session(session, hold_out(session, load_bars(session)), full, draws, executor)
    finally:
        session.progress.close()


def audit_session(
    session: Session, bars: Bars, full: bool = False, draws: int = DRAWS, executor: Executor | None = None
) -> Audit:
    """Audit the pipeline of an open session on its bars, and keep what is found in its home."""
    whole = bars.until(holdout_start(bars, session.recipe))
    bars = without(whole, session.recipe.holdout.held_out)
    session.home.claim()
    small = replace(session, recipe=audited(session.recipe, session.registry, bars, full))
    with small.fitting(executor) as fitting:
        if not full:  # small fits are over before anyone could read of them: the detectors tell where they are
            fitting.progress = Progress()
        found = [held_out(small.recipe, small.registry, whole)] if whole is not bars else []
        found += findings(small.recipe, small.registry, bars, fitting, draws, session.progress.stage)
    result = Audit(session.recipe.name, pipeline_key(session), bars.fingerprint, full, tuple(found))
    write_json(_path(session.home, result.key), result.to_dict())
    return result


def _path(home: Home, key: str) -> Path:
    return home.path / "audits" / f"{key}.json"


def pipeline_key(session: Session, judging: bool = False) -> str:
    """Return the hash of all that turns bars into decisions: options and code, but no data and no gates.

    With `judging` also of the code of gates, metrics and costs.

    Code is that of the plugins and of the modules that they import, see `quorate.plugins.code.code_digest`.
    """
    digests: dict[tuple[str, str | None], str] = {}
    code = []
    for used in used_plugins(session.recipe, session.registry):
        if used["kind"] == "source" or (used["kind"] in ("gate", "metric", "cost") and not judging):
            continue
        plugin = session.registry.find(used["kind"], used["name"])
        assert plugin.spec is not None  # it is used
        factory, provider = plugin.spec.resolve(), plugin.provider
        while isinstance(factory, partial):
            factory = factory.func
        # Functions of one module rest on the same code.
        place = provider.module, getattr(factory, "__module__", None)
        if place not in digests:
            digests[place] = code_digest(factory, provider.module, provider.local)
        code.append([used["kind"], used["name"], used["version"] or "", digests[place]])
    return digest({"recipe": options_of(session.recipe), "code": sorted(code)})


def find_audit(home: Home, key: str) -> Mapping[str, Any] | None:
    """Return what the home knows of a pipeline's audit, as `Audit.to_dict` gives it; None if there is none."""
    with suppress(FileNotFoundError):
        stored = json.loads(_path(home, key).read_text(encoding="utf-8"))
        if stored["schema_version"] > VERSION:
            raise StoreError(
                f"the audit {key[:12]} was written by a later version (schema {stored['schema_version']}, this knows "
                f"{VERSION}): audit again, or update quorate"
            )
        return stored  # type: ignore[no-any-return]
    return None

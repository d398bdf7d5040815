"""Registering what was promoted: a version holds all that it takes to forecast as the run did, and why it may."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quorate import __version__
from quorate.errors import FitError, IntegrityError, RecipeError, StoreError
from quorate.evidence.ledger import (
    Stages,
    Standing,
    ledger_of,
    record_rollback,
    record_stage,
    record_version,
    stages_of,
)
from quorate.evidence.ledger.reports import missed
from quorate.execution.progress import Progress
from quorate.report.report import PARTS, Report
from quorate.runs.loaded import load_report
from quorate.runs.mirroring import mirrored
from quorate.runs.models import RunModels, models_of
from quorate.runs.predict import Prediction, predict
from quorate.runs.reproduce import differences_of
from quorate.runs.stored import reopen
from quorate.runs.surroundings import in_usual_surroundings
from quorate.store import Home
from quorate.store.models import KeptModels
from quorate.store.registry import NAME, Versions
from quorate.walkforward.layout import fold_facts
from quorate.walkforward.pretrained import begun_with, check_licences

if TYPE_CHECKING:
    import pandas as pd

    from quorate.bars.panel import Bars

AGAINST = ("sharpe", "max-drawdown", "win-rate", "total-return", "alpha")  # of the metrics, what a version tells


@dataclass(frozen=True)
class Version:
    """A registered version of an ensemble.

    Parameters
    ----------
    standing : Standing
        Its name and number, and the stage that it is in.
    document : mapping
        What it says it is: run, verdict, models, weights, threshold, data, evidence, files.
    path : Path
        Its folder, which is a home: `quorate.load_report` reads its run there.
    """

    standing: Standing
    document: Mapping[str, Any]
    path: Path

    def predict(self, data: str | Path | Bars | None = None, progress: Progress | None = None) -> Prediction:
        """Return the desired weights for the next bar by the models of this version; `data` as in `quorate.predict`."""
        return predict(self.standing.run, data=data, kept=True, home=self.path, progress=progress)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**self.standing.to_dict(), "path": str(self.path), "document": dict(self.document)}


class ModelRegistry:
    """The versions of ensembles that a home has registered, and their stages.

    Parameters
    ----------
    home : path, optional
        Default ``QUORATE_HOME`` or ``.quorate``.
    progress : Progress, optional
        Hears if a stage could not be mirrored to a tracking server.
    """

    def __init__(self, home: str | Path | None = None, progress: Progress | None = None) -> None:
        self._home = Home(home)
        self._files = Versions(self._home)
        self._progress = progress or Progress()

    def versions(self, name: str | None = None, as_of: str | None = None) -> pd.DataFrame:
        """Return all versions, or those of a name, a row each: fields of `Standing`, oldest first."""
        import pandas as pd

        known = self._stages(as_of)
        rows = [one.to_dict() for each in ([name] if name else known.names) for one in known.of(each)]
        return pd.DataFrame(rows, columns=list(Standing.__dataclass_fields__))

    def get(self, which: str, as_of: str | None = None) -> Version:
        """Return a version.

        Parameters
        ----------
        which : str
            ``NAME@VERSION``, ``NAME@latest`` or ``NAME@champion``; ``NAME`` alone is its champion, or where it has
            none its latest version.
        as_of : str, optional
            A day or moment, UTC: what was registered, and in which stage, at its end.

        Raises
        ------
        StoreError
            If there is none such.
        IntegrityError
            If the version, or the ledger, is not as it was written.
        """
        known = self._stages(as_of)
        name, _, number = which.partition("@")
        if not number:
            number = "champion" if known.champion(name) else "latest"
        return self._read(known.get(name, number))

    def stage(self, which: str, stage: str, reason: str = "") -> Version:
        """Move a version to ``candidate``, ``shadow``, ``champion`` or ``retired``; a new champion retires the old one.

        `which` as in `get`; ``NAME`` alone is its latest version.
        """
        name, _, number = which.partition("@")
        return self._moved(record_stage(self._home, name, number or "latest", stage, reason))

    def rollback(self, name: str, reason: str = "") -> Version:
        """Make the champion before the present one champion again."""
        return self._moved(record_rollback(self._home, name, reason))

    def check(self, which: str) -> list[str]:
        """Return the files of a version that are not as they were when it was registered."""
        one = self.get(which).standing
        return self._files.differing(one.name, one.version)

    def diff(self, one: str, other: str) -> dict[str, Any]:
        """Return how two versions differ, as lines by topic: recipe, data, weights, evidence, code of plugins."""
        before, now = self.get(one), self.get(other)
        reports = [load_report(v.standing.run, home=v.path) for v in (before, now)]
        recipes = [report.provenance["recipe"] for report in reports]
        plugins = [{f"{p['kind']} {p['name']}": p.get("code") or p["sha256"] for p in r.provenance["plugins"]}
                   for r in reports]  # fmt: skip
        told = {topic: (before.document[topic], now.document[topic]) for topic in ("data", "judged", "evidence")}
        pairs = {"recipe": tuple(recipes), **told, "plugins": tuple(plugins)}
        found = {topic: list(_lines(*pair)) for topic, pair in pairs.items()}
        return {"before": before.standing.label, "now": now.standing.label, **found}

    def _stages(self, as_of: str | None) -> Stages:
        return stages_of(self._home, moment_of(as_of) if as_of else None)

    def _moved(self, one: Standing) -> Version:
        version = self._read(one)
        mirrored(self._home, one.run, self._progress)
        return version

    def _read(self, one: Standing) -> Version:
        document = self._files.read(one.name, one.version)
        if document["seal"] != one.seal:
            raise IntegrityError(
                f"{one.label} is not what was registered: its seal is {document['seal'][:12]}, that in the ledger "
                f"{one.seal[:12]}"
            )
        return Version(one, document, self._files.path(one.name, one.version))


def moment_of(text: str) -> dt.datetime:
    """Return the moment of an ISO date, its end, or of a date and time; UTC, unless it says otherwise."""
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise RecipeError(f"as of when must be a date, as 2026-11-30, or 2026-11-30T18:00; it was {text!r}") from None
    if len(text.strip()) == 10:
        found += dt.timedelta(days=1, microseconds=-1)
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


@in_usual_surroundings
def register(
    name: str = "latest",
    *,
    label: str | None = None,
    updates: str = "",
    home: str | Path | None = None,
    progress: Progress | None = None,
) -> Version:
    """Register a run that was promoted, or whose verdict was overridden on record, as a version of its ensemble.

    `quorate.promote` does so itself. The models are those of the run's last fold; one that is not kept is fitted again.
    A run that is registered already is not registered once more.

    Parameters
    ----------
    name : str
        The run's id, an unambiguous part of it, or ``latest``.
    label : str, optional
        What the ensemble is called; default: the name of the recipe.
    updates : str
        The version that this run has brought up to date, such as ``nasdaq@3``; this one says so.

    Raises
    ------
    RecipeError
        If the run has neither passed nor been overridden.
    PluginError
        If a model cannot be kept.
    IntegrityError
        If the run, or the ledger, is not as it was written.
    """
    report = load_report(name, home=home)
    session, bars = reopen(report, progress or Progress(), changes="not as in the run")
    version = register_models(models_of(report, session, bars), label, updates)
    mirrored(session.home, report.run_id, session.progress)
    return version


def registered(home: Home, run: str, label: str | None = None) -> Standing | None:
    """Return the latest version that has the models of a run."""
    known = stages_of(home)
    every = [one for name in known.names for one in known.of(name) if one.run == run and label in (None, name)]
    return every[-1] if every else None


def register_models(models: RunModels, label: str | None = None, updates: str = "") -> Version:
    """Register a run whose rows and folds are laid out already; see `register`."""
    report, home = models.report, models.session.home
    label = label or models.session.recipe.name
    if not NAME.fullmatch(label):
        raise RecipeError(
            f"what an ensemble is called must be lower case letters, digits, - and _, 60 at most; it was {label!r}"
        )
    check_licences(models.session.recipe, models.session.registry)
    override = _allowed(report, home)
    registry = ModelRegistry(home.path)
    if (known := registered(home, report.run_id, label)) is not None:
        version = registry.get(known.label)
        if version.document["report_seal"] == report.seal:
            return version
    kept = list(_models(models))
    facts = {**_facts(models, override, kept), **({"updates": updates} if updates else {})}
    files = _files(report, home, [one["key"] for one in kept])
    done = record_version(
        home,
        label,
        run=report.run_id,
        verdict=report.verdict,
        override=override,
        write_version=lambda number: Versions(home).keep(label, number, files, facts),
    )
    return registry.get(done.label)


def _allowed(report: Report, home: Home) -> str:
    """Return the reason why a run is used in spite of its verdict, empty for one that was promoted; refuse all else."""
    entries = ledger_of(home).of_run(report.run_id)
    for what, expected, found in missed(report.document, entries):
        raise IntegrityError(
            f"run {report.run_id} is not what the ledger knows: {what} must be {expected}; it was {found}"
        )
    if report.promoted:
        return ""
    noted = report.override
    said = [e for e in entries if e.get("kind") == "override"]
    if noted is None or not said or said[-1]["hash"] != noted["hash"] or said[-1]["verdict"] != report.verdict:
        remedy = (
            f"quorate promote {report.run_id}{home.option} opens its holdout"
            if report.verdict == "PASS"
            else f'quorate override {report.run_id} --reason "..."{home.option} uses it all the same, on record'
        )
        state = "its holdout was not opened" if report.verdict == "PASS" else f"its verdict is {report.verdict}"
        raise RecipeError(f"only what was promoted is registered, and run {report.run_id} was not, {state}: {remedy}")
    return str(noted["reason"])


def _models(models: RunModels) -> Iterator[dict[str, Any]]:
    """Yield the models of the run's last fold, each seed's, fitting again what is not kept."""
    fold = models.fold(None)
    for name in models.walk.voting:
        for replicate in range(models.seeds(name)):
            try:
                found = models.of(name, fold, replicate)
            except FitError:  # as in the run, where it took no part
                break
            yield {"model": name, "seed": replicate + 1, "fold": fold.index, "key": found.key}


def _facts(models: RunModels, override: str, kept: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what a version says it is."""
    report, provenance = models.report, models.report.provenance
    judged, last = report.standing["series"][0], report.standing["folds"][-1]
    begun = begun_with(models.session.recipe, models.session.registry)
    told = {name: asdict(weights) for name, weights in begun.items()}
    evidence = {
        part: {
            "verdict": found["verdict"],
            "metrics": {name: found["series"][0]["metrics"].get(name) for name in AGAINST},
            "gates": {gate["gate"]: gate["verdict"] for gate in found["gates"]},
        }
        for part in PARTS
        if (found := report.results[part])
    }
    return {
        "registered": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "quorate": __version__,
        "run": report.run_id,
        "verdict": report.verdict,
        "override": override,
        "recipe_digest": provenance["recipe_digest"],
        "results_digest": provenance["results_digest"],
        "report_seal": report.seal,
        "data": {
            name: provenance["data"][name]
            for name in ("source", "fingerprint", "symbols", "frequency", "calendar", "bars", "first", "last")
        },
        "judged": {
            "series": judged["name"],
            "strategy": judged["strategy"],
            "threshold": last["threshold"],
            "weights": last["weights"],
        },
        "features": provenance["features"],
        "training": fold_facts(models.walk, models.fold(None)),
        "models": kept,
        **({"weights": told} if told else {}),
        "evidence": evidence,
        "libraries": provenance["libraries"],
        "machine": provenance["machine"],
    }


def _files(report: Report, home: Home, keys: list[str]) -> dict[str, Path]:
    """Return the files of a version, by their place in it."""
    assert report.source is not None  # it was loaded
    run = report.source.path
    names = ["recipe.toml", "run.json", "report.json", "gates.json", "override.json", "opening.json"]
    paths = [run / name for name in (*names, *report.document["files"]) if (run / name).exists()]
    paths += home.bars_files(report.provenance["data"]["fingerprint"])
    paths += [home.path / "sources" / f"{p['sha256']}.py" for p in report.provenance["plugins"] if p["sha256"]]
    paths += [path for key in keys for path in KeptModels(home.path).files(key)]
    gone = [str(path) for path in paths if not path.exists()]
    if gone:
        raise StoreError(f"cannot register run {report.run_id}: {gone[0]} is gone")
    return {path.relative_to(home.path).as_posix(): path for path in paths}


def _lines(before: Any, now: Any) -> Iterator[str]:
    """Yield how two mappings differ, by the names in them."""
    for key in dict.fromkeys([*before, *now]):
        yield from differences_of(before.get(key), now.get(key), key)

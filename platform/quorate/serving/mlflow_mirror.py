"""Runs, sweeps and versions of a home on a tracking server: sent after they are stored, and never read back.

The home stays the record. What is sent carries a seal; what is there with the same seal is left as it is, so that a
sync that is done twice, or was stopped, comes to the same. See docs/mlflow.md.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from quorate import __version__
from quorate.errors import IntegrityError, StoreError
from quorate.evidence.ledger import stages_of
from quorate.execution.progress import Progress
from quorate.runs.loaded import load_report
from quorate.runs.registering import ModelRegistry, Version
from quorate.runs.swept import BEST, load_sweep
from quorate.serving import mlflow_content as contents
from quorate.serving.mlflow_server import STAGE, Pieces, Server, write_model
from quorate.store import Home, Run
from quorate.store.bars.locks import holding

LOADER = "quorate.serving.mlflow_model"
ALIASES = ("champion", "shadow", "candidate")  # stages that point to a version: the latest that is in it


@dataclass(frozen=True)
class Mirrored:
    """What became of a run, a sweep or a version.

    Parameters
    ----------
    kind : {"run", "sweep", "version"}
        What it is.
    id : str
        Of the run or sweep, or ``NAME@VERSION``.
    state : {"sent", "there", "missing", "changed", "damaged"}
        Sent now; there already; not there; there as it was before, e.g. before its holdout was opened; damaged here, so
        that it is not sent.
    """

    kind: str
    id: str
    state: str

    def to_dict(self) -> dict[str, str]:
        """Return it as plain data."""
        return asdict(self)


def mirror(home: Home, run: str) -> None:
    """Send one run or sweep, the versions that were made of it, and the stages of these."""
    sync([run], home=home.path)


def sync(
    names: Iterable[str] = (), *, home: str | Path | None = None, progress: Progress | None = None
) -> list[Mirrored]:
    """Send what the tracking server of ``MLFLOW_TRACKING_URI`` lacks; done twice it is the same as once.

    Parameters
    ----------
    names : iterable of str
        Runs and sweeps: ids, unambiguous parts of them, or ``latest``. Default: all that are finished.

    Raises
    ------
    RecipeError
        If no server is named, or MLflow is not installed.
    StoreError
        If it does not answer, or there is no such run; what was sent until then stays there.
    """
    place, told, names = Home(home), progress or Progress(), list(names)
    stored = _asked(place, names)
    server = Server()
    found: list[Mirrored] = []
    sent_as: dict[str, str] = {}
    with holding(place.path / "mlflow", alone=True):
        for number, (one, what) in enumerate(_readable(stored, bool(names), told), 1):
            state = "damaged"
            if what is not None:
                sent_as[one.id], sent = server.send(server.experiment(what.recipe), what.content, what.pieces)
                state = "sent" if sent else "there"
            found.append(Mirrored(one.kind, one.id, state))
            told.note(f"{number} of {len(stored)}: {one.kind} {one.id}: {state}")
        for name, versions in _versions(place, sent_as).items():
            found += _sync_versions(server, name, versions, sent_as)
    return found


def status(
    names: Iterable[str] = (), *, home: str | Path | None = None, progress: Progress | None = None
) -> list[Mirrored]:
    """Say of each run, sweep and version whether the tracking server has it as it is now; sends nothing."""
    place, names = Home(home), list(names)
    stored = _asked(place, names)
    server = Server()
    found = []
    for one, what in _readable(stored, bool(names), progress or Progress()):
        state = server.state(server.known_experiment(what.recipe), what.content) if what else "damaged"
        found.append(Mirrored(one.kind, one.id, state))
    for name, versions in _versions(place, {one.id for one in stored}).items():
        there = server.versions(name)
        found += [Mirrored("version", one.standing.label, _state(one, there)) for one in versions]
    return found


@dataclass(frozen=True)
class _Sent:
    """What is sent of a run or a sweep, the name of its recipe, and what is stored beside it."""

    content: contents.Content
    recipe: str
    pieces: Callable[[], Pieces]


def _readable(stored: Sequence[Run], named: bool, told: Progress) -> Iterator[tuple[Run, _Sent | None]]:
    """Yield runs with what is sent of them; one that is damaged keeps no other from being sent."""
    for one in stored:
        try:
            yield one, _content(one)
        except IntegrityError as e:
            if named:
                raise
            told.warn(f"{one.kind} {one.id} is damaged, and left out: {e}")
            yield one, None


def _asked(home: Home, names: Iterable[str]) -> list[Run]:
    """Return the runs and sweeps of these names, or all; a run that was removed is the one that its version has."""
    if names := list(names):
        return [_named(home, name) for name in names]
    there = [one for one in home.runs_and_sweeps() if one.state == "finished"]
    known = {one.id for one in there}
    return there + [one for one in _kept(home).values() if one.id not in known]


def _named(home: Home, name: str) -> Run:
    try:
        return home.find_either(name)
    except StoreError:
        if (kept := _kept(home).get(name)) is None:
            raise
        return kept


def _kept(home: Home) -> dict[str, Run]:
    """Return by id the runs that versions have, each in its version's folder."""
    registry, known = ModelRegistry(home.path), stages_of(home)
    every = [registry.get(one.label) for name in known.names for one in known.of(name)]
    return {one.standing.run: Home(one.path).find(one.standing.run) for one in every}


def _content(stored: Run) -> _Sent:
    home = stored.home.path
    if stored.kind == "sweep":
        sweep = load_sweep(stored.id, home=home)
        recipe = str(sweep.document["recipe"]["name"])
        return _Sent(
            contents.of_sweep(sweep), recipe, lambda: (_files(stored, (BEST,)), list(contents.of_trials(sweep)))
        )
    report = load_report(stored.id, home=home)

    def pieces() -> Pieces:
        written = {"report.md": report.to_markdown(), "report.html": report.to_html(static=True)}
        return {**_files(stored, ()), **written}, ()

    return _Sent(contents.of_run(report), str(report.provenance["recipe"]["name"]), pieces)


def _files(stored: Run, more: Sequence[str]) -> dict[str, Path | str]:
    paths = [stored.path / name for name in ("report.json", "recipe.toml", *more)]
    return {path.name: path for path in paths if path.exists()}


def _versions(home: Home, runs: Collection[str]) -> dict[str, list[Version]]:
    """Return the versions of each name of which one was made of these runs, oldest first; all runs of it count."""
    registry, known = ModelRegistry(home.path), stages_of(home)
    names = [name for name in known.names if any(one.run in runs for one in known.of(name))]
    return {name: [registry.get(one.label) for one in known.of(name)] for name in names}


def _state(version: Version, there: Mapping[str, Any]) -> str:
    known = there.get(version.standing.seal)
    if known is None:
        return "missing"
    return "there" if known.tags.get(STAGE) == version.standing.stage else "changed"


def _sync_versions(
    server: Server, name: str, versions: Sequence[Version], sent_as: Mapping[str, str]
) -> list[Mirrored]:
    """Send the versions of these runs, and the stages of all that are there."""
    found = []
    before = server.versions(name)
    for version in versions:
        if version.standing.seal not in before and version.standing.run in sent_as:
            _send_version(server, version, sent_as[version.standing.run])
    there = server.versions(name)
    for version in versions:
        one = there.get(version.standing.seal)
        if one is None:  # of a run that was not asked for
            continue
        moved = server.stage(name, one, version.standing.stage)
        new = moved or version.standing.seal not in before
        found.append(Mirrored("version", version.standing.label, "sent" if new else "there"))
    places = {alias: [v for v in versions if v.standing.stage == alias] for alias in ALIASES}
    latest = {alias: there.get(some[-1].standing.seal) if some else None for alias, some in places.items()}
    server.alias(name, {alias: one and str(one.version) for alias, one in latest.items()})
    return found


def _send_version(server: Server, version: Version, run: str) -> None:
    standing = version.standing
    tags = {
        "quorate.version": standing.label,
        "quorate.run": standing.run,
        "quorate.verdict": standing.verdict,
        **({"quorate.override": standing.override} if standing.override else {}),
    }
    with tempfile.TemporaryDirectory(prefix="quorate-mlflow-") as folder:
        write_model(Path(folder), {**tags, "quorate.seal": standing.seal}, LOADER, [f"quorate=={__version__}"])
        server.send_version(run, standing.name, version.path, Path(folder), tags, standing.seal)

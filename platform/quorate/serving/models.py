"""The versions that are served: read from the registry, checked, and exchanged while requests go on."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from quorate.bars.panel import Bars
from quorate.errors import IntegrityError, QuorateError, StoreError, near_misses, one_of
from quorate.evidence.ledger import stages_of
from quorate.execution.progress import Progress
from quorate.runs.loaded import load_report
from quorate.runs.predict import read_again
from quorate.runs.registering import ModelRegistry, Version
from quorate.runs.stored import reopen
from quorate.runs.surroundings import usual
from quorate.serving.forecaster import Forecast, Forecaster
from quorate.serving.requests import SHOWN, Refused
from quorate.serving.workers import AtWork, Workers
from quorate.store import Home
from quorate.store.trust import require


@dataclass(frozen=True, eq=False)
class Served:
    """A version at work.

    Parameters
    ----------
    version : Version
        As it is registered; its stage as it was when the registry was read last.
    forecaster : AtWork
        Its models, here or in workers.
    """

    version: Version
    forecaster: AtWork

    @property
    def label(self) -> str:
        """``NAME@VERSION``."""
        return self.version.standing.label

    @property
    def key(self) -> str:
        """What answers of this version are kept under."""
        return f"{self.label} {self.version.standing.seal} {self.version.standing.stage}"

    @property
    def champion(self) -> bool:
        """Whether it is what is used of its name."""
        return self.version.standing.stage == "champion"

    @property
    def known(self) -> Bars:
        """The bars that it was judged on."""
        return self.forecaster.known

    @property
    def bars_alone(self) -> str:
        """Why bars alone do not do; empty, where they do."""
        for what, there in (
            ("covariates", self.known.covariates),
            ("texts beside prices", self.known.categories),
            ("shorter bars", self.known.finer is not None),
            ("prices of other markets to fill at", self.known.fills is not None),
        ):
            if there:
                return f"{self.label} reads {what} beside its bars: ask with source, which reads them, too"
        return ""

    def forecast(self, bars: Bars) -> Forecast:
        """Return what is forecast at the last of these bars, of which nothing is kept.

        Raises
        ------
        DataError
            If they are none of the version's market, or none that it can go on with.
        FitError
            If a model fails.
        """
        with usual():
            return self.forecaster.following(bars)

    def read(self, path: str | None) -> Bars:
        """Return the bars of a source that the server offers: what the recipe reads, or the same of another path."""
        report = load_report(self.version.standing.run, home=self.version.path)
        with usual():
            session, _ = reopen(report, Progress())
            bars = read_again(session, path)
        return bars if bars.symbols == self.known.symbols else bars.select(self.known.symbols)

    def later(self, forecast: Forecast) -> bool:
        """Return whether a forecast is of a bar after all that the version was judged on."""
        return bool(np.datetime64(forecast.time.removesuffix("Z"), "us") > self.known.times[-1])

    def answer(self, forecast: Forecast, digest: str) -> dict[str, Any]:
        """Return what a client is told."""
        standing = self.version.standing
        told = {"version": self.label, "run": standing.run, "stage": standing.stage, "verdict": standing.verdict}
        override = {"override": standing.override} if standing.override else {}
        return {**told, **override, **forecast.to_dict(), "bars": digest}

    def describe(self) -> dict[str, Any]:
        """Return what there is to know of it, as plain data."""
        standing, document = self.version.standing.to_dict(), self.version.document
        own = {name: standing[name] for name in ("run", "stage", "since", "verdict", "override", "registered")}
        known = self.known
        return {
            "version": self.label,
            **own,
            "evidence": document["evidence"],
            "judged": document["judged"],
            "features": document["features"],
            "symbols": list(known.symbols),
            "frequency": known.frequency,
            "bars_from": f"{known.times[0]}Z",
            "bars_until": f"{known.times[-1]}Z",
            "needs": self.bars_alone,
        }


@dataclass(frozen=True)
class Loaded:
    """What is served from one reading of the registry to the next.

    Parameters
    ----------
    served : tuple of Served
        What may be asked.
    shadows : tuple of Served
        What forecasts beside the champion of its name.
    failed : dict of str to QuorateError
        What was to be served and is not, and why.
    """

    served: tuple[Served, ...] = ()
    shadows: tuple[Served, ...] = ()
    failed: dict[str, QuorateError] = field(default_factory=dict)

    def find(self, asked: str | None) -> Served:
        """Return the version that is meant, or raise `Refused`."""
        labels = [one.label for one in self.served]
        if asked is None:
            if len(labels) == 1:
                return self.served[0]
            raise Refused(422, f"must be one of {one_of(labels)}; it was left out", "version")
        name, _, which = asked.partition("@")
        own = [one for one in self.served if one.version.standing.name == name]
        champions = [one for one in own if one.champion]
        if which == "champion" or (champions and not which):
            own = champions
        elif which:
            own = [one for one in own if str(one.version.standing.version) == which]
        if len(own) == 1:
            return own[0]
        near = near_misses(asked[:SHOWN], [*labels, *(one.partition("@")[0] for one in labels)])
        raise Refused(404, f"must be one of {one_of(labels)}; it was {asked[:SHOWN]!a}{near}", "version")

    def beside(self, one: Served) -> list[Served]:
        """Return the shadows of a champion."""
        name = one.version.standing.name
        return [shadow for shadow in self.shadows if one.champion and shadow.version.standing.name == name]


class Models:
    """The versions that are served.

    Parameters
    ----------
    home : path, optional
        Whose.
    names : iterable of str
        ``NAME@3``, ``NAME@champion``, ...; none: the champions of all names.
    workers : int
        Processes that forecast; 0: this one does.

    Raises
    ------
    StoreError
        If there is nothing to serve, or the home may come from elsewhere.
    IntegrityError
        If a version, or the ledger, is not as it was written.
    """

    def __init__(
        self,
        home: str | Path | None = None,
        names: Iterable[str] = (),
        progress: Progress | None = None,
        workers: int = 0,
    ) -> None:
        self.home = Home(home)
        self._names, self._progress = tuple(names), progress or Progress()
        self._reading = threading.Lock()
        require(self.home.path, "quorate serve would load the models that this home keeps")
        self.now = Loaded()
        self.at_a_time = max(1, workers)
        self._workers = Workers(self.home.path, workers) if workers else None
        self.reload()
        for error in self.now.failed.values():
            self.close()
            raise error

    def close(self) -> None:
        """End the workers, if there are some."""
        if self._workers is not None:
            self._workers.close()

    def reload(self) -> dict[str, Any]:
        """Read the registry again; what is new is loaded beside what is served, and then takes its place.

        A version that is not as it was written is no longer served; of what cannot be read otherwise, the former
        version goes on.

        Returns
        -------
        dict
            ``versions`` that are served now, ``loaded`` and ``gone`` since, and what ``failed``, with the reason.
        """
        with self._reading:
            before = self.now
            try:
                self.now = self._read(before)
            except IntegrityError as e:  # of the ledger: nothing can be said of any version
                self.now = Loaded(failed={"ledger": e})
            gc.collect()
            gc.freeze()  # what was loaded stays: to go through it again and again would hold up answers
            labels = [{one.label for one in each.served} for each in (before, self.now)]
            return {
                "versions": sorted(labels[1]),
                "loaded": sorted(labels[1] - labels[0]),
                "gone": sorted(labels[0] - labels[1]),
                "failed": {name: str(error) for name, error in self.now.failed.items()},
            }

    def _read(self, before: Loaded) -> Loaded:
        registry, known = ModelRegistry(self.home.path), stages_of(self.home)
        names = self._names or [f"{name}@champion" for name in known.names if known.champion(name)]
        if not names:
            latest = [known.of(name)[-1].label for name in known.names]
            remedy = (
                f"quorate registry stage {latest[0]} champion{self.home.option} makes one, or name what is to be served"
                if latest
                else "none was registered yet: quorate promote"
            )
            raise StoreError(f"there is no champion in {self.home.path}: {remedy}")
        failed: dict[str, QuorateError] = {}
        there = before.served + before.shadows
        served: dict[str, Served] = {}
        for name in names:
            for one in self._loaded(registry, name, there, failed):
                served[one.label] = one
        shadows = [
            one.label
            for name in sorted({one.version.standing.name for one in served.values() if one.champion})
            for one in known.of(name)
            if one.stage == "shadow"
        ]
        beside = [one for label in shadows for one in self._loaded(registry, label, there, failed)]
        return Loaded(tuple(served.values()), tuple(beside), failed)

    def _loaded(
        self, registry: ModelRegistry, name: str, before: tuple[Served, ...], failed: dict[str, QuorateError]
    ) -> list[Served]:
        """Return a version, as it was loaded before or anew; nothing, or its forerunner, if that cannot be done."""
        try:
            version = registry.get(name)
            _check(registry, version)
            for one in before:
                if (one.label, one.version.standing.seal) == (version.standing.label, version.standing.seal):
                    return [replace(one, version=version)]
            with usual():
                make = Forecaster.of_version if self._workers is None else self._workers.of_version
                return [Served(version, make(version, self._progress))]
        except QuorateError as e:
            failed[name] = e
            former = [one for one in before if one.version.standing.name == name.partition("@")[0]]
            return [] if isinstance(e, IntegrityError) else former


def _check(registry: ModelRegistry, version: Version) -> None:
    """Raise `IntegrityError`, if a version is not as it was registered, or may not be used."""
    standing = version.standing
    if changed := registry.check(standing.label):
        raise IntegrityError(f"{standing.label} is not as it was registered, and is not served: {changed[0]}")
    if standing.verdict != "PASS" and not standing.override:
        raise IntegrityError(
            f"{standing.label} is not served: its verdict is {standing.verdict}, and no override is on record"
        )

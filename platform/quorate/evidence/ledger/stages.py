"""Versions of ensembles, and the stages they are in: entries of the ledger, so that each change is on record.

A version begins as ``candidate``. Of each name one at most is ``champion``; a new one retires it. What a version holds
is kept by `quorate.store.registry`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from quorate.errors import RecipeError, StoreError, near_misses, one_of
from quorate.evidence.ledger.chain import Entry
from quorate.evidence.ledger.ledger import ledger_of
from quorate.store import Home

STAGES = ("candidate", "shadow", "champion", "retired")
ROLLBACK = "rollback"


@dataclass(frozen=True)
class Standing:
    """A version, as the ledger knows it.

    Parameters
    ----------
    name : str
        Of the ensemble; versions of it are numbered from 1.
    version : int
        The number.
    run : str
        Whose models it has.
    verdict : str
        Of the run: PASS, or what was overridden.
    override : str
        The reason why it is used in spite of its verdict; empty for one that passed.
    seal : str
        Of what it says it is.
    registered : str
        When, UTC.
    stage : {"candidate", "shadow", "champion", "retired"}
        In which stage it is.
    since : str
        Since when, UTC.
    reason : str
        Why, as it was told.
    """

    name: str
    version: int
    run: str
    verdict: str
    override: str
    seal: str
    registered: str
    stage: str
    since: str
    reason: str

    @property
    def label(self) -> str:
        """``NAME@VERSION``."""
        return f"{self.name}@{self.version}"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


class Stages:
    """All versions and their stages, by the ledger's entries up to some moment.

    Parameters
    ----------
    entries : iterable of dict
        Of the ledger, oldest first.
    as_of : datetime, optional
        What was entered later is not looked at.
    """

    def __init__(self, entries: Iterable[Entry], as_of: dt.datetime | None = None) -> None:
        self._known: dict[str, dict[int, Standing]] = {}
        self._reigns: dict[str, list[int]] = {}  # champions, the latest last
        for entry in entries:
            if as_of is not None and dt.datetime.fromisoformat(entry["time"]) > as_of:
                break
            if entry.get("kind") == "version":
                self._enter(entry)
            elif entry.get("kind") == "stage":
                self._move(entry)

    def _enter(self, entry: Entry) -> None:
        own = {name: entry[name] for name in ("name", "version", "run", "verdict", "override", "seal")}
        one = Standing(**own, registered=entry["time"], stage=STAGES[0], since=entry["time"], reason="")
        self._known.setdefault(one.name, {})[one.version] = one

    def _move(self, entry: Entry) -> None:
        name, version, stage = entry["name"], entry["version"], entry["stage"]
        before = self._known[name][version]
        self._known[name][version] = replace(before, stage=stage, since=entry["time"], reason=entry["reason"])
        reigns = self._reigns.setdefault(name, [])
        if entry["back"] and version in reigns:
            del reigns[reigns.index(version) :]
        if stage == "champion":
            reigns.append(version)

    @property
    def names(self) -> list[str]:
        """Names of ensembles, sorted."""
        return sorted(self._known)

    def of(self, name: str) -> list[Standing]:
        """Return the versions of a name, oldest first.

        Raises
        ------
        StoreError
            If there is none of that name.
        """
        if name not in self._known:
            there = f"known are {one_of(self.names)}" if self.names else "none was registered yet: quorate promote"
            raise StoreError(f"no version of {name!r} is registered, {there}{near_misses(name, self.names)}")
        return list(self._known[name].values())

    def champion(self, name: str) -> Standing | None:
        """Return the champion of a name."""
        return next((one for one in self.of(name) if one.stage == "champion"), None)

    def before(self, name: str) -> Standing | None:
        """Return who was champion before the present one, or last, if there is none now."""
        now = self.champion(name)
        reigns = [v for v in self._reigns.get(name, []) if now is None or v != now.version]
        return self._known[name][reigns[-1]] if reigns else None

    def get(self, name: str, which: str = "latest") -> Standing:
        """Return a version of a name.

        Parameters
        ----------
        which : str
            A number, ``latest``, or ``champion``.

        Raises
        ------
        StoreError
            If there is none such.
        """
        every = self.of(name)
        if which == "latest":
            return every[-1]
        if which == "champion":
            found = self.champion(name)
            if found is None:
                latest = every[-1].label
                raise StoreError(f"{name!r} has no champion; quorate registry stage {latest} champion makes it one")
            return found
        numbers = {str(one.version): one for one in every}
        if which not in numbers:
            raise StoreError(
                f"{name!r} has the versions {', '.join(numbers)}, and latest and champion; it was {which!r}"
            )
        return numbers[which]


def stages_of(home: Home, as_of: dt.datetime | None = None) -> Stages:
    """Return the versions of a home and their stages, after checking the ledger.

    Raises
    ------
    IntegrityError
        If the ledger was changed.
    """
    return Stages(ledger_of(home).entries(), as_of)


def record_version(
    home: Home,
    name: str,
    *,
    run: str,
    verdict: str,
    override: str,
    write_version: Callable[[int], Mapping[str, Any]],
) -> Standing:
    """Record a version, numbered after those of its name.

    Parameters
    ----------
    write_version : callable
        Writes it under the number that it is given, and returns what it says it is, with its seal.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    with ledger_of(home).writing() as write:
        known = stages_of(home)
        number = known.of(name)[-1].version + 1 if name in known.names else 1
        document = write_version(number)
        own = {"name": name, "version": number, "run": run, "verdict": verdict, "override": override}
        write([{"kind": "version", **own, "seal": document["seal"]}])
    return stages_of(home).get(name, str(number))


def record_stage(home: Home, name: str, which: str, stage: str, reason: str = "") -> Standing:
    """Move a version to a stage; a new champion retires the one before it. Nothing happens, if it is there already.

    Raises
    ------
    RecipeError
        If there is no such stage.
    StoreError
        If there is no such version.
    """
    if stage not in STAGES:
        raise RecipeError(f"a stage must be one of {one_of(STAGES)}; it was {stage!r}{near_misses(stage, STAGES)}")
    with ledger_of(home).writing() as write:
        known = stages_of(home)
        one = known.get(name, which)
        if one.stage != stage:
            write(_moves(known, one, stage, reason, back=False))
    return stages_of(home).get(name, str(one.version))


def record_rollback(home: Home, name: str, reason: str = "") -> Standing:
    """Make the champion before the present one champion again; the present one is retired.

    Raises
    ------
    StoreError
        If there was none.
    """
    with ledger_of(home).writing() as write:
        known = stages_of(home)
        one = known.before(name)
        if one is None:
            raise StoreError(f"{name!r} cannot go back: it has had no other champion; quorate registry list shows it")
        write(_moves(known, one, "champion", reason or ROLLBACK, back=True))
    return stages_of(home).get(name, str(one.version))


def _moves(known: Stages, one: Standing, stage: str, reason: str, back: bool) -> list[dict[str, Any]]:
    champion = known.champion(one.name)
    moves = [(champion, "retired", f"{one.label} is champion")] if champion and stage == "champion" else []
    return [
        {
            "kind": "stage",
            "run": each.run,
            "name": each.name,
            "version": each.version,
            "stage": to,
            "reason": why.strip(),
            "back": back and each is one,
        }
        for each, to, why in (*moves, (one, stage, reason))
    ]

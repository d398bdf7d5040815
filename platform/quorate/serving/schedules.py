"""What is done again and again: presets, and the schedule that one of them makes of a recipe."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from quorate.errors import IntegrityError, RecipeError, near_misses, one_of
from quorate.execution.progress import Progress
from quorate.runs.session import Session, open_session
from quorate.runs.updating import session_of
from quorate.serving.times import At
from quorate.store import Home, schedules


@dataclass(frozen=True)
class Preset:
    """What is done, and when unless told otherwise.

    Parameters
    ----------
    at : str
        Days and time.
    does : str
        In words.
    anew : bool
        Whether it is run although no bar is new.
    """

    at: str
    does: str
    anew: bool


PRESETS = {
    "weekly-full": Preset(
        "Sat 06:00", "bars brought up to date, then the whole recipe, or a sweep and what it found", True
    ),
    "daily-quick": Preset("Mon-Fri 23:00", "bars brought up to date, then the recipe, if there are new ones", False),
}


@dataclass(frozen=True)
class Schedule:
    """A preset for a recipe.

    Parameters
    ----------
    preset : str
        Name of one of `PRESETS`.
    recipe : str
        Name of a built-in recipe, an absolute path, or a registered version, as ``nasdaq@champion``.
    at, zone : str
        Days and time, as ``Sat 06:00``, and the time zone; empty: this machine's.
    promote, sweep : bool
        Whether the holdout is opened; whether parameters are tuned first.
    only : tuple of str
        Members that are run; empty: all.
    """

    preset: str
    recipe: str
    at: str
    zone: str = ""
    promote: bool = False
    sweep: bool = False
    only: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """What it is called."""
        return f"{self.preset} {self.recipe if '/' not in self.recipe else Path(self.recipe).name}"

    @property
    def version(self) -> bool:
        """Whether it is of a registered version, which is brought up to date."""
        return "@" in self.recipe and "/" not in self.recipe

    @property
    def options(self) -> list[str]:
        """What a command is told of it, beside preset and recipe."""
        flags = [flag for flag, given in (("--promote", self.promote), ("--sweep", self.sweep)) if given]
        return [*flags, *(word for name in self.only for word in ("--only", name))]

    def key(self, home: Path) -> str:
        """Return what it is called among all of this user: by preset, recipe and home."""
        name = re.sub(r"[^a-z0-9]+", "-", Path(self.recipe).name.removesuffix(".toml").lower()).strip("-")[:40]
        told = hashlib.sha256(f"{home}\0{self.recipe}".encode()).hexdigest()[:6]
        return f"{self.preset}-{name}-{told}"

    def times(self, after: dt.datetime, count: int) -> list[dt.datetime]:
        """Return the next times after a moment."""
        return list(islice(At.parse(self.at, self.zone).after(after), count))

    def next(self, after: dt.datetime) -> str:
        """Return when it is due next after a moment, UTC."""
        return self.times(after, 1)[0].astimezone(dt.UTC).isoformat(timespec="seconds")

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**asdict(self), "only": list(self.only)}

    @classmethod
    def of(cls, document: dict[str, Any]) -> Schedule:
        """Return a schedule as it was installed.

        Raises
        ------
        IntegrityError
            If that is damaged.
        """
        try:
            known = {name: document[name] for name in cls.__dataclass_fields__}
            found = cls(**{**known, "only": tuple(known["only"])})
            check_preset(found.preset)
            At.parse(found.at, found.zone)
        except (KeyError, TypeError, RecipeError) as e:
            raise IntegrityError(f"the schedule {document.get('key')!r} is damaged: {e}: install it anew") from e
        return found


def make_schedule(
    preset: str,
    recipe: str,
    *,
    at: str | None = None,
    zone: str = "",
    promote: bool = False,
    sweep: bool = False,
    only: tuple[str, ...] = (),
) -> Schedule:
    """Return a schedule, after checking what was given, but for the recipe itself: see `opened`.

    Raises
    ------
    RecipeError
        If it cannot be done.
    """
    check_preset(preset)
    known = Path(recipe)
    named = str(known.absolute()) if known.suffix == ".toml" or "/" in recipe else recipe
    made = Schedule(preset, named, str(At.parse(at or PRESETS[preset].at, zone)), zone, promote, sweep, only)
    if made.version and (sweep or only):
        raise RecipeError(
            f"{recipe} is a registered version, whose own recipe is run as it was: leave out --sweep and --only, or "
            "give a recipe"
        )
    if sweep and preset != "weekly-full":
        raise RecipeError(f"--sweep takes as long as a sweep does: it is for weekly-full; the preset was {preset}")
    return made


def check_preset(preset: str) -> None:
    """Raise `RecipeError`, if there is no preset of that name."""
    if preset not in PRESETS:
        raise RecipeError(f"a preset must be {one_of(PRESETS)}; it was {preset!r}{near_misses(preset, PRESETS)}")


def opened(schedule: Schedule, home: Home, progress: Progress | None = None) -> Session:
    """Return the session of what a schedule runs: nothing is read or fitted yet.

    Raises
    ------
    QuorateError
        If there is no such recipe, version or member.
    """
    if schedule.version:
        from quorate.runs.registering import ModelRegistry

        return session_of(ModelRegistry(home.path).get(schedule.recipe), home, progress or Progress())
    session = open_session(schedule.recipe, home=home.path, progress=progress)
    members = list(session.recipe.models)
    for name in schedule.only:
        if name not in members:
            raise RecipeError(
                f"--only must name a member of {session.recipe.name}, {one_of(members)}; it was {name!r}"
                f"{near_misses(name, members)}"
            )
    if not schedule.only or schedule.sweep:  # a sweep reads its recipe anew
        return session
    return open_session(schedule.recipe, home=home.path, overrides=without(schedule, members), progress=progress)


def without(schedule: Schedule, members: list[str]) -> list[str]:
    """Return the changes to a recipe that leave out the members which are not run."""
    return [f"models.{name}=false" for name in members if schedule.only and name not in schedule.only]


def listed(home: Path) -> list[dict[str, Any]]:
    """Return what is installed in a home, as plain data, each with what became of it last, and whether it is due."""
    now = dt.datetime.now(dt.UTC)
    last = {one["key"]: one for one in schedules.done(home)}
    return [
        {**one, "last": last.get(one["key"]), "missed": schedules.missed(one, now)} for one in schedules.every(home)
    ]

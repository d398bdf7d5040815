"""A study that several sweeps share through a database: each asks for trials of its own, and all learn from all.

Which trials are known when another is asked depends on who was how fast, so two such sweeps find other trials than one
alone. What holds all the same: each trial is fitted by one sweep, and as many as were wanted count in the end.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quorate.errors import IntegrityError, RecipeError, StoreError
from quorate.recipe.environment import mask, substitute
from quorate.sweeps.objectives import Objectives
from quorate.sweeps.schedule import GENERATION
from quorate.sweeps.search import Search
from quorate.sweeps.space import Space, holds
from quorate.sweeps.study import Study
from quorate.sweeps.translation import unlabelled
from quorate.sweeps.trial import REFERENCE, FoldLoss, Trial

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial

BEAT = 10  # seconds between two signs of life of a sweep
GRACE = 60  # seconds without one, after which its trials are taken over
TRIES = 3  # to make the tables of a database
POLL = 0.5  # seconds between two looks at what others did
SURPLUS = "not needed: others were faster"
_SURPLUS = FoldLoss(error=SURPLUS)
FACTS = "quorate"  # the study's attribute that says what it is of


class SharedStudy(Study):
    """The trials of one search, in a database.

    Parameters
    ----------
    url : str
        Of the database, as SQLAlchemy reads it, with ``${NAME}`` in place.
    name : str
        The study is called ``NAME_optimization``.
    facts : str
        What must be the same of all sweeps that share it: a digest of recipe, bars and rules.
    owner : str
        This sweep.

    Raises
    ------
    RecipeError
        If there is no such database, or the study in it is of another recipe or other bars.
    """

    def __init__(self, url: str, name: str, space: Space, objectives: Objectives, facts: str, owner: str) -> None:
        self.space, self.objectives, self.owner = space, objectives, owner
        self.name, self._shown = f"{name}_optimization", str(mask(url))
        self._path = Path(self._shown)
        self._database = _connect(url, self._shown)
        with self._told():
            self._open(self._database)
            known = self._study.user_attrs.get(FACTS)
            if known is None:
                self._study.set_user_attr(FACTS, facts)
                known = self._study.user_attrs[FACTS]
        if known != facts:
            raise RecipeError(
                f"the study {self.name!r} in {self._shown} is of another recipe, other bars or another space: give "
                "this one a name of its own, tuning.study"
            )

    def _damaged(self, what: str) -> str:
        return f"the study in {self._shown} is damaged: {what}: give this one another name, tuning.study"

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell what goes wrong with the database as what it is, and without its address's secrets."""
        from optuna.exceptions import StorageInternalError
        from sqlalchemy.exc import SQLAlchemyError

        told: StoreError | IntegrityError | None = None
        try:
            yield
        except (StorageInternalError, SQLAlchemyError, OSError) as e:
            told = StoreError(f"the study's database, {self._shown}, cannot be used: {_reason(e)}")
        except (LookupError, TypeError, ValueError) as e:
            told = IntegrityError(self._damaged(f"{self.name!r} holds what no sweep writes ({e!r})"))
        if told is not None:
            raise told  # here, where it has no context: that may tell the address

    def _do(self, write: Callable[[], None]) -> None:
        with self._told():
            write()

    def add(self, trial: Trial) -> None:
        """Keep a trial that was asked; it is numbered by the database, and is surplus if others were faster."""
        raise NotImplementedError  # a shared trial has no number before it is kept: see `ask`

    def ask(self, params: Mapping[str, Any], again: int | None) -> Trial:
        """Keep a trial of this sweep, and return it with its number.

        Parameters
        ----------
        again : int or None
            The trial that it repeats, whose sweep has died.
        """
        asked = Trial(len(self.trials), params, owner=self.owner)
        with self._told():
            more = {"owner": self.owner, **({"again": again} if again is not None else {})}
            trial_id = self._storage.create_new_trial(self._id, template_trial=self._record(asked, **more))
            number = self._storage.get_trial_number_from_id(trial_id)
        self.sync()
        self.beat()
        return self.trials[number]

    def sync(self) -> None:
        """Read what others have done since."""
        with self._told():
            kept = self._study.get_trials(deepcopy=False)
            for one in kept:
                mine = one.number < len(self.trials) and self.trials[one.number].owner == self.owner
                if one.number < len(self.trials) and (mine or self.trials[one.number].state != "running"):
                    if mine and self.trials[one.number].state == "running" and one.state.name == "FAIL":
                        self.trials[one.number].state = "failed"  # thought to be dead, and taken over
                    continue
                if one.number >= len(self.trials) and one.state.name == "RUNNING":
                    # Only what has shown life can be seen to have died: its sweep may have been killed before it did.
                    self._database.record_heartbeat(one._trial_id)
                self.trials[one.number : one.number + 1] = [self._trial(one)]

    def _trial(self, kept: FrozenTrial) -> Trial:
        if kept.state.name == "FAIL" and "came" not in kept.user_attrs:  # its sweep has died
            params = unlabelled(self.space, kept.params)
            return Trial(kept.number, params, {}, "failed", 0, kept.user_attrs.get("owner", ""))
        return super()._trial(kept)

    def tell(self, trial: Trial) -> None:
        """Keep what was decided of a trial of this sweep; what was taken over by another is that one's."""
        from optuna.exceptions import UpdateFinishedTrialError

        try:
            super().tell(trial)
        except UpdateFinishedTrialError:
            trial.state, trial.used = "failed", 0

    def beat(self) -> None:
        """Give a sign of life for this sweep's trials."""
        with self._told():
            for trial in list(self.trials):
                if trial.owner == self.owner and trial.state == "running":
                    self._database.record_heartbeat(
                        self._database.get_trial_id_from_study_id_trial_number(self._id, trial.number)
                    )

    def bury(self) -> None:
        """Mark trials as failed whose sweep gives no sign of life."""
        from optuna.exceptions import ExperimentalWarning
        from optuna.storages import fail_stale_trials

        with self._told(), warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            fail_stale_trials(self._study)

    def orphan(self) -> tuple[int, dict[str, Any]] | None:
        """Return a trial whose sweep has died and which nobody has repeated yet, with its parameters."""
        with self._told():
            kept = self._study.get_trials(deepcopy=False)
        repeated = {one.user_attrs["again"] for one in kept if "again" in one.user_attrs}
        for one in kept:
            if one.state.name == "FAIL" and "came" not in one.user_attrs and one.number not in repeated:
                return one.number, dict(unlabelled(self.space, one.params))
        return None


class SharedSearch(Search):
    """A search whose study is shared: arguments as those of `Search`."""

    study: SharedStudy

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._told = {trial.number for trial in self.done}
        self._looked = 0.0
        self._ended = threading.Event()
        threading.Thread(target=self._beating, name="study-heartbeat", daemon=True).start()

    def close(self) -> None:
        """Give no more signs of life: whoever shares the study takes over what is not done."""
        self._ended.set()

    def _beating(self) -> None:
        while not self._ended.wait(BEAT):
            try:
                self.study.beat()
            except (StoreError, IntegrityError):
                continue  # the next word to the database says so where it can be heard

    @property
    def done(self) -> list[Trial]:
        """The decided trials of all sweeps, by number; those that nobody needed are left out."""
        return [t for t in self.study.trials if t.state != "running" and t.error != SURPLUS]

    @property
    def best(self) -> Trial:
        """The best that is complete; the recipe's own parameters, where none is better."""
        return self._best(len(self.study.trials))

    def _mine(self) -> list[Trial]:
        return [t for t in self.study.trials if t.state == "running" and t.owner == self.study.owner]

    def wanted(self) -> Iterator[tuple[int, int]]:
        """Yield the fits of this sweep's trials."""
        if self.reference.state == "running":
            yield from self._open([REFERENCE])
        while True:
            yield from self._open([trial.number for trial in self._mine()])
            if not self.ask():
                return

    def ask(self) -> bool:
        """Ask for one more trial, if more are needed, and this sweep has not enough under way."""
        if len(self._mine()) >= 2 * GENERATION:
            return False
        self.keep()
        self.study.sync()
        if sum(trial.counts for trial in self.study.trials) >= self.rules.trials:
            return False
        orphan = self.study.orphan()
        params, again = (orphan[1], orphan[0]) if orphan else (self._suggested(), None)
        trial = self.study.ask(params, again)
        before = self.study.trials[: trial.number]
        if sum(one.counts for one in before) >= self.rules.trials:
            trial.state, trial.folds = "failed", {0: _SURPLUS}
            self.study.tell(trial)
        return True

    def _suggested(self) -> dict[str, Any]:
        known = [trial for trial in self.done if trial.state != "failed"]
        running = [Trial(t.number, t.params) for t in self.study.trials if t.state == "running"]
        own = [self.reference] if known and holds(self.study.space, self.reference.params) else []
        number = len(self.study.trials)
        return self.rules.sampler.suggest(self.study.space, [*own, *known], running, number, self.rules.seed)

    def decide(self) -> None:
        """Decide this sweep's trials whose losses are enough for that, against all that is known."""
        if self.reference.state == "running" and not self._settle(self.reference, None):
            return
        for trial in self._mine():
            self._settle(trial, len(self.study.trials) if self.rules.stops else None)

    def keep(self) -> None:
        """Tell the study what was decided of this sweep's trials, and whoever listens of all."""
        for trial in self.done:
            if trial.number not in self._told:
                self._told.add(trial.number)
                if trial.owner == self.study.owner:
                    self.study.tell(trial)
                self._tell(trial)

    def wait(self) -> bool:
        """Wait a little for trials of others, whose sweep may die."""
        self.keep()
        if self.finished:
            return False
        time.sleep(POLL)
        if time.monotonic() - self._looked > BEAT:
            self._looked = time.monotonic()
            self.study.bury()
        self.study.sync()
        self.keep()
        return not self.finished


def _connect(url: str, shown: str) -> RDBStorage:
    from optuna.exceptions import ExperimentalWarning, StorageInternalError
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    filled = substitute(url, "tuning.storage")
    for scheme in ("postgresql://", "postgres://"):
        if filled.startswith(scheme):
            filled = f"postgresql+psycopg://{filled.removeprefix(scheme)}"
    told: Exception
    try:
        for left in reversed(range(TRIES)):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", ExperimentalWarning)
                    return RDBStorage(filled, heartbeat_interval=BEAT, grace_period=GRACE)
            except (StorageInternalError, SQLAlchemyError):
                # Two that make the tables at the same time are in each other's way.
                if not left:
                    raise
                time.sleep(POLL)
    except ImportError:
        told = RecipeError(
            f"tuning.storage: the library for {shown} is missing: pip install 'quorate[postgresql]', or that of "
            "another database"
        )
    except ArgumentError:
        told = RecipeError(
            f"tuning.storage must be the URL of a database, e.g. sqlite:///study.db or "
            f"postgresql://user:${{PASSWORD}}@host/name; it was {shown!r}"
        )
    except (StorageInternalError, SQLAlchemyError, OSError) as e:
        told = StoreError(f"the study's database, {shown}, cannot be used: {_reason(e)}")
    raise told  # here, where it has no context: that may tell the address


def _reason(e: BaseException) -> str:
    """Return the first line of what a database says, which does not hold its address."""
    cause = getattr(e, "orig", None) or getattr(e.__cause__, "orig", None) or e
    return str(cause).strip().partition("\n")[0][:200]


def facts_of(*parts: Any) -> str:
    """Return the digest of what all sweeps of a study must have in common."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()

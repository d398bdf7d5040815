"""Trials as Optuna keeps them, in a journal of the sweep's folder: whatever is killed, what was told is there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quorate.errors import IntegrityError, StoreError
from quorate.store.files import io_reason
from quorate.sweeps.objectives import Objectives
from quorate.sweeps.sampling import earlier
from quorate.sweeps.space import Space
from quorate.sweeps.translation import frozen, labelled, unlabelled
from quorate.sweeps.trial import FoldLoss, State, Trial

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

_STATES: dict[str, State] = {"RUNNING": "running", "COMPLETE": "complete", "PRUNED": "raced", "FAIL": "failed"}
JOURNAL = "journal.log"


class Study:
    """The trials of one search.

    Parameters
    ----------
    folder : Path
        The sweep's; who opens it holds the sweep (`quorate.store.run.Run.driving`).
    name : str
        Of the model, or of what else is tuned: the study is called ``NAME_optimization``.
    space : mapping
        What is tried.
    objectives : Objectives
        Its directions; values are kept as they are, not with the sign that makes less better.

    Raises
    ------
    IntegrityError
        If what is kept is no such study.
    """

    owner = ""  # whose trials they are, where several sweeps share a study

    def __init__(self, folder: Path, name: str, space: Space, objectives: Objectives) -> None:
        self.space, self.objectives = space, objectives
        self.name, self._path = f"{name}_optimization", folder / JOURNAL
        mend(self._path)
        try:
            self._open(_storage(self._path))
        except OSError as e:
            raise StoreError(io_reason(e, self._path)) from e
        except IntegrityError:
            raise
        except Exception as e:  # what is no journal may break Optuna's reading of it in any way
            raise IntegrityError(_damaged(self._path, f"study {self.name!r} holds what no sweep writes ({e!r})")) from e

    def _open(self, storage: BaseStorage) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._storage = storage
        self._study = optuna.create_study(
            study_name=self.name,
            storage=storage,
            load_if_exists=True,
            directions=["maximize" if up else "minimize" for up in self.objectives.higher],
        )
        self._id = storage.get_study_id_from_name(self.name)
        self.trials = [self._trial(kept) for kept in self._study.get_trials(deepcopy=False)]

    def _trial(self, kept: FrozenTrial) -> Trial:
        state = _STATES[kept.state.name]
        came = kept.user_attrs["came"] if state != "running" else None
        told = {name: value for name, value in came.items() if name != "seal"} if came else None
        owner = kept.user_attrs.get("owner", "")
        mark = owner or kept.number
        sound = kept.user_attrs["seal"] == self._seal(mark, kept.params)
        if came:
            sound = sound and came["seal"] == self._seal(mark, kept.params, state, told)
        if not sound:
            raise IntegrityError(self._damaged(f"trial {kept.number} of {self.name!r} has another seal"))
        folds = dict(enumerate(map(FoldLoss.of_plain, told["folds"]))) if told else {}
        used = len(folds)
        if told and "error" in told:
            folds[used] = FoldLoss(error=str(told["error"]))
        return Trial(kept.number, unlabelled(self.space, kept.params), folds, state, used, owner)

    def _damaged(self, what: str) -> str:
        return _damaged(self._path, what)

    def _seal(self, mark: int | str, params: Mapping[str, Any], *more: Any) -> str:
        """Return the hash of a record, which tells whether it is as it was written, and where it was."""
        return hashlib.sha256(json.dumps([self.name, mark, dict(params), *more], sort_keys=True).encode()).hexdigest()

    def add(self, trial: Trial) -> None:
        """Keep a trial that was asked, before it is fitted: one record, whole or not there."""
        self._do(lambda: self._study.add_trial(self._record(trial)))
        self.trials.append(trial)

    def _record(self, trial: Trial, **more: Any) -> FrozenTrial:
        seal = self._seal(trial.owner or trial.number, labelled(self.space, trial.params))
        return frozen(earlier(trial, self.space), self.space, seal=seal, **more)

    def tell(self, trial: Trial) -> None:
        """Keep what was decided of a trial."""
        from optuna.trial import TrialState

        state = next(TrialState[name] for name, ours in _STATES.items() if ours == trial.state)
        # One attribute: every record is synced to the disk.
        came: dict[str, Any] = {"folds": [trial.folds[k].to_plain() for k in range(trial.used)]}
        if trial.state == "failed":
            came["error"] = trial.error
        came["seal"] = self._seal(
            trial.owner or trial.number, labelled(self.space, trial.params), trial.state, dict(came)
        )

        values = self.objectives.turned(trial.values) if trial.values else None

        def write() -> None:
            storage = self._storage
            trial_id = storage.get_trial_id_from_study_id_trial_number(self._id, trial.number)
            storage.set_trial_user_attr(trial_id, "came", came)
            if trial.state == "raced":
                assert values
                storage.set_trial_intermediate_value(trial_id, trial.used, values[0])
            storage.set_trial_state_values(trial_id, state, values if trial.state == "complete" else None)

        self._do(write)

    def _do(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as e:
            raise StoreError(io_reason(e, self._path)) from e


def _storage(path: Path) -> BaseStorage:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    return JournalStorage(JournalFileBackend(str(path), lock_obj=JournalFileOpenLock(str(path))))


def _damaged(path: Path, what: str) -> str:
    return f"{path} is damaged: {what}: start the sweep again; fits that are kept are not repeated"


def mend(path: Path) -> None:
    """Cut off a last line that was not written to its end, and remove a lock that a killed process left.

    Whatever is appended to half a line would make the journal unreadable for ever.

    Raises
    ------
    IntegrityError
        If a line before the last one is damaged: nothing is changed then.
    """
    try:
        path.with_name(path.name + ".lock").unlink(missing_ok=True)
    except OSError as e:
        raise StoreError(io_reason(e, Path(e.filename))) from e
    if not path.exists():
        return
    text = path.read_bytes()
    *lines, last = text.split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not _whole(line):
            raise IntegrityError(_damaged(path, f"line {number} of {len(lines)} is not what a sweep writes"))
    if last:
        with open(path, "r+b") as file:
            file.truncate(len(text) - len(last))


def _whole(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False

"""Trials as Optuna keeps them, in a journal of the sweep's folder: whatever is killed, what was told is there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quorate.errors import IntegrityError, StoreError
from quorate.store.files import io_reason
from quorate.sweeps.sampling import earlier
from quorate.sweeps.space import Space
from quorate.sweeps.translation import frozen, unlabelled
from quorate.sweeps.trial import FoldLoss, State, Trial

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

_STATES: dict[str, State] = {"RUNNING": "running", "COMPLETE": "complete", "PRUNED": "raced", "FAIL": "failed"}
JOURNAL = "journal.log"


class Study:
    """The trials of one model.

    Parameters
    ----------
    folder : Path
        The sweep's; who opens it holds the sweep (`quorate.store.run.Run.driving`).
    model : str
        The study is called ``MODEL_optimization``.
    space : mapping
        What is tried.

    Raises
    ------
    IntegrityError
        If what is kept is no such study.
    """

    def __init__(self, folder: Path, model: str, space: Space) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.space = space
        self._name = f"{model}_optimization"
        self._storage = _storage(folder / JOURNAL)
        self._study = optuna.create_study(study_name=self._name, storage=self._storage, load_if_exists=True)
        self._id = self._storage.get_study_id_from_name(self._name)
        self.trials = self._read(folder / JOURNAL)

    def _read(self, path: Path) -> list[Trial]:
        try:
            return [self._trial(kept) for kept in self._study.get_trials(deepcopy=False)]
        except (KeyError, TypeError, ValueError, StopIteration) as e:
            raise IntegrityError(f"{path} is damaged: study {self._name!r} holds what no sweep writes ({e!r})") from e

    def _trial(self, kept: FrozenTrial) -> Trial:
        params = unlabelled(self.space, kept.params)
        folds = {int(k): FoldLoss.of_plain(fold) for k, fold in kept.user_attrs.get("folds", {}).items()}
        if error := kept.user_attrs.get("error"):
            folds[len(folds)] = FoldLoss(error=str(error))
        state = _STATES[kept.state.name]
        return Trial(kept.number, params, folds, state, kept.user_attrs.get("used", 0))

    def add(self, trial: Trial) -> None:
        """Keep a trial that was asked, before it is fitted: one record, whole or not there."""
        self._do(lambda: self._study.add_trial(frozen(earlier(trial, self.space), self.space)))
        self.trials.append(trial)

    def tell(self, trial: Trial) -> None:
        """Keep what was decided of a trial."""
        from optuna.trial import TrialState

        state = next(TrialState[name] for name, ours in _STATES.items() if ours == trial.state)
        folds = {str(k): trial.folds[k].to_plain() for k in range(trial.used)}
        attributes: dict[str, Any] = {"folds": folds, "used": trial.used, "cpu_seconds": trial.seconds}
        if trial.state == "failed":
            attributes |= {"error": trial.error, "folds": {}, "used": 0}

        def write() -> None:
            storage = self._storage
            trial_id = storage.get_trial_id_from_study_id_trial_number(self._id, trial.number)
            for name, value in attributes.items():
                storage.set_trial_user_attr(trial_id, name, value)
            if trial.state == "raced":
                storage.set_trial_intermediate_value(trial_id, trial.used, trial.value)
            storage.set_trial_state_values(trial_id, state, [trial.value] if trial.state == "complete" else None)

        self._do(write)

    def _do(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as e:
            raise StoreError(io_reason(e, Path(e.filename or JOURNAL))) from e


def _storage(path: Path) -> BaseStorage:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    mend(path)
    try:
        return JournalStorage(JournalFileBackend(str(path), lock_obj=JournalFileOpenLock(str(path))))
    except OSError as e:
        raise StoreError(io_reason(e, path)) from e
    except (KeyError, TypeError, ValueError) as e:
        raise IntegrityError(f"{path} is damaged: {e!r}") from e


def mend(path: Path) -> None:
    """Cut off a last line that was not written to its end, and remove a lock that a killed process left.

    Whatever is appended to half a line would make the journal unreadable for ever.

    Raises
    ------
    IntegrityError
        If a line before the last one is damaged: nothing is changed then.
    """
    path.with_name(path.name + ".lock").unlink(missing_ok=True)
    if not path.exists():
        return
    text = path.read_bytes()
    *lines, last = text.split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not _whole(line):
            raise IntegrityError(f"{path} is damaged: line {number} of {len(lines)} is not what a sweep writes")
    if last:
        with open(path, "r+b") as file:
            file.truncate(len(text) - len(last))


def _whole(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False

"""What hears of a training while it goes on: a line of a log for each epoch, and checkpoints to go on from."""

from __future__ import annotations

import datetime as dt
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quorate.errors import StoreError
from quorate.execution.surroundings import settled
from quorate.store.checkpoints import Checkpoint, Checkpoints

if TYPE_CHECKING:
    from quorate.execution.task import FitTask


@dataclass
class Watch:
    """What a model that is trained in epochs tells of each, and what its training goes on from.

    ``begin`` is called once, before the first epoch, ``epoch`` after each.

    Parameters
    ----------
    what : mapping
        What is trained, as JSON holds it: a checkpoint of anything else is not gone on from.
    folder : Path, optional
        Of the checkpoints; None: there are none, as where the folder above it is not there, on another machine.
    every : float, seconds
        How far apart checkpoints are at least; 0: one after each epoch.
    top : int
        How many of the best are kept beside the latest.
    log : Path, optional
        The file that a line is added to for each epoch.
    fresh : bool
        Whether training begins anew, whatever checkpoints there are.
    """

    what: Mapping[str, Any]
    folder: Path | None = None
    every: float = 0.0
    top: int = 0
    log: Path | None = None
    fresh: bool = False
    _clock: _Clock = field(default_factory=lambda: _Clock(), repr=False)

    def begin(self) -> dict[str, Any] | None:
        """Return what `state` gave in the epoch to go on from: arrays, and plain values; None to begin anew."""
        self._clock = _Clock()
        kept = self._kept()
        found, told = kept.latest() if kept is not None and not self.fresh else (None, [])
        for line in told:
            self._warn(line)
        if self.log is not None:
            _cut(self.log, found.epoch if found is not None else 0)
        return {**found.arrays, **found.values} if found is not None else None

    @staticmethod
    def line(epoch: int, values: Mapping[str, float], steps: int | None = None) -> str:
        """Return an epoch as a line of a log: ``epoch=1 steps=28 train_loss=... val_loss=...``."""
        made = "" if steps is None else f" steps={steps}"
        return f"epoch={epoch}{made} " + " ".join(f"{name}={value:.6g}" for name, value in values.items())

    def epoch(
        self,
        line: str,
        epoch: int,
        epochs: int,
        *,
        value: float,
        state: Callable[[], Mapping[str, Any]],
        last: bool = False,
    ) -> None:
        """Hear that an epoch is over.

        Parameters
        ----------
        line : str
            What is told of it: ``name=value`` and more of these, as `line` makes it.
        epoch, epochs : int
            Which one it is, from 1, and how many there are at most.
        value : float
            What progress makes smaller.
        state : callable
            Gives all that is needed to go on from here: NumPy arrays, and values as JSON holds them, by name.
        last : bool
            Whether the training ends with it.
        """
        clock = self._clock
        left = clock.left(epochs - epoch)
        if self.log is not None:
            now = f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
            with self.log.open("a", encoding="utf-8") as file:
                file.write(f"time={now} {line} epochs={epochs} seconds_left={0.0 if last else left:.1f}\n")
        due = time.monotonic() - clock.kept >= self.every or (last and clock.writes)
        # What is computed while a library's threads are not held to the fit's is computed once more.
        kept = self._kept() if due else None
        if kept is None or not settled():
            return
        arrays, values = _parted(state())
        try:
            kept.write(Checkpoint(epoch, arrays, values), value, last)
        except StoreError as e:  # no reason to lose the training
            self._warn(f"no checkpoint after epoch {epoch}: {e}")
        clock.kept, clock.writes = time.monotonic(), True

    def done(self) -> None:
        """Hear that what was trained is kept elsewhere: no checkpoint is needed any more."""
        if self.folder is not None:
            Checkpoints(self.folder, self.what).remove()

    def _warn(self, told: str) -> None:
        warning = UserWarning(told)
        warning.about = self  # type: ignore[attr-defined]
        warnings.warn(warning, stacklevel=3)

    def _kept(self) -> Checkpoints | None:
        there = self.folder is not None and self.folder.parent.is_dir()
        return Checkpoints(self.folder, self.what, self.top) if self.folder is not None and there else None


class _Clock:
    """When a training began, and when it was last kept."""

    def __init__(self) -> None:
        self.kept = self._last = time.monotonic()
        self.writes = False
        self._took: list[float] = []

    def left(self, epochs: int) -> float:
        """Hear that an epoch is over; return the seconds that so many more are thought to take."""
        now = time.monotonic()
        self._took.append(now - self._last)
        self._last = now
        usual = self._took[1:] or self._took  # the first one warms up
        return epochs * sum(usual) / len(usual)


class Watching(NamedTuple):
    """Where the fits of a run have their checkpoints, by their keys; removed when a fit is done.

    Parameters
    ----------
    folder : Path
        Of all of them.
    every : float, seconds
        How far apart those of a fit are at least.
    """

    folder: Path
    every: float

    def watched(self, task: FitTask) -> FitTask:
        """Return a fit whose training is gone on with where it was stopped."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return replace(task, watch=Watch({"key": task.key}, self.folder / task.key, self.every))


def _parted(state: Mapping[str, Any]) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays of a state, and its values."""
    arrays = {name: one for name, one in state.items() if isinstance(one, np.ndarray)}
    return arrays, {name: one for name, one in state.items() if name not in arrays}


def _cut(log: Path, epoch: int) -> None:
    """Have a log end with an epoch."""
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if epoch and log.exists() else []
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("".join(line for line in lines if _epoch_of(line) in range(1, epoch + 1)), encoding="utf-8")


def told_of(line: str) -> dict[str, str]:
    """Return what a line of a log says, by name."""
    return dict(part.partition("=")[::2] for part in line.split())


def _epoch_of(line: str) -> int:
    return int(told_of(line).get("epoch", 0)) if line.endswith("\n") else 0

"""What ``mlflow.pyfunc.load_model`` calls: a version is read by our own code, from arrays and plain values.

Nothing of it is pickled. MLflow is not imported here: it imports this.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quorate.bars.panel import Bars
from quorate.errors import DataError, IntegrityError
from quorate.runs.predict import Prediction, predict
from quorate.store import Home
from quorate.store.documents import read_sealed
from quorate.store.registry import DOCUMENT
from quorate.store.trust import forget, trust

if TYPE_CHECKING:
    import pandas as pd


class LoadedVersion:
    """A version of an ensemble, loaded by MLflow.

    Parameters
    ----------
    folder : Path
        Of the version, as the artifact store gave it; only read.

    Raises
    ------
    IntegrityError
        If a file is not as it was when the version was registered.
    """

    def __init__(self, folder: Path) -> None:
        self.document = read_sealed(folder / DOCUMENT)
        self._home = Path(tempfile.mkdtemp(prefix="quorate-version-"))
        self._finalizer = weakref.finalize(self, _remove, self._home)
        for place, told in {**self.document["files"], DOCUMENT: None}.items():
            target = self._home / place
            if not target.resolve().is_relative_to(self._home.resolve()):
                raise IntegrityError(f"the version {folder} has a file {place!r}, which is none of its own")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / place, target)
            if told and hashlib.sha256(target.read_bytes()).hexdigest() != told["sha256"]:
                raise IntegrityError(f"{folder / place} is not as it was when the version was registered")
        trust(self._home)  # whoever loads a model trusts it: MLmodel itself names the code that is run

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Return the desired weights for the bar after the last one, as `quorate.Version.predict`.

        Parameters
        ----------
        model_input : DataFrame, str or None
            Bars, as `quorate.Bars.from_frame` takes them (``symbol``, ``time`` with a time zone, ``open``, ``high``,
            ``low``, ``close``, ``volume``); or a path, for a recipe whose source reads one; None: the recipe's own.
        params : dict, optional
            None is known.

        Returns
        -------
        DataFrame
            A row per symbol: ``symbol``, ``weight``, ``score``, ``prediction``, ``decided`` (the close, UTC),
            ``held_out``, ``member/NAME``, and ``quantile/LEVEL`` where the recipe has them.
        """
        import pandas as pd

        if params:
            raise DataError(f"a version takes no params; there were {', '.join(params)}")
        data: Any = self._bars(model_input) if isinstance(model_input, pd.DataFrame) else model_input
        if isinstance(data, list | tuple) and len(data) == 1:  # as MLflow's server hands over a single path
            data = data[0]
        found = predict(self.document["run"], data=data, kept=True, home=self._home)
        return pd.DataFrame([*_rows(found, found.targets, False), *_rows(found, found.unseen, True)])

    def _bars(self, frame: pd.DataFrame) -> Bars:
        before = Home(self._home).bars(self.document["data"]["fingerprint"])
        return Bars.from_frame(frame, before.calendar, list(before.categories))


def _load_pyfunc(path: str) -> LoadedVersion:
    """Return a version from its folder; MLflow looks for this name."""
    return LoadedVersion(Path(path))


def _rows(found: Prediction, targets: list[dict[str, Any]], held_out: bool) -> list[dict[str, Any]]:
    return [
        {
            **{name: one[name] for name in ("symbol", "weight", "score", "prediction")},
            "decided": found.decided,
            "held_out": held_out,
            **{f"member/{name}": value for name, value in one["members"].items()},
            **{f"quantile/{level}": value for level, value in (one.get("quantiles") or {}).items()},
        }
        for one in targets
    ]


def _remove(home: Path) -> None:
    forget(home)
    shutil.rmtree(home, ignore_errors=True)

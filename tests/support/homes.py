"""The recipes that tests share, and a home in which they were run, audited and promoted before."""

from __future__ import annotations

import fcntl
import shutil
from copy import deepcopy
from pathlib import Path
from typing import Any

TINY: dict[str, Any] = {
    "name": "tiny",
    "data": {"source": "simulated", "n_bars": 520, "signal": 0.4},
    "holdout": {"bars": 100},
    "features": {"use": ["return_1", "return_5", "zscore_20"]},
    "folds": {"initial": 250, "test": 60},
    "models": {"logistic": {}, "ridge": {}},
    "threshold": {"min_bars": 60},
    "execution": {"executor": "serial"},
}
SMALL: dict[str, Any] = {
    "name": "small",
    "data": {"source": "simulated", "n_bars": 700, "signal": 0.4},
    "holdout": {"bars": 150},
    "features": {"use": ["return_1", "return_2", "return_5", "zscore_20", "rsi_5", "volatility_5"]},
    "folds": {"initial": 300, "test": 100},
    "models": {"logistic": {}, "lightgbm": {"n_estimators": 20}},
    "threshold": {"min_bars": 60},
}
PANEL: dict[str, Any] = {**SMALL, "name": "panel", "data": {**SMALL["data"], "n_symbols": 3}}
RECIPES = {"tiny": TINY, "small": SMALL, "panel": PANEL}


def recipe(name: str) -> dict[str, Any]:
    """Return a copy of a recipe, to be changed at will."""
    return deepcopy(RECIPES[name])


class WarmHome:
    """A home that knows the fits and audits of the recipes; it is made once for all processes of tests.

    Nobody runs in it: tests get copies. SQLite writes in place, so its file is copied, never linked.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self) -> WarmHome:
        """Run, audit and promote, unless another process did or is doing it."""
        import quorate

        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (self.folder / "ready").exists():
                home = self.folder / "home"
                for name in ("tiny", "small"):
                    quorate.promote(quorate.run(recipe(name), home=home).run_id, home=home)
                quorate.run(recipe("panel"), home=home)
                self.copy(self.folder / "finished")
                quorate.run(recipe("tiny"), home=self.folder / "finished")
                (self.folder / "ready").touch()
        return self

    def copy(self, to: Path) -> None:
        """Give a home its finished fits and audits, and no run."""
        for name in ("fits", "audits"):
            shutil.copytree(self.folder / "home" / name, to / name)

    def copy_finished(self, to: Path) -> None:
        """Make a home with one run of the tiny recipe, whose holdout is closed."""
        shutil.copytree(self.folder / "finished", to)

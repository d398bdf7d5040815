"""The recipes that tests share, and a home in which they were run, audited and promoted before."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import quorate
from quorate.evidence.ledger import record_override
from quorate.store import Home
from quorate.store.trust import trust

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
EASY: dict[str, Any] = {
    "preset": "headline",
    "sharpe": {"threshold": -50.0},
    "max-drawdown": {"threshold": 0.99},
    "win-rate": {"threshold": 0.01},
    "sample-size": {"trades": 1, "least_trades": 1, "bars": 20},
}
RECIPES = {"tiny": TINY, "small": SMALL, "panel": PANEL}


def recipe(name: str) -> dict[str, Any]:
    """Return a copy of a recipe, to be changed at will."""
    return deepcopy(RECIPES[name])


class Homes:
    """Homes that are made once for all processes of tests.

    Nobody runs in them: tests get copies. SQLite writes in place, so its file is copied, never linked.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def finished(self) -> Path:
        """One with a run of the tiny recipe, whose holdout is closed, and an audit of it."""

        def make(home: Path) -> None:
            quorate.run(recipe("tiny"), home=home)
            quorate.audit(recipe("tiny"), home=home)

        return self._made("finished", make)

    @property
    def warm(self) -> Path:
        """One where each of the recipes was run, and all but the panel promoted."""

        def make(home: Path) -> None:
            self.copy_known(self.finished, home)
            for name in ("tiny", "small"):
                quorate.promote(quorate.run(recipe(name), home=home).run_id, home=home)
            quorate.run(recipe("panel"), home=home)

        return self._made("warm", make)

    @property
    def served(self) -> Path:
        """One with tiny@1, a champion, tiny@2, a shadow, tiny@3, a candidate, and bad@1, overridden.

        Versions of tiny read `bars_file`.
        """

        def make(home: Path) -> None:
            self.copy_known(self.warm, home)
            trust(home)
            run = quorate.load_report(home=self.finished).provenance["data"]
            Home(self.finished).bars(run["fingerprint"]).to_frame().to_csv(self.bars_file, index=False)
            data = {"source": "csv", "path": str(self.bars_file), "calendar": "us-equity"}
            for C in (1.0, 0.5, 0.25):
                table = recipe("tiny") | {"data": data, "gates": EASY, "models": {"logistic": {"C": C}, "ridge": {}}}
                quorate.promote(quorate.run(table, home=home).run_id, home=home)
            hard = {**EASY, "sharpe": {"threshold": 50.0}}
            bad = quorate.run(recipe("tiny") | {"name": "bad", "gates": hard}, home=home).run_id
            quorate.promote(bad, home=home)
            record_override(Home(home), bad, "FAIL", "paper trading only")
            quorate.register(bad, home=home)
            registry = quorate.ModelRegistry(home)
            registry.stage("tiny@1", "champion")
            registry.stage("tiny@2", "shadow")

        return self._made("served", make)

    @property
    def bars_file(self) -> Path:
        """The bars of the tiny recipe as a file."""
        return self.folder / "SIM001.csv"

    def _made(self, name: str, make: Callable[[Path], None]) -> Path:
        """Make a home, unless another process did or is doing it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        home, ready = self.folder / name, self.folder / f"{name}.ready"
        with (self.folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not ready.exists():
                make(home)
                ready.touch()
        return home

    @staticmethod
    def copy_known(home: Path, to: Path) -> None:
        """Give a home the finished fits and audits of another, and no run."""
        for name in ("fits", "audits"):
            shutil.copytree(home / name, to / name)

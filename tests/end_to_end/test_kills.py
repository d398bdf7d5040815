"""Kill -9 in the middle of a run: `quorate resume` finishes it as if it had not been; `make experiments` does more."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.full

PLUGIN = """
import time
import numpy as np
import quorate


class Slow:
    def fit(self, X, y):
        time.sleep(0.3)
        self.slope = float(np.corrcoef(X[:, 0], y)[0, 1])
        return self

    def predict(self, X):
        return 0.5 + 0.2 * np.tanh(self.slope * X[:, 0])


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("slow", Slow, task="regression")
"""

RECIPE = """
name = "killed"
plugins = ["slow.py"]

[data]
source = "simulated"
n_bars = 900

[holdout]
bars = 100

[features]
use = ["return_1", "zscore_20"]

[folds]
initial = 300
test = 20

[models]
logistic = {}
ridge = {}
"""
FITS = 5 * 25  # with the baselines
ENOUGH = 30  # finished fits after which it is killed


@pytest.fixture(scope="module")
def kills() -> ModuleType:
    path = Path(__file__).parents[1] / "experiments" / "kills.py"
    spec = importlib.util.spec_from_file_location("kills", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["kills"] = module  # its dataclasses look for it there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recipe")
    (folder / "slow.py").write_text(PLUGIN)
    (folder / "killed.toml").write_text(RECIPE)
    return folder / "killed.toml"


@pytest.fixture(scope="module")
def reference(kills: ModuleType, recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> object:
    home = tmp_path_factory.mktemp("reference") / "home"
    found = kills.refer(home, recipe, ["execution.executor=processes", "execution.workers=2"])
    assert found.fits == FITS
    return found


@pytest.mark.parametrize("kind", ["processes-driver", "processes-worker", "ray-driver"])
def test_a_killed_run_is_finished_as_if_nothing_had_happened(
    kills: ModuleType, recipe: Path, reference: object, kind: str, tmp_path: Path
) -> None:
    with kills.place(kind, tmp_path) as (home, sets):
        outcome = kills.strike(kind, lambda seconds, done: done >= ENOUGH, home, recipe, sets, reference)
    assert outcome.killed
    assert outcome.resumed or kind == "processes-worker"
    assert ENOUGH <= outcome.done < FITS
    assert outcome.same
    assert outcome.again == 0, "finished fits were computed again"
    assert outcome.repeated <= outcome.flying

"""What tests share: surroundings of their own, workers on lease, small recipes, homes that are thrown away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support import surroundings
from support.interpreter import Warm

pytest_plugins = ["support.durations"]

SMALL = {
    "name": "small",
    "data": {"source": "simulated", "n_bars": 700, "signal": 0.4},
    "holdout": {"bars": 150},
    "features": {"use": ["return_1", "return_2", "return_5", "zscore_20", "rsi_5", "volatility_5"]},
    "folds": {"initial": 300, "test": 100},
    "models": {"logistic": {}, "lightgbm": {"n_estimators": 20}},
    "threshold": {"min_bars": 60},
}


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is imported or started: workers of xdist inherit it."""
    if not hasattr(config, "workerinput"):
        config.stash[HOME] = surroundings.leave_the_user_alone()
        surroundings.hear_interrupts()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Throw the HOME away."""
    if HOME in config.stash:
        surroundings.throw_away(config.stash[HOME])


HOME = pytest.StashKey[str]()


@pytest.fixture
def small() -> dict[str, object]:
    """A recipe that takes about a second."""
    return {key: dict(value) if isinstance(value, dict) else value for key, value in SMALL.items()}


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a test does by accident may touch a home outside its own folder."""
    monkeypatch.setenv("QUORATE_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session")
def pool() -> Iterator[type]:
    """The workers of this process of tests."""
    from support.lease import Lease, Pool

    Lease.pool = Pool()
    yield Lease
    Lease.pool.close()


@pytest.fixture(scope="session", autouse=True)
def _leased(pool: type) -> Iterator[None]:
    """Whoever makes an executor of processes borrows those of the pool, but tests marked `own_executor`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("quorate.execution.choose.Processes", pool)
        yield


@pytest.fixture(autouse=True)
def _own(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("own_executor"):
        from quorate.execution.processes import Processes

        monkeypatch.setattr("quorate.execution.choose.Processes", Processes)


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """A fresh interpreter that has its imports behind it."""
    made = Warm()
    yield made
    made.close()


@pytest.fixture
def _warm_kit(warm: Warm, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kit's rules that ask a fresh process ask a warm one: with another hash seed, in another folder."""
    monkeypatch.setattr("quorate.testing._model_elsewhere.subprocess", warm)

"""What tests share: surroundings of their own, workers on lease, small recipes, homes that are thrown away."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from quorate.store.trust import trust
from support import homes, surroundings

if TYPE_CHECKING:
    from quorate.execution.isolated import Isolated
    from quorate.store import Home

pytest_plugins = ["support.durations", "support.scheduling"]

HOME = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is imported or started: workers of xdist inherit it."""
    if not hasattr(config, "workerinput"):
        config.stash[HOME] = surroundings.leave_the_user_alone()
        surroundings.hear_interrupts()


def pytest_collection_finish() -> None:
    """Thousands of tests are there to stay: nobody needs to look through them for garbage."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Throw the HOME away."""
    if HOME in config.stash:
        surroundings.throw_away(config.stash[HOME])


# How long an example takes is a matter of the machine.
hypothesis.settings.register_profile("quorate", deadline=None)
hypothesis.settings.load_profile("quorate")


@pytest.fixture
def small() -> dict[str, object]:
    """A recipe that takes about a second."""
    return homes.recipe("small")


@pytest.fixture
def tiny() -> dict[str, object]:
    """A recipe that takes half a second, with members that are fitted at once."""
    return homes.recipe("tiny")


@pytest.fixture
def panel() -> dict[str, object]:
    """The small recipe on three symbols."""
    return homes.recipe("panel")


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory, _leased: None) -> homes.Homes:
    base = tmp_path_factory.getbasetemp()
    return homes.Homes((base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "homes")


@pytest.fixture
def home(_homes: homes.Homes, tmp_path: Path) -> Path:
    """The test's own home, where the fits and audits of the shared recipes are known; without it, it is cold."""
    _homes.copy_known(_homes.warm, tmp_path / "home")
    trust(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def finished(_homes: homes.Homes, tmp_path: Path) -> Home:
    """The test's own home with one finished run of the tiny recipe; its holdout is closed, its pipeline audited."""
    from quorate.store import Home

    shutil.copytree(_homes.finished, tmp_path / "home")
    trust(tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that is the same everywhere, to be looked at; no test writes to it."""
    from support.window import drawn_home

    return drawn_home(tmp_path_factory.mktemp("drawn") / "home")


@pytest.fixture
def own(drawn: Home, tmp_path: Path) -> Home:
    """The drawn home, for the test to write to."""
    from quorate.store import Home

    shutil.copytree(drawn.path, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture(scope="session")
def engine() -> None:
    """The backtest engine, imported: that takes longer than any test of it."""
    from quorate.trading import accounts

    accounts.load()


@pytest.fixture(autouse=True)
def _home(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that a test does by accident may touch a home of others; a folder is made for those that ask for one."""
    asked = "tmp_path" in request.fixturenames
    folder = request.getfixturevalue("tmp_path") if asked else tmp_path_factory.getbasetemp() / str(id(request.node))
    monkeypatch.setenv("QUORATE_HOME", str(folder / "home"))


@pytest.fixture(scope="session")
def pool() -> Iterator[type]:
    """The workers of this process of tests."""
    from support.lease import Lease, Pool

    Lease.pool = Pool()
    yield Lease
    Lease.pool.close()


@pytest.fixture(scope="session")
def aside() -> Iterator[Callable[[str], Isolated[Any, Any]]]:
    """Where kept models of all tests of this process are made again, whatever is to be loaded first."""
    from support.lease import Aside

    @cache
    def made() -> Aside:
        return Aside("quorate.execution.keeping,scipy.linalg")

    yield lambda preload: made()
    if made.cache_info().currsize:
        made().end()


@pytest.fixture(scope="session", autouse=True)
def _leased(pool: type, aside: Callable[[str], Isolated[Any, Any]]) -> Iterator[None]:
    """Whoever starts processes for fits or models borrows those that are shared, but tests marked `own_executor`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("quorate.execution.choose.Processes", pool)
        patch.setattr("quorate.execution.keeping.Isolated", aside)
        yield


@pytest.fixture(scope="session", autouse=True)
def _unsynced() -> Iterator[None]:
    """No test of this process is about a power cut: some fifty times in a run the disk would be waited for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _bounded() -> Iterator[None]:
    """Whoever waits for another program without saying how long is told of it, before the limit of a test is over."""
    patience = 240.0  # seconds
    wait, communicate = subprocess.Popen.wait, subprocess.Popen.communicate

    def waiting(process: Any, timeout: float | None = None) -> Any:
        return wait(process, patience if timeout is None else timeout)

    def communicating(process: Any, *given: Any, timeout: float | None = None) -> Any:
        return communicate(process, *given, timeout=patience if timeout is None else timeout)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess.Popen, "wait", waiting)
        patch.setattr(subprocess.Popen, "communicate", communicating)
        yield


@pytest.fixture(autouse=True)
def _own(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("own_executor"):
        from quorate.execution import isolated, processes

        monkeypatch.setattr("quorate.execution.choose.Processes", processes.Processes)
        monkeypatch.setattr("quorate.execution.keeping.Isolated", isolated.Isolated)

"""Tests of a file that sets something up for all of them go to one worker; all others go where there is time."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

# Ray wants the cores for itself: no more than two at a time, one of them a cluster.
CLUSTERS = re.compile("test_own_cluster|test_ray_cluster")
RAY = re.compile(r"(?i)(?<![a-z])ray(?![a-z])|test_kills|test_executors")
# They take some half a minute each, or more.
LONG = re.compile(r"test_resume|test_shared_study|test_examples|test_memory|test_kit|-(gp|gru|tabm|random-forest)\]")


class BySharedFiles(LoadScopeScheduling):
    """Groups by file where fixtures are shared."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if CLUSTERS.search(nodeid):
            return "clusters"
        if RAY.search(nodeid):
            return "ray"
        return file if shares(self.config.rootpath / file) else nodeid

    def schedule(self) -> None:
        """Hand out the first work; a worker begins a test only when it knows the next, so twice."""
        super().schedule()
        for node in self.nodes:
            self._reschedule(node)

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """Forget a test that is done: thousands of groups would be counted again after each test."""
        self._forget(node, self.registered_collections[node][item_index])
        self._reschedule(node)

    def _reschedule(self, node: WorkerController) -> None:
        if node in self.registered_collections:  # one that takes the place of another still collects
            super()._reschedule(node)

    def remove_node(self, node: WorkerController) -> str | None:
        """Return the test that took its worker down: it has failed; those behind it go to others, without it."""
        crashed = next((test for group in self.assigned_work[node].values() for test in group), None)
        if crashed is not None:
            self._forget(node, crashed)
        super().remove_node(node)
        return crashed

    def _forget(self, node: WorkerController, test: str) -> None:
        groups, scope = self.assigned_work[node], self._split_scope(test)
        del groups[scope][test]
        if not groups[scope]:
            del groups[scope]


@cache
def shares(file: Path) -> bool:
    """Whether a file of tests has fixtures for the whole of it."""
    return 'scope="module"' in file.read_text(encoding="utf-8")


def place(item: pytest.Item) -> int:
    """Return when a test begins: what takes longest first, so that no worker is left alone with it at the end."""
    if CLUSTERS.search(item.nodeid) or RAY.search(item.nodeid):
        return 0
    return 1 if LONG.search(item.nodeid) else 2 if shares(item.path) else 3


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put them in this order, where several workers take them."""
    if hasattr(config, "workerinput"):
        items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """In place of ``--dist loadscope``."""
    config.option.loadscopereorder = False
    return BySharedFiles(config, log) if config.getvalue("dist") == "loadscope" else None

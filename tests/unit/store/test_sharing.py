"""A home that several users share: its rights, who decided what, and two of them at a time."""

from __future__ import annotations

import grp
import json
import multiprocessing
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from quorate.errors import RecipeError, StoreError
from quorate.evidence.ledger import ledger_of
from quorate.evidence.ledger.verify import verify
from quorate.execution.cache import FitCache
from quorate.execution.task import FitResult
from quorate.plugins.specs import Alert
from quorate.store import Home, sharing
from quorate.store.alerts import keep_alert, read_alerts
from quorate.store.sharing import share, shared_with, user_and_host

GROUP = grp.getgrgid(os.getegid()).gr_name


@pytest.fixture
def made(tmp_path: Path) -> Home:
    """A home of this user's, with a line in the ledger and a folder of a cluster."""
    home = Home(tmp_path / "home")
    home.claim()
    _decide(home)
    (home.path / "cluster").mkdir(mode=0o700)
    (home.path / "cluster" / "token").touch(mode=0o600)
    return home


@pytest.fixture(autouse=True)
def _umask() -> Any:
    before = os.umask(0o022)
    yield
    os.umask(before)


def _decide(home: Home, kind: str = "override") -> None:
    ledger_of(home).append([{"kind": kind, "run": "r", "verdict": "FAIL", "reason": "why"}])


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_all_of_it_is_the_groups_and_so_is_what_comes_later(made: Home) -> None:
    found = share(made.path, GROUP)
    assert (found.group, shared_with(made.path)) == (GROUP, GROUP)
    assert _mode(made.path) & 0o2070 == 0o2070
    assert _mode(made.path / "ledger" / "ledger.jsonl") & 0o060 == 0o060
    assert (_mode(made.path / "cluster"), _mode(made.path / "cluster" / "token")) == (0o700, 0o600)
    again = Home(made.path)  # whoever opens it writes for the group
    keep_alert(again.path, Alert("run-failed", "now", "", "r", "", "s", "t"))
    run = again.new_run("later")
    assert _mode(run.path) & 0o2070 == 0o2070
    assert _mode(made.path / "alerts.jsonl") == 0o660
    assert share(made.path, GROUP).changed == 0


def test_a_home_of_ones_own_is_as_it_was(made: Home) -> None:
    Home(made.path)
    assert os.umask(0o022) == 0o022
    keep_alert(made.path, Alert("run-failed", "now", "", "r", "", "s", "t"))
    assert _mode(made.path / "alerts.jsonl") == 0o600
    assert "by" not in ledger_of(made).entries()[-1]


def test_a_home_that_only_says_so_changes_nothing_of_this_process(made: Home) -> None:
    own = json.loads((made.path / "home.json").read_text())
    (made.path / "home.json").write_text(json.dumps({**own, "shared": GROUP}))
    Home(made.path)
    assert os.umask(0o022) == 0o022


def test_the_ledger_says_who_decided_and_earlier_entries_hold(made: Home) -> None:
    share(made.path, GROUP)
    for kind in ("opening", "override", "version", "stage", "report"):
        with ledger_of(made).writing() as write:
            write([{"kind": kind, **_fields(kind)}])
    ledger_of(made).append([{"kind": "other", "run": "r"}])
    assert [one.get("by") for one in ledger_of(made).entries()] == [None, *[user_and_host()] * 5, None]
    assert verify(made).sound


def _fields(kind: str) -> dict[str, Any]:
    own = {"run": "r", "verdict": "FAIL", "reason": "why", "part": "development", "seal": "s"}
    opening = {
        **dict.fromkeys(("data", "lineage", "recipe", "key"), "x"),
        "imported": False,
        "first": None,
        "last": None,
    }
    return {**own, **(opening if kind == "opening" else {})}


def test_what_cannot_be_shared_is_refused_and_why(made: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RecipeError, match=r"there is no 'no-such-group'.*groupadd no-such-group"):
        share(made.path, "no-such-group")
    with pytest.raises(StoreError, match=r"there is no home at .* to share"):
        share(tmp_path / "nothing", GROUP)
    with monkeypatch.context() as patch:
        patch.setattr(sharing, "file_system", lambda path: "nfs4")
        with pytest.raises(StoreError, match=r"it lies on nfs4, where the locks .* do not hold between machines"):
            share(made.path, GROUP)
    assert shared_with(made.path) == ""
    assert sharing.file_system(Path("/proc/self")) == "proc"


ROOT = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("chown"), reason="takes two users")
USERS, GID = (61001, 61002), 100  # of no account


def _as_user(uid: int, path: Path, number: int, answers: Any) -> None:
    try:
        os.setgroups([GID])
        os.setgid(uid)
        os.setuid(uid)
        os.umask(0o022)
        home = Home(path)
        cache = FitCache(path / "fits")
        for n in range(number):
            _decide(home)
            keep_alert(path, Alert("run-failed", "now", "", str(uid), "", "s", "t"))
            cache.put(_fit(f"{uid}-{n}"), "p")
            home.new_run(f"u{uid}")
        cache.close()
        answers.put((uid, ""))
    except BaseException as e:
        answers.put((uid, repr(e)))


def _fit(key: str) -> FitResult:
    import numpy as np

    return FitResult("m", 0, np.zeros(3), key=key, n_train=5)


@ROOT
def test_two_users_at_a_time(made: Home, tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents):
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o011)
    FitCache(made.path / "fits").put(_fit("first"), "p")
    share(made.path, grp.getgrgid(GID).gr_name)
    fork = multiprocessing.get_context("fork")
    answers = fork.Queue()
    users = [fork.Process(target=_as_user, args=(uid, made.path, 8, answers)) for uid in USERS]
    for one in users:
        one.start()
    assert sorted(answers.get(timeout=120) for _ in users) == [(uid, "") for uid in USERS]
    for one in users:
        one.join()
    by = [entry.get("by", "").partition("@")[0] for entry in ledger_of(made).entries()]
    assert sorted(by) == ["", *[str(USERS[0])] * 8, *[str(USERS[1])] * 8]
    assert verify(made).sound
    assert len(read_alerts(made.path)) == 16
    assert len(FitCache(made.path / "fits").entries()) == 17
    assert {(path.stat().st_gid, _mode(path) & 0o2070) for path in (made.path / "runs").iterdir()} == {(GID, 0o2070)}
    assert json.loads((made.path / "home.json").read_text())["shared"] == grp.getgrgid(GID).gr_name

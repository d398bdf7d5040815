"""A plugin in trouble: the run names it, and stops with what is finished or goes on without it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import quorate
from quorate.execution.cache import FitCache
from quorate.execution.isolated import Isolated, Lost
from quorate.execution.progress import Progress
from quorate.execution.resources import available_memory, memory_limit
from quorate.store import Home

PLUGIN = """
import os, time
import numpy as np
import quorate


class Trouble:
    # Sound on the first folds, then in trouble.
    def __init__(self, how="raise"):
        self.how = how

    def fit(self, X, y):
        self.bad = len(X) > 400
        if self.bad:
            getattr(self, self.how, lambda: None)()
        return self

    def predict(self, X):
        p = 0.5 + 0.01 * np.sign(X[:, 0])
        if self.bad and self.how == "holes":
            p[3] = np.nan
        if self.bad and self.how == "endless":
            p[3] = np.inf
        return p[:-1] if self.bad and self.how == "short" else p

    def error(self):
        raise ValueError("no luck")

    def leave(self):
        raise SystemExit(3)

    def hang(self):
        time.sleep(10_000)

    def spin(self):
        while True:
            pass

    def die(self):
        os._exit(7)

    def crash(self):
        import ctypes
        ctypes.string_at(0)

    def devour(self):
        keep = []
        while True:
            keep.append(np.empty(50_000_000))
            keep[-1][::512] = 1


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("trouble", Trouble, task="regression")
"""
REASONS = {
    "error": "ValueError: no luck",
    "leave": "SystemExit: 3",
    "hang": "it did not finish within 6 s (execution.fit_seconds)",
    "spin": "it did not finish within 6 s (execution.fit_seconds)",
    "die": "its process died",
    "crash": "its process died",
    "devour": "it needs more memory than a fit may take (execution.fit_memory)",
    "holes": "of 50 values of 'mean' are not, the first in row 3",
    "endless": "of 50 values of 'mean' are not, the first in row 3",
    "short": "predict of 256 rows must have shape (256,); it had (255,)",
}
ENDINGS = {"die": "it exited with code 7", "crash": "it was killed by SIGSEGV", "devour": "more than 0.4 GiB"}


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    path = tmp_path / "trouble.py"
    path.write_text(PLUGIN)
    return path


def recipe(
    small: dict[str, object], *hows: str, executor: str = "serial", seconds: float | None = None, **more: object
) -> dict[str, object]:
    # On a busy machine what is sound takes long too.
    seconds = seconds or (6.0 if {"hang", "spin"} & set(hows) else 120.0)
    models = {how: {"plugin": "trouble", "how": how} for how in hows}
    return {
        **small,
        "features": {"use": ["return_1", "return_5"]},
        "models": {"logistic": {}, **models},
        "execution": {"executor": executor, "workers": 2, "fit_seconds": seconds, "fit_memory": 0.4},
        **more,
    }


@pytest.mark.parametrize(
    "how", [h if h in ("error", "hang", "crash", "leave") else pytest.param(h, marks=pytest.mark.full) for h in REASONS]
)
def test_a_run_stops_and_names_plugin_version_fold_and_reason_and_keeps_what_is_finished(
    small: dict[str, object], plugin: Path, how: str
) -> None:
    table = recipe(small, seconds=6.0 if how in ("hang", "spin") else 120.0)
    models = {"logistic": {}, f"trouble-{how}": {"plugin": "trouble", "how": how}}  # fitted in this order
    with pytest.raises(quorate.FitError) as error:
        quorate.run({**table, "models": models}, plugins=[plugin])
    message = str(error.value)
    for part in (f"model 'trouble-{how}'", str(plugin), "sha256", "fold 2 (predicting", "training rows", REASONS[how]):
        assert part in message
    assert ENDINGS.get(how, "") in message
    assert "on_failure=drop" in message
    [run] = Home().runs()
    assert run.state == "failed"
    assert REASONS[how] in (run.path / "error.txt").read_text()
    kept = FitCache(Home().path / "fits").entries()
    assert kept
    finished = quorate.run(recipe(small), plugins=[plugin])
    assert finished.telemetry["cached"] == sum(not entry.model.startswith("trouble") for entry in kept) > 0


@pytest.mark.parametrize("executor", ["serial", pytest.param("ray", marks=pytest.mark.full)])
def test_a_run_goes_on_without_members_where_they_fail(small: dict[str, object], plugin: Path, executor: str) -> None:
    hows = ["error", "hang", "die", "devour", "holes"]
    report = quorate.run(recipe(small, *hows, executor=executor, on_failure="drop"), plugins=[plugin])
    section = report.results["development"]
    assert {(f["model"], f["fold"]) for f in section["failures"]} == {(how, fold) for how in hows for fold in (2,)}
    for failure in section["failures"]:
        assert REASONS[failure["model"]] in failure["reason"]
        assert (failure["plugin"], len(failure["version"])) == (str(plugin), 12)
        assert failure["test_first"] == section["folds"][2]["test_first"]
    assert any("model 'hang' failed on 1 of 3 folds" in w for w in section["warnings"])
    weights = report.folds.filter(like="weight/")
    assert (weights.iloc[:2] > 0).all(axis=None)
    assert weights.iloc[2].to_dict() == {f"weight/{name}": float(name == "logistic") for name in ["logistic", *hows]}
    last = report.predictions[report.predictions["fold"] == 2]
    assert last[[f"member/{how}" for how in hows]].isna().all(axis=None)
    assert last["ensemble/past-performance"].tolist() == last["member/logistic"].tolist()


@pytest.mark.full
def test_both_executors_give_equal_results_of_a_run_with_failures(small: dict[str, object], plugin: Path) -> None:
    digests = {
        executor: quorate.run(
            recipe(small, "die", "error", executor=executor, on_failure="drop"), plugins=[plugin]
        ).digest
        for executor in ("serial", "ray")
    }
    assert digests["serial"] == digests["ray"]


def test_a_run_with_failures_can_be_promoted_and_reproduced(small: dict[str, object], plugin: Path) -> None:
    from quorate.runs.reproduce import reproduce

    report = quorate.run(recipe(small, "error", on_failure="drop"), plugins=[plugin])
    promoted = quorate.promote(report.run_id)
    assert [f["reason"] for f in promoted.results["holdout"]["failures"]] == ["ValueError: no luck"] * 2
    assert reproduce(report.run_id).identical


def test_without_any_member_left_there_is_nothing_to_judge(small: dict[str, object], plugin: Path) -> None:
    table = recipe(small, "error", on_failure="drop", folds={"initial": 450, "test": 100})
    with pytest.raises(quorate.FitError, match=r"no member is left on fold \d .*: model 'error'.*no luck"):
        quorate.run({**table, "models": {"error": {"plugin": "trouble", "how": "error"}}}, plugins=[plugin])


def test_a_fit_that_takes_long_is_told_while_it_runs(
    small: dict[str, object], plugin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quorate.execution.processes.SLOW", 2.0)
    heard: list[str] = []

    class Heard(Progress):
        def warn(self, message: str) -> None:
            heard.append(message)

    with pytest.raises(quorate.FitError):
        quorate.run(recipe(small, "hang"), plugins=[plugin], progress=Heard())
    [told] = [message for message in heard if "has been fitting" in message]
    assert told.startswith("model 'hang' has been fitting on fold 2 for")
    assert "6 s (execution.fit_seconds)" in told


LATE = """
import numpy as np
import quorate


class Late:
    # Needs more history than the first folds have.
    def fit(self, X, y):
        if len(X) < 400:
            raise ValueError("too few rows")
        return self

    def predict(self, X):
        return 0.5 + 0.01 * np.sign(X[:, 0])


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("late", Late, task="regression")
"""


def test_a_member_that_never_predicted_before_does_not_cost_the_others_their_history(
    small: dict[str, object], tmp_path: Path
) -> None:
    path = tmp_path / "late.py"
    path.write_text(LATE)
    table = {**small, "models": {"logistic": {}, "lightgbm": {"n_estimators": 20}}, "on_failure": "drop"}
    table["folds"] = {"initial": 300, "test": 60}
    plain, report = quorate.run(table), quorate.run(table, plugins=[path])
    assert {f["model"] for f in report.results["development"]["failures"]} == {"late"}
    late = report.folds["weight/late"]
    first = int(late.gt(0).idxmax())
    assert late.iloc[:first].eq(0).all()
    # It predicted on the fold before, and those rows have ended.
    assert report.predictions.loc[report.predictions["fold"] == first - 1, "member/late"].notna().all()
    assert report.predictions.loc[report.predictions["fold"] == first - 2, "member/late"].isna().all()
    for name in ("logistic", "lightgbm"):
        assert report.folds[f"weight/{name}"][:first].tolist() == plain.folds[f"weight/{name}"][:first].tolist()


def test_a_fold_without_any_member_stops_the_run(small: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "late.py"
    path.write_text(LATE)
    table = {**small, "models": {"late": {}}, "on_failure": "drop"}
    with pytest.raises(quorate.FitError, match=r"no member is left on fold 0 .*model 'late' .*too few rows"):
        quorate.run(table, plugins=[path])


def test_a_prediction_says_who_takes_no_part(small: dict[str, object], plugin: Path) -> None:
    import json
    from dataclasses import asdict

    from quorate.runs.predict import predict

    report = quorate.run(recipe(small, "error", on_failure="drop"), plugins=[plugin])
    result = predict(report.run_id)
    assert result.targets[0]["members"]["error"] is None
    assert result.weights["error"] == 0.0
    assert any("model 'error' takes no part: ValueError: no luck" in w for w in result.warnings)
    json.dumps(asdict(result), allow_nan=False)


# --- what it rests on


def double(shared: int, item: int) -> int:
    return shared * item


def unpicklable(shared: None, item: int) -> object:
    return (lambda: item) if item == 1 else item


def test_a_process_beside_answers_in_order_and_is_replaced_when_it_is_lost() -> None:
    process: Isolated[int, int] = Isolated()
    try:
        assert list(process.each(double, 3, [1, 2, 3])) == [(1, 3), (2, 6), (3, 9)]
        answers = dict(process.each(unpicklable, None, [0, 1, 2], seconds=60))
        assert (answers[0], answers[2]) == (0, 2)
        assert isinstance(answers[1], Lost)
    finally:
        process.close()


def die_before_a_child(shared: None, item: int) -> None:
    if os.fork() == 0:
        time.sleep(600)
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_died_is_noticed_while_a_copy_of_it_lives_on() -> None:
    process: Isolated[Any, Any] = Isolated()
    try:
        [(_, lost)] = process.each(die_before_a_child, None, [0], seconds=100)
    finally:
        process.close()
    assert isinstance(lost, Lost)
    assert "killed" in lost.ending


def leave_a_child(shared: None, item: str) -> None:
    import subprocess

    Path(item).write_text(str(subprocess.Popen(["sleep", "600"]).pid))
    time.sleep(600)


def test_what_a_stopped_call_started_ends_with_it(tmp_path: Path) -> None:
    process: Isolated[Any, Any] = Isolated()
    try:
        assert list(process.each(double, 3, [1])) == [(1, 3)]  # it has started
        [(_, lost)] = process.each(leave_a_child, None, [str(tmp_path / "pid")], seconds=3)
    finally:
        process.close()
    assert isinstance(lost, Lost)
    pid = int((tmp_path / "pid").read_text())
    state = Path(f"/proc/{pid}/stat")
    for _ in range(100):  # on a busy machine a signal takes a moment
        with suppress(FileNotFoundError, ProcessLookupError):
            if state.read_text().split()[2] != "Z":
                time.sleep(0.1)
                continue
        return
    raise AssertionError(f"process {pid} goes on")


def test_memory_is_limited_while_it_is_asked_for_and_not_after() -> None:
    with memory_limit(100 << 20), pytest.raises(MemoryError):
        np.ones(50_000_000)
    assert np.ones(50_000_000).sum() == 50_000_000
    assert available_memory() > 1 << 30


ONCE = """
import os, signal
from pathlib import Path
import numpy as np
import quorate


class Once:
    # The first time, its process is killed: as the system does when something else takes all memory.
    def __init__(self, marker=""):
        self.marker = marker

    def fit(self, X, y):
        if self.marker and not Path(self.marker).exists():
            Path(self.marker).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self

    def predict(self, X):
        return 0.5 + 0.01 * np.sign(X[:, 0])


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("once", Once, task="regression")
"""


@pytest.mark.own_executor
@pytest.mark.parametrize(
    "executor, on_failure",
    [
        pytest.param("serial", "stop", marks=pytest.mark.full),
        pytest.param("serial", "drop", marks=pytest.mark.full),
        pytest.param("processes", "stop", marks=pytest.mark.full),
        pytest.param("processes", "drop", marks=pytest.mark.full),
        pytest.param("ray", "stop", marks=pytest.mark.full),
        pytest.param("ray", "drop", marks=pytest.mark.full),
    ],
)
def test_a_process_that_is_killed_once_changes_nothing(
    small: dict[str, object], tmp_path: Path, executor: str, on_failure: str
) -> None:
    path, marker = tmp_path / "once.py", tmp_path / "killed"
    path.write_text(ONCE)
    table = recipe(small, executor=executor, on_failure=on_failure)
    table["models"] = {"logistic": {}, "once": {"marker": str(marker)}}
    report = quorate.run(table, plugins=[path])
    assert marker.exists()
    assert "failures" not in report.results["development"]
    assert quorate.run({**table, "execution": {"cache": False}}, plugins=[path]).digest == report.digest


@pytest.mark.own_executor
def test_a_run_that_stops_leaves_nothing_to_the_next_on_the_same_executor(
    small: dict[str, object], tmp_path: Path
) -> None:
    path = tmp_path / "slow.py"
    path.write_text(
        ONCE.replace("return self", "__import__('time').sleep(0.5 if X.shape[1] == 2 else 0)\n        return self")
    )
    trouble = tmp_path / "trouble.py"
    trouble.write_text(PLUGIN)
    with quorate.executor("processes", workers=2) as workers:
        for _ in range(2):
            with pytest.raises(quorate.FitError):
                quorate.run(
                    {**recipe(small, "error"), "models": {"error": {"plugin": "trouble", "how": "error"}, "once": {}}},
                    plugins=[path, trouble],
                    executor=workers,
                )
        report = quorate.run({**recipe(small), "seed": 3}, executor=workers)
    alone = quorate.run({**recipe(small), "seed": 3, "execution": {"executor": "serial", "cache": False}})
    assert report.digest == alone.digest
    with pytest.raises(quorate.QuorateError, match="this executor was closed"):
        quorate.run({**recipe(small), "seed": 4}, executor=workers)


LOUD = """
import sys
import quorate


class Loud:
    def fit(self, X, y):
        print("a word " * 20_000)
        print("another", file=sys.stderr)
        return self

    def predict(self, X):
        return 0.5 + 0.01 * (X[:, 0] > 0)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("loud", Loud, task="regression")
"""


def test_a_run_whose_messages_nobody_reads_goes_on_and_so_do_its_plugins(
    tiny: dict[str, object], tmp_path: Path
) -> None:
    """As with ``quorate run RECIPE 2>&1 | head -2``."""
    import tomli_w

    (tmp_path / "tiny.toml").write_text(tomli_w.dumps(tiny))
    (tmp_path / "loud.py").write_text(LOUD)
    quorate_command = Path(sys.executable).with_name("quorate")
    command = [quorate_command, "run", "tiny.toml", "--plugin", "loud.py", "--home", "home"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    assert b"recipe" in process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=120) == 0
    [run] = Home(tmp_path / "home").runs()
    assert run.state == "finished"
    assert not run.report()["results"]["development"].get("failures")

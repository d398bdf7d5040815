"""No fit is done twice, and a run that was stopped anywhere ends as if it had not been."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.execution.cache import FitCache
from quorate.execution.progress import Progress
from quorate.execution.task import FitResult
from quorate.runs import run as api
from quorate.runs.reproduce import reproduce
from quorate.store import Home
from support.waiting import wait_until

MEMBERS = ["logistic", "majority", "persistence", "ridge"]  # sorted; the baselines come by themselves
QUORATE = str(Path(sys.executable).with_name("quorate"))


class Counting(Progress):
    """Counts what was really fitted."""

    def __init__(self) -> None:
        self.fresh: list[tuple[str, int]] = []
        self.warned: list[str] = []

    def fitted(self, result: FitResult) -> None:
        if not result.cached:
            self.fresh.append((result.model, result.fold))

    def warn(self, message: str) -> None:
        self.warned.append(message)


def run(table: object, **more: object) -> tuple[quorate.Report, list[tuple[str, int]]]:
    progress = Counting()
    report = quorate.run(table, progress=progress, **more)
    return report, sorted(progress.fresh)


def folds_of(report: quorate.Report) -> list[int]:
    return [int(k) for k in report.folds["fold"]]


def test_a_second_run_fits_nothing_and_says_so(tiny: dict[str, object]) -> None:
    first, fresh = run(tiny)
    assert fresh == [(model, fold) for model in MEMBERS for fold in folds_of(first)]
    second, again = run(tiny)
    assert again == []
    assert second.digest == first.digest
    assert second.telemetry["cached"] == len(fresh)
    assert not run({**tiny, "execution": {"executor": "processes", "workers": 2}})[1]
    assert run({**tiny, "execution": {"executor": "serial", "cache": False}})[1] == fresh


def test_reproduce_takes_nothing_from_the_home(tiny: dict[str, object]) -> None:
    report, fresh = run(tiny)
    progress = Counting()
    assert reproduce(report.run_id, progress=progress).identical
    assert sorted(progress.fresh) == fresh


def test_a_changed_parameter_refits_that_model_alone_and_an_added_model_only_itself(tiny: dict[str, object]) -> None:
    run(tiny)
    changed, fresh = run({**tiny, "models": {**tiny["models"], "ridge": {"alpha": 3.0}}})
    assert {model for model, _ in fresh} == {"ridge"}
    _, fresh = run({**tiny, "models": {**tiny["models"], "gradient-boosting": {"max_iter": 3}}})
    assert fresh == [("gradient-boosting", fold) for fold in folds_of(changed)]
    assert not run({**tiny, "ensemble": {"method": "mean", "compare": []}, "costs": {"fees": 0.001}})[1]


def write_bars(path: Path, n: int) -> None:
    rng = np.random.default_rng(5)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, 700)))[:n]
    times = pd.bdate_range("2015-01-02", periods=700)[:n]
    pd.DataFrame(
        {"date": times, "open": close, "high": close * 1.01, "low": close * 0.99, "close": close, "volume": 1.0}
    ).to_csv(path, index=False)


@pytest.mark.parametrize("more", [20, 65])
def test_appended_bars_refit_only_the_folds_that_they_touch(tiny: dict[str, object], tmp_path: Path, more: int) -> None:
    path = tmp_path / "bars.csv"
    table = {**tiny, "data": {"source": "csv", "path": str(path), "calendar": "weekdays"}, "holdout": {"bars": 0}}
    write_bars(path, 470)
    first, _ = run(table)
    write_bars(path, 470 + more)
    second, fresh = run(table)
    last = folds_of(first)[-1]  # it was cut short by the end of the bars
    touched = [fold for fold in folds_of(second) if fold >= last]
    assert len(touched) == (1 if more == 20 else 2)
    assert fresh == [(model, fold) for model in MEMBERS for fold in touched]


FEATURE = """
import numpy as np
import quorate


def lagged(close):
    return np.vstack([np.full(({lag}, close.shape[1]), np.nan), close[{lag}:] / close[:-{lag}] - 1])


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("lagged", lagged, lookback=8)
"""


def test_an_edited_feature_refits_what_uses_it_and_a_comment_nothing(tiny: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "feature.py"
    path.write_text(FEATURE.format(lag=3))
    first, fresh = run(tiny, plugins=[path])
    assert "lagged" in first.provenance["features"]
    path.write_text(FEATURE.format(lag=3) + "\n# the same numbers\n")
    assert not run(tiny, plugins=[path])[1]
    path.write_text(FEATURE.format(lag=4))
    # The one that reads bars, and no feature, is left alone.
    assert run(tiny, plugins=[path])[1] == [(model, fold) for model, fold in fresh if model != "persistence"]


def test_a_damaged_fit_is_told_and_computed_again(tiny: dict[str, object]) -> None:
    import sqlite3

    first, _ = run(tiny)
    cache = FitCache(Home().path / "fits")
    with sqlite3.connect(cache.path) as connection:
        connection.execute("UPDATE fits SET data = zeroblob(length(data)) WHERE model = 'ridge'")
    progress = Counting()
    second = quorate.run(tiny, progress=progress)
    assert sorted(progress.fresh) == [("ridge", fold) for fold in folds_of(first)]
    assert second.digest == first.digest
    assert any("damaged" in message for message in progress.warned)


@pytest.mark.full
@pytest.mark.own_executor
def test_two_runs_at_the_same_time_in_one_home_do_not_disturb_each_other(
    tiny: dict[str, object], tmp_path: Path
) -> None:
    alone, _ = run(tiny, home=tmp_path / "alone")
    reports: list[quorate.Report] = []
    threads = [
        threading.Thread(target=lambda: reports.append(quorate.run(tiny, home=tmp_path / "both"))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)
    assert [r.digest for r in reports] == [alone.digest] * 2
    assert len({r.run_id for r in reports}) == 2


@pytest.fixture
def toml(tmp_path: Path, tiny: dict[str, object]) -> Path:
    import tomli_w

    path = tmp_path / "tiny.toml"
    path.write_text(tomli_w.dumps(tiny))
    return path


KILLED = """
import os, sys
from pathlib import Path
from quorate.execution import cache as fits

count = total = int(sys.argv.pop(1))


def counted(function):
    def counting(*args, **more):
        global count
        count -= 1
        if count < 0:
            os._exit(9)
        return function(*args, **more)
    return counting


os.replace = counted(os.replace)
os.fsync = counted(os.fsync)
fits.FitCache.put = counted(fits.FitCache.put)
from quorate.cli import main
try:
    main()
finally:
    Path(os.environ["WRITES"]).write_text(str(total - count))
"""


@pytest.mark.full
def test_a_kill_at_any_write_is_healed_by_resume_or_the_same_command(
    toml: Path, tmp_path: Path, tiny: dict[str, object]
) -> None:
    reference, _ = run(tiny, home=tmp_path / "reference")
    frame = reference.predictions.drop(columns="part")
    writes = tmp_path / "writes"

    def killed(count: int) -> tuple[Path, int]:
        home = tmp_path / f"killed-{count}"
        command = [sys.executable, "-c", KILLED, str(count), "run", str(toml), "--home", str(home), "--json"]
        more = {**os.environ, "WRITES": str(writes)}
        ended = subprocess.run(command, capture_output=True, text=True, check=False, env=more)
        assert ended.returncode in (0, 9), ended.stderr
        return home, ended.returncode

    assert killed(10_000)[1] == 0
    total = int(writes.read_text())
    assert total > 40
    states = []
    for count in (0, total // 3, 2 * total // 3, total - 1):
        home, _ = killed(count)
        stored = Home(home).runs()
        kept = len(FitCache(home / "fits").entries())
        states.append(stored[0].state if stored else "none")
        if states[-1] == "interrupted" and (stored[0].path / "run.json").exists():
            progress = Counting()
            report = api.resume(home=home, progress=progress)
            assert report.run_id == stored[0].id
            assert len(progress.fresh) == reference.telemetry["fits"] - kept
        else:
            report = quorate.run(toml, home=home)
        assert report.digest == reference.digest
        pd.testing.assert_frame_equal(report.predictions.drop(columns="part"), frame, check_exact=True)
        assert quorate.load_report(report.run_id, home=home).digest == reference.digest
        assert not list(home.rglob("*.sqlite-damaged"))
    assert "interrupted" in states


SLOW = """
import time
from pathlib import Path
import quorate


class Slow:
    def fit(self, X, y):
        # The first are quick; then it waits until it is told to go on, or stopped.
        while len(X) > 300 and not Path("GO").exists():
            time.sleep(0.05)
        return self

    def predict(self, X):
        return 0.5 + 0.01 * (X[:, 0] > 0)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("slow", Slow, task="regression")
"""


@pytest.mark.full
@pytest.mark.parametrize("how,executor", [(signal.SIGINT, "processes"), (signal.SIGTERM, "serial")])
def test_ctrl_c_says_how_to_go_on_and_resume_does(
    toml: Path, tmp_path: Path, how: signal.Signals, executor: str
) -> None:
    plugin = tmp_path / "slow.py"
    go = tmp_path / "go"
    text = SLOW.replace("GO", str(go))
    plugin.write_text(text)
    home = tmp_path / "elsewhere"
    command = [QUORATE, "run", toml, "--plugin", plugin, "--home", home, "--set", f"execution.executor={executor}"]
    process = subprocess.Popen([*map(str, command)], stderr=subprocess.PIPE, text=True, start_new_session=True)
    cache = FitCache(home / "fits")
    wait_until(lambda: len(cache.entries()) >= 2 or process.poll() is not None)
    [stored] = Home(home).runs()
    assert stored.state == "running"
    with pytest.raises(quorate.StoreError, match="is going on in another process"):
        api.resume(stored.id, home=home)
    process.send_signal(how)
    _, messages = process.communicate(timeout=120)  # the fit that it is at would go on for ever
    assert process.returncode == 130
    assert "Traceback" not in messages
    last = messages.splitlines()[-1]
    assert last.endswith(f"finished fits are kept; to go on: quorate resume {stored.id} --home {home}")
    assert stored.state == "interrupted"
    kept = len(FitCache(home / "fits").entries())
    go.touch()
    plugin.write_text("this is no Python")  # the run keeps what it was
    resumed = subprocess.run(
        [QUORATE, "resume", "--json", "--home", str(home)], capture_output=True, text=True, check=True
    )
    document = json.loads(resumed.stdout)
    assert (document["provenance"]["run"], document["telemetry"]["cached"]) == (stored.id, kept)
    plugin.write_text(text)
    undisturbed = quorate.run(toml, plugins=[plugin], home=tmp_path / "other")
    assert document["provenance"]["results_digest"] == undisturbed.digest


def test_resume_keeps_the_warnings_of_loading(tmp_path: Path, tiny: dict[str, object]) -> None:
    table = {**tiny, "holdout": {"start": dt.date(2090, 1, 1)}}
    whole, _ = run(table, home=tmp_path / "whole")
    assert any("there is no holdout" in w for w in whole.results["development"]["warnings"])
    begun = api.prepare_run(table, home=tmp_path / "begun")
    assert begun.state == "interrupted"
    assert api.resume(begun.id, home=tmp_path / "begun").digest == whole.digest


def test_what_resume_refuses(tiny: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(quorate.StoreError, match="no unfinished run"):
        api.resume()
    report, _ = run(tiny)
    assert api.resume(report.run_id).digest == report.digest
    with pytest.raises(quorate.RecipeError, match="for execution only: seed=3"):
        api.resume(report.run_id, overrides=["seed=3"])
    empty = Home().new_run("empty")
    with pytest.raises(quorate.StoreError, match="was stopped before it had begun: start it again"):
        api.resume(empty.id)


def test_a_promotion_that_was_killed_goes_on_and_counts_once(tiny: dict[str, object], tmp_path: Path) -> None:
    report, _ = run({**tiny, "gates": {"preset": "headline"}})  # without an audit, whose fits would be counted
    stop = iter(range(2))

    class Stops(Progress):
        def fitted(self, result: FitResult) -> None:
            if next(stop, None) is None:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quorate.promote(report.run_id, progress=Stops())
    assert Home().find(report.run_id).state == "finished"
    progress = Counting()
    promoted = quorate.promote(report.run_id, progress=progress)
    assert promoted.provenance["holdout"]["recipes_that_opened_it"] == 1
    assert len(progress.fresh) < promoted.telemetry["holdout"]["fits"]


@pytest.mark.full
@pytest.mark.own_executor
def test_an_executor_can_be_shared_and_its_processes_are_used_again(tiny: dict[str, object]) -> None:
    with quorate.executor("processes", workers=2) as workers:
        reports = [quorate.run({**tiny, "seed": seed}, executor=workers) for seed in (1, 2, 3)]
    places = [set(r.fits["place"]) for r in reports]
    assert len(set.union(*places)) <= 2
    assert reports[0].digest == quorate.run({**tiny, "seed": 1, "execution": {"cache": False}}).digest
    assert os.getpid() not in {int(place.rpartition(":")[2]) for place in set.union(*places)}

"""A cluster of our own from start to end, and runs and sweeps sent to it as jobs."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quorate.evidence.ledger import ledger_of
from quorate.execution.machine import start_time
from quorate.execution.ray import own_cluster as nodes
from quorate.execution.ray.own_cluster import known_cluster
from quorate.store import Home

pytestmark = pytest.mark.full

RECIPE = """
name = "tiny"
plugins = ["halves.py"]
holdout = { bars = 150 }
[data]
source = "simulated"
n_bars = 700
signal = 0.4
[features]
use = ["return_1", "return_2", "zscore_20", "rsi_5"]
[folds]
initial = 300
test = 100
[models.logistic]
[models.halves]
[threshold]
min_bars = 60
[tuning]
trials = 5
folds = 3
sampler = "anywhere"
[tuning.space.halves]
confidence = { low = 0.01, high = 0.3 }
"""
# A file that lies here only: it must travel.
PLUGIN = """
import numpy as np
import quorate

class Halves:
    def __init__(self, broken=False, confidence=0.1):
        self.broken, self.confidence = broken, confidence

    def fit(self, X, y, sample_weight=None):
        if self.broken:
            raise ValueError("broken on purpose")
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, X):
        p = 0.5 + self.confidence * np.where(X[:, 0] > 0, 1, -1)
        return np.column_stack([1 - p, p])

@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("halves", Halves, task="classification", params={"broken": False})

def anywhere(space, known, running, number, seed):
    rng = np.random.default_rng(seed)
    return {name: one.at(rng.random()) for name, one in sorted(space.items())}

@quorate.hookimpl
def quorate_samplers():
    yield quorate.SamplerSpec("anywhere", anywhere)
"""


def start(place, *arguments):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")} | {"HOME": str(place)}
    return subprocess.Popen(
        [sys.executable, "-c", "from quorate.cli import main; main()", *arguments, "--home", str(place / "home")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=place,
        env=environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def call(place, *arguments, rc=0):
    process = start(place, *arguments)
    out, err = process.communicate(timeout=300)
    assert process.returncode == rc, f"{arguments} ended with {process.returncode}:\n{out}\n{err}"
    return json.loads(out) if "--json" in arguments and out.strip() else out + err


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a recipe, and a cluster of two nodes in its home."""
    place = tmp_path_factory.mktemp("cluster")
    (place / "tiny.toml").write_text(RECIPE)
    (place / "halves.py").write_text(PLUGIN)
    call(place, "cluster", "up", "--nodes", "2")
    try:
        yield place
    finally:
        nodes.down(place / "home")


def test_a_cluster_comes_up_grows_and_leaves_nothing(tmp_path):
    home = tmp_path / "home"
    call(tmp_path, "cluster", "status", rc=1)
    try:
        told = call(tmp_path, "cluster", "up", "--nodes", "1")
        own = known_cluster(home)
        assert f"quorate run nasdaq --address {own.address} --home {home}" in told
        assert own.token.stat().st_mode & 0o777 == 0o600
        assert "1 node" in call(tmp_path, "cluster", "up", "--nodes", "1", rc=1)
        call(tmp_path, "cluster", "up", "--nodes", "2", "--cpus-per-node", "2")
        state = call(tmp_path, "cluster", "status", "--json")
        assert [node["alive"] for node in state["nodes"]] == [True, True]
        assert sorted(node["cpus"] for node in state["nodes"]) == [1.0, 2.0]
        assert [node["head"] for node in state["nodes"]] == [True, False]
        grown = known_cluster(home)
        assert grown.address == own.address
        family = nodes._family(grown, whole=True)
        assert len(family) > 5
        # One node is lost: the other stays, and status says so in the end.
        os.killpg(grown.nodes[1].pid, signal.SIGKILL)
        end = time.monotonic() + 90
        while sum(n["alive"] for n in call(tmp_path, "cluster", "status", "--json")["nodes"]) > 1:
            assert time.monotonic() < end
            time.sleep(5)  # each look is a process
        assert "stopped" in call(tmp_path, "cluster", "down")
        assert not any(start_time(pid) == started for pid, started in family.items())
        assert not grown.folder.exists()
        assert not (home / "cluster").exists()
        assert "no cluster" in call(tmp_path, "cluster", "down")
        call(tmp_path, "cluster", "status", rc=1)
    finally:
        nodes.down(home)


def test_a_cluster_whose_nodes_were_killed_is_replaced(tmp_path):
    home = tmp_path / "home"
    try:
        call(tmp_path, "cluster", "up", "--nodes", "1")
        old = known_cluster(home)
        os.kill(old.nodes[0].pid, signal.SIGKILL)
        call(tmp_path, "cluster", "status", rc=1)
        call(tmp_path, "cluster", "up", "--nodes", "1")
        new = known_cluster(home)
        assert new.folder != old.folder
        assert not old.folder.exists()
        assert not nodes._family(old, whole=True)
    finally:
        nodes.down(home)


def test_ctrl_c_while_a_cluster_starts_leaves_nothing(tmp_path):
    process = start(tmp_path, "cluster", "up")
    end = time.monotonic() + 60
    while not ((own := known_cluster(tmp_path / "home")) and own.nodes):
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert not nodes._family(own, whole=True)
    assert not own.folder.exists()
    assert not (tmp_path / "home" / "cluster").exists()


def test_a_run_sent_as_a_job_comes_back_as_one_made_here(place):
    url = known_cluster(place / "home").jobs
    here = call(place, "run", "tiny.toml", "--set", "execution.executor=serial", "--json")
    there = call(place, "submit", "tiny.toml", "--address", url, "--json")
    assert there["provenance"]["results_digest"] == here["provenance"]["results_digest"]
    assert there["telemetry"]["executor"] == "ray"
    name = there["provenance"]["run"]
    assert call(place, "report", name, "--json") == there
    assert call(place, "gate", name, "--json", rc={"PASS": 0, "FAIL": 10}.get(call_verdict(place, name), 11))
    assert "identical" in call(place, "reproduce", name, "--set", "execution.executor=serial")


def call_verdict(place, name):
    report = json.loads((place / "home" / "runs" / name / "report.json").read_text())
    return report["results"]["development"]["verdict"]


def test_a_job_that_fails_says_why_and_a_run_of_which_there_is_no_job_is_finished_here(place):
    url = known_cluster(place / "home").jobs
    said = call(place, "submit", "tiny.toml", "--address", url, "--set", "models.halves.broken=true", rc=1)
    assert "broken on purpose" in said.splitlines()[-1] or "ValueError: broken on purpose" in said
    assert "quorate resume" in said
    run = Home(place / "home").find(unfinished=True)
    # As a submission leaves it that was killed before the job server had heard of it.
    note = {"schema_version": 1, "url": url, "job": f"quorate-{run.id}x", "allow_insecure": False, "sent": False}
    (run.path / "job.json").write_text(json.dumps(note))
    assert "leave out" in call(place, "resume", run.id, "--set", "execution.executor=serial", rc=2).lower()
    assert "never became a job" in call(place, "resume", run.id, rc=1)
    assert "broken on purpose" in call(place, "resume", run.id, "--set", "execution.executor=serial", rc=1)


def test_a_job_goes_on_after_ctrl_c_and_is_fetched_later(place):
    url = known_cluster(place / "home").jobs
    process = start(place, "submit", "tiny.toml", "--address", url, "--json")
    said = ""
    while "is job" not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert not out
    assert "the job goes on" in err
    run = said.split("run ")[-1].split()[0]
    assert run in err
    assert f"quorate-{run}" in err  # chosen here, before there was a job
    document = call(place, "resume", run, "--json")
    assert document["provenance"]["run"] == run
    assert document["telemetry"]["executor"] == "ray"


def test_a_job_server_without_our_token_takes_nothing(place, tmp_path):
    url = known_cluster(place / "home").jobs
    (tmp_path / "tiny.toml").write_text(RECIPE)
    (tmp_path / "halves.py").write_text(PLUGIN)
    assert "does not accept the token" in call(tmp_path, "submit", "tiny.toml", "--address", url, rc=1)
    assert not (tmp_path / "home" / "runs").exists() or not list(Path(tmp_path / "home" / "runs").iterdir())


def found_by(document):
    """Return what must be the same wherever a sweep was computed."""
    models = json.loads(json.dumps(document["searches"]))
    for model in models.values():
        for trial in model["trials"]:
            del trial["cpu_seconds"]
    return models, document["sentences"]


def tried_by(place, sweep):
    """Return what the ledger holds of a sweep."""
    entries = ledger_of(Home(place / "home")).of_run(sweep)
    return [(e["series"], e["key"], e["returns"], e["sharpe"], e["recipe"]) for e in entries]


def test_a_sweep_sent_as_a_job_comes_back_as_one_made_here(place):
    url = known_cluster(place / "home").jobs
    here = call(place, "sweep", "tiny.toml", "--set", "execution.executor=serial", "--json")
    there = call(place, "submit", "tiny.toml", "--sweep", "--address", url, "--json")
    assert found_by(there) == found_by(here)
    assert set(there["searches"]) == {"halves", "logistic"}
    assert there["telemetry"]["executor"] == "ray"
    name = there["sweep"]
    assert call(place, "sweep", "show", name, "--json") == {k: v for k, v in there.items() if k != "seal"}
    folder = place / "home" / "sweeps" / name
    assert json.loads((folder / "best_params.json").read_text()) == json.loads(
        (place / "home" / "sweeps" / here["sweep"] / "best_params.json").read_text()
    )
    assert {"journal.log", "log.jsonl", "report.json"} <= {path.name for path in folder.iterdir()}
    assert json.loads((folder / "log.jsonl").read_text().splitlines()[0])["event"] == "run"  # from its beginning
    assert not (folder / "lent").exists()
    assert tried_by(place, name) == tried_by(place, here["sweep"]) != []
    assert "sound" in call(place, "ledger", "verify")
    assert call(place, "run", "tiny.toml", "--params", name, "--set", "execution.executor=serial", "--json")


def test_a_sweep_that_is_a_job_is_fetched_later(place):
    url = known_cluster(place / "home").jobs
    process = start(place, "submit", "tiny.toml", "--sweep", "--address", url, "--json")
    said = ""
    while "is job" not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    sweep = said.split("sweep ")[-1].split()[0]
    assert f"quorate sweep resume {sweep}" in err
    assert "leave out" in call(place, "sweep", "resume", sweep, "--set", "execution.workers=2", rc=2).lower()
    document = call(place, "sweep", "resume", sweep, "--json")
    assert document["sweep"] == sweep
    assert document["telemetry"]["executor"] == "ray"


def test_a_sweep_whose_job_fails_is_finished_here(place):
    url = known_cluster(place / "home").jobs
    said = call(place, "submit", "tiny.toml", "--sweep", "--address", url, "--set", "models.halves.broken=true", rc=1)
    assert "fails with the recipe's own parameters: ValueError: broken on purpose" in said
    sweep = Home(place / "home").find(unfinished=True, kind="sweep").id
    assert f"to finish the sweep on this machine: quorate sweep resume {sweep}" in said
    again = call(place, "sweep", "resume", sweep, "--set", "execution.executor=serial", rc=1)
    assert "broken on purpose" in again

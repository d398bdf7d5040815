"""Two sweeps that share a study on a PostgreSQL server, one of which is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tomli_w

from support import postgres

RECIPE = {
    "name": "together",
    "data": {"source": "simulated", "n_bars": 700, "signal": 0.4},
    "holdout": {"bars": 100},
    "features": {"use": ["return_1", "return_2"]},
    "folds": {"initial": 400, "test": 100},
    "models": {"logistic": {"C": 1.0}},
    "threshold": {"min_bars": 60},
    "execution": {"executor": "serial"},
    "tuning": {
        "trials": 14,
        "folds": 4,
        "storage": "postgresql://quorate:${STUDY_PASSWORD}@AT/quorate",
        "study": "ours",
    },
}
PASSWORD = "geh eim/@:%x"
# As the command does, with signs of life in seconds, not in minutes.
SWEEP = """
import sys
from quorate.sweeps import shared
shared.BEAT, shared.GRACE = 1, 4
from quorate.cli import entry
sys.argv = ["quorate", *sys.argv[1:]]
entry()
"""


@pytest.fixture(scope="module")
def at():
    with postgres.needed(PASSWORD) as where:
        yield where


def started(path: Path, home: Path, *more: str) -> subprocess.Popen[str]:
    from urllib.parse import quote

    return subprocess.Popen(
        [sys.executable, "-c", SWEEP, "sweep", *more, "--home", str(home), "--json"],
        env={**os.environ, "STUDY_PASSWORD": quote(PASSWORD, safe="")},
        cwd=path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.full
def test_two_share_a_study_and_one_is_killed(at, tmp_path):
    RECIPE["tuning"]["storage"] = RECIPE["tuning"]["storage"].replace("AT", at)
    (tmp_path / "together.toml").write_text(tomli_w.dumps(RECIPE))
    homes = [tmp_path / name for name in ("one", "two", "killed")]
    first, second, killed = (started(tmp_path, home, "together.toml") for home in homes)
    for line in killed.stderr:
        if "trial" in line and "/14:" in line:
            break
    killed.send_signal(signal.SIGKILL)
    documents = []
    for process in (first, second):
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        documents.append(json.loads(out))
    trials = [document["searches"]["logistic"]["trials"] for document in documents]
    essence = [[(t["trial"], t["state"], t["params"], t["value"]) for t in some] for some in trials]
    assert essence[0] == essence[1]
    counting = [t for t in trials[0] if t["state"] != "failed"]
    assert len(counting) == 14
    assert len({t["trial"] for t in counting}) == 14
    assert documents[0]["searches"]["logistic"]["best"] == documents[1]["searches"]["logistic"]["best"]
    # What was killed finds the study complete, and fits no trial.
    began = time.monotonic()
    resumed = started(tmp_path, homes[2], "resume")
    out, err = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, err
    assert [t["trial"] for t in json.loads(out)["searches"]["logistic"]["trials"]] == [t["trial"] for t in trials[0]]
    assert time.monotonic() - began < 200
    for home in homes:
        for file in home.rglob("*"):
            if file.is_file():
                text = file.read_bytes()
                assert b"geh eim" not in text
                assert b"geh%20eim" not in text


@pytest.mark.full
def test_another_recipe_in_the_same_study_is_refused(at, tmp_path):
    recipe = {**RECIPE, "seed": 8}
    recipe["tuning"] = {**RECIPE["tuning"], "storage": f"postgresql://quorate:${{STUDY_PASSWORD}}@{at}/quorate"}
    for name, one in (("a", {**recipe, "seed": 9}), ("b", recipe)):
        one = {**one, "tuning": {**one["tuning"], "study": "mixed", "trials": 1}}
        (tmp_path / f"{name}.toml").write_text(tomli_w.dumps(one))
    done = started(tmp_path, tmp_path / "a", "a.toml")
    _, err = done.communicate(timeout=200)
    assert done.returncode == 0, err
    refused = started(tmp_path, tmp_path / "b", "b.toml")
    _, err = refused.communicate(timeout=200)
    assert refused.returncode == 2
    assert "tuning.study" in err

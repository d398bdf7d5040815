"""The ledger with other processes beside it, killed in the middle, and on the command line."""

import json
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

import quorate
from quorate.cli._app import app
from quorate.evidence.ledger import (
    Candidate,
    count,
    effective,
    ledger_of,
    record_candidates,
    record_opening,
    record_override,
    stored_candidates,
)
from quorate.evidence.ledger.ledger import Ledger
from quorate.store import Home
from quorate.store.files import write_json
from quorate_data.simulated import simulated

ONE, TWO = "20260101T000000.000000-one-aaaa", "20260102T000000.000000-two-bbbb"
ROLES = ("ensemble", "alternative", "member")
APPEND = """
import sys
from pathlib import Path
from quorate.evidence.ledger.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]))
for i in range(100):
    ledger.append([{"kind": "override", "run": sys.argv[2], "n": 2 * i + j} for j in range(2)])
"""
KILLED = """
import os, signal, sys
from pathlib import Path
from quorate.evidence.ledger import ledger as module

def half(file, text):
    file.write(text[: int(sys.argv[2])])
    os.kill(os.getpid(), signal.SIGKILL)

module.add = half
module.Ledger(Path(sys.argv[1])).append([{"kind": "override", "run": "killed", "n": n} for n in range(3)])
"""


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


@pytest.fixture
def filled(home):
    """A home with three candidates of two runs, an opened holdout, and an override."""
    bars = simulated(n_bars=700)
    days = bars.sessions[300:500].astype("datetime64[D]").astype(np.int32)
    draws = np.random.default_rng(1).normal(0.0005, 0.01, (3, 200))
    for run, names in ((ONE, ["mean", "ridge"]), (TWO, ["[x]"])):
        made = [Candidate(name, "threshold", "member", draws[i], days, 252.0) for i, name in enumerate(names)]
        head = record_candidates(home, bars, made, run=run, part="development", recipe_digest=run)
        provenance = {"ledger": {"seq": head.seq, "hash": head.hash}, "holdout": {"opened": None}}
        write_json(home.path / "runs" / run / "report.json", {"schema_version": 1, "provenance": provenance})
    record_opening(home, bars, 500, run=TWO, recipe_digest="r")
    record_override(home, TWO, "INSUFFICIENT", "it is a test, and a long reason " * 4)
    return home


def call(*arguments, width=None):
    return CliRunner(env={"COLUMNS": str(width)} if width else None).invoke(app, [str(a) for a in arguments])


# --- processes


def test_processes_that_append_at_once_make_one_chain(home):
    folder = home.path / "ledger"
    command = [sys.executable, "-c", APPEND, str(folder)]
    processes = [subprocess.Popen([*command, name]) for name in ("a", "b")]
    assert [process.wait() for process in processes] == [0, 0]
    entries = Ledger(folder).entries()
    assert [entry["seq"] for entry in entries] == list(range(1, 401))
    for name in ("a", "b"):
        assert [entry["n"] for entry in entries if entry["run"] == name] == list(range(200))


@pytest.mark.parametrize("written", [0, 1, 150, 500])
def test_a_process_killed_while_it_writes_leaves_whole_entries_and_a_torn_one_aside(home, written):
    folder = home.path / "ledger"
    Ledger(folder).append([{"kind": "override", "run": "before"}])
    before = (folder / "ledger.jsonl").read_bytes()
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder), str(written)], check=False)
    assert done.returncode == -signal.SIGKILL
    cut = (folder / "ledger.jsonl").read_bytes()[len(before) :]
    assert len(cut) == written
    told: list[str] = []
    ledger = Ledger(folder, told.append)
    ledger.append([{"kind": "override", "run": "after"}])
    assert [e["run"] for e in ledger.entries()] == ["before", *["killed"] * cut.count(b"\n"), "after"]
    torn = cut.rpartition(b"\n")[2]
    assert [path.read_bytes() for path in folder.glob("torn-*")] == ([torn] if torn else [])
    assert len(told) == bool(torn)


# --- a run


def test_the_candidates_of_a_stored_run_are_those_it_counted(small, home):
    report = quorate.run({**small, "ensemble": {"method": "mean", "compare": ["median"]}}, home=home.path)
    part, bars = report.results["development"], home.bars(report.provenance["data"]["fingerprint"])
    candidates = stored_candidates(report.stored("equity"), part["series"], bars)
    assert [one.role for one in candidates] == [s["role"] for s in part["series"] if s["role"] in ROLES]
    assert candidates[0].role == "ensemble"
    assert str(candidates[0].days[-1].astype("datetime64[D]")) == part["span"]["last"]
    other = Home(home.path / "other")
    record_candidates(other, bars, candidates, run=report.run_id, part="development", recipe_digest="r")
    found = count(ledger_of(other), bars, part["span"]["first"], part["span"]["last"])
    assert found.n == part["trials"]["n"]
    assert effective(ledger_of(other), found) == part["trials"]["effective"]
    assert ledger_of(other).entries()[0]["sharpe"] * np.sqrt(bars.bars_per_year) == pytest.approx(
        part["series"][0]["metrics"]["sharpe"], rel=1e-9
    )


# --- the command line


def test_the_list_shows_what_was_tried_newest_last(filled):
    done = call("ledger", "--home", filled.path, width=124)
    assert done.exit_code == 0
    rows = [line for line in done.stdout.splitlines() if re.match(r" \d{4}-", line)]
    assert ["one-aaaa" in row for row in rows] == [True, True, False, False, False]
    assert re.search(r"candidate +one-aaaa +mean/threshold +-?\d+\.\d\d +200 +1 $", rows[0])
    assert rows[1].split()[-1] == rows[2].split()[-1] == "2"  # the third is the first again
    assert "[x]/threshold" in rows[2]
    assert re.search(r"opening +two-bbbb +holdout 20\d\d-\d\d-\d\d\.\.20\d\d-\d\d-\d\d, look 1 ", rows[3])
    assert "override" in rows[4]
    assert "5 entries since 2" in done.stdout
    assert "2 distinct series" in done.stdout


@pytest.mark.parametrize("width", [46, 80, 124])
def test_the_list_fits_the_terminal_and_loses_no_word(filled, width):
    done = call("ledger", "--home", filled.path, width=width)
    table = done.stdout[: done.stdout.index("5 entries")]
    assert max(map(len, table.splitlines())) <= width
    for word in ("ridge/", "threshold", "INSUFFICIENT", "look 1", "Sharpe", "trials"):
        assert word in re.sub(r"\s+", " ", table)


def test_the_list_as_json_holds_the_entries_as_they_are(filled):
    done = call("ledger", "--home", filled.path, "--json", "--run", "two")
    found = json.loads(done.stdout)
    assert found["left_out"] == 0
    assert [entry["kind"] for entry in found["entries"]] == ["candidate", "opening", "override"]
    stored = ledger_of(filled).entries()[2:]
    assert [{k: v for k, v in e.items() if k != "trials"} for e in found["entries"]] == stored
    assert [entry["trials"] for entry in found["entries"]] == [2, 0, None]


def test_the_list_shows_the_last_ones_and_says_what_it_leaves_out(filled):
    done = call("ledger", "--home", filled.path, "--last", "2")
    assert "3 entries before these; --last 0 shows all" in done.stdout
    assert "ridge" not in done.stdout
    assert "ridge" in call("ledger", "--home", filled.path, "--last", "0").stdout


def test_an_empty_ledger_is_listed_and_sound(home):
    assert "0 entries, 0 distinct series" in call("ledger", "--home", home.path).stdout
    done = call("ledger", "verify", "--home", home.path)
    assert (done.exit_code, "sound" in done.stdout) == (0, True)
    assert not home.path.exists()


def test_verify_of_a_sound_ledger_exits_0_and_says_what_was_checked(filled):
    done = call("ledger", "verify", "--home", filled.path)
    assert done.exit_code == 0
    assert "5 entries hold" in done.stdout
    assert "3 stored files as written" in done.stdout
    assert "4 heads that runs saw compared" in done.stdout
    assert "BROKEN" not in done.stdout


def test_verify_counts_one_as_one(home):
    ledger_of(home).append([{"kind": "override", "run": "r"}])
    with open(ledger_of(home).path, "ab") as file:
        file.write(b"{")
    done = call("ledger", "verify", "--home", home.path)
    assert "1 entry holds up to " in done.stdout
    assert "(1 byte) and does not count" in done.stdout


def test_verify_of_a_changed_ledger_exits_3_with_the_line_what_was_expected_and_found(filled):
    path = ledger_of(filled).path
    path.write_bytes(path.read_bytes().replace(b'"series":"ridge"', b'"series":"lasso"'))
    done = call("ledger", "verify", "--home", filled.path)
    assert done.exit_code == 3
    assert re.search(r"line 2: the hash of its content must be [0-9a-f]{64}; it was [0-9a-f]{64}", done.stdout)
    assert f"BROKEN: {path}" in done.stdout
    [problem] = json.loads(call("ledger", "verify", "--home", filled.path, "--json").stdout)["problems"]
    assert (problem["line"], problem["where"]) == (2, "line 2")
    assert len(problem["expected"]) == len(problem["found"]) == 64


def test_verify_of_a_cut_ledger_names_the_run_that_saw_more(filled):
    path = ledger_of(filled).path
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:1]))
    done = call("ledger", "verify", "--home", filled.path)
    assert done.exit_code == 3
    assert f"run {TWO}: what it saw of the ledger, its last entry, must be" in done.stdout


def test_a_changed_ledger_is_not_listed(filled):
    path = ledger_of(filled).path
    path.write_bytes(path.read_bytes().replace(b'"series":"ridge"', b'"series":"lasso"'))
    done = call("ledger", "--home", filled.path)
    assert done.exit_code == 1
    assert "line 2" in done.stderr
    assert done.stdout == ""

"""Clusters: whom to trust with a token, what travels with a job and comes back, and the example files."""

import hashlib
import io
import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest
import yaml

from quorate.cli import _cluster
from quorate.errors import IntegrityError, QuorateError, RecipeError, StoreError
from quorate.execution.machine import start_time
from quorate.execution.progress import Progress
from quorate.execution.ray import own_cluster as nodes
from quorate.execution.ray.jobs import Jobs
from quorate.execution.ray.own_cluster import Cluster, OwnNode
from quorate.execution.ray.tokens import authentication, check_token_file, known_token, token_text
from quorate.runs import parcel, submit
from quorate.store import Home
from quorate.store.trust import name_address
from support import kuberay

EXAMPLES = Path(__file__).parents[3] / "examples" / "cluster"
TOKENS = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_MODE")


@pytest.fixture(autouse=True)
def _no_token(tmp_path, monkeypatch):
    for name in TOKENS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def token_file(path, mode=0o600, text="secret"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture
def own(home, monkeypatch):
    """A cluster of our own whose only node is this process."""
    folder = Path(tempfile.mkdtemp(prefix=nodes.PREFIX))
    (folder / nodes.OWNER).write_text(str(nodes.state_path(home).resolve()))
    command = nodes.command_of
    ours = [f"--temp-dir={folder}"]
    monkeypatch.setattr(nodes, "command_of", lambda pid: ours if pid == os.getpid() else command(pid))
    made = Cluster(
        "192.0.2.7:6400",
        "http://127.0.0.1:8300",
        token_file(home / "cluster" / "token", text="ours"),
        folder,
        (OwnNode(os.getpid(), start_time(os.getpid()), 1),),
    )
    nodes.keep(made, home)
    yield made
    shutil.rmtree(folder, ignore_errors=True)


# --- tokens


@pytest.mark.parametrize("address", ["127.0.0.1:6379", "localhost:6379", "[::1]:6379", "http://127.0.0.2:8265"])
def test_a_cluster_on_the_loopback_may_do_without_a_token(address, home):
    assert authentication(address, home, False) == {}


@pytest.mark.parametrize("address", ["10.0.0.5:6379", "http://ray.example.com:8265", "[fd00::2]:6379", "ray:6379"])
def test_a_cluster_elsewhere_is_not_joined_without_a_token_unless_told(address, home):
    with pytest.raises(RecipeError, match=r"allow_insecure=true"):
        authentication(address, home, False)
    assert authentication(address, home, True) == {}


def test_a_name_that_only_begins_like_the_loopback_is_elsewhere(home):
    for address in ("127.0.0.1.example.com:6379", "localhost.example.com:6379", "http://127.0.0.1@example.com:8265"):
        with pytest.raises(RecipeError, match=r"allow_insecure=true"):
            authentication(address, home, False)


@pytest.mark.parametrize("address", ["", "10.0.0.5", ":6379", "10.0.0.5:port", "10.0.0.5:99999", "auto"])
def test_an_address_without_host_or_port_is_refused(address, home):
    with pytest.raises(RecipeError, match="HOST:PORT"):
        authentication(address, home, False)


def test_a_token_is_looked_for_where_ray_does(home, tmp_path, monkeypatch):
    default = token_file(tmp_path / "user" / ".ray" / "auth_token", text="default\n")
    found = authentication("10.0.0.5:6379", home, False)
    assert found == {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(default)}
    assert token_text(found) == "default"
    given = token_file(tmp_path / "given", text="given")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(given))
    assert token_text(authentication("10.0.0.5:6379", home, False)) == "given"
    monkeypatch.setenv("RAY_AUTH_TOKEN", "direct")
    assert token_text(authentication("10.0.0.5:6379", home, False)) == "direct"


def test_a_mode_of_the_environment_does_not_switch_the_token_off(home, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(RecipeError):
        authentication("10.0.0.5:6379", home, False)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "direct")
    assert authentication("10.0.0.5:6379", home, False)["RAY_AUTH_MODE"] == "token"


def test_a_token_path_that_leads_nowhere_is_an_error_not_a_missing_token(home, tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "gone"))
    with pytest.raises(RecipeError, match="gone"):
        authentication("127.0.0.1:6379", home, True)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o601])
def test_a_token_file_that_others_can_read_is_refused_with_the_remedy(mode, tmp_path):
    path = token_file(tmp_path / "token", mode)
    with pytest.raises(RecipeError, match=f"chmod 600 {path}"):
        check_token_file(path)


def test_a_token_file_of_its_owner_alone_is_taken_and_an_empty_one_is_not(tmp_path):
    check_token_file(token_file(tmp_path / "token", 0o600))
    check_token_file(token_file(tmp_path / "read-only", 0o400))
    with pytest.raises(RecipeError, match="empty"):
        check_token_file(token_file(tmp_path / "empty", text=" \n"))


# --- our own cluster


@pytest.mark.parametrize(
    "address", ["192.0.2.7:6400", "127.0.0.1:6400", "http://127.0.0.1:8300", "http://localhost:8300/"]
)
def test_our_own_cluster_has_its_own_token(address, home, own, monkeypatch):
    assert known_token(address, home) == own.token
    monkeypatch.setenv("RAY_AUTH_TOKEN", "of another")  # which Ray would prefer to the file
    assert token_text(authentication(address, home, False)) == "ours"


@pytest.mark.parametrize("address", ["192.0.2.7:6401", "192.0.2.8:6400", "http://192.0.2.9:8300"])
def test_the_token_of_our_own_cluster_is_not_shown_to_another(address, home, own):
    assert known_token(address, home) is None
    with pytest.raises(RecipeError):
        authentication(address, home, False)


def test_without_a_home_there_is_no_cluster_of_our_own(own, home, monkeypatch):
    monkeypatch.chdir(home)
    assert authentication("127.0.0.1:6400", None, False) == {}
    with pytest.raises(RecipeError, match="no token"):
        authentication(own.address, None, False)


def test_our_own_token_file_is_checked_too(home, own):
    own.token.chmod(0o644)
    with pytest.raises(RecipeError, match="chmod 600"):
        authentication(own.address, home, False)


def test_the_state_comes_back_as_it_was_kept(home, own):
    assert nodes.known_cluster(home) == own
    assert nodes.known_cluster(home / "other") is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"nodes": [{"pid": 1}]}', '{"nodes": []}'])
def test_a_state_that_cannot_be_read_is_said_so(text, home):
    path = nodes.state_path(home)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(QuorateError, match=r"cluster\.json"):
        nodes.known_cluster(home)


def test_a_process_that_was_given_the_number_of_a_node_is_no_node_and_is_not_ended(home, own):
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
    try:
        assert own.up
        reused = Cluster(own.address, own.jobs, own.token, own.folder, (OwnNode(process.pid, "12345", 1),))
        nodes.keep(reused, home)
        assert not reused.up
        assert nodes.down(home)
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


def test_down_ends_a_node_its_session_and_what_left_it(home, own):
    # A child in a session of its own, as a job's is, and one whose parent is gone but which bears the mark.
    code = (
        "import subprocess, sys, time\n"
        "aside = dict(start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "sleep = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
        "child = subprocess.Popen(sleep, **aside)\n"
        "spawn = f'import subprocess; print(subprocess.Popen({sleep!r}, **{aside!r}).pid)'\n"
        "orphan = subprocess.run([sys.executable, '-c', spawn], stdout=subprocess.PIPE, text=True).stdout\n"
        "print(child.pid, orphan.strip(), flush=True); time.sleep(600)"
    )
    environment = {**os.environ, nodes.MARK: str(own.folder)}
    leader = subprocess.Popen(
        [sys.executable, "-c", code, f"--temp-dir={own.folder}"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environment,
    )
    started = [int(pid) for pid in leader.stdout.readline().split()]
    assert len(started) == 2
    assert all(start_time(pid) for pid in started)
    node = OwnNode(leader.pid, start_time(leader.pid), 1)
    nodes.keep(Cluster(own.address, own.jobs, own.token, own.folder, (node,)), home)
    assert nodes.down(home)
    assert not any(start_time(pid) for pid in (leader.pid, *started))
    assert not own.folder.exists()
    assert not (home / "cluster").exists()
    assert not nodes.down(home)
    leader.communicate()


def test_down_gives_up_on_what_cannot_be_ended_and_can_be_called_again(home, own, monkeypatch):
    def refused(pid, number):
        raise PermissionError

    command = [sys.executable, "-c", "input()", f"--temp-dir={own.folder}"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    try:
        node = OwnNode(process.pid, start_time(process.pid), 1)
        nodes.keep(Cluster(own.address, own.jobs, own.token, own.folder, (node,)), home)
        with monkeypatch.context() as patch:
            patch.setattr(os, "kill", refused)
            patch.setattr(nodes, "END", 0.2)
            patch.setattr(nodes, "KILL", 0.2)
            with pytest.raises(QuorateError, match=rf"do not end.* {process.pid};.*cluster down again"):
                nodes.down(home)
        assert nodes.known_cluster(home).up
        assert nodes.down(home)
        assert process.wait(10)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("count,cpus", [(0, 1), (-1, 1), (2, 0)])
def test_a_cluster_has_nodes_and_cpus(count, cpus, home):
    with pytest.raises(RecipeError, match="at least one"):
        nodes.up(home, count, cpus, lambda address: 0)


def test_a_second_cluster_is_refused(home, own):
    with pytest.raises(QuorateError, match=r"is up at 192\.0\.2\.7:6400.*quorate cluster down"):
        nodes.up(home, 1, 1, lambda address: 0)
    assert nodes.known_cluster(home) == own


def test_an_address_is_read_when_it_is_written_not_when_its_file_is_there(home, own, monkeypatch):
    file = own.folder / "ray_current_cluster"

    def start(cluster, *_):  # Ray makes the file, and writes it a moment later
        file.touch()
        threading.Timer(0.3, file.write_text, ["192.0.2.7:6401"]).start()
        return replace(cluster, nodes=())

    monkeypatch.setattr(nodes, "_start", start)
    assert nodes._start_head(own, home, 1).address == "192.0.2.7:6401"


def test_two_cannot_be_started_at_once(home):
    token_file(home / "cluster" / "token")
    with pytest.raises(QuorateError, match="another process is starting"):
        nodes.up(home, 1, 1, lambda address: 0)


def test_a_node_that_does_not_start_is_told_with_its_words_and_leaves_nothing(home, tmp_path, monkeypatch):
    program = tmp_path / "bin" / "ray"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho broken on purpose\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program.with_name("python")))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "tmp"))
    monkeypatch.setattr(nodes, "SOCKET_ROOM", 1000)
    (tmp_path / "tmp").mkdir()
    with pytest.raises(QuorateError, match=r"(?s)node 0 .* ended.*broken on purpose"):
        nodes.up(home, 1, 1, lambda address: 0)
    assert not (home / "cluster").exists()
    assert not list((tmp_path / "tmp").iterdir())


def test_a_new_token_is_its_owners_alone_whatever_the_umask(home):
    before = os.umask(0)
    try:
        made = nodes._prepare(home)
    finally:
        os.umask(before)
    assert stat.S_IMODE(made.token.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.token.parent.stat().st_mode) == 0o700
    check_token_file(made.token)
    assert len(made.token.read_text()) >= 32
    nodes.down(home)


def test_a_folder_that_a_home_names_is_not_removed_and_a_process_not_ended(home, own, tmp_path):
    mine = tmp_path / "precious"
    mine.mkdir()
    Path.home().mkdir()
    link = Path(tempfile.gettempdir()) / f"{nodes.PREFIX}{os.getpid()}-link"
    link.symlink_to(mine)
    copied = Path(tempfile.mkdtemp(prefix=nodes.PREFIX))  # of another home
    (copied / nodes.OWNER).write_text("/another/cluster/cluster.json")
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
    node = OwnNode(process.pid, start_time(process.pid), 1)
    try:
        for folder in (mine, link, copied, Path("/"), Path.home(), Path(tempfile.gettempdir())):
            nodes.keep(Cluster(own.address, own.jobs, own.token, folder, (node,)), home)
            for refused in (nodes.down, lambda home: nodes.up(home, 2, 1, lambda address: 0)):
                with pytest.raises(QuorateError, match="not made here for a cluster of this home: nothing was ended"):
                    refused(home)
        assert mine.is_dir()
        assert copied.is_dir()
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()
        link.unlink()
        shutil.rmtree(copied)


def test_the_token_of_a_home_is_its_own_and_no_link(home, own, tmp_path):
    private = token_file(tmp_path / "private", text="somebody else's")
    state = json.loads(nodes.state_path(home).read_text())
    nodes.state_path(home).write_text(json.dumps({**state, "token": str(private)}))
    assert known_token(own.jobs, home) == own.token
    assert token_text(authentication(own.jobs, home, False)) == "ours"
    own.token.unlink()
    own.token.symlink_to(private)
    with pytest.raises(RecipeError, match="is a link, which is not followed"):
        authentication(own.jobs, home, False)


def test_down_leaves_what_somebody_keeps_beside_the_state(home, own):
    nodes.keep(Cluster(own.address, own.jobs, own.token, own.folder, ()), home)
    mine = token_file(home / "cluster" / "mine.txt")
    assert nodes.down(home)
    assert mine.exists()
    assert not own.token.exists()
    assert not own.folder.exists()


# --- what comes back


def noted(run, **more):
    """Return what a run notes when it begins."""
    empty = {"recipe": {}, "plugins": [], "data": None, "libraries": {}, "machine": {}, "warnings": []}
    return {"run": run.id, "created": "2026-01-01", "recipe_digest": "d" * 8, **empty, **more}


@pytest.fixture
def begun(home):
    run = Home(home).new_run("small")
    run.write_begun(noted(run))
    return run


def report_of(begun, **changes):
    provenance = {"run": begun.id, "recipe_digest": "d" * 8, **changes}
    return json.dumps({"schema_version": 1, "provenance": provenance})


@pytest.fixture
def finished(tmp_path, begun):
    folder = tmp_path / "there"
    (folder / "development").mkdir(parents=True)
    (folder / "development" / "equity.parquet").write_bytes(os.urandom(30_000))
    for name in ("log.jsonl", *parcel.STAYS):
        (folder / name).write_text(f"content of {name}")
    (folder / "report.json").write_text(report_of(begun))
    return folder


def zipped(files):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, text in files.items():
            file.writestr(name, text)
    return archive.getvalue()


def received(lines):
    arrived = parcel.Arrived()
    taken = [arrived.take(line) for line in lines]
    return arrived, taken


def test_a_run_comes_back_among_other_lines(finished, begun):
    lines = list(parcel.lines(parcel.pack(finished)))
    assert len(lines) > 3
    mixed = ["progress", *[line for pair in zip(lines, ["\r"] * len(lines), strict=True) for line in pair], "the end"]
    arrived, taken = received(mixed)
    assert taken.count(True) == len(lines)
    parcel.unpack(arrived.archive(), begun)
    here = begun.path
    (here / "run.json").unlink()
    assert {p.relative_to(here).as_posix() for p in here.rglob("*") if p.is_file()} == {
        "development/equity.parquet",
        "report.json",
        "log.jsonl",
    }
    for name in ("development/equity.parquet", "report.json"):
        assert (here / name).read_bytes() == (finished / name).read_bytes()


def damaged(lines):
    first = lines[0]
    flipped = first[:-1] + ("A" if first[-1] != "A" else "B")
    yield "changed", [flipped, *lines[1:]]
    yield "missing", lines[1:]
    yield "twice", [first, *lines]
    yield "swapped", [lines[1], lines[0], *lines[2:]]
    yield "no end", lines[:-1]
    yield "not base64", [first + "*", *lines[1:]]
    yield "nothing", []


def test_a_run_that_does_not_arrive_whole_is_refused(finished):
    for how, lines in damaged(list(parcel.lines(parcel.pack(finished)))):
        arrived, _ = received(lines)
        with pytest.raises(IntegrityError, match="did not arrive whole"):
            print(how, arrived.archive())


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside", "a/../../outside", "run.json", "job.json", "./report"])
def test_a_file_that_would_lie_elsewhere_or_replace_what_is_here_is_refused(name, begun):
    with pytest.raises(IntegrityError, match="must not"):
        parcel.unpack(zipped({name: "x", "report.json": report_of(begun)}), begun)
    assert [p.name for p in begun.path.iterdir()] == ["run.json"]
    assert [p.name for p in begun.path.parent.iterdir()] == [begun.id]


def test_a_link_is_refused(begun):
    link = zipfile.ZipInfo("development")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(IntegrityError, match="must not"):
        parcel.unpack(zipped({link: "/tmp", "report.json": report_of(begun)}), begun)
    assert [p.name for p in begun.path.iterdir()] == ["run.json"]


def test_a_run_without_a_report_is_refused(begun):
    with pytest.raises(IntegrityError, match=r"no report\.json"):
        parcel.unpack(zipped({"log.jsonl": ""}), begun)


@pytest.mark.parametrize(
    "changes,words",
    [({"run": "other"}, "run other, not .*small"), ({"recipe_digest": "e" * 8}, "eeeeeeee, not dddddddd")],
)
def test_the_report_of_another_run_or_recipe_is_refused(changes, words, begun):
    with pytest.raises(IntegrityError, match=rf"another run's: .*{words}.*remove .*job\.json"):
        parcel.unpack(zipped({"log.jsonl": "", "report.json": report_of(begun, **changes)}), begun)
    assert [p.name for p in begun.path.iterdir()] == ["run.json"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"provenance": null}'])
def test_a_report_that_does_not_say_whose_it_is_is_refused(text, begun):
    with pytest.raises(IntegrityError, match="cannot be read"):
        parcel.unpack(zipped({"report.json": text}), begun)


def test_a_sweep_comes_back_if_it_is_the_one_that_was_sent(home):
    sweep = Home(home).new_run("small", "sweep")
    sweep.write_begun(noted(sweep))
    report = {"schema_version": 1, "sweep": sweep.id, "recipe_digest": "d" * 8}
    files = {"journal.log": "{}", "best_params.json": "{}", "lent/000000.npz": "series"}
    with pytest.raises(IntegrityError, match="another sweep's: run other"):
        parcel.unpack(zipped({**files, "report.json": json.dumps({**report, "sweep": "other"})}), sweep)
    with pytest.raises(IntegrityError, match="cannot be read"):
        parcel.unpack(zipped({**files, "report.json": report_of(sweep)}), sweep)
    assert [p.name for p in sweep.path.iterdir()] == ["run.json"]
    seen = []
    parcel.unpack(
        zipped({**files, "report.json": json.dumps(report)}),
        sweep,
        lambda: seen.append((sweep.state, sorted(p.name for p in sweep.path.iterdir()))),
    )
    assert seen == [("interrupted", ["best_params.json", "journal.log", "lent", "run.json"])]
    assert sweep.state == "finished"


def test_the_report_is_written_last(finished, begun, monkeypatch):
    written = []
    real = parcel.replacing
    monkeypatch.setattr(parcel, "replacing", lambda path: written.append(path.name) or real(path))
    parcel.unpack(parcel.pack(finished), begun)
    assert written[-1] == "report.json"
    assert len(written) == 3


def test_the_error_of_the_job_comes_back_as_it_was_said():
    arrived, taken = received([parcel.MARK + "error " + json.dumps("two\nlines, and “more”")])
    assert taken == [True]
    assert arrived.error == "two\nlines, and “more”"


def test_an_error_that_was_cut_off_is_kept_as_it_is():
    arrived, _ = received([parcel.MARK + 'error "half of'])
    assert arrived.error == '"half of'


def test_a_line_that_a_plugin_left_unfinished_spoils_nothing(finished, capsys):
    sent = list(parcel.lines(parcel.pack(finished)))
    print("almost done", end="")
    submit.say(sent)
    out = capsys.readouterr().out
    arrived, taken = received(out.splitlines())
    assert taken.count(False) == 1
    assert arrived.archive() == parcel.pack(finished)


def test_every_marked_line_is_written_at_once(finished, monkeypatch):
    writes = []
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(write=writes.append, flush=lambda: None))
    submit.say(parcel.lines(parcel.pack(finished)))
    assert len(writes) > 4
    assert all(text.endswith("\n") and text.count("\n") == 1 and len(text) < 8192 for text in writes)


def test_only_what_a_run_needs_travels(home, tmp_path):
    run = Home(home).new_run("small")
    source = "pass\n"
    sha256 = hashlib.sha256(source.encode()).hexdigest()
    plugins = [{"kind": "model", "name": "m", "file": "m.py", "sha256": s} for s in (sha256, None)]
    run.write_begun(noted(run, data={"fingerprint": "f" * 8}, plugins=plugins))
    files = {
        f"runs/{run.id}/recipe.toml": "",
        f"runs/{run.id}/log.jsonl": "",
        f"bars/{'f' * 8}.parquet": "bars",
        f"bars/{'f' * 8}.json": "{}",
        "bars/other.parquet": "",
        f"sources/{sha256}.py": source,
        "sources/other.py": "",
        "cluster/token": "secret",
        "fits/fits.sqlite": "",
    }
    for name, text in files.items():
        token_file(home / name, text=text)
    submit.pack_home(run, tmp_path / "job")
    assert {p.relative_to(tmp_path / "job").as_posix() for p in (tmp_path / "job").rglob("*") if p.is_file()} == {
        f"runs/{run.id}/run.json",
        f"runs/{run.id}/recipe.toml",
        "ledger/borrowed",
        f"bars/{'f' * 8}.parquet",
        f"bars/{'f' * 8}.json",
        f"sources/{sha256}.py",
    }


def test_of_a_sweep_travels_the_same(home, tmp_path):
    sweep = Home(home).new_run("small", "sweep")
    sweep.write_begun(noted(sweep, data={"fingerprint": "f" * 8}))
    for name in (f"sweeps/{sweep.id}/recipe.toml", f"bars/{'f' * 8}.parquet", f"bars/{'f' * 8}.json"):
        token_file(home / name, text="{}")
    submit.pack_home(sweep, tmp_path / "job")
    assert sorted(p.name for p in (tmp_path / "job" / "sweeps" / sweep.id).iterdir()) == ["recipe.toml", "run.json"]
    assert not (tmp_path / "job" / "runs").exists()


# --- following a job


class FakeJobs:
    """A job server whose only job prints these lines and ends in this state."""

    def __init__(self, lines, state="SUCCEEDED", message="", submit=None):
        self._lines, self._state, self._submit = lines, (state, message), submit

    def __call__(self, url, token):
        return self

    def lines(self, job):
        for line in self._lines:
            if isinstance(line, BaseException):
                raise line
            yield line

    def state(self, job):
        return self._state

    def submit(self, command, folder, job):
        self._submit(job)


JOB = {"schema_version": 1, "url": "http://127.0.0.1:8300", "job": "raysubmit_x", "sent": True}


@pytest.fixture
def sent(home):
    run = Home(home).new_run("small")
    (run.path / "job.json").write_text(json.dumps(JOB))
    name_address(JOB["url"])  # this user sent it there
    return run


def note_of(run):
    return json.loads((run.path / "job.json").read_text())


@pytest.fixture
def prepared(home, monkeypatch):
    run = Home(home).new_run("small")
    monkeypatch.setattr(submit.api, "prepare_run", lambda *a, **k: run)
    monkeypatch.setattr(submit, "pack_home", lambda run, folder: None)
    return run


def test_a_token_goes_to_no_address_that_a_home_alone_names(home, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", "mine")
    run = Home(home).new_run("small")
    (run.path / "job.json").write_text(json.dumps({**JOB, "url": "https://evil.example.com"}))
    seen = []
    monkeypatch.setattr(submit, "Jobs", lambda url, token: seen.append((url, token)) or FakeJobs([], submit.ABSENT))
    with pytest.raises(RecipeError, match=r"your token would be sent there.*--address https://evil\.example\.com"):
        submit.attach(run)
    with pytest.raises(
        RecipeError, match=r"was sent to https://evil\.example\.com, and not to http://127\.0\.0\.1:8300"
    ):
        submit.attach(run, address=JOB["url"])
    assert not seen


def test_a_token_goes_to_no_other_machine_as_plain_text(home, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", "mine")
    run = Home(home).new_run("small")
    job = {**JOB, "url": "http://10.0.0.5:8265", "allow_insecure": True}  # what a home says of that, counts nothing
    (run.path / "job.json").write_text(json.dumps(job))
    seen = []

    def jobs(url, token):
        seen.append((url, token))
        raise QuorateError("not there")

    monkeypatch.setattr(submit, "Jobs", jobs)
    with pytest.raises(RecipeError, match=r"unencrypted.*https, or a tunnel.*allow_insecure=true"):
        submit.attach(run, address="http://10.0.0.5:8265")
    with pytest.raises(RecipeError, match="unencrypted"):
        submit.submit("small", "http://10.0.0.5:8265", home=home)
    assert not seen
    with pytest.raises(QuorateError, match="not there"):
        submit.attach(run, address="http://10.0.0.5:8265", insecure=True)
    assert seen == [("http://10.0.0.5:8265", "mine")]


def test_a_run_that_is_too_large_is_not_taken(begun, monkeypatch):
    monkeypatch.setattr(parcel, "LARGEST", 5000)
    with pytest.raises(IntegrityError, match="too large: unpacked"):
        parcel.unpack(zipped({"log.jsonl": "x" * 6000, "report.json": report_of(begun)}), begun)
    with pytest.raises(IntegrityError, match="is larger than"):
        received([parcel.MARK + "part " + "A" * 6000])


def test_the_run_knows_of_its_job_before_there_is_one(prepared, home, monkeypatch):
    seen = []
    jobs = FakeJobs([], "RUNNING", submit=lambda job: seen.append((job, note_of(prepared), prepared.state)))
    monkeypatch.setattr(submit, "Jobs", jobs)
    with pytest.raises(QuorateError, match="the job did not"):
        submit.submit("small", JOB["url"], home=home, tell=lambda line: None)
    ((job, note, state),) = seen
    assert job == note["job"]
    assert prepared.id in job
    assert not note["sent"]
    assert state == "running"  # nobody else may take it up meanwhile
    assert note_of(prepared) == {**note, "sent": True}


@pytest.mark.parametrize("error", [QuorateError("refused"), KeyboardInterrupt()], ids=["refused", "ctrl-c"])
def test_a_submission_that_was_cut_off_is_asked_for_and_else_finished_here(error, prepared, home, monkeypatch):
    def fail(job):
        raise error

    monkeypatch.setattr(submit, "Jobs", FakeJobs([], submit.ABSENT, submit=fail))
    with pytest.raises(type(error)) as raised:
        submit.submit("small", JOB["url"], home=home)
    told = "\n".join([str(raised.value), *getattr(raised.value, "__notes__", ())])
    assert f"quorate resume {prepared.id}" in told
    assert submit.is_job(prepared)
    with pytest.raises(QuorateError, match=r"never became a job.*this machine: quorate resume"):
        submit.attach(prepared, lambda line: None)
    assert not submit.is_job(prepared)


def test_a_job_that_was_sent_and_is_unknown_now_is_not_given_up(sent, monkeypatch):
    monkeypatch.setattr(submit, "Jobs", FakeJobs([], submit.ABSENT))
    with pytest.raises(QuorateError, match=r"has no job raysubmit_x.*remove .*job\.json"):
        submit.attach(sent, lambda line: None)
    assert submit.is_job(sent)


def test_a_job_decides_itself_where_its_fits_run(sent, home):
    with pytest.raises(RecipeError, match=r"was sent to a cluster.*workers=3"):
        _cluster.attach(sent.id, home, Progress(), ["execution.workers=3"])
    assert submit.is_job(sent)


def test_a_sweep_is_sent_as_a_run_is(home, monkeypatch):
    sweep = Home(home).new_run("small", "sweep")
    sent = []
    monkeypatch.setattr(submit.sweeps, "prepare_sweep", lambda *a, **k: sweep)
    monkeypatch.setattr(submit, "pack_home", lambda run, folder: None)
    jobs = FakeJobs(["progress", KeyboardInterrupt()])
    monkeypatch.setattr(jobs, "submit", lambda command, folder, job: sent.append((shlex.split(command), job)))
    monkeypatch.setattr(submit, "Jobs", jobs)
    told = []
    again = rf"(?s)the job goes on\. To fetch it: quorate sweep resume {sweep.id}"
    with pytest.raises(KeyboardInterrupt, match=again):
        submit.submit("small", JOB["url"], home=home, tell=told.append, sweep=True)
    [(command, job)] = sent
    assert command[1:] == ["-m", "quorate.runs.submit", sweep.id, "sweep"]
    assert told == [f"sweep {sweep.id} is job {job} on {JOB['url']}", "progress"]
    with pytest.raises(RecipeError, match=rf"how sweep {sweep.id} is computed.*workers=3"):
        _cluster.attach(sweep.id, home, Progress(), ["execution.workers=3"], None, "sweep")
    with pytest.raises(StoreError, match="there is no run"):
        _cluster.attach(sweep.id, home, Progress())


def test_a_job_works_in_a_copy_of_its_home(monkeypatch, tmp_path):
    """Ray may remove the folder that it unpacked, and unpack it again."""
    run = Home(tmp_path / "sent").new_run("small", "sweep")
    seen = []

    def finish(found):
        shutil.rmtree(tmp_path / "sent")
        seen.append((found.id, found.kind, found.path.is_dir(), Path.cwd() == found.home.path))

    monkeypatch.chdir(tmp_path / "sent")
    monkeypatch.setattr(sys, "argv", ["submit", run.id, "sweep"])
    monkeypatch.setattr(submit, "_finish", finish)
    submit.main()
    assert seen == [(run.id, "sweep", True, True)]


def test_a_job_server_says_which_job_it_does_not_know(monkeypatch):
    def info(job):
        raise RuntimeError(f"Request failed with status code {code}: {text}.")

    jobs = Jobs.__new__(Jobs)
    jobs._url, jobs._client = "http://127.0.0.1:8300", SimpleNamespace(get_job_info=info)
    code, text = 404, "Job quorate-x does not exist"
    assert jobs.state("quorate-x") == (submit.ABSENT, "")
    code, text = 404, "Not Found"
    with pytest.raises(QuorateError, match="404"):
        jobs.state("quorate-x")


def test_a_failed_job_ends_with_its_own_words_and_the_run_can_be_finished_here(sent, monkeypatch):
    error = parcel.MARK + "error " + json.dumps("model 'bad' failed")
    told = []
    monkeypatch.setattr(submit, "Jobs", FakeJobs(["progress", error], "FAILED", "exit code 1"))
    with pytest.raises(QuorateError, match=r"(?s)raysubmit_x failed: model 'bad' failed.*quorate resume"):
        submit.attach(sent, told.append)
    assert told[1:] == ["progress"]
    assert sent.id in told[0]
    assert sent.state == "failed"
    assert not submit.is_job(sent)


def test_ctrl_c_leaves_the_job_and_says_how_to_fetch_and_to_stop_it(sent, monkeypatch):
    monkeypatch.setattr(submit, "Jobs", FakeJobs(["progress", KeyboardInterrupt()]))
    with pytest.raises(KeyboardInterrupt, match=rf"(?s)goes on.*quorate resume {sent.id}.*ray job stop .*raysubmit_x"):
        submit.attach(sent, lambda line: None)
    assert submit.is_job(sent)


@pytest.mark.parametrize(
    "jobs",
    [FakeJobs([QuorateError("lost")]), FakeJobs([], "RUNNING"), FakeJobs([], "SUCCEEDED")],
    ids=["lost", "running", "over"],
)
def test_a_lost_connection_leaves_the_job_to_be_fetched_later(jobs, sent, monkeypatch):
    monkeypatch.setattr(submit, "Jobs", jobs)
    with pytest.raises(QuorateError, match="resume"):
        submit.attach(sent, lambda line: None)
    assert submit.is_job(sent)


def test_a_run_that_came_back_is_no_job_any_more(sent):
    assert submit.is_job(sent)
    sent.write_report({"schema_version": 1})
    assert not submit.is_job(sent)


@pytest.mark.parametrize("address", ["10.0.0.5:6379", "ray://10.0.0.5:10001", ""])
def test_a_job_is_sent_to_a_url(address):
    with pytest.raises(RecipeError, match="URL of a job server"):
        submit.submit("planted", address)


def test_nothing_is_sent_in_the_clear_to_a_cluster_without_a_token(monkeypatch):
    monkeypatch.setattr(submit.api, "prepare_run", lambda *a, **k: pytest.fail("a run was prepared"))
    with pytest.raises(RecipeError, match="no token"):
        submit.submit("planted", "http://10.0.0.5:8265")


# --- the example files


def test_rays_launcher_takes_the_example():
    ray_util = pytest.importorskip("ray.autoscaler._private.util")
    config = ray_util.prepare_config(yaml.safe_load((EXAMPLES / "ray-cluster.yaml").read_text()))
    ray_util.validate_config(config)
    for commands in (config["head_start_ray_commands"], config["worker_start_ray_commands"]):
        start = commands[-1]
        assert "RAY_AUTH_MODE=token" in start
        assert "RAY_USAGE_STATS_ENABLED=0" in start
        assert "RAY_task_oom_retries=1" in start
    assert "--dashboard-host=127.0.0.1" in config["head_start_ray_commands"][-1]
    assert any("chmod 600 ~/.ray/auth_token" in command for command in config["setup_commands"])


def pods(spec):
    return [spec["headGroupSpec"], *spec["workerGroupSpecs"]]


def test_the_kubernetes_example_is_whole():
    ray, policy = yaml.safe_load_all((EXAMPLES / "kuberay.yaml").read_text())
    assert (ray["apiVersion"], ray["kind"]) == ("ray.io/v1", "RayCluster")
    assert ray["spec"]["headGroupSpec"]["serviceType"] == "ClusterIP"
    for group in pods(ray["spec"]):
        pod = group["template"]["spec"]
        (container,) = pod["containers"]
        environment = {item["name"]: item.get("value") for item in container["env"]}
        assert environment["RAY_AUTH_MODE"] == "token"
        assert environment["RAY_USAGE_STATS_ENABLED"] == "0"
        (token,) = [item for item in container["env"] if item["name"] == "RAY_AUTH_TOKEN"]
        assert "secretKeyRef" in token["valueFrom"]
        assert container["resources"]["requests"] == container["resources"]["limits"]
        assert {"readinessProbe", "livenessProbe"} <= set(container)
        assert [v["name"] for v in pod["volumes"]] == [m["name"] for m in container["volumeMounts"]]
        assert pod["securityContext"]["runAsNonRoot"]
    assert policy["kind"] == "NetworkPolicy"
    assert policy["spec"]["podSelector"]["matchLabels"]["ray.io/cluster"] == ray["metadata"]["name"]


@pytest.mark.parametrize("place, schema", [(0, kuberay.CLUSTER), (1, kuberay.POLICY)])
def test_the_kubernetes_example_has_fields_of_its_kinds_alone(place, schema):
    document = list(yaml.safe_load_all((EXAMPLES / "kuberay.yaml").read_text()))[place]
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(document)) == []


@pytest.mark.parametrize(
    "path, value",
    [
        (("workerGroupSpecs", 0, "groupName"), None),
        (("workerGroupSpecs", 0, "maxReplicas"), "10"),
        (("workerGroupSpecs", 0, "minReplica"), 1),
        (("headGroupSpec", "template", "spec", "containers", 0, "volumeMount"), []),
        (("headGroupSpec", "template", "spec", "containers", 0, "env", 0, "value"), 1),
        (("headGroupSpec", "template", "spec", "containers", 0, "resources", "limits", "memory"), "8 GiB"),
        (("headGroupSpec", "rayStartParams", "num-cpus"), 1),
        (("headGroupSpec", "serviceTyp"), "ClusterIP"),
    ],
)
def test_a_slip_in_the_kubernetes_example_would_be_seen(path, value):
    document = next(yaml.safe_load_all((EXAMPLES / "kuberay.yaml").read_text()))
    spot = document["spec"]
    for step in path[:-1]:
        spot = spot[step]
    if value is None:
        del spot[path[-1]]
    else:
        spot[path[-1]] = value
    assert list(jsonschema.Draft202012Validator(kuberay.CLUSTER).iter_errors(document))


def test_a_free_port_is_not_one_that_is_taken():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert nodes._free_port(port) != port


def test_the_security_rules_need_no_heavy_library():
    heavy = {"ray", "numpy", "pandas", "rich", "pydantic"}
    code = f"import sys, quorate.execution.ray.tokens; print(*({{m.split('.')[0] for m in sys.modules}} & {heavy}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_node_of_our_own_carries_no_setting_of_the_users_ray(home, own, monkeypatch, tmp_path):
    seen = {}

    def start(command, **options):
        seen.update(command=command, **options)
        return SimpleNamespace(pid=os.getpid())

    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.5:6379")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "of another")
    monkeypatch.setattr(subprocess, "Popen", start)
    nodes._start(own, home, 3, ["--head"])
    environment = seen["env"]
    assert "RAY_ADDRESS" not in environment
    assert "RAY_AUTH_TOKEN" not in environment
    assert environment["RAY_AUTH_MODE"] == "token"
    assert environment["RAY_AUTH_TOKEN_PATH"] == str(own.token)
    assert environment["RAY_USAGE_STATS_ENABLED"] == "0"
    assert environment["RAY_task_oom_retries"] == "1"
    assert seen["start_new_session"]
    assert "--num-cpus=3" in seen["command"]
    assert any(option.startswith("--object-store-memory=") for option in seen["command"])


def test_without_rays_job_client_the_remedy_is_said():
    code = (
        "import sys; sys.modules['aiohttp'] = None\n"
        "from quorate.execution.ray.jobs import Jobs\n"
        "try: Jobs('http://127.0.0.1:9', '')\n"
        "except Exception as e: print(type(e).__name__, e)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("QuorateError")
    assert "pip install 'quorate[cluster]'" in done.stdout

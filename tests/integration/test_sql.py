"""SQL over the runs of a home, and a run's tables as files."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
import warnings
from pathlib import Path

import pandas as pd
import pytest

import quorate
from quorate.evidence.ledger import ledger_of
from quorate.recipe.canonical import digest
from quorate.report.sql_columns import EXAMPLES, FILES, OF_REPORTS, SPARSE, UNSEEN, VIEWS, patterns_of, types_of
from quorate.runs.loaded import load_report
from quorate.store import Home
from quorate.store.documents import seal_of
from quorate.store.label import Label, write_label
from quorate.store.trust import trust
from support.command import call, message_of

ROOT = Path(__file__).parents[2]
SWEEP = "20260101T000000.000000-tiny-aaaa"


@pytest.fixture(scope="module")
def place(_homes, tmp_path_factory):
    """A home with runs of three recipes, two of them promoted, and a sweep; nothing in it is changed."""
    home = tmp_path_factory.mktemp("sql") / "home"
    shutil.copytree(_homes.warm, home, ignore=shutil.ignore_patterns("fits", "audits"))
    trust(home)
    write_label(Home(home).runs()[0], Label(tags=("kept",)))
    sweep = home / "sweeps" / SWEEP
    sweep.mkdir(parents=True)
    (sweep / "report.json").write_text(json.dumps({**(document := sweep_document()), "seal": seal_of(document)}))
    return Home(home)


def sweep_document() -> dict[str, object]:
    trials = [
        {"trial": 0, "state": "complete", "value": 0.7, "folds": 4, "cpu_seconds": 0.1, "params": {"C": 0.1 + 0.2}},
        {"trial": 1, "state": "raced", "value": 0.8, "folds": 2, "cpu_seconds": 0.1, "params": {"C": 3.0}},
    ]
    search = {
        "own": {"value": 0.75}, "best": {"trial": 0, "value": 0.7}, "kept": "tuned", "kept_params": {"C": 0.1},
        "better": True, "helped": False, "trials": trials,
    }  # fmt: skip
    return {
        "schema_version": 1, "sweep": SWEEP, "created": "2026-01-01T00:00:00+00:00", "recipe": {"name": "tiny"},
        "objectives": [{"name": "loss", "higher_is_better": False}], "whole": False, "searches": {"logistic": search},
    }  # fmt: skip


@pytest.fixture
def copied(place, tmp_path):
    """The same home, to be damaged."""
    home = tmp_path / "a'h[o]m*e?"
    shutil.copytree(place.path, home)
    trust(home)
    return Home(home)


def ask(statement: str, home: Home) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return quorate.sql(statement, home=home.path)


def test_each_view_has_the_columns_that_are_described_and_no_others(place):
    for name in VIEWS:
        described, patterns = types_of(name), patterns_of(name)
        found = ask(f"describe {name}", place)
        columns = dict(zip(found["column_name"], found["column_type"], strict=True))
        assert {column: columns.get(column) for column in described} == described, name
        more = set(columns) - set(described)
        if name == UNSEEN:  # no run here holds symbols out: tests/end_to_end/test_unseen_symbols.py
            patterns = []
        assert bool(more) == bool(patterns), name
        assert all(columns[column] == "DOUBLE" for column in more)
        if prefixes := [pattern.partition("/")[0] for pattern in patterns if not pattern.partition("/")[0].isupper()]:
            assert {column.partition("/")[0] for column in more} == set(prefixes)


def test_views_have_what_reports_have_of_all_runs(place):
    """To the last bit, with `run` in front."""
    reports = [load_report(run.id, home=place.path) for run in place.runs()]
    for name in (*OF_REPORTS, *FILES):
        if name in ("symbols", "warnings", "covariates", "stages", *SPARSE):
            continue
        found = ask(f"from {name}", place)
        assert next(iter(found)) == "run"
        assert set(found["run"]) == {report.run_id for report in reports}, name
        for report in reports:
            wanted = getattr(report, name)
            wanted = wanted.reset_index() if wanted.index.name == "time" else wanted
            one = found[found["run"] == report.run_id].reset_index(drop=True)
            for column in wanted:
                if column == "began":  # a float in the file: to a microsecond
                    assert (one[column] - wanted[column]).abs().max() <= pd.Timedelta(1, "us")
                elif column == "inputs":
                    assert [json.loads(text) for text in one[column]] == list(wanted[column])
                else:
                    values = one[column].astype(wanted[column].dtype)
                    pd.testing.assert_series_equal(values, wanted[column].reset_index(drop=True), check_exact=True)
            missing = set(one) - set(wanted) - {"run", "chosen"}
            assert one[list(missing)].isna().all(axis=None)  # they are other runs'


def test_runs_have_what_the_list_of_runs_shows_and_where_they_came_from(place):
    found, listed = ask("from runs order by run", place), quorate.list_runs(home=place.path)
    assert len(found) == 3
    for name in ("run", "name", "recipe", "source", "data", "state", "verdict", "sharpe", "note", "reason"):
        assert list(found[name]) == list(listed[name])
    report = load_report(found["run"][0], home=place.path)
    first = found.iloc[0]
    assert first["holdout"] == report.results["holdout"]["verdict"]
    assert first["fingerprint"] == report.provenance["data"]["fingerprint"]
    assert (first["symbols"], first["bars"]) == (1, report.provenance["data"]["bars"])
    assert first["created"] == pd.Timestamp(report.provenance["created"])
    assert first["seconds"] == report.telemetry["seconds"]
    assert first["trials"] == report.results["holdout"]["trials"]["n"]


def test_the_ledger_and_its_candidates_are_told_as_they_are(place):
    entries = ledger_of(place).entries()
    found = ask("from ledger", place)
    assert [json.loads(entry) for entry in found["entry"]] == entries
    tried = [entry for entry in entries if entry["kind"] == "candidate"]
    assert len(tried) > 5
    candidates = ask("from candidates", place)
    assert list(candidates["sharpe_per_bar"]) == [entry["sharpe"] for entry in tried]
    assert list(candidates["series"]) == [f"{entry['series']}/{entry['strategy']}" for entry in tried]
    joined = ask("select count(*) as n from candidates join runs using (run, fingerprint, recipe_digest)", place)
    assert joined["n"][0] == len(tried)


def test_sweeps_have_studies_and_trials(place):
    (study,) = ask("from studies", place).to_dict("records")
    assert (study["run"], study["search"], study["best"], study["trials"]) == (SWEEP, "logistic", 0, 2)
    assert (study["own_value"], study["best_value"], study["helped"]) == (0.75, 0.7, False)
    trials = ask("select trial, state, value, (params->>'C')::double as c from trials order by trial", place)
    assert trials["c"].tolist() == [0.1 + 0.2, 3.0]
    assert trials["state"].tolist() == ["complete", "raced"]


def test_a_sweep_that_is_not_finished_or_not_whole_is_told(copied):
    (copied.path / "sweeps" / "20260102T0-tiny-bbbb").mkdir()
    studies = ask("select run, state, search from studies order by run", copied)
    assert studies["state"].tolist() == ["finished", "interrupted"]
    with pytest.warns(UserWarning, match="not finished, and so only in runs and studies: 20260102T0-tiny-bbbb"):
        assert len(quorate.sql("from trials", home=copied.path)) == 2
    path = copied.path / "sweeps" / SWEEP / "report.json"
    path.write_text(path.read_text().replace('"value": 0.7', '"value": 0.6'))
    told = call("sql", "select count(*) as n from trials", "--json", "--home", copied.path)
    assert json.loads(told.stdout) == [{"n": 0}]
    assert f"{SWEEP} is left out of trials" in told.stderr
    assert "another seal" in told.stderr
    assert "another seal" in message_of(
        call("export", SWEEP, "--to", copied.path.parent / "x", "--home", copied.path), 1
    )


@pytest.mark.parametrize("what", EXAMPLES)
def test_the_examples_of_the_page_are_answered(place, what):
    found = ask(EXAMPLES[what], place)
    # No gate need fail; none of these runs trains a network, has checks or covariates, and no store is filled.
    assert len(found) > 0 or {"failed", "gap", "per_cent", "delay", "apart"} & set(found)
    assert f"```sql\n{EXAMPLES[what]}\n```" in (ROOT / "docs" / "sql.md").read_text()


def test_the_terminal_shows_a_table_and_says_what_it_leaves_out(place):
    home = ("--home", place.path)
    told = call("sql", "select run, recipe, sharpe from runs order by run", *home).stdout
    assert all(run.id in told for run in place.runs())
    assert "3 rows" in told
    told = call("sql", "from trades", "--limit", "2", *home).stdout
    assert "the first 2 rows: --limit 0 shows all, --csv FILE writes them" in told
    assert "no room for" in told
    assert "2 rows" in call("sql", "from runs limit 2", "--limit", "2", *home).stdout
    names = call("sql", *home).stdout
    assert names == call("sql", "--tables", *home).stdout
    assert all(name in names for name in VIEWS)
    assert [one["view"] for one in json.loads(call("sql", "--tables", "--json").stdout)] == list(VIEWS)


def test_an_answer_is_written_with_all_digits(place, tmp_path):
    statement, home = "select run, time, weight from weights order by all", ("--home", place.path)
    wanted = ask(statement, place)
    csv, parquet = tmp_path / "a.csv", tmp_path / "a.parquet"
    done = call("sql", statement, "--csv", csv, *home)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", f"wrote {csv}\n")
    assert "in place of what was there" in call("sql", statement, "--csv", csv, *home).stderr
    assert call("sql", statement, "--parquet", parquet, *home).exit_code == 0
    texts = [csv.read_text(), call("sql", statement, "--csv", "-", *home).stdout]
    assert texts[0] == texts[1]
    from_csv = pd.read_csv(csv)
    assert from_csv["weight"].tolist() == wanted["weight"].tolist()
    assert pd.to_datetime(from_csv["time"], utc=True).tolist() == wanted["time"].tolist()
    pd.testing.assert_frame_equal(quorate.read_parquet(parquet), wanted, check_dtype=False)
    rows = json.loads(call("sql", statement, "--json", *home).stdout)
    assert [row["weight"] for row in rows] == wanted["weight"].tolist()
    assert rows[0]["time"].endswith("+00:00")
    odd = "select 'nan'::double as a, [1, null] as b, 1.5 as c, true as a, null as d, date '2020-01-02' as e"
    assert json.loads(call("sql", odd, "--json").stdout) == [
        {"a": None, "b": [1, None], "c": 1.5, "a_1": True, "d": None, "e": "2020-01-02"}
    ]
    gate = json.loads(call("sql", "select inputs from gates limit 1", "--json", *home).stdout)[0]["inputs"]
    assert isinstance(gate, dict)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith((".", "a."))] == ["a.csv", "a.parquet"]


def test_a_file_may_not_fill_the_disk(place, tmp_path, monkeypatch):
    monkeypatch.setattr("quorate.cli._sql.LARGEST", 100_000)
    told = message_of(call("sql", "select range, random() from range(10000000)", "--csv", tmp_path / "a.csv"), 1)
    assert "File too large" in told
    assert not [path for path in tmp_path.iterdir() if "a.csv" in path.name]
    assert call("sql", "from runs", "--csv", tmp_path / "b.csv", "--home", place.path).exit_code == 0


def test_a_statement_comes_from_a_file_or_the_standard_input(place, tmp_path):
    file = tmp_path / "query.sql"
    file.write_text("-- how many\nselect count(*) as n\nfrom runs;\n")
    assert json.loads(call("sql", file, "--json", "--home", place.path).stdout) == [{"n": 3}]
    command = [sys.executable, "-m", "quorate", "sql", "-", "--json", "--home", str(place.path)]
    done = subprocess.run(command, input="select 1 as n", capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout) == [{"n": 1}]
    assert "cannot read the statement in" in message_of(call("sql", tmp_path / "none.sql"), 2)
    done = subprocess.run(command, input=b"select '\xff'", capture_output=True, timeout=60)
    assert done.returncode == 2
    assert b"the statement" in done.stderr
    assert b"utf-8" in done.stderr
    assert b"fault of quorate" not in done.stderr


def test_what_names_and_notes_hold_is_shown_and_does_not_steer(copied):
    note = "=HYPERLINK('x'); drop view runs; -- [bold]\N{WHITE SMILING FACE}"
    write_label(copied.runs()[0], Label(note=note))
    assert ask("select note from runs where note <> ''", copied)["note"].tolist() == [note]
    assert note in call("sql", "select note from runs", "--home", copied.path).stdout
    told = call("sql", r"select e'\e[2Jred' as \"\N{RIGHT-TO-LEFT OVERRIDE}x\"".replace('\\"', '"')).stdout
    assert "\x1b" not in told
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in told


def test_to_answer_takes_no_library_of_numbers(place):
    code = (
        "import sys; sys.argv[1:] = ['sql', 'from gates', '--home', sys.argv[1]]\n"
        "from quorate.cli._app import app\n"
        "try: app()\nexcept SystemExit: print(sorted({'numpy', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(place.path)], capture_output=True, text=True, timeout=60)
    assert done.stdout.endswith("[]\n"), done.stderr


def test_what_is_wrong_with_a_command_is_said(place, tmp_path):
    home = ("--home", place.path)
    assert "did you mean 'runs'?" in message_of(call("sql", "from run", *home), 2)
    told = message_of(call("sql", "select shrape from runs", *home), 2)
    assert '"sharpe"' in told
    statement, mark = told.splitlines()[2:4]
    assert mark.index("^") == statement.index("shrape")
    assert "exclude each other" in message_of(call("sql", "from runs", "--csv", "a", "--json"), 2)
    assert "it is a folder" in message_of(call("sql", "from runs", "--csv", tmp_path), 1)
    (tmp_path / "link.csv").symlink_to(tmp_path / "elsewhere.csv")
    assert "no regular file" in message_of(call("sql", "from runs", "--csv", tmp_path / "link.csv"), 1)
    assert not (tmp_path / "elsewhere.csv").exists()
    assert json.loads(call("sql", "from runs", "--json", "--home", tmp_path / "none").stdout) == []


def test_a_run_that_is_damaged_is_left_out_with_a_line_and_the_others_are_told(copied):
    first, second, third = copied.runs()
    shutil.copytree(first.path, odd := copied.path / "runs" / "20260101T0-a'b[x]*?-0001")
    (odd / "report.json").unlink()  # not finished
    path = second.path / "development" / "trades.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    told = call("sql", "select distinct run from trades", "--json", "--home", copied.path)
    assert {row["run"] for row in json.loads(told.stdout)} == {first.id, third.id}
    assert f"warning: {second.id} is left out of trades: {path} was changed" in told.stderr
    assert f"not finished, and so only in runs and studies: {odd.name}" in told.stderr
    assert told.stderr.count("warning") == 2
    assert call("sql", "select count(*) from predictions", "--home", copied.path).stderr.count("warning") == 1
    assert call("sql", "from runs", "--home", copied.path).stderr == ""
    (third.path / "report.json").write_text('{"schema_version": 1, "provenance": ')
    document = json.loads((first.path / "report.json").read_text())
    document["results"]["development"]["gates"][0]["value"] = 9.0
    (first.path / "report.json").write_text(json.dumps(document))
    with pytest.warns(UserWarning, match="has another seal") as seen:
        assert set(quorate.sql("from gates", home=copied.path)["run"]) == {second.id}
    assert len(seen) == 3
    runs = ask("select run, state, sharpe, reason from runs order by run", copied)
    assert runs["state"].tolist() == ["interrupted", "unreadable", "finished", "unreadable"]
    assert runs["sharpe"].notna().tolist() == [False, False, True, False]
    assert "another seal" in runs["reason"][1]


def sealed(run, change) -> None:
    """Change a report as its writer would have written it."""
    document = json.loads((run.path / "report.json").read_text())
    change(document)
    del document["seal"]
    (run.path / "report.json").write_text(json.dumps({**document, "seal": digest(document)}))


def test_runs_of_other_versions_lack_tables_and_columns(copied):
    first, second, third = copied.runs()

    def without_votes(document) -> None:
        document["files"] = {name: sha for name, sha in document["files"].items() if "votes" not in name}
        del document["results"]["development"]["gates"][0]["benchmark"]
        document["results"]["development"]["series"][0]["metrics"]["of-a-plugin"] = 1.5

    def newer(document) -> None:
        document["schema_version"] = 2

    sealed(first, without_votes)
    sealed(second, newer)
    frame = quorate.read_parquet(third.path / "development" / "skill.parquet").drop(columns="dm").assign(more=1.0)
    third_file = third.path / "development" / "skill.parquet"
    from quorate.store.parquet import write_parquet

    write_parquet(frame, third_file)
    sha = hashlib.sha256(third_file.read_bytes()).hexdigest()
    sealed(third, lambda document: document["files"].update({"development/skill.parquet": sha}))
    told = call("sql", "select distinct run from votes", "--json", "--home", copied.path)
    assert [row["run"] for row in json.loads(told.stdout)] == [third.id]
    assert f"{first.id} is left out of votes: it was made before there was such a table" in told.stderr
    assert f"{second.id} is left out of votes" in told.stderr
    assert "upgrade quorate" in told.stderr
    with pytest.warns(UserWarning, match="upgrade quorate"):
        skill = quorate.sql("select run, dm, more from skill order by run", home=copied.path)
    assert (skill.groupby("run")["dm"].count() > 0).tolist() == [True, False]
    assert skill.groupby("run")["more"].count().tolist() == [0, len(frame)]
    with pytest.warns(UserWarning, match="upgrade quorate"):
        metrics = quorate.sql('select run, "of-a-plugin" as x from metrics where x is not null', home=copied.path)
    assert metrics.to_dict("records") == [{"run": first.id, "x": 1.5}]


def test_a_home_of_an_earlier_version_is_answered_for(tmp_path):
    with tarfile.open(ROOT / "tests" / "end_to_end" / "stored" / "home-before-rooms.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    home = ("--home", tmp_path / "home")
    runs = json.loads(call("sql", "select state, sharpe, trials from runs order by run", "--json", *home).stdout)
    assert [run["state"] for run in runs] == ["finished", "finished", "interrupted"]
    assert [run["trials"] for run in runs] == [4, 6, None]
    fits = call("sql", "select count(in_sample) as known, count(seconds) as n from fits", "--json", *home)
    assert json.loads(fits.stdout) == [{"known": 0, "n": 42}]  # a column that came later
    told = call("sql", "from skill", "--json", *home)
    assert told.stdout == "[]\n"
    assert "before-926b, 20261128T024851.916524-other-af1e are left out of skill: it was made before" in told.stderr
    assert call("export", "before-926b", "--to", tmp_path / "out", *home).exit_code == 0
    assert not (tmp_path / "out" / "skill.parquet").exists()
    assert len(quorate.read_parquet(tmp_path / "out" / "votes.parquet")) == 240


def test_what_a_hostile_home_holds_reaches_nothing(copied, tmp_path):
    """Links, files of other kinds under the right hash, names that are SQL, values of other types."""
    secret = tmp_path / "secret.parquet"
    first, second, third = copied.runs()
    file = first.path / "development" / "trades.parquet"
    file.rename(secret)
    file.symlink_to(secret)  # the very table, and yet elsewhere
    (second.path / "development").rename(tmp_path / "development")
    (second.path / "development").symlink_to(tmp_path / "development")
    junk = third.path / "development" / "trades.parquet"
    junk.write_text("no Parquet")
    sha = hashlib.sha256(b"no Parquet").hexdigest()

    def hostile(document) -> None:
        document["files"]["development/trades.parquet"] = sha
        document["results"]["development"]["gates"][0] |= {"value": "=1+1", "inputs": "x'); drop table gates; --"}
        metrics = document["results"]["development"]["series"][0]["metrics"]
        metrics |= {'a"; drop view runs; --': "text", "SHARPE": 9.0, "run": 9.0, "Part": 9.0}
        document["results"]["development"]["gates"][1] |= {"run": "another", "part": "another", "reason": "\ud800x"}
        del document["telemetry"]

    sealed(third, hostile)
    told = call("sql", "select count(*) as n from trades", "--json", "--home", copied.path)
    assert told.exit_code == 0, told.stderr
    assert told.stderr.count("a link, which is not followed") == 2
    assert "left out of trades" in told.stderr.replace(third.id, "")
    assert json.loads(told.stdout)[0]["n"] == 0
    gates = json.loads(call("sql", "from gates", "--json", "--home", copied.path).stdout)
    assert [g["value"] for g in gates if g["inputs"] == "x'); drop table gates; --"] == [None]
    assert len(gates) == len({(g["run"], g["part"], g["gate"]) for g in gates})
    assert any(g["reason"] == "?x" for g in gates)  # half a character
    assert {g["run"] for g in gates} == {run.id for run in copied.runs()}
    odd = ask('select run, sharpe, "a""; drop view runs; --" as x from metrics', copied)
    assert odd["x"].isna().all()
    assert 9.0 not in set(odd["sharpe"])
    runs = ask("select run, state, reason from runs", copied).set_index("run")
    assert runs["state"].tolist() == ["finished", "finished", "unreadable"]
    assert "not what quorate writes" in runs["reason"][third.id]


def test_a_ledger_that_was_changed_is_not_read(copied):
    path = copied.path / "ledger" / "ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"role":"ensemble"', b'"role":"member"', 1))
    assert "was changed after it was written" in message_of(call("sql", "from candidates", "--home", copied.path), 1)
    assert len(ask("from runs", copied)) == 3


def test_a_home_is_as_it_was(place):
    def state() -> dict[str, float]:
        return {str(path): path.lstat().st_mtime_ns for path in place.path.rglob("*")}

    before = state()
    for name in VIEWS:
        ask(f"select count(*) from {name}", place)
    assert state() == before


HALVES = """
import os, pickle, signal, sys
from quorate.report.sql_columns import FILES, OF_LEDGER, SPARSE, VIEWS
from quorate.runs import sql_halves
from quorate.runs.sql_views import Gathered
from quorate.store import Home

sql_halves.MANY, home = 2, Home(sys.argv[1])
names, pids, fork = [name for name in VIEWS if name not in OF_LEDGER], [], os.fork
os.fork = lambda: pids.append(fork()) or pids[-1]
alone = Gathered(names, home.runs(), home.runs("sweep"))
for ended in (False, True):
    with sql_halves.reading(home.runs()) as gather:
        if ended:
            os.kill(pids[-1], signal.SIGKILL)
        both = gather(names, home.runs("sweep"))
    assert both.views() == alone.views() and both.warnings == alone.warnings
    assert all(both.views()[name].files for name in {*FILES} - {*SPARSE}) and both.views()["gates"].rows
with sql_halves.reading(home.runs()):
    pass  # a statement that was refused
print(len(pids))
"""


def test_two_processes_read_what_one_does(place):
    """Also where the second one is ended, or not asked at all."""
    done = subprocess.run(
        [sys.executable, "-c", HALVES, str(place.path)], capture_output=True, text=True, timeout=60, check=False
    )
    more = len(os.sched_getaffinity(0)) > 1
    assert (done.stdout, done.stderr) == (f"{3 if more else 0}\n", "")


INTERRUPTED = """
import os, signal, sys, threading
from quorate.cli._app import entry
from quorate.store.sql import Answer

rows = Answer.rows

def interrupted(self, most=0):
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    return rows(self, most)

Answer.rows, sys.argv = interrupted, ["quorate", "sql", "select lpad('x', 2000000000, 'y')"]
entry()
"""


def test_ctrl_c_ends_it_at_once():
    """Even within a single value, which takes half a minute, and of which DuckDB itself would not hear."""
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_run_is_exported_with_its_numbers_and_what_they_are(place, tmp_path, form):
    run, to = place.runs()[0], tmp_path / "out"
    report = load_report(run.id, home=place.path)
    done = call("export", run.id, "--to", to, "--format", form, "--home", place.path)
    assert done.exit_code == 0, done.stderr
    assert f"{run.id}: {len(list(to.iterdir()))} files written to" in done.stderr
    assert "in place of" not in done.stderr
    for name in set(FILES) - set(SPARSE):
        path = to / f"{name}.{form}"
        found = quorate.read_parquet(path) if form == "parquet" else pd.read_csv(path)
        wanted = getattr(report, name)
        assert set(found["run"]) == {run.id}
        for column in wanted.select_dtypes("float64"):
            pd.testing.assert_series_equal(
                found[column].astype("float64"), wanted[column].reset_index(drop=True), check_exact=True
            )
    assert (to / "report.json").read_bytes() == (run.path / "report.json").read_bytes()
    page = (to / "README.md").read_text()
    assert all(f"## {path.stem}\n" in page for path in to.iterdir() if path.suffix == f".{form}")
    assert (
        ", 19 in place of what was there"
        in call("export", run.id, "--to", to, "--format", form, "--home", place.path).stderr
    )


def test_a_sweep_is_exported_with_its_trials(place, tmp_path):
    document = json.loads(call("export", "tiny-aaaa", "--to", tmp_path, "--home", place.path, "--json").stdout)
    assert document["run"] == SWEEP
    assert len(quorate.read_parquet(tmp_path / "trials.parquet")) == 2


def test_a_run_that_is_not_whole_is_not_exported(copied, tmp_path):
    run = copied.runs()[0]
    assert "--format must be one of csv, parquet" in message_of(
        call("export", run.id, "--to", tmp_path, "--format", "cvs"), 2
    )
    assert "must be a folder" in message_of(call("export", "latest", "--to", __file__, "--home", copied.path), 2)
    assert "there is no run 'none'" in message_of(call("export", "none", "--to", tmp_path / "o"), 1)
    path = run.path / "development" / "equity.parquet"
    path.write_bytes(path.read_bytes() + b"x")
    told = message_of(call("export", run.id, "--to", tmp_path / "out", "--home", copied.path), 1)
    assert "equity.parquet was changed after the run" in told
    assert not list(tmp_path.glob("out/*"))


def test_what_a_home_keeps_is_never_written_over(copied, tmp_path):
    first, second, _ = copied.runs()
    kept = (second.path / "report.json").read_bytes()
    (tmp_path / "link").symlink_to(second.path)
    home = ("--home", copied.path)
    for folder in (second.path, first.path, copied.path / "new", tmp_path / "link"):
        assert "it lies in the home" in message_of(call("export", first.id, "--to", folder, *home), 1)
    for option in ("--csv", "--parquet"):
        told = message_of(call("sql", "from runs", option, copied.path / "ledger" / "ledger.jsonl", *home), 1)
        assert "it lies in the home" in told
    assert (second.path / "report.json").read_bytes() == kept
    assert not (copied.path / "new").exists()
    assert {run.state for run in copied.runs()} == {"finished"}

"""Statements that may not be: whatever they try, nothing is read but the views, and nothing is changed."""

import hashlib
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

from quorate.errors import RecipeError, StoreError
from quorate.store.sql import Answer, Database, View
from quorate.store.statement import REFUSED, TABLE_FUNCTIONS

VIEWS = {
    "runs": View({"run": "VARCHAR", "sharpe": "DOUBLE"}, [{"run": "a", "sharpe": 1.5}, {"run": "b", "sharpe": None}]),
    "gates": View({"run": "VARCHAR", "gate": "VARCHAR"}, [{"run": "a", "gate": "pbo"}]),
}

# SECRET is a file outside the home, HOME the home's ledger, OUT what must not come to be.
HOSTILE = [
    # files, by every function that reads one
    "from read_text('SECRET')",
    "from read_blob('SECRET')",
    "from read_csv('SECRET')",
    "from read_csv_auto('SECRET')",
    "from read_json('SECRET')",
    "from read_json_objects('SECRET')",
    "from read_ndjson('HOME')",
    "from read_parquet('SECRET')",
    "from parquet_scan('SECRET')",
    "from read_duckdb('SECRET')",
    "from read_single_csv_file('SECRET')",
    "from read_single_parquet_file('SECRET')",
    "from parquet_metadata('SECRET')",
    "from parquet_schema('SECRET')",
    "from parquet_kv_metadata('SECRET')",
    "from parquet_file_metadata('SECRET')",
    "from sniff_csv('SECRET')",
    "from glob('/etc/*')",
    "from 'SECRET'",
    'from "SECRET"',
    "from 'HOME'",
    "select * from runs, lateral (from read_text('SECRET'))",
    "select (select content from read_text('SECRET'))",
    "select 1 where exists (from read_blob('SECRET'))",
    "with x as (from read_text('SECRET')) from x",
    "with \"SECRET\" as (select 1) from 'SECRET' s, READ_TEXT('SECRET')",
    "from runs limit (select length(content) from read_text('SECRET'))",
    "select system.main.read_text('SECRET')",
    "from system.main.read_text('SECRET')",
    "from /* read */ Read_Text /**/ ('SECRET')",
    "from \"read_text\"('SECRET')",
    "from read_text(concat('SEC', 'RET'))",
    "from summary((from read_text('SECRET')))",
    "summarize (from read_text('SECRET'))",
    "describe 'SECRET'",
    "summarize 'SECRET'",
    "pivot (from read_text('SECRET')) on filename in ('a') using count(*)",
    "pivot runs on run",
    # a network
    "from 'https://example.com/a.parquet'",
    "from read_csv('http://127.0.0.1:9/a.csv')",
    "from read_parquet('s3://bucket/a.parquet')",
    "install httpfs",
    "load httpfs",
    "load 'SECRET'",
    # changes
    "copy runs to 'OUT'",
    "copy (select 1) to 'OUT' (format parquet)",
    "copy runs from 'SECRET'",
    "attach 'OUT' as other",
    "attach ':memory:' as other",
    "detach memory",
    "use memory",
    "export database 'OUT'",
    "import database 'OUT'",
    "create table t as select 1",
    "create view t as select 1",
    "create or replace macro f() as 1",
    "create macro f() as table from read_text('SECRET')",
    "create secret s (type s3)",
    "create type t as enum ('a')",
    "create sequence s",
    "insert into runs values ('x', 1)",
    "update runs set sharpe = 9",
    "delete from runs",
    "drop view runs",
    "truncate runs",
    "alter table runs add column x int",
    "merge into runs using gates on true when matched then delete",
    "with d as (delete from runs returning *) from d",
    "with d as (insert into runs values ('x', 1) returning *) from d",
    "with d as (update runs set sharpe = 9 returning *) from d",
    "select 1 into t",
    "vacuum",
    "checkpoint",
    "force checkpoint",
    "from checkpoint()",
    "from force_checkpoint()",
    "begin transaction",
    "comment on table runs is 'x'",
    # settings, and what they tell
    "set memory_limit = '100GB'",
    "set enable_external_access = true",
    "reset memory_limit",
    "pragma database_size",
    "pragma enable_profiling",
    "pragma_version",
    "from pragma_version()",
    "from pragma_user_agent()",
    "call pragma_version()",
    "from duckdb_settings()",
    "from duckdb_settings",
    "from duckdb_secrets()",
    "from duckdb_extensions()",
    "from duckdb_logs",
    "from duckdb_functions()",
    "from pg_settings",
    "from pg_catalog.pg_settings",
    "from sqlite_master",
    "from information_schema.tables",
    "from (with duckdb_databases as (select 1) select 1), duckdb_databases",
    "from enable_logging(storage = 'file', storage_path = 'OUT')",
    "from enable_profiling(save_location = 'OUT')",
    "from disable_logging()",
    "from create_external_resource('a')",
    "select current_setting('temp_directory')",
    "select Current_Setting('temp_directory')",
    "select getvariable('x')",
    "set variable x = 1",
    "select getenv('HOME')",
    "select write_log('x')",
    "show databases",
    "show all tables",
    "from which_secret('s3://a', 's3')",
    # text that becomes a statement, addresses, what Python has
    "from query('from read_text(''SECRET'')')",
    "from query_table('SECRET')",
    "from query_table(['runs'])",
    "from json_execute_serialized_sql('{}')",
    "select json_deserialize_sql('{}')",
    "prepare p as select 1",
    "execute p",
    "from pandas_scan(140000000000)",
    "from arrow_scan(1, 2, 3)",
    "from seq_scan('runs')",
    "from python_map_function(1)",
    "from frame_of_python",
    "from VIEWS",
    "explain select 1",
    "explain analyze from read_text('SECRET')",
    # several, none, tricks with letters
    "select 1; select 2",
    "select 1; copy runs to 'OUT'",
    "select 1 /* ; */ ; -- \n drop view runs",
    "",
    "  -- nothing",
    "select 1\N{RIGHT-TO-LEFT OVERRIDE} from read_text('SECRET')",
    "from \N{FULLWIDTH LATIN SMALL LETTER R}ead_text('SECRET')",
    "from read\N{ZERO WIDTH SPACE}_text('SECRET')",
    "select 1) to 'OUT' --",
    "from runs) ; copy (select 1) to 'OUT",
    "select '" + "x" * 200_000 + "'",
    "select " + "(" * 50_000 + "1" + ")" * 50_000,
    "select " + "[" * 900 + "1" + "]" * 900,
    "\ud800",
    "select 1 \x00; drop view runs",
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a file that is secret, and one of a home; what is in it after all tests is looked at."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "secret.csv").write_text("a,b\n1,swordfish\n")
    (folder / "ledger.jsonl").write_text('{"seq": 1, "secret": "swordfish"}\n')
    before = digests(folder)
    yield folder
    assert digests(folder) == before


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def ask(statement: str) -> list[tuple]:
    """Answer as a command does."""
    with Database(seconds=10) as database:
        for name in database.views_of(statement, list(VIEWS)):
            database.define(name, VIEWS[name])
        database.close({})
        return list(Answer(database, statement).rows())


@pytest.fixture(scope="module")
def database():
    """Views that are ready, and all doors shut."""
    with Database() as found:
        for name, view in VIEWS.items():
            found.define(name, view)
        found.close({})
        yield found


@pytest.mark.parametrize("statement", HOSTILE, ids=range(len(HOSTILE)))
def test_a_statement_that_does_more_than_read_views_is_refused_before_it_is_run(
    place, database, statement, monkeypatch
):
    monkeypatch.chdir(place)
    with pytest.raises(RecipeError) as refused:
        database.views_of(filled(statement, place), list(VIEWS))
    assert "swordfish" not in str(refused.value)


def filled(statement: str, place: Path) -> str:
    names = {"SECRET": place / "secret.csv", "HOME": place / "ledger.jsonl", "OUT": place / "out"}
    for word, path in names.items():
        statement = statement.replace(word, str(path))
    return statement


def test_behind_the_reading_duckdb_itself_reaches_nothing_either(place, database, monkeypatch):
    """The second door: each statement that would reach something, without the first."""
    monkeypatch.chdir(place)
    frame_of_python = pd.DataFrame({"password": ["swordfish"]})  # what a scan of Python's variables would find
    assert len(frame_of_python) == 1
    reach = ("SECRET", "HOME", "OUT", "http", "s3:", "install", "load", "frame_of_python")
    tried = [s for s in HOSTILE if any(word in s for word in reach) and len(s) < 1000]
    assert len(tried) > 60
    for statement in tried:
        with suppress(RecipeError, StoreError):  # some are answered: DuckDB makes a string of 'SECRET'
            assert "swordfish" not in str(list(Answer(database, filled(statement, place)).rows())), statement
    assert not (place / "out").exists()
    for setting in ("set enable_external_access = true", "set memory_limit = '9GB'", "set allowed_paths = ['/etc']"):
        with pytest.raises(RecipeError, match="configuration has been locked"):
            list(Answer(database, setting).rows())


SOUND = {
    "select 1 as one": [(1,)],
    "from runs": [("a", 1.5), ("b", None)],
    "FROM Runs": [("a", 1.5), ("b", None)],
    "table gates": [("a", "pbo")],
    "values (1), (2)": [(1,), (2,)],
    "with runs as (from runs where run = 'a') select count(*) from runs": [(1,)],
    "with x as (select 2 as n) select n from x;": [(2,)],
    "select run from runs -- the end": [("a",), ("b",)],
    "with recursive t(n) as (select 1 union all select n + 1 from t where n < 3) select sum(n) from t": [(6,)],
    "select count(*) from runs join gates using (run)": [(1,)],
    "select unnest([1, 2])": [(1,), (2,)],
    "from range(2)": [(0,), (1,)],
    "from (values (3)) t(x)": [(3,)],
    "select run from runs except select run from gates": [("b",)],
    "select list_transform([1, 2], lambda x: x + 1)": [([2, 3],)],
    "select run from runs qualify row_number() over (order by sharpe desc) = 1": [("a",)],
    "select json_extract_string('{\"a\": \"read_text\"}', 'a')": [("read_text",)],
    "pivot runs on run in ('a', 'b') using max(sharpe)": [(1.5, None)],
    "select column_name from (describe runs)": [("run",), ("sharpe",)],
    "select column_name from (summarize runs)": [("run",), ("sharpe",)],
}


@pytest.mark.parametrize("statement", SOUND)
def test_a_statement_that_reads_is_answered(statement):
    assert ask(statement) == SOUND[statement]


def test_every_function_that_is_more_than_its_arguments_was_looked_at():
    """A newer DuckDB may bring more of them: each must be refused, or be known to be harmless."""
    harmless = {
        *("random", "uuid", "uuidv4", "uuidv7", "gen_random_uuid", "setseed", "error", "now", "today", "current_date"),
        *("get_current_time", "get_current_timestamp", "transaction_timestamp", "current_schema", "current_schemas"),
        *("current_database", "in_search_path", "current_timestamp"),
    }
    with Database() as database:
        found = database.connection.execute(
            "select distinct function_name from duckdb_functions() where function_type in ('scalar', 'aggregate') "
            "and (has_side_effects or stability <> 'CONSISTENT')"
        ).fetchall()
        rows = database.connection.execute(
            "select distinct function_name from duckdb_functions() where function_type like 'table%'"
        ).fetchall()
    assert {name for (name,) in found} <= REFUSED | harmless
    assert {name for (name,) in rows} > TABLE_FUNCTIONS - {"unnest"}


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("select\n foo from runs", r"foo.*\n.*LINE 2"),
        ("from run", r"no view 'run' \(line 1, column 6\); did you mean 'runs'\?.*quorate sql --tables"),
        ("select *\nfrom gates,\n  gattes", r"'gattes' \(line 3, column 3\); did you mean 'gates'"),
        ("select 'ü' from rnus", r"\(line 1, column 17\)"),
        ("selec 1", r"syntax error at or near .selec"),
        ("drop view runs", r"is DROP; it must be one that reads: select"),
        ("select 1; select 2", "one statement; there were 2"),
        ("pivot runs on run", r"PIVOT must name its values"),
        ("from read_csv('a')", r"'read_csv' \(line 1, column 6\) is not among"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_a_remedy(statement, told):
    with pytest.raises(RecipeError, match=f"(?s){told}"):
        ask(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "select count(*) from range(100000000000)",
        "with recursive t as (select 1 a union all select a + 1 from t) select count(*) from t",
    ],
)
def test_a_statement_without_end_is_given_up(statement):
    with Database(seconds=0.3) as database:
        database.close({})
        with pytest.raises(RecipeError, match=r"given up after 0\.3 s"):
            list(Answer(database, statement).rows())


@pytest.mark.parametrize(
    "statement",
    [
        "select string_agg(repeat('x', 100000), '') from range(1000000)",
        "from range(100000) a, range(100000) b order by 1 desc",
    ],
)
def test_an_answer_that_is_too_large_is_refused(statement):
    with Database(memory=64 << 20) as database:
        database.close({})
        with pytest.raises(RecipeError, match="of memory"):
            list(Answer(database, statement).rows())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="such limits are Linux's")
def test_what_duckdb_does_not_count_is_bounded_in_a_command(tmp_path):
    """A single value may be larger than all memory, and is made in one go."""
    statement = "select len(range(3000000000)), len(repeat('x', 4000000000))"
    command = [sys.executable, "-m", "quorate", "sql", statement, "--home", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ)
    assert done.returncode == 2
    assert "GiB of memory" in done.stderr

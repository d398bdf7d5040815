"""Bars from databases: a PostgreSQL server of the tests' own, and SQLite by both kinds of driver."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
import warnings
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate_data.databases import edge_of, postgresql, sql
from support import homes, postgres

PASSWORD = "geh eim/@:%x"
DAYS = pd.bdate_range("2020-01-06", periods=320)
ROWS = [
    (symbol, str(day.date()), *(price + k + i * 37 % 101 / 64 for price in (10, 12, 9, 11)), 100 + i)
    for k, symbol in enumerate(("AAA", "BBB"))
    for i, day in enumerate(DAYS)
]
FIELDS = ["open", "high", "low", "close", "volume"]


def expected(rows=ROWS) -> quorate.Bars:
    frame = pd.DataFrame(rows, columns=["symbol", "day", *FIELDS])
    closes = quorate.get_calendar("us-equity").close_times(frame.pop("day").to_numpy(dtype="datetime64[D]"))
    return quorate.Bars.from_frame(frame.assign(time=pd.DatetimeIndex(closes).tz_localize("UTC")))


@pytest.fixture(scope="module")
def server():
    import psycopg

    with postgres.needed(PASSWORD) as at:
        url = f"postgresql://quorate:{quote(PASSWORD, safe='')}@{at}/quorate"
        with psycopg.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute(
                "CREATE SCHEMA market; CREATE TABLE market.bars (symbol varchar, date date, open numeric(12,6), "
                'high real, low numeric, close float8, volume bigint); CREATE TABLE assets (id int, "Ticker" text); '
                "CREATE TABLE prices (asset_id int, ts timestamptz, o float8, h float8, l float8, c float8, v numeric)"
            )
            cursor.executemany("INSERT INTO market.bars VALUES (%s, %s, %s, %s, %s, %s, %s)", ROWS[::-1])
            cursor.execute("INSERT INTO assets VALUES (1, 'AAA'), (2, 'BBB')")
            minutes = pd.date_range("2020-01-06", periods=90, freq="h", tz="UTC")
            cursor.executemany(
                "INSERT INTO prices VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [(k, m.to_pydatetime(), 10, 12, 9, 11, 5) for k in (1, 2) for m in minutes],
            )
        yield url


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("database") / "bars.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bars (symbol, date, open, high, low, close, volume)")
        connection.executemany("INSERT INTO bars VALUES (?, ?, ?, ?, ?, ?, ?)", ROWS[::-1])
    connection.close()
    return path


@pytest.fixture(params=["sqlite", "adbc+sqlite"])
def url(request, file):
    if request.param.startswith("adbc"):
        pytest.importorskip("adbc_driver_sqlite")
    return f"{request.param}:///{file}"


def test_a_table_of_postgresql_is_what_was_written(server):
    bars = postgresql(url=server, table="market.bars")
    assert bars.fingerprint == expected().fingerprint
    assert bars.read[0]["server"].startswith("PostgreSQL ")
    assert bars.read[0]["rows"] == len(ROWS)
    assert PASSWORD not in str(bars.read)


def test_a_part_is_asked_for_and_no_more(server):
    bars = postgresql(
        url=server, table="market.bars", symbols=["BBB"], since=dt.date(2020, 6, 1), until=dt.date(2020, 6, 30)
    )
    assert bars.symbols == ("BBB",)
    assert str(bars.sessions[0]) < "2020-06-01"  # a stamp may stand before its session
    assert str(bars.sessions[-1]) >= "2020-06-30"
    assert len(bars) < 60
    assert "2020" not in bars.read[0]["statement"]  # a value is no part of a statement


def test_a_query_joins_what_a_schema_keeps_apart(server):
    query = """
        SELECT "Ticker" AS symbol, ts, o, h, l, c, v  -- not :this one, nor ':that'
        FROM prices JOIN assets ON id = asset_id WHERE "Ticker" IN :names AND ts >= :first::timestamptz;
    """
    given = {"names": ["AAA", "BBB"], "first": "2020-01-07"}
    names = {"time": "ts", "open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
    bars = postgresql(url=server, query=query, parameters=given, columns=names, calendar="24x7", stamp="open")
    assert (bars.symbols, bars.frequency, len(bars)) == (("AAA", "BBB"), "60min", 66)
    assert str(bars.times[0]) == "2020-01-07T01:00:00.000000"


def test_a_service_file_says_where_the_server_is(server, tmp_path, monkeypatch):
    host, port = server.rpartition("@")[2].partition("/")[0].split(":")
    (tmp_path / "services").write_text(
        f"[ours]\nhost={host}\nport={port}\ndbname=quorate\nuser=quorate\npassword={PASSWORD}\n"
    )
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    assert postgresql(url="service=ours", table="market.bars").fingerprint == expected().fingerprint


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"table": "market.bar"}, "no table 'market.bar'; did you mean 'market.bars'"),
        ({"table": "market.bars", "symbols": ["AAB"]}, "no bars of the symbol 'AAB'; did you mean 'AAA'"),
        ({"query": "SELECT symbl FROM market.bars"}, 'column "symbl" does not exist'),
        ({"query": "SELECT 1", "table": "bars"}, "one of the two; both were given"),
        ({}, "neither was given"),
        ({"query": "SELECT * FROM market.bars WHERE symbol = :name"}, "names the value :name"),
        ({"table": "market.bars", "parameters": {"a": 1}}, "are values of data.query"),
        ({"query": "SELECT date, open, high, low, close FROM market.bars"}, "no column that says whose"),
        ({"query": "DELETE FROM market.bars RETURNING *"}, "syntax error"),
        ({"query": "SELECT setval('nothing', 1)"}, "does not exist"),
        ({"query": "SELECT * FROM market.bars WHERE symbol = 'CCC'"}, "there are no rows"),
    ],
)
def test_what_is_asked_wrongly_is_said_in_a_line(server, options, told):
    with pytest.raises(quorate.DataError) as caught:
        postgresql(url=server, **options)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "eim" not in str(caught.value)


def test_nothing_can_be_written(server):
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION market.spoil() RETURNS text LANGUAGE sql AS 'DELETE FROM market.bars RETURNING symbol'"
        )
    with pytest.raises(quorate.DataError, match="read-only transaction"):
        postgresql(url=server, query="SELECT market.spoil() AS symbol, date, open, high, low, close FROM market.bars")
    assert len(postgresql(url=server, table="market.bars")) == len(DAYS)


def test_a_wrong_password_and_no_server_are_said_in_a_line(server):
    with pytest.raises(quorate.DataError, match=r"cannot connect: .*authentication failed") as caught:
        postgresql(url=server.replace("eim", "wrong"), table="bars")
    assert "wrong" not in str(caught.value)


def test_a_connection_that_ends_half_way_gives_nothing(server):
    import psycopg

    query = """
        SELECT 'A' AS symbol, date, open, high, low, close FROM market.bars, generate_series(1, 1000)
        WHERE CASE WHEN random() < 0.0001 THEN pg_terminate_backend(pg_backend_pid()) ELSE true END
    """
    with pytest.raises(quorate.DataError, match=r"PostgreSQL: "):
        postgresql(url=server, query=query)
    assert psycopg.connect(server).info.status == psycopg.pq.ConnStatus.OK


@pytest.mark.parametrize("kind", ["text", "varchar(20)", "numeric", "float8", "float4", "int2", "int8", "bool", "uuid"])
def test_every_type_comes_as_psycopg_reads_it(server, kind):
    import psycopg

    from quorate_data import _postgresql
    from quorate_data._statement import Statement

    texts = {"uuid": "md5(i::text)::uuid", "bool": "i % 3 = 0"}
    value = texts.get(kind, "'Größe ' || i % 7 || repeat('x', i % 30)" if kind[0] in "tv" else f"(i / 7.0)::{kind}")
    query = f"(SELECT CASE WHEN i % 5 = 0 THEN NULL ELSE {value} END::{kind} AS x FROM generate_series(1, 500) i) AS q"
    with _postgresql.connected(server) as database:
        rows = Statement((query,))
        found = database.fetch(database.columns(rows), rows)[0]
    with psycopg.connect(server) as connection:
        known = [row[0] for row in connection.execute(f"SELECT * FROM {query}")]  # type: ignore[arg-type]
    if found.dtype.kind == "f":
        np.testing.assert_array_equal(found, np.array([np.nan if x is None else float(x) for x in known]))
    else:
        assert [None if x != x else x for x in found] == [None if x is None else str(x) for x in known]


def test_sqlite_is_read_by_sqlalchemy_and_by_adbc(url):
    assert sql(url=url, table="bars").fingerprint == expected().fingerprint
    part = sql(url=url, table="bars", symbols=["AAA"], since=dt.date(2020, 6, 1), until=dt.date(2020, 6, 30))
    assert part.symbols == ("AAA",)
    assert len(part) < 60
    named = sql(url=url, query="SELECT * FROM bars WHERE symbol = :name AND volume < :most",
                parameters={"name": "BBB", "most": 150})  # fmt: skip
    assert (named.symbols, len(named)) == (("BBB",), 50)


@pytest.mark.parametrize(
    ("where", "options", "told"),
    [
        ("{url}", {"table": "bar"}, "no table 'bar'; did you mean 'bars'"),
        ("{url}", {"table": "bars", "symbols": ["AAB"]}, "did you mean 'AAA'"),
        ("{url}", {"query": "SELECT symbl FROM bars"}, "no such column: symbl"),
        ("{url}x", {"table": "bars"}, "there is no file"),
    ],
)
def test_what_is_asked_of_sqlite_wrongly_is_said_in_a_line(url, where, options, told):
    with pytest.raises(quorate.DataError) as caught:
        sql(url=where.format(url=url), **options)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("bars.db", "address of a database"),
        ("nosuch://host/db", "no dialect 'nosuch'"),
        ("adbc+nosuch://host/db", "pip install adbc-driver-nosuch"),
        ("sqlite://", "in memory"),
    ],
)
def test_an_address_that_is_none_is_said_in_a_line(url, told):
    with pytest.raises(quorate.DataError, match=told):
        sql(url=url, table="bars")


def test_rows_that_are_wrong_are_told_by_what_they_hold(tmp_path):
    wrong = [("AAA", "2020-01-06", 10, 8, 9, 11, 1), ("BBB", "2020-01-07", 10, 12, -9, 11, 1)]
    with sqlite3.connect(tmp_path / "wrong.db") as connection:
        connection.execute("CREATE TABLE bars (symbol, date, open, high, low, close, volume)")
        connection.executemany("INSERT INTO bars VALUES (?, ?, ?, ?, ?, ?, ?)", [*ROWS[5:], *wrong])
    connection.close()
    with pytest.raises(quorate.DataError) as caught:
        sql(url=f"sqlite:///{tmp_path / 'wrong.db'}", table="bars")
    assert "AAA at 2020-01-06 (8" in str(caught.value)
    assert "BBB at 2020-01-07 (-9" in str(caught.value)


DAY = dt.date(2020, 3, 1)


@pytest.mark.parametrize(
    ("first", "edge"),
    [
        (dt.date(2019, 1, 1), DAY),
        (dt.datetime(2019, 1, 1), dt.datetime(2020, 3, 1)),
        (dt.datetime(2019, 1, 1, tzinfo=dt.UTC), dt.datetime(2020, 3, 1, tzinfo=dt.UTC)),
        ("2019-01-01 09:30", "2020-03-01"),
        ("20190101", "20200301"),
        (20190101, 20200301),
        (1546300800, 1583020800),
        (1546300800000, 1583020800000),
        ("1/2/2019", None),
        (17, None),
        (None, None),
    ],
)
def test_a_day_is_compared_with_stamps_as_they_are_written(first, edge):
    assert edge_of(DAY, first, first) == edge


def test_a_run_keeps_what_was_asked_and_reproduce_sees_what_is_other_now(file, tmp_path, monkeypatch):
    copy = tmp_path / "bars.db"
    copy.write_bytes(file.read_bytes())
    monkeypatch.setenv("OUR_SECRET", "zq8#Kw1!pV")
    recipe = {
        **homes.recipe("tiny"),
        "folds": {"initial": 120, "test": 40},
        "data": {
            "source": "sql",
            "url": f"sqlite:///{copy}",
            "query": "SELECT * FROM bars WHERE symbol = :name AND symbol <> :other",
            "parameters": {"name": "AAA", "other": "${OUR_SECRET}"},
        },
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = quorate.run(recipe, home=tmp_path / "home")
    told = report.provenance["data"]["read"][0]
    assert told["rows"] == len(DAYS)
    assert "WHERE symbol = $1 AND symbol <> $2" in told["statement"]
    for path in (tmp_path / "home").rglob("*"):
        assert not path.is_file() or os.environ["OUR_SECRET"].encode() not in path.read_bytes()
    again = quorate.reproduce(report.run_id, home=tmp_path / "home")
    assert again.identical
    assert again.source == []
    with sqlite3.connect(copy) as connection:
        connection.execute("UPDATE bars SET close = close + 0.5 WHERE symbol = 'AAA' AND date = '2020-01-07'")
        connection.execute("INSERT INTO bars VALUES ('AAA', '2021-06-01', 10, 12, 9, 11, 5)")
    connection.close()
    again = quorate.reproduce(report.run_id, home=tmp_path / "home")
    assert again.identical  # the run is computed from what it kept
    assert again.source == [
        "AAA: 1 of 320 bars have other values, the first at 2020-01-07T21:00:00.000000: close 11.5781 -> 12.0781"
    ]
    copy.unlink()
    assert "there is no file" in quorate.reproduce(report.run_id, home=tmp_path / "home").source[0]

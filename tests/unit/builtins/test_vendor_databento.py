import datetime as dt
from types import SimpleNamespace

import databento_dbn as types
import numpy as np
import pandas as pd
import pytest
import requests
import zstandard

import quorate
from quorate_data.vendors import _fetch
from quorate_data.vendors.databento import databento, dbn, dbn_parts
from support.vendors import date, on_the_line

SCHEMAS = {"ohlcv-1d": (0x23, "D"), "ohlcv-1h": (0x22, "h"), "ohlcv-1m": (0x21, "min")}
KEY = "db-0123456789abcdefghijklmnopqrs"  # of the right length, and of nobody


def nanoseconds(time):
    return int(pd.Timestamp(time).value)


def encoded(instruments, schema="ohlcv-1d", stype="raw_symbol", missing=(), dataset="GLBX.MDP3", venues=(1,)):
    """Return DBN of symbols: each has instruments with the times of their bars; closes are 100, 100.25, ..."""
    times = sorted(time for parts in instruments.values() for _, opens in parts for time in opens)
    day = dt.timedelta(days=1)

    def spans(parts):
        for n, (number, opens) in enumerate(parts):
            last = pd.Timestamp(parts[n + 1][1][0] if n + 1 < len(parts) else opens[-1]).date()
            stop = last if n + 1 < len(parts) else last + day
            begin = pd.Timestamp(opens[0]).date()
            yield SimpleNamespace(start_date=begin, end_date=stop, symbol=str(number))

    head = types.Metadata(
        dataset,
        nanoseconds(times[0] if times else "2024-01-01"),
        {"raw_symbol": types.SType.RAW_SYMBOL, "continuous": types.SType.CONTINUOUS}[stype],
        types.SType.INSTRUMENT_ID,
        types.Schema.from_str(schema),
        symbols=[*instruments, *missing],
        not_found=list(missing),
        mappings=[SimpleNamespace(raw_symbol=s, intervals=list(spans(parts))) for s, parts in instruments.items()],
        end=nanoseconds("2025-01-01"),
        version=3,
    )
    rows = []
    for parts in instruments.values():
        every = [(number, time) for number, opens in parts for time in opens]
        for n, (number, time) in enumerate(every):
            close = 100_000_000_000 + n * 250_000_000
            prices = (close - 500_000_000, close + 10**9, close - 10**9, close)
            rows += [
                (
                    nanoseconds(time),
                    types.OHLCVMsg(SCHEMAS[schema][0], venue, number, nanoseconds(time), *prices, 7 + n),
                )
                for venue in venues
            ]
    return bytes(head) + b"".join(bytes(record) for _, record in sorted(rows, key=lambda row: row[0]))


def opens(first, periods, schema="ohlcv-1d"):
    return list(pd.date_range(first, periods=periods, freq=SCHEMAS[schema][1]))


class Vendor:
    """Databento's service."""

    def __init__(self, monkeypatch):
        self.stored = {"ESH4": [(11, opens("2024-01-01", 5))], "NQH4": [(12, opens("2024-01-01", 5))]}
        self.end, self.asked, self.failing, self.slept = "2024-01-06T00:00:00.000000000Z", [], [], []
        monkeypatch.setattr(_fetch.time, "sleep", self.slept.append)
        on_the_line(monkeypatch, self.answer)

    def answer(self, method, path, fields):
        self.asked.append((path.rpartition("/")[2], fields))
        if self.failing:
            failed = self.failing.pop(0)
            if isinstance(failed, Exception):
                raise failed
            return failed
        if path.endswith("get_dataset_range"):
            return {"start": "2010-06-06T00:00:00.000000000Z", "end": self.end}
        symbol, first, stop = (fields[name] for name in ("symbols", "start", "end"))
        if symbol not in self.stored:
            return encoded({}, fields["schema"], fields["stype_in"], missing=[symbol])
        first, stop = pd.Timestamp(first).tz_localize(None), pd.Timestamp(stop).tz_localize(None)
        parts = [(n, [time for time in times if first <= time < stop]) for n, times in self.stored[symbol]]
        return encoded({symbol: [part for part in parts if part[1]]}, fields["schema"], fields["stype_in"])


@pytest.fixture
def vendor(monkeypatch):
    return Vendor(monkeypatch)


def ask(symbols=("ESH4",), since="2024-01-01", **options):
    return databento(dataset="GLBX.MDP3", symbols=list(symbols), key=KEY, since=date(since), **options)


def test_days_are_asked_for_and_known_at_midnight(vendor):
    found = ask(["ESH4", "NQH4"])
    assert (found.symbols, found.span, found.calendar.name) == (("ESH4", "NQH4"), "2024-01-01..2024-01-05", "weekdays")
    assert found.close[:, 0].tolist() == [100.0, 100.25, 100.5, 100.75, 101.0]
    assert found.volume[:, 0].tolist() == [7, 8, 9, 10, 11]
    assert found.times[0] == np.datetime64("2024-01-02T00:00")


def test_no_more_is_asked_for_than_is_wanted_and_there(vendor):
    assert ask(since="2024-01-02", until=date("2024-01-03")).span == "2024-01-02..2024-01-03"
    asked = dict(vendor.asked)["timeseries.get_range"]
    assert (asked["start"][:10], asked["end"][:10], asked["schema"]) == ("2024-01-02", "2024-01-04", "ohlcv-1d")
    with pytest.raises(
        quorate.DataError, match=r"GLBX.MDP3 has ohlcv-1d from 2010-06-06 to 2024-01-06 00:00, none from"
    ):
        ask(since="2024-02-01")


def test_a_bar_that_is_not_over_is_never_read(vendor):
    vendor.end = "2024-01-05T15:00:00.000000000Z"
    assert ask().span == "2024-01-01..2024-01-04"
    vendor.stored["ESH4"] = [(11, opens("2024-01-05 09:00", 7, "ohlcv-1h"))]
    found = ask(since="2024-01-05", schema="ohlcv-1h")
    assert (str(found.times[0])[:16], str(found.times[-1])[:16]) == ("2024-01-05T10:00", "2024-01-05T15:00")


def test_a_continuous_contract_tells_that_it_changes_its_instrument(vendor, tmp_path):
    vendor.stored["ES.c.0"] = [(11, opens("2024-01-01", 2)), (22, opens("2024-01-03", 3))]
    told = r"ES.c.0 changes its instrument once from 11 to 22 at 2024-01-03 .*not adjusted"
    with pytest.warns(quorate.DataWarning, match=told):
        assert len(ask(["ES.c.0"], stype_in="continuous")) == 5
    file = tmp_path / "es.dbn"
    parts = [*vendor.stored["ES.c.0"], (11, opens("2024-01-08", 2))]
    file.write_bytes(encoded({"ES.c.0": parts}, stype="continuous"))
    with pytest.warns(quorate.DataWarning, match=r"es.dbn: ES.c.0 changes its instrument 2 times, first from 11 to 22"):
        assert len(dbn(str(file))) == 7


def test_a_day_is_not_known_before_it_is_over(vendor):
    told = r"end at midnight UTC, and sessions of calendar 'us-equity' at 16:00 .*data.calendar = \"weekdays\""
    with pytest.raises(quorate.DataError, match=told):
        ask(calendar="us-equity")
    assert vendor.asked == []
    vendor.stored["ESH4"] = [(11, opens("2024-01-02 14:30", 3, "ohlcv-1h"))]
    assert len(ask(calendar="us-equity", schema="ohlcv-1h", since="2024-01-02")) == 3


def test_a_symbol_that_there_is_not_is_named(vendor):
    told = r"1 of 2 symbols did not come: 'ESH9' \(GLBX.MDP3 has no such symbol from .*\); came: 'ESH4'"
    with pytest.raises(quorate.DataError, match=told):
        ask(["ESH4", "ESH9"])


def test_what_was_turned_away_is_asked_again(vendor):
    vendor.failing = [
        (429, {"detail": "slow down"}, {"Retry-After": "3"}),
        requests.exceptions.ConnectTimeout("too slow"),
        (503, {"detail": "maintenance"}, None),
    ]
    assert len(ask()) == 5
    assert vendor.slept == [3.0, 2.0, 4.0]


def test_a_wrong_key_or_dataset_is_told_and_the_key_is_not(vendor):
    vendor.failing = [(401, {"detail": {"case": "auth", "message": "Invalid key", "docs": ""}}, None)]
    with pytest.raises(quorate.DataError, match=r"^databento: BentoClientError: 401 auth Invalid key") as failed:
        ask()
    assert KEY not in str(failed.value)
    vendor.failing = [(422, {"detail": {"case": "no_dataset", "message": "unknown", "docs": ""}}, None)]
    with pytest.raises(quorate.DataError, match=r"422 no_dataset unknown; did you mean 'GLBX.MDP3'"):
        databento(dataset="GLBX.MDP", symbols=["ESH4"], key=KEY, since=date("2024-01-01"))


def test_what_cannot_be_asked_is_told_before_anything_is(vendor):
    for options, told in (
        ({"since": None}, r"what is fetched is billed: set data.since"),
        ({"symbols": []}, r"data.symbols must name a symbol"),
        ({"schema": "ohlcv-1w"}, r"data.schema must be one of 'ohlcv-1d', .*; it was 'ohlcv-1w'; did you mean"),
    ):
        with pytest.raises(quorate.DataError, match=told):
            databento(
                **{"dataset": "GLBX.MDP3", "symbols": ["ESH4"], "key": KEY, "since": date("2024-01-01"), **options}
            )
    assert vendor.asked == []


# --- files


@pytest.fixture
def folder(tmp_path):
    held = {"ESH4": [(11, opens("2024-01-01", 5))], "NQH4": [(12, opens("2024-01-01", 5))]}
    (tmp_path / "a.dbn").write_bytes(encoded(held))
    later = {"ESH4": [(11, opens("2024-01-08", 5))], "NQH4": [(12, opens("2024-01-08", 5))]}
    (tmp_path / "b.dbn").write_bytes(encoded(later))
    return tmp_path


def test_files_of_a_folder_are_read_together(folder, vendor):
    found = dbn(str(folder))
    assert (found.symbols, len(found), found.span) == (("ESH4", "NQH4"), 10, "2024-01-01..2024-01-12")
    assert dbn(str(folder), symbols=["NQH4"]).symbols == ("NQH4",)
    assert dbn(str(folder / "a.dbn"), since=date("2024-01-02"), until=date("2024-01-03")).span.endswith("01-03")
    assert vendor.asked == []
    assert dbn_parts(str(folder)) == [{"path": [str(folder / name)]} for name in ("a.dbn", "b.dbn")]


def test_a_file_that_holds_no_bars_or_is_none_is_named(folder):
    (folder / "c.dbn").write_bytes(b"Date,Open\n")
    with pytest.raises(quorate.DataError, match=r"c.dbn: not a readable DBN file"):
        dbn(str(folder / "c.dbn"))
    head = types.Metadata("X", 0, types.SType.RAW_SYMBOL, types.SType.INSTRUMENT_ID, types.Schema.TRADES, version=3)
    (folder / "d.dbn").write_bytes(bytes(head))
    with pytest.raises(quorate.DataError, match=r"d.dbn: it must hold bars \('ohlcv-1d', .*\); it holds trades"):
        dbn(str(folder / "d.dbn"))


@pytest.mark.parametrize("ending", [".dbn", ".dbn.zst"])
def test_a_file_that_was_cut_off_is_not_read_as_a_shorter_one(folder, ending):
    whole = encoded({"ESH4": [(11, opens("2015-01-01", 3000))]})
    whole = zstandard.compress(whole) if ending.endswith("zst") else whole
    file = folder / f"c{ending}"
    file.write_bytes(whole)
    assert len(dbn(str(file), calendar="24x7")) == 3000
    for left in (len(whole) - 1, len(whole) // 2 + 1):
        file.write_bytes(whole[:left])
        with pytest.raises(quorate.DataError, match=r"c\.dbn.*: not a (whole|readable) DBN file: "):
            dbn(str(file), calendar="24x7")


def test_bars_of_several_venues_for_one_time_are_refused(folder):
    (folder / "c.dbn").write_bytes(
        encoded({"MSFT": [(5, opens("2024-01-01", 3))]}, dataset="DBEQ.BASIC", venues=(39, 40))
    )
    with pytest.raises(quorate.DataError, match=r"c.dbn: there are bars of several venues .*\('.*', '.*'\): take a"):
        dbn(str(folder / "c.dbn"))


def test_faults_of_a_file_are_told_by_its_rows(folder):
    twice = {"ESH4": [(11, [*opens("2024-01-01", 3), *opens("2024-01-03", 1)])]}
    (folder / "c.dbn").write_bytes(encoded(twice))
    with pytest.raises(quorate.DataError, match=r"c.dbn: ESH4 has two bars at 2024-01-04 00:00"):
        dbn(str(folder / "c.dbn"))

import gzip
import importlib
import inspect
import json
import re
import subprocess
import sys
import typing
import warnings
from importlib.machinery import ModuleSpec

import numpy as np
import pandas as pd
import pytest

import quorate
import quorate_data
from quorate.store.parquet import write_parquet
from quorate_data import bundled as bundling
from quorate_data.bundled import bundled
from quorate_data.files import csv, parquet
from quorate_data.simulated import simulated

HEADER = "Date,Open,High,Low,Close,Volume\n"
THREE = HEADER + "2020-01-02,10,12,9,11,100\n2020-01-03,11,13,10,12,200\n2020-01-06,12,14,11,13,300\n"


def dated(*stamps, header="Date"):
    return f"{header},Open,High,Low,Close\n" + "".join(f"{stamp},10,12,9,11\n" for stamp in stamps)


def sessions(bars):
    return bars.sessions.astype(str).tolist()


def times(bars):
    return [str(t)[:16] for t in bars.times]


# --- all of them


def test_the_plugin_lists_the_sources_without_importing_anything_heavy():
    code = (
        "import sys, quorate_data; names = [s.name for s in quorate_data.quorate_sources()];"
        "print(*names, *(m for m in ('numpy', 'pandas', 'pydantic') if m in sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    names = "arrow bundled csv excel freqtrade lean markets parquet postgresql sql store simulated"
    assert sorted(out.split()) == sorted([*names.split(), "yfinance", "ccxt", "databento", "dbn"])


@pytest.mark.parametrize("spec", list(quorate_data.quorate_sources()), ids=lambda spec: spec.name)
def test_every_option_has_a_type_and_all_but_what_is_to_be_read_a_default(spec):
    hints = typing.get_type_hints(spec.resolve())
    assert hints.pop("return") is quorate.Bars
    parameters = inspect.signature(spec.resolve()).parameters
    assert set(hints) == set(parameters)
    needed = {
        "markets": ["markets"],
        "store": ["collection"],
        "postgresql": ["url"],
        "sql": ["url"],
        "yfinance": ["symbols"],
        "ccxt": ["exchange", "symbols"],
        "databento": ["dataset", "symbols", "key"],
    }
    without = [name for name, p in parameters.items() if p.default is p.empty]
    assert without == needed.get(spec.name, ["path"] * ("path" in hints))


# --- bundled


def test_nasdaq_is_the_published_series():
    bars = bundled()
    assert bars.symbols == ("NASDAQ",)
    assert len(bars) == 5031
    assert bars.span == "1999-01-04..2018-12-31"
    assert (bars.frequency, bars.bars_per_year) == ("1d", 252)
    close = bars.close[:, 0]
    returns = close[1:] / close[:-1] - 1
    assert returns.mean() / returns.std(ddof=1) * np.sqrt(252) == pytest.approx(0.3442, abs=5e-5)
    assert (close / np.maximum.accumulate(close) - 1).min() == pytest.approx(-0.7793, abs=5e-5)


def test_the_open_of_the_sp500_is_often_the_previous_close():
    bars = bundled("sp500")
    assert 0.2 < (bars.open[1:, 0] == bars.close[:-1, 0]).mean() < 0.5


def test_indices_is_the_panel_of_both():
    bars = bundled("indices")
    assert bars.symbols == ("NASDAQ", "SP500")
    assert bars.present.all()
    assert np.array_equal(bars.select(["NASDAQ"]).close, bundled().close)


def test_an_unknown_dataset_is_refused():
    with pytest.raises(quorate.DataError, match=r"must be 'nasdaq', 'sp500' or 'indices'; it was 'dax'"):
        bundled("dax")


@pytest.mark.parametrize("name", ["nasdaq", "sp500"])
def test_bundled_bars_are_bit_for_bit_what_arch_loads(name):
    bars, loaded = bundled(name), importlib.import_module(f"arch.data.{name}").load()
    assert np.array_equal(bars.sessions, loaded.index.to_numpy().astype("datetime64[D]"))
    for column in ("Open", "High", "Low", "Close", "Volume"):
        expected = loaded[column].to_numpy().astype(np.float64)
        assert getattr(bars, column.lower())[:, 0].tobytes() == expected.tobytes()


def test_bundled_bars_are_read_without_importing_what_they_come_with(tmp_path):
    code = (
        "import sys; from quorate_data.bundled import bundled; bundled('indices');"
        "print(*sorted({'arch', 'statsmodels', 'scipy', 'matplotlib', 'numba'} & sys.modules.keys()))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    assert out.split() == []


def test_bundled_bars_that_are_not_installed_are_told_of_in_a_line(tmp_path, monkeypatch):
    found = ModuleSpec("arch", None, is_package=True)
    monkeypatch.setattr(bundling, "find_spec", {"arch": None}.get)
    with pytest.raises(quorate.DataError, match=r"with arch, which is not installed: pip install arch$"):
        bundled()
    found.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(bundling, "find_spec", {"arch": found}.get)
    with pytest.raises(quorate.DataError, match=r"nasdaq\.csv\.gz, which comes with arch, cannot be read .* arch$"):
        bundled()
    file = tmp_path / "data" / "nasdaq" / "nasdaq.csv.gz"
    file.parent.mkdir(parents=True)
    whole = gzip.compress(b"Date,Open\n1/4/1999,1.5\n")
    for content in (b"", b"no gzip", whole[:-9], whole):
        file.write_bytes(content)
        with pytest.raises(quorate.DataError, match="cannot be read"):
            bundled()


# --- columns and layouts


def test_a_file_is_one_symbol_called_after_it(write):
    bars = csv(write(THREE))
    assert bars.symbols == ("ABC",)
    assert sessions(bars) == ["2020-01-02", "2020-01-03", "2020-01-06"]
    assert times(bars)[0] == "2020-01-02T21:00"
    for name, first in zip(("open", "high", "low", "close", "volume"), (10, 12, 9, 11, 100), strict=True):
        assert getattr(bars, name)[0, 0] == first


@pytest.mark.parametrize(
    "header",
    [
        "date,open,high,low,close,volume",
        "DATE,OPEN,HIGH,LOW,CLOSE,VOL",
        "\ufeff Datetime , Open ,High,Low,Close, Volume ",
        '"Timestamp","Open","High","Low","Close","Volume"',
        "time,Open,High,Low,Close,Volume",
    ],
)
def test_the_usual_headers_are_recognised(write, header):
    text = THREE.replace(HEADER.strip(), header)
    assert csv(write(text)).fingerprint == csv(write(THREE)).fingerprint


def test_column_order_extra_columns_line_ends_and_blank_lines_do_not_matter(write):
    text = "\n,close,high,Note,low,date,open,volume\r\n0,11,12,x y,9,2020-01-02,10,100\r\n\r\n"
    text += "1,12,13,,10,2020-01-03,11,200\r\n2,13,14,,11,2020-01-06,12,300\r\n\r\n"
    assert csv(write(text)).fingerprint == csv(write(THREE)).fingerprint


def test_separator_skip_rows_and_gzip(write):
    text = gzip.compress(("a title; of sorts\n" + THREE.replace(",", ";")).encode())
    bars = csv(write(text, "ABC.csv.gz"), separator=";", skip_rows=1)
    assert bars.fingerprint == csv(write(THREE)).fingerprint


def test_prices_are_read_to_the_last_bit(write):
    value = 0.1 + 0.2
    bars = csv(write(f"Date,Open,High,Low,Close\n2020-01-02,{value!r},1,0.1,0.30000000000000001\n"))
    assert bars.open[0, 0] == value
    assert not bars.has_volume


def test_other_names_are_given_by_columns(write):
    text = THREE.replace("Open", "First").replace("Close", "Last Price")
    assert csv(write(text), columns={"open": "First", "close": "last price"}).close[-1, 0] == 13


def test_one_column_may_serve_as_all_prices(write):
    bars = csv(write("Date,Index\n2020-01-02,5\n"), columns=dict.fromkeys(("open", "high", "low", "close"), "Index"))
    assert bars.high[0, 0] == 5


def test_adjusted_scales_every_price(write):
    text = "Date,Open,High,Low,Close,Adj Close\n2020-01-02,10,13,9,13,6.5\n2020-01-03,10,13,9,0.3,0.1\n"
    with pytest.raises(quorate.DataError, match="close must lie between"):
        csv(write(text), adjusted=True)
    with pytest.warns(UserWarning, match="left out 1 of 2"):
        bars = csv(write(text), adjusted=True, invalid="drop")
    assert [bars.open[0, 0], bars.high[0, 0], bars.low[0, 0], bars.close[0, 0]] == [5, 6.5, 4.5, 6.5]


@pytest.mark.parametrize("factor", [0.1, 1 / 3, 0.987654321])
def test_adjusting_keeps_a_close_at_the_high(write, factor):
    rows = "".join(
        f"{day:%Y-%m-%d},{c},{c},{c},{c},{c * factor!r}\n"
        for c, day in enumerate(pd.bdate_range("2020", periods=90), 1)
    )
    bars = csv(write("Date,Open,High,Low,Close,Adj Close\n" + rows), adjusted=True)
    assert bars.close[:, 0] == pytest.approx(np.arange(1, 91) * factor)


def test_a_folder_holds_one_file_per_symbol(write, tmp_path):
    write(THREE, "d/BBB.csv")
    write(THREE.replace("2020-01-02,10,12,9,11,100\n", ""), "d/AAA.csv")
    write("not read", "d/notes.txt")
    bars = csv(str(tmp_path / "d"))
    assert bars.symbols == ("AAA", "BBB")
    assert bars.present.sum(axis=0).tolist() == [2, 3]
    assert csv(str(tmp_path / "d" / "*.csv")).fingerprint == bars.fingerprint
    assert csv([str(tmp_path / "d" / "BBB.csv"), str(tmp_path / "d" / "AAA.csv")]).fingerprint == bars.fingerprint
    assert csv(str(tmp_path / "d"), symbols=["BBB"]).symbols == ("BBB",)


def test_a_long_file_holds_many_symbols_whatever_their_names(write):
    text = "Ticker,date,open,high,low,close\n" + "".join(
        f"{name},2020-01-0{day},10,12,9,11\n" for day in (2, 3) for name in ("NA", "007", "TRUE")
    )
    bars = csv(write(text))
    assert bars.symbols == ("007", "NA", "TRUE")
    assert len(bars) == 2
    assert csv(write(text), symbols=["007"]).symbols == ("007",)


def test_a_long_data_set_may_be_cut_into_files_by_date(write, tmp_path):
    for day in ("2019-12-31", "2020-01-02"):
        write(f"symbol,date,open,high,low,close\nX,{day},10,12,9,11\n", f"d/{day[:4]}.csv")
    assert sessions(csv(str(tmp_path / "d"))) == ["2019-12-31", "2020-01-02"]


# --- daily stamps


@pytest.mark.parametrize(
    "stamp",
    [
        "2020-01-02",
        "2020/01/02",
        "20200102",
        "2020-01-02 00:00:00",
        "2020-01-02 00:00:00-05:00",
        "2020-01-02T00:00:00Z",
        "2020-01-02T00:00:00+0900",
        "2020-01-02T21:00:00Z",
        "2020-01-02T05:00:00Z",
        "2020-01-03T01:30:00Z",
        "2020-01-02 16:00",
        "2020-01-02 23:59:59.999999",
        "1577923200",
        "1577923200000",
        "1577998800",
        "1577998800.0",
    ],
)
def test_a_daily_bar_closes_with_its_session(write, stamp):
    bars = csv(write(dated(stamp)))
    assert sessions(bars) == ["2020-01-02"]
    assert times(bars) == ["2020-01-02T21:00"]


def test_mixed_offsets_of_summer_and_winter_time(write):
    bars = csv(write(dated("2020-03-06 00:00:00-05:00", "2020-03-09 00:00:00-04:00", "2020-03-10T00:00:00-04")))
    assert times(bars) == ["2020-03-06T21:00", "2020-03-09T20:00", "2020-03-10T20:00"]


def test_midnights_of_the_exchange_in_utc_across_a_clock_change(write):
    bars = csv(write(dated("2020-03-06T05:00:00Z", "2020-03-09T04:00:00Z")))
    assert sessions(bars) == ["2020-03-06", "2020-03-09"]


def test_naive_daily_stamps_in_another_zone(write):
    assert sessions(csv(write(dated("2020-01-03 02:00", "2020-01-04 02:00")), timezone="UTC")) == [
        "2020-01-02",
        "2020-01-03",
    ]


def test_a_continuous_market_closes_at_midnight(write):
    assert times(csv(write(dated("2020-01-04", "2020-01-05")), calendar="24x7")) == [
        "2020-01-05T00:00",
        "2020-01-06T00:00",
    ]


def test_date_format(write):
    assert sessions(csv(write(dated("02/01/2020", "03/01/2020")), date_format="%d/%m/%Y")) == [
        "2020-01-02",
        "2020-01-03",
    ]
    bars = csv(write(dated("02.01.2020 00:00:00 -0500")), date_format="%d.%m.%Y %H:%M:%S %z")
    assert sessions(bars) == ["2020-01-02"]


WEEKS = [f"{day:%Y-%m-%d}" for day in pd.date_range("2020-01-06", periods=8, freq="7D")]
MONTHS = [f"{day:%Y-%m-%d}" for day in pd.date_range("2020-01-01", periods=8, freq="MS")]


@pytest.mark.parametrize(
    "stamps, ends", [(WEEKS, ["2020-01-12", "2020-01-19"]), (MONTHS, ["2020-01-31", "2020-02-29"])]
)
def test_bars_stamped_with_the_first_day_of_a_week_or_month_may_not_pass_for_closed(write, stamps, ends):
    with pytest.raises(quorate.DataError, match=r"ABC\.csv.*stamped with their first day.*data\.stamp = \"open\""):
        csv(write(dated(*stamps)))
    assert sessions(csv(write(dated(*stamps)), stamp="open"))[:2] == ends


def test_weekly_bars_stamped_with_their_last_day(write):
    fridays = [f"{day:%Y-%m-%d}" for day in pd.date_range("2020-01-03", periods=8, freq="7D")]
    bars = csv(write(dated(*fridays)))
    assert (bars.frequency, sessions(bars)) == ("1w", fridays)


# --- intraday stamps

HALF_HOURS = [
    f"2020-01-0{day} {hour:02d}:{minute}" for day in (2, 3) for hour in (10, 11, 12) for minute in ("00", "30")
]


def test_naive_intraday_stamps_are_in_the_zone_of_the_exchange(write):
    bars = csv(write(dated(*HALF_HOURS)))
    assert times(bars)[:2] == ["2020-01-02T15:00", "2020-01-02T15:30"]
    assert (bars.frequency, bars.bars_per_year) == ("30min", 252 * 6)
    assert times(csv(write(dated(*HALF_HOURS)), timezone="Europe/Berlin"))[0] == "2020-01-02T09:00"


def test_open_stamps_are_moved_by_one_bar(write):
    assert times(csv(write(dated(*HALF_HOURS)), stamp="open"))[0] == "2020-01-02T15:30"
    assert times(csv(write(dated(*HALF_HOURS)), stamp="open", frequency="5min"))[0] == "2020-01-02T15:05"


def test_the_common_step_is_not_the_night(write):
    stamps = [f"2020-01-0{day} {hour}:30" for day in (2, 3, 6, 7, 8) for hour in ("09", "13")]
    assert times(csv(write(dated(*stamps)), stamp="open"))[0] == "2020-01-02T18:30"


def test_a_twelve_hour_clock_newest_first(write):
    stamps = [
        f"2020-01-01 {hour:02d}-{half}" for half in ("PM", "AM") for hour in (11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 12)
    ]
    text = "a comment\n" + dated(*stamps)
    bars = csv(write(text), skip_rows=1, date_format="%Y-%m-%d %I-%p", calendar="24x7", stamp="open", sort=True)
    assert times(bars)[0] == "2020-01-01T01:00"
    assert times(bars)[-1] == "2020-01-02T00:00"
    assert set(sessions(bars)) == {"2020-01-01"}


def test_intraday_offsets_across_a_clock_change(write):
    stamps = [
        "2020-03-06 15:30:00-05:00",
        "2020-03-06 16:00:00-05:00",
        "2020-03-09 15:30:00-04:00",
        "2020-03-09 16:00:00-04:00",
    ]
    assert times(csv(write(dated(*stamps)))) == [
        "2020-03-06T20:30",
        "2020-03-06T21:00",
        "2020-03-09T19:30",
        "2020-03-09T20:00",
    ]


@pytest.mark.parametrize("stamp, what", [("2020-11-01 01:30", "happens twice"), ("2020-03-08 02:30", "does not exist")])
def test_stamps_inside_a_clock_change_are_refused(write, stamp, what):
    with pytest.raises(quorate.DataError, match=rf"ABC\.csv, line 3: .*{what} in America/New_York.*data\.timezone"):
        csv(write(dated("2020-01-02 10:00", stamp, "2020-12-01 10:00")))


UNUSED = {
    "zone of dates": (["2020-01-02", "2020-01-03"], {"timezone": "UTC"}, r"these stamps are dates: leave it out"),
    "zone of stamps that name theirs": (
        ["2020-01-02 15:00:00Z", "2020-01-02 15:30:00Z"],
        {"timezone": "Europe/Berlin"},
        r"these are intraday and name theirs: leave it out",
    ),
    "length of daily bars": (["2020-01-02", "2020-01-03"], {"frequency": "5min"}, r"daily or longer: leave it out"),
}


@pytest.mark.parametrize("stamps, options, message", UNUSED.values(), ids=UNUSED)
def test_an_option_without_a_use_is_an_error(write, stamps, options, message):
    with pytest.raises(quorate.DataError, match=message):
        csv(write(dated(*stamps)), **options)


def days_of(*hours, n=30, start="2020-01-06"):
    return [f"{day:%Y-%m-%d} {hour}" for day in pd.date_range(start, periods=n, freq="B") for hour in hours]


def halves(first, last):
    return [f"{t:%H:%M}" for t in pd.date_range(f"2020-01-01 {first}", f"2020-01-01 {last}", freq="30min")]


@pytest.mark.parametrize(
    "hours, known",
    [(halves("09:30", "15:30"), "15:00"), (halves("10:00", "16:00"), "15:00"), (halves("04:00", "19:30"), "09:30")],
    ids=["stamped at the open", "stamped at the close", "with the hours before and after"],
)
def test_the_side_of_the_stamp_follows_from_the_hours_of_the_market(write, hours, known):
    text = dated(*days_of(*hours))
    assert times(csv(write(text)))[0][11:] == known
    wrong = "open" if hours[0] == "10:00" else "close"
    with pytest.raises(quorate.DataError, match=rf"data\.stamp is '{wrong}': leave it out"):
        csv(write(text), stamp=wrong)


@pytest.mark.parametrize(
    "hours",
    [halves("01:30", "07:00"), [*halves("09:45", "11:15"), *halves("13:15", "14:45")]],
    ids=["at night", "over at 14:45"],
)
def test_a_zone_is_asked_for_where_stamps_do_not_fit_the_hours(write, hours):
    with pytest.raises(quorate.DataError, match=r"are not the hours of calendar 'us-equity' .*data\.timezone"):
        csv(write(dated(*days_of(*hours))))
    assert len(csv(write(dated(*days_of(*hours))), timezone="Asia/Shanghai")) == 30 * len(hours)


def test_a_name_of_the_column_may_tell_the_zone(write):
    stamps = days_of(*halves("14:30", "20:30"))
    read = csv(write(dated(*stamps, header="timestamp_utc")))
    assert times(read)[0] == "2020-01-06T15:00"  # 09:30 in New York is its open
    assert read.fingerprint == csv(write(dated(*stamps)), timezone="UTC").fingerprint


def test_the_hour_that_stands_twice_is_told_by_its_order(write):
    stamps = ["2020-11-01 00:00", "2020-11-01 01:00", "2020-11-01 01:00", "2020-11-01 02:00", "2020-11-01 03:00"]
    read = csv(write(dated(*stamps)), calendar="24x7", timezone="America/New_York")
    assert times(read)[1:4] == ["2020-11-01T05:00", "2020-11-01T06:00", "2020-11-01T07:00"]


def test_an_hour_that_stands_twice_is_no_pair_of_bars_to_remove(write):
    local = pd.date_range("2020-10-20", periods=600, freq="h", tz="America/New_York").tz_localize(None)
    text = dated(*[f"{t:%Y-%m-%d %H:%M}" for t in local])
    with pytest.raises(quorate.DataError, match=r"2020-11-01 01:00:00 stands twice, .*data\.timezone"):
        csv(write(text), calendar="24x7")
    read = csv(write(text), calendar="24x7", timezone="America/New_York")
    assert (np.diff(read.times) == np.timedelta64(1, "h")).all()


MIXED = {
    "days and weeks": (["2020-01-06", "2020-01-07", "2020-01-08", "2020-01-13"], ["2020-01-06", "2020-01-13"]),
    "one and five minutes": (
        [f"2020-01-06 10:{m:02d}" for m in range(12)],
        ["2020-01-06 10:00", "2020-01-06 10:05", "2020-01-06 10:10"],
    ),
    "minutes and days": ([f"2020-01-06 10:{m:02d}" for m in range(12)], ["2020-01-06", "2020-01-07"]),
}


@pytest.mark.parametrize("one, other", MIXED.values(), ids=MIXED)
def test_bars_of_different_lengths_are_refused_or_known_when_each_is_over(write, tmp_path, one, other):
    write(dated(*one), "A.csv")
    write(dated(*other), "B.csv")
    with pytest.raises(quorate.DataError, match=r"bars of different lengths \(.*'A'.*'B'\).*data\.mixed = true"):
        csv(str(tmp_path))
    panel = csv(str(tmp_path), mixed=True, stamp="open")
    for name, text in (("A", one), ("B", other)):
        alone = csv(write(dated(*text), f"{name}.csv"), stamp="open")
        there = panel.present[:, panel.symbols.index(name)]
        assert panel.times[there].tolist() == alone.times.tolist()


def test_unix_time_may_change_its_unit_within_a_file(write):
    when = pd.date_range("2024-12-30", periods=8, freq="D", tz="UTC")
    per = [1, 10**3, 10**6, 10**9] * 2
    stamps = [str(int(t.timestamp()) * n) for t, n in zip(when, per, strict=True)]
    assert sessions(csv(write(dated(*stamps)), calendar="24x7")) == [f"{t:%Y-%m-%d}" for t in when]


@pytest.mark.parametrize(
    "stamps, message",
    [
        (["1735689600", "1735776000000", "4070908800"], r"line 4: the time stamp 4070908800 is 2099-01-01"),
        (["2020-01-02", "2099-01-02"], r"line 3: the time stamp 2099-01-02 is .* has not come yet \(1 of 2 bars\)"),
    ],
)
def test_times_that_cannot_be_are_named(write, stamps, message):
    with pytest.raises(quorate.DataError, match=message):
        csv(write(dated(*stamps)), calendar="24x7")


# --- exports that people have

PRICES = "10.5,12.25,9,11,1500\n11,13,10,12,2500\n12.125,14,11,13,1000"
DAYS = ["2020-01-02", "2020-01-03", "2020-01-06"]
ROWS = [f"{day},{row}" for day, row in zip(DAYS, PRICES.split("\n"), strict=True)]


def rows(form="{d},{o},{h},{l},{c},{v}", number=str, day="%Y-%m-%d"):
    lines = []
    for row in ROWS:
        date, *values = row.split(",")
        o, h, low, c, v = (number(float(value)) for value in values)
        lines.append(form.format(d=f"{pd.Timestamp(date):{day}}", o=o, h=h, l=low, c=c, v=v))
    return "\n".join(lines) + "\n"


def comma(value):
    return f"{value:.4f}".replace(".", ",")


def german(value):
    return f"{value * 1000:,.2f}".translate(str.maketrans(",.", ".,"))


NAMED = "Date,Open,High,Low,Close,Volume\n"
WIDE = "{d},{c},{h},{l},{o},{v}"
EXPORTS = {
    "yfinance": ("Price,Close,High,Low,Open,Volume\nTicker,ABC,ABC,ABC,ABC,ABC\nDate,,,,,\n" + rows(WIDE), {}),
    "yfinance, an older one": (",Close,High,Low,Open,Volume\n,ABC,ABC,ABC,ABC,ABC\nDate,,,,,\n" + rows(WIDE), {}),
    "yfinance, by ticker": (
        "Ticker,ABC,ABC,ABC,ABC,ABC\nPrice,Close,High,Low,Open,Volume\nDate,,,,,\n" + rows(WIDE),
        {},
    ),
    "a column per symbol and field": ("Date,ABC_Open,ABC_High,ABC_Low,ABC_Close,ABC_Volume\n" + rows(), {}),
    "no names": (rows(), {}),
    "no names, semicolons": (rows().replace(",", ";"), {}),
    "semicolons and decimal commas": (
        NAMED.replace(",", ";") + rows("{d};{o};{h};{l};{c};{v}", comma),
        {},
    ),
    "nasdaq.com": (
        "Date,Close/Last,Volume,Open,High,Low\n" + rows("{d},${c},{v},${o},${h},${l}", day="%m/%d/%y"),
        {"date_format": "%m/%d/%y"},
    ),
    "a price for the close": ("Date,Price,Open,High,Low,Vol.\n" + rows("{d},{c},{o},{h},{l},{v}"), {}),
    "more columns, none named": (rows("{d},{o},{h},{l},{c},{v},7,123,5"), {}),
    "a trade day and ticks": ("Trade Day,Open,High,Low,Close,TickVol\n" + rows(), {}),
    "a title above": ("Prices of ABC, UTC\nhttps://example.com\n" + NAMED + rows(), {}),
    "an index without a name": (NAMED.replace("Date", "") + rows(), {}),
    "tabs": (NAMED.replace(",", "\t") + rows().replace(",", "\t"), {}),
    "dates with dots": (NAMED + rows(day="%d.%m.%Y"), {}),
    "years first, with slashes": (NAMED + rows(day="%Y/%m/%d"), {}),
    "months by name": (NAMED + rows('"{d}",{o},{h},{l},{c},{v}', day="%b %d, %Y"), {}),
    "days and months by name": (NAMED + rows(day="%d-%b-%Y"), {}),
    "brackets": ("<DATE>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\n" + rows(day="%Y.%m.%d"), {}),
    "decimal commas that are told": (
        NAMED.replace(",", ";") + rows("{d};{o};{h};{l};{c};{v}", lambda v: f"{v:.3f}".replace(".", ",")),
        {"decimal": ","},
    ),
}


@pytest.mark.parametrize("text, options", EXPORTS.values(), ids=EXPORTS)
def test_exports_are_read_as_they_are(write, text, options):
    expected = csv(write(NAMED + rows()))
    read = csv(write(text), **options)
    assert read.fingerprint == expected.fingerprint


def test_a_point_between_thousands_is_none_before_a_fraction_where_other_numbers_have_a_comma(write):
    path = write(
        "Date,Open,High,Low,Close,Volume\n"
        '2020-01-02,"1.200,50","1.210,00","1.190,25","1.205,75",1.200\n'
        '2020-01-03,1.205,"1.215,00","990,25","999,75",2.500\n'
    )
    bars = csv(path)
    assert bars.open.ravel().tolist() == [1200.5, 1205.0]
    assert bars.close.ravel().tolist() == [1205.75, 999.75]
    assert bars.volume.ravel().tolist() == [1200.0, 2500.0]


MONEY = {
    "currency and millions": (NAMED + rows('{d},"{o}","{h}","{l}","{c}","{v}"', lambda v: f"${v * 1000:,.2f}"), 1000),
    "thousands and decimal commas": (NAMED.replace(",", ";") + rows("{d};{o};{h};{l};{c};{v}", german), 1000),
    "spaces": (NAMED + rows(number=lambda v: f"{v * 1000:,.0f}".replace(",", " ")), 1000),
}


@pytest.mark.parametrize("text, times", MONEY.values(), ids=MONEY)
def test_numbers_as_people_write_them(write, text, times):
    assert csv(write(text)).close[:, 0].tolist() == [11 * times, 12 * times, 13 * times]


def test_points_between_thousands_are_none_before_a_fraction(write):
    text = (
        NAMED.replace(",", ";")
        + "2020-01-02;1.000;1.200,5;900;1.100;1.200\n2020-01-03;1.000;1.300;950,25;1.100;2.500\n"
    )
    bars = csv(write(text))
    assert bars.open[:, 0].tolist() == [1000, 1000]
    assert bars.low[:, 0].tolist() == [900, 950.25]
    assert bars.volume[:, 0].tolist() == [1200, 2500]


def test_a_volume_may_be_in_millions(write):
    text = NAMED + "2020-01-02,10,12,9,11,1.2M\n2020-01-03,10,12,9,11,900K\n2020-01-06,10,12,9,11,-\n"
    volume = csv(write(text)).volume[:, 0]
    assert volume[:2].tolist() == [1_200_000, 900_000]
    assert np.isnan(volume[2])


def test_a_comma_that_may_be_either_is_asked_for_and_the_answer_works(write):
    text = NAMED.replace(",", ";") + "2020-01-02;10,500;12,250;9,000;11,000;7\n"
    with pytest.raises(quorate.DataError, match=r"line 2: '10,500' may be thousands or have a decimal comma"):
        csv(write(text))
    assert csv(write(text), decimal=",").open[0, 0] == 10.5
    assert csv(write(text), decimal=".").open[0, 0] == 10_500


def test_day_and_month_are_told_apart_by_any_day_after_the_twelfth(write):
    american = NAMED + "01/09/2020,10,12,9,11,1\n01/10/2020,10,12,9,11,1\n01/13/2020,10,12,9,11,1\n"
    british = NAMED + "09/01/2020,10,12,9,11,1\n10/01/2020,10,12,9,11,1\n13/01/2020,10,12,9,11,1\n"
    assert sessions(csv(write(american))) == sessions(csv(write(british))) == ["2020-01-09", "2020-01-10", "2020-01-13"]
    unsure = NAMED + "01/09/2020,10,12,9,11,1\n01/10/2020,10,12,9,11,1\n"
    with pytest.raises(quorate.DataError, match=r"'01/09/2020' cannot be read .*data\.date_format"):
        csv(write(unsure))


@pytest.mark.parametrize(
    "header, date, clock",
    [
        ("Date,Time", "%m/%d/%y", "%H:%M:%S"),
        ("<DATE>,<TIME>", "%Y.%m.%d", "%H:%M"),
        ("date,time", "%Y%m%d", "%H%M%S"),
        ("Date,Time", "%Y-%m-%d", "%I:%M %p"),
        ("Date,Time", "%d-%b-%y", "%H:%M"),
        ("", "%Y-%m-%d", "%H:%M"),
    ],
)
def test_date_and_time_may_have_a_column_each(write, header, date, clock):
    when = pd.date_range("2016-07-28 09:15", periods=400, freq="min")
    lines = [f"{t:{date}},{t:{clock}},10,12,9,11,100" for t in when]
    text = "\n".join([f"{header},Open,High,Low,Close,Volume"] * bool(header) + lines) + "\n"
    read = csv(write(text), calendar="24x7")
    assert [str(t)[:16] for t in read.times] == [f"{t:%Y-%m-%dT%H:%M}" for t in when]


def test_a_twelve_hour_clock_is_read_as_it_is(write):
    stamps = ["2019-10-17 12-AM", "2019-10-17 09-AM", "2019-10-17 12-PM", "2019-10-17 01-PM"]
    read = csv(write(dated(*stamps)), calendar="24x7")
    assert [t[11:] for t in times(read)] == ["00:00", "09:00", "12:00", "13:00"]


def test_closes_alone_are_read_as_the_message_says(write):
    text = "Date,Close\n" + "".join(f"{day},11\n" for day in DAYS)
    with pytest.raises(quorate.DataError, match=r"data\.columns = \{ .* \}") as told:
        csv(write(text))
    columns = dict(re.findall(r'(\w+) = "(\w+)"', re.search(r"columns = \{(.*?)\}", str(told.value))[1]))
    assert csv(write(text), columns=columns).close[:, 0].tolist() == [11, 11, 11]


@pytest.mark.parametrize("header", ["Date,AAPL,MSFT", "Date,AAPL_Close,MSFT_Close"])
def test_closes_of_several_symbols_are_read_as_the_message_says(write, header):
    text = header + "\n" + "".join(f"{day},11,9\n" for day in DAYS)
    with pytest.raises(quorate.DataError, match=r"set data\.wide = true"):
        csv(write(text))
    with pytest.warns(
        quorate.DataWarning, match=r'of all bars are the close, and there is no volume; .*fill = "close"'
    ):
        bars = csv(write(text), wide=True)
    assert bars.symbols == ("AAPL", "MSFT")
    assert bars.close.tolist() == bars.open.tolist() == [[11, 9]] * 3


def test_the_one_column_that_may_hold_dates_is_named(write):
    text = NAMED.replace("Date", "Seen On") + rows()
    with pytest.raises(quorate.DataError, match=r"data\.columns = \{ time = \"Seen On\" \}"):
        csv(write(text))
    assert len(csv(write(text), columns={"time": "Seen On"})) == 3


def test_the_name_of_the_stamps_may_say_that_they_are_the_open(write):
    stamps = [f"2020-01-01 {hour:02d}:00" for hour in range(12)]
    assert times(csv(write(dated(*stamps, header="open_time")), calendar="24x7"))[0] == "2020-01-01T01:00"
    assert times(csv(write(dated(*stamps, header="time")), calendar="24x7"))[0] == "2020-01-01T00:00"
    assert times(csv(write(dated(*stamps, header="open_time")), calendar="24x7", stamp="close"))[0][11:] == "00:00"


def test_an_average_price_is_not_taken_for_the_volume(write):
    with pytest.raises(quorate.DataError, match="it cannot be told which is which"):
        csv(write(rows("{d},{o},{h},{l},{c},{o},{v},7")))


def test_several_tickers_of_one_file_are_a_panel(write, tmp_path):
    head = "Price,Close,Close,High,High,Low,Low,Open,Open,Volume,Volume\nTicker" + ",AAA,BBB" * 5 + "\nDate" + "," * 10
    lines = [f"{day},11,21,12,22,9,19,10,20,100,200" for day in DAYS]
    lines.append("2020-01-07,11,,12,,9,,10,,100,")
    panel = csv(write("\n".join([head, *lines]) + "\n"))
    assert panel.symbols == ("AAA", "BBB")
    assert panel.close[:3].tolist() == [[11, 21]] * 3
    assert panel.present[3].tolist() == [True, False]


@pytest.mark.parametrize("tickers", [["MSFT"], ["AAPL", "MSFT"]])
def test_parquet_of_two_header_rows(tmp_path, tickers):
    fields = {"Open": 10.0, "High": 12.0, "Low": 9.0, "Close": 11.0, "Volume": 100.0}
    columns = {f"('{field}', '{ticker}')": value for field, value in fields.items() for ticker in tickers}
    write_parquet(pd.DataFrame({"Date": pd.to_datetime(DAYS), **columns}), tmp_path / "A.parquet")
    read = parquet(str(tmp_path / "A.parquet"))
    assert read.symbols == tuple(tickers)
    assert sessions(read) == DAYS


def monthly(write, *names, **more):
    for k, name in enumerate(names):
        first = pd.Timestamp("2024-01-01") + pd.DateOffset(months=k * more.get("apart", 1))
        days = pd.date_range(first, periods=10)
        write(NAMED + "".join(f"{day:%Y-%m-%d},10,12,9,11,100\n" for day in days), name)


@pytest.mark.parametrize(
    "names, symbol",
    [
        (["BTCUSDT-1d-2024-01.csv", "BTCUSDT-1d-2024-02.csv"], "BTCUSDT-1d"),
        (["EURUSD_202401.csv", "EURUSD_202402.csv"], "EURUSD"),
        (["2024_ABC.csv", "2025_ABC.csv"], "ABC"),
    ],
)
def test_a_folder_of_dated_files_is_one_symbol(write, tmp_path, names, symbol):
    monthly(write, *names)
    read = csv(str(tmp_path), calendar="24x7")
    assert (read.symbols, len(read)) == ((symbol,), 20)


def test_dated_files_side_by_side_are_several_symbols(write, tmp_path):
    monthly(write, "ES-2024-03.csv", "ES-2024-06.csv", apart=0)
    assert csv(str(tmp_path), calendar="24x7").symbols == ("ES-2024-03", "ES-2024-06")


def test_files_of_whatever_name_are_one_symbol_if_told(write, tmp_path):
    monthly(write, "first.csv", "second.csv")
    for name in ("BTC", "BTC-2024"):
        assert csv(str(tmp_path), calendar="24x7", symbol=name).symbols == (name,)


def test_what_rounding_took_from_a_high_or_low_is_given_back_and_counted(write):
    text = NAMED + "2020-01-02,10,11.9999999999,9,12,1\n2020-01-03,10,12,10.0000000001,11,1\n2020-01-06,10,12,9,11,1\n"
    for invalid in ("error", "drop"):
        with pytest.warns(quorate.DataWarning) as told:
            read = csv(write(text), invalid=invalid)
        assert (read.high[0, 0], read.low[1, 0], len(read)) == (12, 10, 3)
        assert [str(w.message)[:30] for w in told] == [
            "1 of 3 highs were widened: rou",
            "1 of 3 lows were widened: roun",
        ]
    with pytest.raises(quorate.DataError, match="close must lie between low and high"):
        csv(write(text.replace("11.9999999999", "11.99").replace("10.0000000001", "10")))


# --- wrong input

GOOD = "2020-01-02,10,12,9,11,100\n"


@pytest.mark.parametrize(
    "text, options, message",
    [
        ("", {}, r"the file is empty"),
        ("\n\n", {}, r"the file is empty"),
        (HEADER, {"skip_rows": 1}, r"the file is empty below the first 1 lines \(data\.skip_rows\)"),
        (HEADER, {}, r"a header but no row"),
        (HEADER + "\n,,,,,\n", {}, r"a header but no row"),
        (b"PAR1\x00\x15\x04", {}, r"a Parquet file, which the source 'parquet' reads"),
        (HEADER.encode() + b"2020-01-02,\xff\xfe", {}, r"not a text file in UTF-8"),
        (HEADER.encode("utf-16")[2:], {}, r"if it is text in UTF-16, save it as UTF-8"),
        (HEADER.encode("utf-16"), {}, r"there is a header but no row below it"),
        (HEADER.replace("Close", "Final") + GOOD, {}, r"no column for 'close'; the columns are 'Date'.*data\.columns"),
        (HEADER.replace("Close", "Closed") + GOOD, {}, r"did you mean 'Closed'"),
        (HEADER.replace(",", ";") + GOOD, {}, r"the time stamp '2020-01-02,10,12,9,11,100' cannot be read"),
        ("day,A:open,A:close,B:open,B:close\n2020,1,1,1,1\n", {}, r"file is wide.*time = \"day\", open = \"A:open\""),
        (HEADER.replace("Volume", "Close") + GOOD, {}, r"2 columns are called 'Close'"),
        (HEADER.replace("Volume", "CLOSE") + GOOD, {}, r"'Close', 'CLOSE' could all be 'close'; say which"),
        (HEADER.replace("Volume", "Time") + GOOD, {}, r"'Date', 'Time' could all be 'time'"),
        (THREE, {"columns": {"close": "Adj Close"}}, r"'Adj Close', which is not there.*did you mean 'Close'"),
        (THREE, {"adjusted": True}, r"no column for 'adj_close'.*leave data\.adjusted out"),
        (HEADER + GOOD.replace("100", "100,7"), {}, r"more fields than the header, which names 6"),
        (THREE + GOOD.replace("100", "100,7"), {}, r"columns, 6: line 5 has 7"),
        (HEADER + GOOD.replace("2020-01-02", "01/02/2020"), {}, r"line 2: .*'01/02/2020' cannot be read.*date_format"),
        (HEADER + GOOD + GOOD.replace("2020-01-02", "2020-02-30"), {}, r"line 3: .*'2020-02-30' cannot .*\(1 of 2\)"),
        (HEADER + GOOD.replace("2020-01-02", "20201301"), {}, r"'20201301' cannot be read.*YYYYMMDD"),
        (THREE, {"date_format": "%d.%m.%Y"}, r"line 2: .*must follow data\.date_format = '%d\.%m\.%Y'"),
        (HEADER + "\n" + GOOD.replace("2020-01-02", ""), {}, r"line 3: there is no time stamp"),
        (
            dated("2020-01-02T00:00:00Z", "2020-01-03 00:00"),
            {},
            r"line 3: .*has no UTC offset, others in the file have",
        ),
        (HEADER + GOOD.replace("12", "twelve"), {}, r"line 2: high must be a number; it was 'twelve'"),
        (HEADER + GOOD.replace("100", "1x000"), {}, r"line 2: volume must be a number; it was '1x000'"),
        (HEADER + GOOD.replace("12", "True"), {}, r"line 2: high must be a number; it was 'True'"),
        (HEADER + GOOD.replace("12", "inf"), {}, r"high must be a finite number: ABC at 2020-01-02 .* has inf"),
        (HEADER + GOOD.replace("9", ""), {}, r"low must be a finite number: ABC .*data\.invalid = \"drop\""),
        (HEADER + GOOD.replace("9", "-9"), {}, r"low must be positive: ABC .* has -9"),
        (HEADER + GOOD.replace("9", "11.5"), {}, r"open must lie between .* ABC .* has 10 \(low 11\.5, high 12\)"),
        (HEADER + GOOD.replace("100", "-1"), {}, r"volume must not be negative"),
        (HEADER + GOOD + GOOD, {}, r"ABC has two bars at 2020-01-02 .*1 duplicated in all"),
        (THREE + GOOD.replace("01-02", "01-01"), {}, r"must be sorted by time; ABC at 2020-01-01 .*data\.sort = true"),
        (THREE.replace("Volume", "Symbol"), {"symbol": "X"}, r"data\.symbol = 'X' is for files without"),
        (HEADER.replace("Volume", "Symbol") + GOOD.replace("100", ""), {}, r"line 2: there is no symbol"),
        (THREE, {"symbols": ["ABD"]}, r"no bars of the symbol 'ABD'; did you mean 'ABC'\?"),
        (dated("now"), {}, r"line 2: the time stamp 'now' cannot be read"),
        (dated("-5"), {}, r"line 2: the time stamp '-5' cannot be read"),
        (dated("43832"), {}, r"line 2: the time stamp '43832' cannot be read"),
    ],
)
def test_wrong_files_are_refused_with_the_file_the_place_and_the_remedy(write, text, options, message):
    with pytest.raises(quorate.DataError, match=message) as caught:
        csv(write(text), **options)
    assert "ABC.csv" in str(caught.value) or str(caught.value).startswith("data.")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"columns": {"closing": "Close"}}, r"'closing' is not a column of bars.*did you mean 'close'"),
        ({"separator": "::"}, r"data\.separator must be one character"),
        ({"skip_rows": -1}, r"data\.skip_rows must not be negative"),
        ({"timezone": "Mars/Base"}, r"data\.timezone: unknown time zone 'Mars/Base'"),
        ({"frequency": "often"}, r"data\.frequency must be .*it was 'often'"),
        ({"frequency": "2D"}, r"data\.frequency must be the length of an intraday bar"),
        ({"date_format": "%Q"}, r"data\.date_format = '%Q' is not a format"),
        ({"calendar": "us-equities"}, r"unknown calendar 'us-equities'.*did you mean 'us-equity'"),
    ],
)
def test_wrong_options_are_refused(write, options, message):
    with pytest.raises(quorate.DataError, match=message):
        csv(write(THREE), **options)


def test_paths_that_name_nothing(write, tmp_path):
    file = write(THREE)
    write("x", "d/notes.txt")
    write("x", "d/.hidden.csv")
    for path, message in (
        ("ABD.csv", r"ABD\.csv: there is no such file or folder; did you mean 'ABC\.csv'"),
        ("e/ABC.csv", r"there is no folder .*e'"),
        ("*.CSV.old", r"no file matches this pattern"),
        ("d", r"the folder holds no \.csv or \.csv\.gz file; its files are '\.hidden\.csv', 'notes\.txt'"),
    ):
        with pytest.raises(quorate.DataError, match=message):
            csv(str(tmp_path / path))
    with pytest.raises(quorate.DataError, match="names this file twice"):
        csv([file, file])
    with pytest.raises(quorate.DataError, match="it was empty"):
        csv("")


@pytest.mark.parametrize(
    "content, message",
    [
        (b"PK\x03\x04rest", r'a zip archive .* data\.source = "excel"'),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", r'data\.source = "excel"'),
        (b"ARROW1\0\0", r'data\.source = "arrow"'),
        (b"PAR1....", r'data\.source = "parquet"'),
        (b"\x89HDF\r\n", "an HDF5 file"),
        (b'[{"date": 1}]', "JSON, which is not read; write it as CSV or Parquet"),
    ],
)
def test_what_is_no_text_is_named_with_what_to_do(tmp_path, content, message):
    (tmp_path / "bars.csv").write_bytes(content)
    with pytest.raises(quorate.DataError, match=message):
        csv(str(tmp_path / "bars.csv"))


def test_files_of_another_ending_are_read_as_the_message_says(write, tmp_path):
    write(THREE, "in/ABC.txt")
    with pytest.raises(quorate.DataError, match=r"holds no \.csv .*by a pattern, e\.g\. data\.path = \"(.*)\"") as told:
        csv(str(tmp_path / "in"))
    pattern = re.search(r'data\.path = "(.*)"', str(told.value))[1]
    assert len(csv(pattern)) == 3


def test_two_files_may_not_be_the_same_symbol(write, tmp_path):
    write(THREE, "a/ABC.csv")
    write(THREE, "b/ABC.csv")
    with pytest.raises(quorate.DataError, match=r"would both be the symbol 'ABC'"):
        csv(str(tmp_path / "*" / "ABC.csv"))
    write(THREE, "b/ABD.csv")
    with pytest.raises(quorate.DataError, match=r"X has two bars at"):
        csv(str(tmp_path / "b"), symbol="X")


def test_the_bad_file_of_a_folder_is_named(write, tmp_path):
    write(THREE, "d/A.csv")
    write(THREE.replace("14", "1"), "d/B.csv")
    with pytest.raises(quorate.DataError, match=r"B\.csv: high must not be below the low"):
        csv(str(tmp_path / "d"))


def test_invalid_bars_can_be_left_out_with_a_warning(write):
    text = (
        THREE
        + "2020-01-07,,14,11,13,1\n2020-01-08,-1,14,11,13,1\n2020-01-09,15,14,11,13,1\n2020-01-10,12,14,11,13,-5\n"
    )
    text += "2020-01-13,12,14,11,13,\n"
    with pytest.warns(UserWarning, match=r"left out 4 of 8 bars .* first ABC at 2020-01-07 .*\(line 5\)"):
        bars = csv(write(text), invalid="drop")
    assert sessions(bars) == ["2020-01-02", "2020-01-03", "2020-01-06", "2020-01-13"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        csv(write(THREE), invalid="drop")


def test_sort_puts_bars_in_order_but_keeps_duplicates_an_error(write, tmp_path):
    lines = THREE.splitlines(keepends=True)
    assert csv(write(lines[0] + "".join(lines[:0:-1])), sort=True).fingerprint == csv(write(THREE)).fingerprint
    with pytest.raises(quorate.DataError, match="two bars"):
        csv(write(THREE + lines[1]), sort=True)


# --- Parquet


@pytest.fixture
def frame():
    days = pd.to_datetime(["2020-01-02", "2020-01-03", "2020-01-06"])
    prices = {"Open": [10.0, 11, 12], "High": [12.0, 13, 14], "Low": [9.0, 10, 11], "Close": [11.0, 12, 13]}
    return pd.DataFrame({"Date": days, **prices, "Volume": [100, 200, 300]})


@pytest.mark.parametrize("kind", ["naive", "date", "utc", "new york", "text", "unix", "number"])
def test_parquet_reads_dates_of_every_kind(tmp_path, write, frame, kind):
    days = frame["Date"]
    frame["Date"] = {
        "naive": days,
        "date": days.dt.date,
        "utc": days.dt.tz_localize("UTC"),
        "new york": days.dt.tz_localize("America/New_York"),
        "text": days.dt.strftime("%Y-%m-%d 00:00:00-05:00"),
        "unix": days.astype("datetime64[s]").astype("int64"),
        "number": days.dt.strftime("%Y%m%d").astype(int),
    }[kind]
    write_parquet(frame, tmp_path / "ABC.parquet")
    assert parquet(str(tmp_path)).fingerprint == csv(write(THREE)).fingerprint


ZONED = ["Europe/Berlin", "Asia/Tokyo", "Australia/Sydney", "America/New_York", "America/Los_Angeles", "UTC"]


def noted(frame, path, zone):
    """Write a file as pandas does: instants, and the zone beside them."""
    import duckdb

    told = {"columns": [{"name": "Date", "pandas_type": "datetimetz", "metadata": {"timezone": zone}}]}
    with duckdb.connect() as connection:
        connection.register("frame", frame)
        connection.execute(f"COPY frame TO '{path}' (FORMAT parquet, KV_METADATA {{pandas: '{json.dumps(told)}'}})")


@pytest.mark.parametrize("zone", ZONED)
@pytest.mark.parametrize("calendar", ["us-equity", "weekdays", "24x7"])
def test_daily_bars_at_midnight_of_any_zone_have_the_sessions_of_the_same_frame_as_csv(tmp_path, write, zone, calendar):
    days = pd.date_range("2020-01-02", periods=300, freq="B", tz=zone)
    prices = dict.fromkeys(["Open", "High", "Low", "Close"], np.linspace(10, 20, 300))
    frame = pd.DataFrame({"Date": days, **prices, "Volume": 100.0})
    noted(frame, tmp_path / "ABC.parquet", zone)
    read = parquet(str(tmp_path / "ABC.parquet"), calendar=calendar)
    assert sessions(read) == [f"{day:%Y-%m-%d}" for day in days]
    assert read.fingerprint == csv(write(frame.to_csv(index=False)), calendar=calendar).fingerprint


def test_the_zone_that_arrow_notes_counts_too(tmp_path, frame):
    import base64

    import duckdb

    frame["Date"] = frame["Date"].dt.tz_localize("Asia/Tokyo")
    schema = base64.b64encode(b"\x10\x00\x00ARROW\x0a\x00\x00\x00Asia/Tokyo\x00\x00Date\x00").decode()
    with duckdb.connect() as connection:
        connection.register("frame", frame)
        file = tmp_path / "A.parquet"
        connection.execute(f"COPY frame TO '{file}' (FORMAT parquet, KV_METADATA {{'ARROW:schema': '{schema}'}})")
    assert sessions(parquet(str(file))) == ["2020-01-02", "2020-01-03", "2020-01-06"]


def test_where_no_zone_is_noted_it_is_asked_for_and_then_used(tmp_path, frame):
    frame["Date"] = frame["Date"].dt.tz_localize("Asia/Tokyo")
    write_parquet(frame, tmp_path / "A.parquet")
    with pytest.raises(quorate.DataError, match=r"10:00 in America/New_York: neither midnight .* data\.timezone"):
        parquet(str(tmp_path / "A.parquet"))
    bars = parquet(str(tmp_path / "A.parquet"), timezone="Asia/Tokyo")
    assert sessions(bars) == ["2020-01-02", "2020-01-03", "2020-01-06"]


@pytest.mark.parametrize("calendar", ["24x7", "weekdays"])
def test_a_market_without_hours_asks_for_the_zone_of_any_hour_but_midnight(tmp_path, calendar):
    days = pd.date_range("2020-01-06", periods=5, freq="B", tz="Europe/Berlin")
    frame = pd.DataFrame({"Date": days, **dict.fromkeys(["Open", "High", "Low", "Close"], 10.0)})
    write_parquet(frame, tmp_path / "A.parquet")
    with pytest.raises(quorate.DataError, match=r"2020-01-05T23:00:00.*neither midnight there.*data\.timezone"):
        parquet(str(tmp_path / "A.parquet"), calendar=calendar)
    read = parquet(str(tmp_path / "A.parquet"), calendar=calendar, timezone="Europe/Berlin")
    assert sessions(read)[0] == "2020-01-06"


def test_sundays_without_fridays_are_a_session_early(tmp_path):
    days = pd.date_range("2020-01-06", periods=40, freq="B", tz="Europe/Berlin").tz_convert("UTC")
    frame = pd.DataFrame({"Date": days, **dict.fromkeys(["Open", "High", "Low", "Close"], 10.0)})
    write_parquet(frame, tmp_path / "A.parquet")
    with pytest.raises(quorate.DataError, match=r"A has daily bars on Sundays and never on Fridays.*data\.timezone"):
        parquet(str(tmp_path / "A.parquet"), calendar="weekdays", timezone="UTC")
    read = parquet(str(tmp_path / "A.parquet"), calendar="weekdays", timezone="Europe/Berlin")
    assert sessions(read)[:2] == ["2020-01-06", "2020-01-07"]


def test_parquet_reads_long_files_and_decimals(tmp_path, frame):
    both = pd.concat([frame.assign(ticker="A"), frame.assign(ticker="B")])
    write_parquet(both, tmp_path / "all.parquet")
    bars = parquet(str(tmp_path / "all.parquet"), symbols=["B"])
    assert bars.symbols == ("B",)
    assert bars.close[:, 0].tolist() == [11, 12, 13]


def test_parquet_errors_name_the_file_and_the_row(tmp_path, write, frame):
    write_parquet(frame.drop(columns="Low"), tmp_path / "A.parquet")
    with pytest.raises(quorate.DataError, match=r"A\.parquet: there is no column for 'low'"):
        parquet(str(tmp_path / "A.parquet"))
    frame["Open"] = ["10", "x", "12"]
    write_parquet(frame, tmp_path / "B.parquet")
    with pytest.raises(quorate.DataError, match=r"B\.parquet, row 2: open must be a number; it was 'x'"):
        parquet(str(tmp_path / "B.parquet"))
    with pytest.raises(quorate.DataError, match=r"junk\.parquet: not a readable Parquet file"):
        parquet(write("junk", "junk.parquet"))


# --- simulated


def test_simulated_bars_are_daily_and_reproducible():
    bars = simulated(n_bars=300, n_symbols=2, seed=3)
    assert bars.symbols == ("SIM001", "SIM002")
    assert bars.present.all()
    assert (bars.frequency, bars.bars_per_year) == ("1d", 252)
    assert bars.fingerprint == simulated(n_bars=300, n_symbols=2, seed=3).fingerprint
    assert bars.fingerprint != simulated(n_bars=300, n_symbols=2, seed=4).fingerprint
    assert simulated(n_bars=30, calendar="24x7").bars_per_year == 365
    assert simulated(n_bars=5, volatility=1e-12).present.all()


def test_more_bars_or_symbols_leave_the_first_ones_as_they_were():
    short, long = simulated(n_bars=200, seed=5), simulated(n_bars=400, n_symbols=3, seed=5)
    assert long.until(200).select(["SIM001"]).fingerprint == short.fingerprint


def earned(bars):
    """The return from the next open to the one after it, of a decision at each close."""
    opens = bars.open[:, 0]
    return opens[2:] / opens[1:-1] - 1


def reversal(bars):
    """The documented expectation, up to its scale: the decayed sum of past returns, negative."""
    x = pd.Series(np.log(bars.close[:, 0])).diff().fillna(0).ewm(alpha=0.2, adjust=False).mean()
    return -x.to_numpy()[:-2]


@pytest.mark.parametrize("signal", [0.0, 0.2, 0.4, 0.8])
def test_the_signal_is_as_strong_as_asked_and_nothing_else_drifts(signal):
    bars = simulated(signal=signal, n_bars=40_000, seed=1)
    returns = earned(bars)
    assert np.corrcoef(reversal(bars), returns)[0, 1] == pytest.approx(signal, abs=0.02)
    assert np.std(returns) == pytest.approx(0.01, rel=0.02)
    assert abs(returns.mean()) < 3 * 0.01 / np.sqrt(len(returns))


def test_without_a_signal_nothing_past_predicts_the_next_return():
    bars = simulated(signal=0.0, n_bars=40_000, seed=2)
    o, h, lo, c, v = (getattr(bars, name)[:, 0] for name in ("open", "high", "low", "close", "volume"))
    past = pd.DataFrame({"body": c / o, "range": h / lo, "upper": h / c, "volume": np.log(v), "gap": o / np.roll(c, 1)})
    for lag in range(1, 6):
        past[f"return_{lag}"] = np.log(c / np.roll(c, lag))
    past = past.iloc[10:-2]
    returns = earned(bars)[10:]
    bound = 4 / np.sqrt(len(returns))
    assert past.corrwith(pd.Series(returns, past.index)).abs().max() < bound
    assert past.corrwith(pd.Series(np.abs(returns), past.index)).abs().max() < bound


def test_the_default_signal_pays_after_costs():
    cost, sharpes = 0.0007, []
    for seed in range(5):
        bars = simulated(n_bars=782, seed=seed)
        held = np.r_[0, reversal(bars) > 0].astype(float)
        net = held[1:] * earned(bars) - cost * np.abs(np.diff(held))
        sharpes.append(net.mean() / net.std(ddof=1) * np.sqrt(252))
    assert min(sharpes) > 1.5
    assert np.mean(sharpes) == pytest.approx(3.0, abs=0.6)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"signal": 0.9}, "signal must be between 0 and 0.8; it was 0.9"),
        ({"signal": float("nan")}, "signal must be between 0 and 0.8; it was nan"),
        ({"n_bars": 0}, "n_bars must be between 1 and 100000; it was 0"),
        ({"n_symbols": 0}, "n_symbols must be"),
        ({"seed": -1}, "seed must be not negative; it was -1"),
        ({"volatility": 0.0}, "volatility must be above 0"),
        ({"start": "soon"}, "start must be a date, YYYY-MM-DD; it was 'soon'"),
        ({"calendar": "24/7"}, "unknown calendar '24/7'"),
    ],
)
def test_impossible_markets_are_refused(options, message):
    with pytest.raises(quorate.DataError, match=message):
        simulated(**options)


def test_a_text_that_the_parquet_source_is_given_is_told_with_the_source_that_reads_it(tmp_path):
    (tmp_path / "bars.csv").write_text("date,open\n")
    with pytest.raises(quorate.DataError, match=r'not a readable Parquet file \(data.source = "csv" reads text\)'):
        parquet(str(tmp_path / "bars.csv"))

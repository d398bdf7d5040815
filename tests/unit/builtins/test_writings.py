"""Stamps and numbers as vendors and people write them, and lines that are no bars."""

import gzip

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.store.parquet import write_parquet
from quorate_data.files import csv, parquet
from support.bar_files import DAYS, FIELDS, NAMES, asked, quiet, same, table, walk

HOURS = [f"{day:%Y-%m-%d} {hour}:00" for day in DAYS[:80] for hour in (10, 11, 12, 13, 14)]


def stamped(form, when=HOURS):
    return [f"{pd.Timestamp(t):{form}}" for t in when]


def utc(bars):
    return [str(t)[:16] for t in bars.times]


def closes(when=HOURS, zone="America/New_York"):
    return [f"{t:%Y-%m-%dT%H:%M}" for t in pd.DatetimeIndex(when).tz_localize(zone).tz_convert("UTC")]


# --- panels of yfinance


def test_a_ticker_may_be_called_as_a_field(write):
    rows = table().splitlines()
    text = "\n".join(["Price,Open,High,Low,Close,Volume", "Ticker,LOW,LOW,LOW,LOW,LOW", "Date,,,,,", *rows]) + "\n"
    bars = csv(write(text))
    assert bars.symbols == ("LOW",)
    assert same(bars)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_symbol_without_bars_is_left_out_of_a_panel_and_named(write, tmp_path, kind):
    fields = [name.title() for name in FIELDS]
    whole = pd.concat(
        {"GOOD": walk().set_axis(fields, axis=1), "BAD": walk().set_axis(fields, axis=1) * np.nan}, axis=1
    )
    whole = whole.swaplevel(axis=1).set_axis(DAYS)
    whole.index.name = "Date"
    if kind == "csv":
        whole.columns.names = ["Price", "Ticker"]
        path, read = write(whole.to_csv()), csv
    else:
        path, read = str(tmp_path / "A.parquet"), parquet
        write_parquet(whole.set_axis([str(c) for c in whole.columns], axis=1).reset_index(), tmp_path / "A.parquet")
    with pytest.warns(quorate.DataWarning, match=r"BAD is left out: the file has columns for it, but no bars"):
        bars = read(path)
    assert bars.symbols == ("GOOD",)
    assert same(bars)


# --- date and time in two columns

PAIRS = {
    "Date,Timestamp": ("%Y%m%d", "%H:%M:%S"),
    "<DTYYYYMMDD>,<TIME>": ("%Y%m%d", "%H%M%S"),
    "Trade Date,Trade Time": ("%m/%d/%Y", "%H:%M"),
    "Date,Hour": ("%Y-%m-%d", "%-H"),
    "Day,Time": ("%d.%m.%Y", "%H:%M"),
    "Date,time": ("%Y%m%d", "%-H%M"),
    "date,TIME": ("%Y%m%d", "%-H%M%S"),
    "DATE,Time": ("%Y%m%d", "%H%M%S000"),
    "Time,Date": ("%H:%M", "%Y-%m-%d"),
}


@pytest.mark.parametrize("names, forms", PAIRS.items(), ids=PAIRS)
def test_date_and_time_may_have_columns_of_other_names(write, names, forms):
    when = [f"{day:%Y-%m-%d} {hour:02d}:00" for day in DAYS[:66] for hour in (9, 10, 11, 12, 13, 14)]
    path = write(table(names=[names, *FIELDS], stamps=stamped(",".join(forms), when)))
    bars = csv(path, timezone="America/New_York")
    assert same(bars)
    assert utc(bars) == closes(when)


def test_a_zone_in_the_names_of_both_counts(write):
    path = write(table(names=["Date (UTC),Time (UTC)", *FIELDS], stamps=stamped("%Y-%m-%d,%H:%M")))
    assert utc(csv(path, calendar="24x7"))[0] == "2018-01-02T10:00"


def test_midnight_in_a_column_of_its_own_leaves_days(write):
    path = write(table(names=["<DTYYYYMMDD>,<TIME>", *FIELDS], stamps=stamped("%Y%m%d,000000", DAYS)))
    bars = csv(path)
    assert bars.frequency == "1d"
    assert same(bars)


# --- no names


def test_files_without_names_of_other_writings(write):
    when = pd.date_range("2024-01-02 10:00", periods=400, freq="min")
    expected = [f"{t:%Y-%m-%dT%H:%M}" for t in when]
    for form, separator in (("%Y%m%d %H%M%S", ";"), ("%Y%m%d,%H%M", ","), ("%Y%m%d,%-H%M", ",")):
        bars = csv(write(table(stamps=[f"{t:{form}}" for t in when], separator=separator)), calendar="24x7")
        assert utc(bars) == expected
        assert same(bars)
    prices = csv(
        write(table(stamps=stamped("%d.%m.%Y", DAYS), separator=";", cell=lambda v: f"{v:.4f}".replace(".", ",")))
    )
    assert same(prices)


def test_a_line_may_say_what_separates(write):
    text = "sep=;\n" + table(names=NAMES, separator=";")
    assert same(csv(write(text)))


def test_whole_prices_after_a_date_are_no_time_of_day(write):
    frame = walk(start=1000, digits=0)
    assert same(csv(write(table(frame, cell="{:.0f}".format))), frame)


# --- Parquet of pandas


def indexed(path, frame, index, **told):
    """Write what pandas notes of an index beside a file."""
    import json

    import duckdb

    note = json.dumps({"columns": [{"name": None, "field_name": name, **more} for name, more in told.items()]})
    whole = frame.assign(**index)
    with duckdb.connect() as connection:
        connection.register("whole", whole)
        connection.execute(f"COPY whole TO '{path}' (FORMAT parquet, KV_METADATA {{pandas: '{note}'}})")
    return str(path)


LEVEL = "__index_level_0__"


def test_an_index_without_a_name_holds_the_stamps(tmp_path):
    assert same(parquet(indexed(tmp_path / "A.parquet", walk(), {LEVEL: DAYS})))


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "+09:00"])
@pytest.mark.parametrize("name", [LEVEL, "Date"])
def test_the_zone_that_is_noted_of_it_is_used(tmp_path, zone, name):
    told = {name: {"pandas_type": "datetimetz", "metadata": {"timezone": zone}}}
    path = indexed(tmp_path / "A.parquet", walk(), {name: DAYS.tz_localize("Asia/Tokyo")}, **told)
    bars = parquet(path, calendar="weekdays")
    assert bars.sessions.astype(str).tolist() == [f"{day:%Y-%m-%d}" for day in DAYS]


@pytest.mark.parametrize("freq, days", [("D", DAYS), ("M", pd.date_range("1980-01-31", periods=400, freq="ME"))])
def test_periods_are_read_as_what_they_end_with(tmp_path, freq, days):
    ordinals = days.to_period(freq).asi8
    told = {LEVEL: {"pandas_type": "object", "numpy_type": f"period[{freq}]", "metadata": None}}
    bars = parquet(indexed(tmp_path / "A.parquet", walk(), {LEVEL: ordinals}, **told))
    assert bars.sessions.astype(str).tolist() == [f"{day:%Y-%m-%d}" for day in days]


def test_two_levels_without_names_are_symbols_and_stamps(tmp_path):
    whole = pd.concat([walk(), walk(seed=1)])
    index = {LEVEL: ["A"] * 400 + ["B"] * 400, "__index_level_1__": [*DAYS, *DAYS]}
    assert parquet(indexed(tmp_path / "A.parquet", whole, index)).symbols == ("A", "B")


# --- numbers

WRITTEN = {
    "India": lambda v: f"{str(int(v))[:-5]},{int(v) % 100_000 // 1000:02d},{int(v) % 1000:03d}.00",
    "Switzerland": lambda v: f"{v:,.2f}".replace(",", "’"),
    "rupees": lambda v: f"₹{v:.2f}",
    "a currency before": lambda v: f"USD {v:.2f}",
    "a currency behind": lambda v: f"{v:.2f} EUR",
}


@pytest.mark.parametrize("cell", WRITTEN.values(), ids=WRITTEN)
def test_numbers_of_all_countries(write, cell):
    frame = walk(start=1_500_000, digits=0)
    assert same(csv(write(table(frame, NAMES, cell=cell, quote=True))), frame)


@pytest.mark.parametrize("unit, factor", [(" Mio", 1e6), ("MM", 1e6), ("万", 1e4), (" Mrd.", 1e9), ("bn", 1e9)])
def test_units_of_a_volume(write, unit, factor):
    frame = walk().assign(volume=0.67)
    rows = table(frame, NAMES).replace(",0.67\n", f",0.67{unit}\n").replace(f"0.67{unit}", "--", 1)
    bars = csv(write(rows))
    assert np.isnan(bars.volume[0, 0])
    assert (bars.volume[1:, 0] == 0.67 * factor).all()


@pytest.mark.parametrize(
    "line",
    ["2018-03-01,0.77 Dividend,,,,", "2018-03-01,Split 2:1,,,,", "Source: a vendor,,,,,", ",".join(NAMES)],
)
@pytest.mark.parametrize("at", [-1, 30])
def test_a_line_that_is_no_row_of_bars_is_left_out_and_told(write, line, at):
    lines = table(names=NAMES).splitlines()
    lines.insert(at if at > 0 else len(lines), line)
    with pytest.warns(
        quorate.DataWarning, match=rf"line {at + 1 if at > 0 else 402}: left out, as it is no row of bars"
    ):
        assert same(csv(write("\n".join(lines) + "\n")))


def test_a_price_that_is_a_word_is_still_refused(write):
    lines = table(names=NAMES).splitlines()
    lines[30] = "2018-03-01,ten,12,9,11,100"
    asked(write("\n".join(lines) + "\n"), r"open must be a number: line 31 \('ten'\)\n.*: line 44 \(as line 31\)")


# --- stamps

NEW_YORK = {
    "%d.%m.%Y %H:%M:%S.000 GMT-0500": {},
    "%Y-%m-%d %H:%M:%S EST": {"timezone": "America/New_York"},
    "%Y%m%d %H:%M:%S US/Eastern": {},
    "%Y-%m-%dT%H:%M:%S-05:00[America/New_York]": {},
    "%a %b %d %Y %H:%M:%S GMT-0500 (Eastern Standard Time)": {},
    "%Y-%m-%d %H:%M:%S America/New_York": {},
    "%Y-%m-%d %I-%M-%p": {"timezone": "America/New_York"},
    "%Y-%m-%d %H:%M:%S:000": {"timezone": "America/New_York"},
    "%d/%m/%Y %I:%M:%S %p": {"timezone": "America/New_York"},
}
WINTER = [t for t in HOURS if t < "2018-03-10"]


@pytest.mark.parametrize("form, options", NEW_YORK.items(), ids=NEW_YORK)
def test_stamps_within_a_day_of_many_forms(write, form, options):
    path = write(table(names=["time", *FIELDS], stamps=stamped(form, WINTER)))
    if "EST" in form:
        asked(path, r"'2018-01-02 10:00:00 EST' is one of several of these letters; .*data\.timezone")
    assert utc(csv(path, **options)) == closes(WINTER)


DATES = ["%a %b %d %Y", "%a, %d %b %Y", "%y%m%d", "%Y年%m月%d日", "serial", "%Y-%m-%d 00:00:00 EST"]


@pytest.mark.parametrize("form", DATES)
def test_dates_of_many_forms(write, form):
    serials = [str((day - pd.Timestamp("1899-12-30")).days) for day in DAYS]
    stamps = serials if form == "serial" else stamped(form, DAYS)
    bars = csv(write(table(names=["Date", *FIELDS], stamps=[f'"{s}"' for s in stamps])))
    assert bars.sessions.astype(str).tolist() == [f"{day:%Y-%m-%d}" for day in DAYS]


@pytest.mark.parametrize("form", ["%b %Y", "%Y%m", "%m/%Y", "%YM%m", "%B-%Y"])
def test_a_month_ends_with_its_last_day(write, form):
    months = pd.date_range("1990-01-31", periods=400, freq="ME")
    bars = csv(write(table(names=["Date", *FIELDS], stamps=[f"{m:{form}}" for m in months])))
    assert (bars.frequency, bars.sessions.astype(str).tolist()) == ("1mo", [f"{m:%Y-%m-%d}" for m in months])


# --- days that begin the evening before


@pytest.mark.parametrize("stamps", ["unix", "iso", "local"])
def test_days_that_begin_in_new_york_the_evening_before(write, stamps):
    begins = (DAYS - pd.Timedelta(days=1) + pd.Timedelta(hours=17)).tz_localize("America/New_York")
    told = {
        "unix": [str(int(t.timestamp())) for t in begins],
        "iso": [f"{t.tz_convert('UTC'):%Y-%m-%dT%H:%M:%SZ}" for t in begins],
        "local": [f"{t:%Y-%m-%d %H:%M}" for t in begins],
    }[stamps]
    path = write(table(names=["time", *FIELDS], stamps=told))
    asked(path, r"on Sundays and never on Fridays: .*data\.stamp = \"open\"", calendar="weekdays")
    for options in ({}, {} if stamps == "local" else {"timezone": "America/New_York"}):
        bars = csv(path, calendar="weekdays", stamp="open", **options)
        assert bars.sessions.astype(str).tolist() == [f"{day:%Y-%m-%d}" for day in DAYS]
        assert same(bars)


def test_a_market_from_sunday_to_thursday_keeps_its_dates(write):
    days = pd.date_range("2018-01-02", periods=560)
    days = days[~days.day_of_week.isin([4, 5])]
    stamps = [f"{t:%Y-%m-%dT%H:%M:%S%z}" for t in (days + pd.Timedelta(hours=17)).tz_localize("Asia/Jerusalem")]
    path = write(table(names=NAMES, stamps=stamps))
    bars = csv(path, calendar="24x7", timezone="Asia/Jerusalem")
    assert bars.sessions.astype(str).tolist() == [f"{day:%Y-%m-%d}" for day in days[:400]]
    asked(path, r'data\.calendar = "24x7"', calendar="weekdays", timezone="Asia/Jerusalem")


def test_a_volume_of_nothing_but_zeros_gives_way_to_ticks(write):
    frame = walk().assign(none=0)
    path = write(
        table(
            frame, ["<DATE>", *(f"<{n.upper()}>" for n in FIELDS[:4]), "<TICKVOL>", "<VOL>"], fields=[*FIELDS, "none"]
        )
    )
    assert same(quiet(lambda: csv(path)))


# --- called from Python


@pytest.mark.parametrize(
    "options, message",
    [
        ({"decimal": "x"}, r"data\.decimal must be '\.' or ','; it was 'x'"),
        ({"stamp": "opne"}, r"data\.stamp must be 'close' or 'open'; it was 'opne'"),
        ({"invalid": "leave"}, r"data\.invalid must be 'error' or 'drop'; it was 'leave'"),
        ({"symbols": "ABC"}, r"data\.symbols must be a list; for this one write \['ABC'\]"),
    ],
)
def test_choices_are_checked(write, options, message):
    asked(write(table(names=NAMES)), message, **options)


def test_symbols_may_be_an_index_and_spaces_around_names_are_none(write):
    both = pd.concat([walk(3).assign(date=DAYS[:3], symbol=name) for name in ("A", "B ")])
    assert csv(write(both.to_csv(index=False)), symbols=pd.Index(["B"])).symbols == ("B",)


@pytest.mark.parametrize(
    "content, message",
    [
        (table(names=NAMES).encode("utf-16-le"), "as it has zero bytes; if it is text in UTF-16, save it as UTF-8"),
        (gzip.compress(b"Date"), r"a gzip file, which is read under a name that ends in \.csv\.gz"),
    ],
    ids=["utf-16", "gzip"],
)
def test_what_is_no_plain_text_is_named(write, content, message):
    asked(write(content), message)

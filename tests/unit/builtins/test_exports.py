"""Files as vendors and people write them: each is read as it is meant, or what is asked leads to that in one step."""

import warnings

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.store.parquet import write_parquet
from quorate_data.files import csv, parquet
from support.bar_files import DAYS, FIELDS, NAMES, asked, mapping, quiet, same, table, walk

# --- no line names the columns

ORDERS = {
    "usual": ["open", "high", "low", "close", "volume"],
    "close first": ["close", "high", "low", "open", "volume"],
    "low first": ["low", "high", "open", "close", "volume"],
    "high first": ["high", "low", "open", "close", "volume"],
    "without a volume": ["close", "open", "high", "low"],
    "volume first": ["volume", "open", "high", "low", "close"],
}


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_the_bars_prove_the_order_of_columns_without_names(write, order, newest_first):
    lines = table(fields=order).splitlines(keepends=True)
    bars = csv(write("".join(lines[::-1] if newest_first else lines)), sort=newest_first)
    assert same(bars, fields=[name for name in FIELDS if name in order])
    assert bars.has_volume == ("volume" in order)


def test_files_without_names_prove_their_order_together(write, tmp_path):
    lines = table(fields=ORDERS["close first"]).splitlines(keepends=True)
    for k in range(20):
        write("".join(lines[20 * k : 20 * k + 20]), f"X_{2018 + k // 12}-{k % 12 + 1:02d}.csv")
    assert same(csv(str(tmp_path)))


def test_an_order_that_nothing_proves_is_asked_for_and_the_answer_works(write):
    rng = np.random.default_rng(0)
    apart = walk(night=40.0, digits=12)  # what a day does says nothing beside what a night does
    path = write(table(apart, fields=ORDERS["close first"]))
    message = asked(path, r"no line names the columns, .*data\.columns = \{ open = \"2\"")
    answer = {**mapping(message), "open": "5", "close": "2"}
    assert same(csv(path, columns=answer), apart)
    noise = pd.DataFrame(rng.uniform(90, 110, (400, 5)), columns=FIELDS)
    asked(write(table(noise)), "it cannot be told which is which")


def test_bars_that_are_all_wrong_are_not_advised_to_be_left_out(write):
    message = asked(write(table(names=["Date", "High", "Open", "Low", "Close", "Volume"])), "must lie between")
    assert "data.columns names the right columns" in message
    assert "drop" not in message


def test_a_first_line_with_a_symbol_before_its_bar_is_no_header(write):
    lines = table().splitlines()
    asked(write("\n".join(f"AAPL,{line}" for line in lines) + "\n"), "The first line is a bar; write one above it")


def test_columns_after_the_volume_are_left_out_even_if_one_volume_is_a_price(write):
    frame = walk()
    frame.loc[0, "volume"] = frame.loc[0, "close"]
    more = frame.assign(end=1.5e12, quote=frame["volume"] * frame["close"], count=7)
    path = write(
        table(more, fields=[*FIELDS, "end", "quote", "count"], stamps=[int(d.timestamp()) * 1000 for d in DAYS])
    )
    assert same(csv(path, calendar="24x7"), frame)


@pytest.mark.parametrize("cell", ["null", "", "NaN", "-"])
@pytest.mark.parametrize("names", [None, ["Date", "Open", "High", "Low", "Close", "Volume"]])
def test_a_first_row_without_prices_is_no_row_of_tickers(write, cell, names):
    head, *rest = table(names=names).splitlines() if names else ["", *table().splitlines()]
    text = "\n".join([*([head] if names else []), "2018-01-01," + ",".join([cell] * 5), *rest]) + "\n"
    with pytest.warns(quorate.DataWarning, match="left out 1 of 401 bars"):
        bars = csv(write(text), invalid="drop")
    assert bars.symbols == ("ABC",)
    assert same(bars)


@pytest.mark.parametrize("separator, cell", [(",", "{:.6e}".format), (";", lambda v: f"{v:.6e}".replace(".", ","))])
def test_numbers_with_an_exponent_are_no_tickers(write, separator, cell):
    frame = walk(start=1e-5, digits=10)
    bars = csv(write(table(frame, ["Date", *FIELDS], separator=separator, cell=cell)))
    np.testing.assert_allclose(bars.close[:, 0], frame["close"], rtol=1e-6)
    assert bars.symbols == ("ABC",)


# --- digits


@pytest.mark.parametrize("form", ["%Y%m%d%H", "%Y%m%d%H%M", "%Y%m%d%H%M%S", "%Y%m%d%H%M%S000"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_date_and_time_in_digits_alone_are_no_unix_time(write, tmp_path, form, kind):
    when = pd.date_range("2024-01-02 10:00", periods=400, freq="h")
    if kind == "csv":
        bars = csv(write(table(names=["time", *FIELDS], stamps=[f"{t:{form}}" for t in when])), calendar="24x7")
    else:
        frame = walk().assign(time=when.strftime(form).astype("int64"))
        write_parquet(frame, tmp_path / "A.parquet")
        bars = parquet(str(tmp_path / "A.parquet"), calendar="24x7")
    assert bars.times.astype(str).tolist()[:2] == ["2024-01-02T10:00:00.000000", "2024-01-02T11:00:00.000000"]


def test_digits_that_would_be_bars_within_a_second_are_asked_for(write):
    stamps = [f"{t:%Y%m%d%H%M}" for t in pd.date_range("2024-01-02", periods=400, freq="h")]
    stamps[7] = "202401029900"
    message = asked(
        write(table(names=["time", *FIELDS], stamps=stamps)), r"line 2: read as Unix time.*data\.date_format"
    )
    assert "202401020000" in message


@pytest.mark.parametrize(
    "days", [pd.date_range("2018-01-01", periods=60), pd.date_range("2000-01-31", periods=60, freq="ME")]
)
@pytest.mark.parametrize("form", ["%y-%m-%d", "%y/%m/%d", "%y%m%d"])
def test_years_of_two_digits_may_come_first(write, days, form):
    bars = csv(write(table(names=["Date", *FIELDS], stamps=[f"{day:{form}}" for day in days])), calendar="24x7")
    assert bars.sessions.astype(str).tolist() == [f"{day:%Y-%m-%d}" for day in days]


# --- marks between thousands


def european(value, digits=3):
    text = f"{value:,.0f}" if value >= 1000 else f"{value:.0f}"
    return text.replace(",", ".")


def test_thousands_in_quotation_marks_are_asked_for_and_either_answer_is_followed(write):
    frame = (walk(start=23_300, digits=0)).assign(volume=168_426.0)
    path = write(table(frame, NAMES, cell=european, quote=True))
    asked(path, r"line 2: '2\d\.\d{3}' may be thousands or have a decimal point: set data\.decimal")
    assert same(csv(path, decimal=","), frame)
    assert same(csv(path, decimal="."), frame / 1000)


def test_prices_with_three_digits_are_not_asked_for_where_no_quotation_marks_stand(write):
    frame = walk(start=1.2, digits=3, night=0.1)
    assert same(quiet(lambda: csv(write(table(frame, NAMES, cell="{:.3f}".format)))), frame)
    quoted = csv(write(table(walk(), NAMES, quote=True)))
    assert same(quoted)


def test_thousandths_of_a_volume_are_asked_for_where_semicolons_separate(write):
    frame = walk(start=23_300, digits=0)
    text = table(frame.assign(volume=168_426.0), NAMES, separator=";", cell=european)
    asked(write(text), r"'2\d\.\d{3}' may be thousands or have a decimal point")
    minutes = walk(start=151, digits=3, night=0.1).assign(volume=0.0)
    text = table(minutes, NAMES, separator=";", cell=lambda v: f"{v:.3f}" if v else "0")
    with pytest.warns(quorate.DataWarning, match="volume is zero"):
        assert same(csv(write(text)), minutes, FIELDS[:4])


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("invalid", ["error", "drop"])
def test_prices_that_cross_a_thousand_are_not_called_wrong(write, separator, invalid):
    frame = walk(start=1000, digits=0)
    path = write(table(frame, NAMES[:-1], separator=separator, cell=european, fields=FIELDS[:4]))
    asked(path, r"the point seems to stand between thousands .*data\.decimal = \",\"", invalid=invalid)
    assert same(csv(path, decimal=","), frame, FIELDS[:4])
    # Two points in one number, as in a volume, prove it.
    assert same(csv(write(table(frame, NAMES, separator=separator, cell=european))), frame)


@pytest.mark.parametrize("separator", [",", ";"])
def test_an_option_that_the_numbers_contradict_is_named(write, separator):
    path = write(table(walk(digits=2), NAMES, separator=separator, cell="{:.2f}".format))
    match = r"line 2: data\.decimal = ',' makes '\.' a mark between thousands, but open is '\d+\.\d\d'"
    message = asked(path, match, decimal=",")
    assert 'set data.decimal = "."' in message or "set data.decimal = '.'" in message
    assert same(csv(path), walk(digits=2))


def test_an_option_that_nothing_is_read_with_is_an_error(tmp_path):
    write_parquet(walk().assign(time=DAYS), tmp_path / "A.parquet")
    asked(str(tmp_path / "A.parquet"), r"data\.decimal = ',' .* leave it out", parquet, decimal=",")


# --- whose bars they are


def of_two(name, values=("One", "Two"), by_date=True):
    frames = [walk(30, seed=k).assign(date=DAYS[:30].strftime("%Y-%m-%d"), **{name: v}) for k, v in enumerate(values)]
    whole = pd.concat(frames)
    return whole.sort_values("date", kind="stable") if by_date else whole


KNOWN = ["Name", "Instrument", "Code", "RIC", "isin", "security", "asset", "pair", "contract", "ts_code", "act_symbol"]


@pytest.mark.parametrize("name", KNOWN)
def test_what_tells_bars_of_one_stamp_apart_is_their_symbol(write, name):
    bars = quiet(lambda: csv(write(of_two(name).to_csv(index=False))))
    assert bars.symbols == ("One", "Two")
    assert same(bars, walk(30))


def test_numbers_may_tell_apart_too_and_keep_their_zeros(write):
    assert csv(write(of_two("permno", ("00107", "10107")).to_csv(index=False))).symbols == ("00107", "10107")


def test_another_column_that_tells_apart_is_named_rather_than_bars_to_remove(write):
    path = write(of_two("Emittent").to_csv(index=False))
    message = asked(path, "has two bars at")
    assert "remove" not in message
    assert csv(path, columns=mapping(message)).symbols == ("One", "Two")


def test_a_column_that_is_the_same_or_changes_in_time_is_no_symbol(write):
    same_name = walk().assign(date=DAYS, Name="Apple Inc")
    assert quiet(lambda: csv(write(same_name.to_csv(index=False)))).symbols == ("ABC",)
    rolled = walk().assign(date=DAYS, contract=np.where(np.arange(400) < 200, "ESH8", "ESM8"))
    with pytest.warns(quorate.DataWarning, match="'contract' changes from 'ESH8' to 'ESM8', and the bars are read as"):
        assert csv(write(rolled.to_csv(index=False))).symbols == ("ABC",)


# --- what columns are called

PLAIN = ["Open", "High", "Low", "Close"]
CALLED = {
    "Refinitiv": ["Price Open", "Price High", "Price Low", "Price Close", "Volume"],
    "Alpha Vantage": ["1. open", "2. high", "3. low", "4. close", "5. volume"],
    "Alpha Vantage, crypto": ["1a. open (USD)", "2a. high (USD)", "3a. low (USD)", "4a. close (USD)", "5. volume"],
    "Bloomberg": ["PX_OPEN", "PX_HIGH", "PX_LOW", "PX_LAST", "PX_VOLUME"],
    "BSE": ["Open Price", "High Price", "Low Price", "Close Price", "Volume"],
    "in camels": ["BidOpen", "BidHigh", "BidLow", "BidClose", "Volume"],
    "mid prices": ["mid_open", "mid_high", "mid_low", "mid_close", "volume"],
    "adjusted alone": ["Adj Open", "Adj High", "Adj Low", "Adj Close", "Volume"],
    "letters": ["o", "h", "l", "c", "v"],
    "stars": ["Open*", "High", "Low", "Close*", "Volume"],
}


@pytest.mark.parametrize("names", CALLED.values(), ids=CALLED)
def test_what_stands_beside_a_field_may_tell_the_kind_of_price(write, names):
    bars = quiet(lambda: csv(write(table(names=["Date", *names]))))
    assert bars.symbols == ("ABC",)
    assert same(bars)


@pytest.mark.parametrize("form", ["{0}_MSFT", "{0} MSFT", "MSFT {0}", "MSFT:{0}"])
def test_what_stands_beside_a_field_may_be_the_symbol_on_either_side(write, form):
    bars = csv(write(table(names=["Date", *(form.format(name.title()) for name in FIELDS)])))
    assert bars.symbols == ("MSFT",)
    assert same(bars)


def test_a_column_of_symbols_leaves_no_other_name_a_symbol(write):
    whole = of_two("Instrument").rename(columns={name: f"Price {name.title()}" for name in FIELDS[:4]})
    assert csv(write(whole.to_csv(index=False))).symbols == ("One", "Two")


def test_two_kinds_of_prices_are_asked_for_with_all_four(write):
    frame = walk()
    for name in FIELDS[:4]:
        frame[f"Bid {name.title()}"], frame[f"Ask {name.title()}"] = frame[name], frame[name] * 1.001
    path = write(frame.assign(Date=DAYS).drop(columns=FIELDS[:4]).to_csv(index=False))
    message = asked(path, r"the prices of 'Bid', 'Ask' could all be meant")
    assert set(mapping(message)) == set(FIELDS[:4])
    assert same(csv(path, columns=mapping(message)))


@pytest.mark.parametrize("kind", ["Adj. {}", "Adj {}", "Unadjusted {}"])
def test_other_prices_beside_the_plain_ones_are_not_read(write, kind):
    frame = walk().assign(Date=DAYS).rename(columns=str.title)
    for name in map(str.title, FIELDS):
        frame[kind.format(name)] = frame[name] / 2 if "Adj" in kind else frame[name]
    path = write(frame.to_csv(index=False))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert same(csv(path))
    if kind.startswith("Adj"):
        with pytest.warns(quorate.DataWarning, match=r"adjusted closes of the file differ .* by up to 50%"):
            csv(path)
        assert same(csv(path, adjusted=True), walk() / 2)


def test_a_volume_of_another_name_is_named(write):
    path = write(table(names=["Date", "Open", "High", "Low", "Close", "Volume BTC"]))
    with pytest.warns(quorate.DataWarning, match="no column is read as the volume; 'Volume BTC' may hold it") as told:
        assert not csv(path).has_volume
    assert same(quiet(lambda: csv(path, columns=mapping(str(told[0].message)))))


def test_all_columns_that_are_missing_are_told_at_once(write):
    path = write(table(names=["Tag", "Anfang", "Spitze", "Boden", "Ende", "Umsatz"]))
    message = asked(path, "no column for 'time' or 'open' or 'high' or 'low' or 'close'")
    assert list(mapping(message)) == ["time", "open", "high", "low", "close"]
    answer = dict(zip(mapping(message), ["Tag", "Anfang", "Spitze", "Boden", "Ende"], strict=True))
    assert same(csv(path, columns=answer), fields=FIELDS[:4])


# --- clocks that go back

BERLIN = pd.date_range("2023-10-20", periods=400, freq="h", tz="Europe/Berlin")


def test_the_hour_that_stands_twice_is_told_in_files_with_the_newest_first(write):
    stamps = [f"{t:%Y-%m-%d %H:%M}" for t in BERLIN]
    lines = table(names=["time", *FIELDS], stamps=stamps).splitlines(keepends=True)
    up = csv(write("".join(lines)), timezone="Europe/Berlin", calendar="24x7")
    down = csv(write(lines[0] + "".join(lines[:0:-1])), timezone="Europe/Berlin", calendar="24x7", sort=True)
    assert same(up)
    assert down.fingerprint == up.fingerprint


def test_the_hour_that_stands_twice_is_told_by_symbol(write):
    frames = [
        walk(seed=k).assign(time=BERLIN.strftime("%Y-%m-%d %H:%M"), symbol=s, k=range(400)) for k, s in enumerate("AB")
    ]
    whole = pd.concat(frames).sort_values("k", kind="stable").drop(columns="k")
    bars = csv(write(whole.to_csv(index=False)), timezone="Europe/Berlin", calendar="24x7")
    assert same(bars)
    assert (bars.times == BERLIN.tz_convert("UTC").tz_localize(None).to_numpy()).all()


# --- what a file tells of adjustment


@pytest.mark.parametrize("cell, separator", [("{:,.2f}".format, ","), (lambda v: f"{v:.2f}".replace(".", ","), ";")])
def test_adjusted_closes_may_be_text(write, cell, separator):
    frame = walk(start=2000, digits=2)
    frame["adj"] = (frame["close"] / 2).round(2)
    path = write(
        table(frame, [*NAMES, "Adj Close"], fields=[*FIELDS, "adj"], separator=separator, cell=cell, quote=True)
    )
    with pytest.warns(quorate.DataWarning, match=r"differ from the closes, by up to 50%"):
        csv(path)
    np.testing.assert_allclose(csv(path, adjusted=True).close[:, 0], frame["adj"])


def test_adjusted_closes_of_a_wide_file_are_told_and_used(write):
    frame = walk().assign(adj=walk()["close"] / 2)
    names = [f"AAPL_{name}" for name in (*NAMES[1:], "Adj Close")]
    path = write(table(frame, ["Date", *names], fields=[*FIELDS, "adj"]))
    with pytest.warns(quorate.DataWarning, match=r"by up to 50%, and are not used"):
        assert csv(path).symbols == ("AAPL",)
    np.testing.assert_allclose(csv(path, adjusted=True).close[:, 0], frame["adj"])


@pytest.mark.parametrize("name", ["Stock Splits", "split_coefficient", "split_factor"])
@pytest.mark.parametrize("newest_first", [False, True])
def test_a_split_is_told_whatever_it_is_called_and_whichever_way_the_file_goes(write, name, newest_first):
    frame = walk()
    frame.loc[200:, FIELDS[:4]] /= 10
    frame["split"] = np.where(frame.index == 200, 10.0, 1.0)
    lines = table(frame, [*NAMES, name], fields=[*FIELDS, "split"]).splitlines(keepends=True)
    path = write(lines[0] + "".join(lines[:0:-1] if newest_first else lines[1:]))
    with pytest.warns(quorate.DataWarning, match=r"the file tells of a split 10:1"):
        csv(path, sort=newest_first)


# --- texts beside the prices


def placed(bars, name):
    """Return the text of each bar of a panel of one symbol."""
    category = bars.categories[name]
    return ["" if code < 0 else category.levels[code] for code in category.codes[:, 0].tolist()]


def test_columns_of_text_are_kept_as_categories(write, tmp_path):
    rows = [
        "2020-01-02,10,12,9,11,100,NYSE,7\n",
        "2020-01-03,11,13,10,12,200,,8\n",
        "2020-01-06,12,14,11,13,300,LSE,8\n",
    ]
    text = "Date,Open,High,Low,Close,Volume,Venue,Tier\n" + "".join(rows)
    bars = csv(write(text), categories=["venue", "Tier"])
    assert placed(bars, "venue") == ["NYSE", "", "LSE"]
    assert placed(bars, "Tier") == ["7", "8", "8"]
    frame = bars.to_frame().rename(columns={"time": "Date"})
    write_parquet(frame, tmp_path / "bars.parquet")
    again = parquet(str(tmp_path / "bars.parquet"), categories=["venue", "Tier"])
    assert again.fingerprint == bars.fingerprint
    assert csv(write(text)).categories == {}
    late = csv(write(text.replace("2020-01-03", "2020-01-07")), categories=["venue"], sort=True)
    assert placed(late, "venue") == ["NYSE", "LSE", ""]
    broken = write(text.replace(",11,13,10,12,", ",11,13,10,-,"))
    with pytest.warns(quorate.DataWarning, match="left out 1 of 3"):
        part = csv(broken, categories=["venue"], invalid="drop")
    assert placed(part, "venue") == ["NYSE", "LSE"]


def test_a_category_may_stand_in_any_layout(write):
    head = "Date;Open;High;Low;Close;Venue\n"
    european = head + "02.01.2020;10,5;12,0;9,0;11,0;Zürich, SIX\n03.01.2020;11,0;13,0;10,0;12,0;Bern\n"
    assert placed(csv(write(european), categories=["Venue"]), "Venue") == ["Zürich, SIX", "Bern"]
    wide = "Date,A Open,A High,A Low,A Close,B Open,B High,B Low,B Close,Regime\n" + "".join(
        f"2020-01-0{day},10,12,9,11,10,12,9,11,{regime}\n" for day, regime in ((2, "calm"), (3, "wild"))
    )
    found = csv(write(wide), categories=["Regime"]).categories["Regime"]
    assert [[found.levels[code] for code in row] for row in found.codes.tolist()] == [["calm"] * 2, ["wild"] * 2]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["Venu"], "data.categories names the column 'Venu', which is not there.*did you mean 'Venue'"),
        (["Close"], "'Close', which is read as the close: leave it out$"),
        (["Ticker"], r"read as the symbol: leave it out, and give it to models with features.categories = \[\"symbol"),
        ("Venue", r"data.categories must be a list; for this one write \['Venue'\]"),
    ],
)
def test_a_column_that_cannot_be_a_category_is_named(write, names, message):
    path = write("Date,Ticker,Open,High,Low,Close,Venue\n2020-01-02,A,10,12,9,11,N\n")
    with pytest.raises(quorate.DataError, match=message):
        csv(path, categories=names)

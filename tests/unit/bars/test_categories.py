"""Texts beside the prices: kept as they are, by bar and symbol."""

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.runs.loading import load_bars
from quorate.runs.session import open_session
from quorate.store import Home

DAYS = pd.DatetimeIndex(["2020-01-02", "2020-01-03", "2020-01-06"]).tz_localize("America/New_York")


def frame(**columns):
    time = DAYS + pd.Timedelta(hours=16)
    parts = [
        pd.DataFrame({"symbol": s, "time": time, "open": 9.0, "high": 12.0, "low": 8.0, "close": [10.0, 11.0, 9.5]})
        for s in ("A", "B")
    ]
    return pd.concat(parts, ignore_index=True).assign(**columns)


def texts(bars, name):
    category = bars.categories[name]
    return [["" if code < 0 else category.levels[code] for code in row] for row in category.codes.tolist()]


def test_a_column_of_text_is_kept_by_bar_and_symbol():
    bars = quorate.Bars.from_frame(
        frame(exchange=["N", "N", " L ", "Q", None, ""]).drop(index=3), categories=["exchange"]
    )
    assert texts(bars, "exchange") == [["N", ""], ["N", ""], ["L", ""]]
    assert not bars.categories["exchange"].codes.flags.writeable
    assert quorate.Bars.from_frame(frame(exchange="N")).categories == {}


@pytest.mark.parametrize(
    ("given", "levels"),
    [
        ([10, 10, 2, 3, 3, 2], ("10", "2", "3")),
        ([10.0, 10.0, 2.0, np.nan, 3.0, 2.0], ("10", "2", "3")),
        ([True, False, True, True, True, True], ("False", "True")),
        (pd.Categorical(["x", "y", "x", "x", "x", "x"], categories=["z", "y", "x"]), ("x", "y")),
        ([None] * 6, ()),
    ],
)
def test_whole_numbers_are_texts_too(given, levels):
    assert quorate.Bars.from_frame(frame(sector=given), categories=["sector"]).categories["sector"].levels == levels


def test_the_fingerprint_knows_categories_and_not_what_others_are_called():
    plain = quorate.Bars.from_frame(frame())
    one, other = (
        quorate.Bars.from_frame(frame(x=values), categories=["x"]) for values in (list("aabbcc"), list("aabbcd"))
    )
    assert len({plain.fingerprint, one.fingerprint, other.fingerprint}) == 3
    assert (
        one.take(0, 2).fingerprint == quorate.Bars.from_frame(one.take(0, 2).to_frame(), categories=["x"]).fingerprint
    )
    assert one.select(["B"]).categories["x"].levels == ("b", "c")


def test_a_home_keeps_them(tmp_path):
    bars = quorate.Bars.from_frame(frame(x=[None, "a", "é, \n", "b", "b", "a"], y=1), categories=["y", "x"])
    home = Home(tmp_path)
    home.keep_bars(bars)
    again = home.bars(bars.fingerprint)
    assert {name: texts(again, name) for name in ("x", "y")} == {name: texts(bars, name) for name in ("x", "y")}


@pytest.mark.parametrize(
    ("columns", "names", "message"),
    [
        ({"exchange": "N"}, ["exchang"], "no column 'exchang' .* did you mean 'exchange'"),
        ({}, ["x"], "no column 'x' to read as a category$"),
        ({}, ["symbol"], "cannot be called 'symbol'"),
        ({'a"b': "N"}, ['a"b'], "cannot be called"),
        ({"x": [0.5] * 6}, ["x"], "'x' must be text or whole numbers; it has 0.5"),
        ({"x": "N"}, "x", r"must be a list of columns; for this one write \['x'\]"),
    ],
)
def test_what_is_no_category_is_named(columns, names, message):
    with pytest.raises(quorate.DataError, match=message):
        quorate.Bars.from_frame(frame(**columns), categories=names)


def test_a_value_of_the_environment_is_no_category(monkeypatch, tmp_path):
    monkeypatch.setenv("QT_TOKEN", "NASDAQ_by_night")
    text = "Date,Open,High,Low,Close,NASDAQ_by_night\n2020-01-02,10,12,9,11,N\n2020-01-03,11,13,10,12,N\n"
    (tmp_path / "a.csv").write_text(text)
    data = {"source": "csv", "path": str(tmp_path / "a.csv"), "categories": ["${QT_TOKEN}"]}
    with pytest.raises(quorate.DataError, match="a category, or a text of it, comes from the environment") as caught:
        load_bars(open_session({"data": data, "models": {"logistic": {}}}, home=tmp_path))
    assert "night" not in str(caught.value)

"""Records as a benchmark or factors: their order, unit and doubles, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quorate.bars.reference_records import reference_of
from quorate.errors import DataError

ZONE = "America/New_York"
N = 300


def frame(days=N, scale=100.0, seed=0, **values):
    """Return records as the readers of files give them: a date is the end of its day."""
    ends = (pd.bdate_range("2020-01-02", periods=days) + pd.Timedelta(days=1)).tz_localize(ZONE)
    rng = np.random.default_rng(seed)
    table = {"Mkt-RF": rng.normal(0.05, 1, days), "SMB": rng.normal(0, 0.5, days), "RF": np.full(days, 0.01)}
    columns = {name: column * scale / 100 for name, column in table.items()} | values
    return pd.DataFrame({"time": ends.tz_convert("UTC"), **columns, "symbol": ""})


def factors(*frames, percent=True):
    return reference_of(frames, "factors", ZONE, "factors", percent=percent)


def test_percent_is_read_as_fractions_and_a_date_is_its_day():
    given = frame()
    found, told = factors(given)
    assert found.names == ("mkt_rf", "smb")
    assert found.rate == "rf"
    assert found.dates
    assert not told
    assert str(found.stamps[0]) == "2020-01-02T00:00:00.000000"
    np.testing.assert_allclose(found.values["smb"], given["SMB"] / 100)
    same, _ = factors(frame(scale=1.0), percent=False)
    np.testing.assert_allclose(same.values["mkt_rf"], found.values["mkt_rf"])


def test_order_and_rows_that_stand_twice_change_nothing():
    given = frame()
    shuffled = pd.concat([given, given.iloc[:20]]).sample(frac=1, random_state=1)
    assert factors(shuffled)[0].sha256 == factors(given)[0].sha256


def test_what_french_writes_for_missing_is_not_known():
    given = frame()
    given.loc[5, "SMB"], given.loc[9, "Mkt-RF"], given.loc[11, "SMB"] = -99.99, -999, np.nan
    found, _ = factors(given)
    assert np.flatnonzero(np.isnan(found.values["smb"])).tolist() == [5, 11]
    assert np.flatnonzero(np.isnan(found.values["mkt_rf"])).tolist() == [9]


def test_files_are_joined_by_the_date():
    late = frame(seed=5).rename(columns={"SMB": "Mom"})[["time", "Mom"]].iloc[1:]
    found, _ = factors(frame(), late)
    assert found.names == ("mkt_rf", "smb", "mom")
    assert len(found) == N
    assert np.isnan(found.values["mom"][0])
    assert np.isfinite(found.values["mom"][1:]).all()


@pytest.mark.parametrize(
    "frames, percent, told",
    [
        ([frame(scale=10)], False, r"'mkt_rf' cannot be returns as fractions: their standard deviation is 0.1"),
        ([frame()], False, r"a return must be above -1, that is -100 %; are they in percent \(percent = true\)"),
        ([frame(X=np.arange(N) + 1000.0)], False, "percent = true"),
        ([frame(X=np.full(N, 0.5))], True, "the factor 'x' does not vary"),
        ([frame().assign(X=lambda t: t["SMB"] - 2 * t["Mkt-RF"])], True, "the factor 'x' is made of mkt_rf, smb"),
        ([pd.concat([frame(), frame().iloc[[7]].assign(SMB=1.0)])], True, "of 301 records 1 have the time of another"),
        ([frame(), frame()], True, "'mkt_rf' is in two files"),
        ([frame(), frame().iloc[::5].rename(columns={"SMB": "Mom"})[["time", "Mom"]]], True, "1 and 7 days apart"),
        ([frame()[["time", "RF"]]], True, "it has the return of cash, rf, and no factor"),
        ([frame().iloc[:1]], True, "it has 1 record, and at least 2 are needed"),
        ([frame(X=["a"] * N)], True, "the value 'x' must be numbers"),
        ([frame().assign(symbol=["A", "B"] * (N // 2))], True, "it is of several symbols, A, B"),
    ],
    ids=range(12),
)
def test_what_cannot_be_is_refused_by_its_name(frames, percent, told):
    with pytest.raises(DataError, match=told):
        factors(*frames, percent=percent)


def test_months_as_their_first_day_are_refused_and_as_their_last_are_read():
    firsts, lasts = (
        (pd.date_range("2015-01-01", periods=60, freq=freq) + pd.Timedelta(days=1)).tz_localize(ZONE)
        for freq in ("MS", "ME")
    )
    value = np.random.default_rng(0).normal(0, 4, 60)
    with pytest.raises(
        DataError, match=r"every return is of the first day of a month, 2015-01-01.*write months as 2015"
    ):
        factors(pd.DataFrame({"time": firsts.tz_convert("UTC"), "smb": value}))
    found, _ = factors(pd.DataFrame({"time": lasts.tz_convert("UTC"), "smb": value}))
    assert str(found.stamps[1])[:10] == "2015-02-28"


def test_a_factor_that_hardly_moves_is_doubted():
    _, told = factors(frame(scale=0.5))
    assert [line.partition(" hardly")[0] for line in told] == ["'mkt_rf'", "'smb'"]
    assert not factors(frame(scale=50))[1]


def test_a_benchmark_is_a_price_or_returns_of_one_symbol():
    price = 100 * np.cumprod(1 + frame()["Mkt-RF"] / 100)
    two = pd.concat([frame()[["time"]].assign(close=price * k, symbol=name) for k, name in ((1, "A"), (2, "B"))])
    found, _ = reference_of([two], "B", ZONE, "prices", symbol="B")
    np.testing.assert_allclose(found.values["close"], 2 * price)
    with pytest.raises(DataError, match=r"benchmark\.symbol: it has no 'C'; it has A, B"):
        reference_of([two], "C", ZONE, "prices", symbol="C")
    with pytest.raises(DataError, match=r"prices must be above 0; for returns, say benchmark\.returns = true"):
        reference_of([frame()[["time", "SMB"]]], "x", ZONE, "prices")
    cash, _ = reference_of([frame()[["time", "RF"]]], "x", ZONE, "returns", percent=True)
    assert cash.names == ("rf",)
    assert not cash.rate

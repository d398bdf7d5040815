"""Data folders of LEAN, written as its tools write them."""

import zipfile

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate_data.lean import lean, lean_actions
from support.bar_files import DAYS, FIELDS, quiet, walk

MINUTES = pd.date_range("2013-10-07 09:30", periods=390, freq="min")


def pack(folder, path, lines, name="inside.csv"):
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, "\n".join(lines) + "\n")


def daily(frame, days=DAYS, scale=10_000, form="%Y%m%d %H:%M"):
    prices = (frame[FIELDS[:4]] * scale).round(6 if scale == 1 else 0)
    return [
        ",".join([f"{day:{form}}", *(f"{price:.10g}" for price in row), f"{volume:.0f}"])
        for day, row, volume in zip(days, prices.to_numpy(), frame["volume"], strict=True)
    ]


def quotes(frame, days):
    both = [[*(row - 0.5), 3, *(row + 0.5), 4] for row in frame[FIELDS[:4]].to_numpy()]
    return [",".join([f"{day:%Y%m%d %H:%M}", *map(str, row)]) for day, row in zip(days, both, strict=True)]


@pytest.fixture
def data(tmp_path):
    """Return a folder with SPY, and META, which was FB once; AOL was delisted."""
    for name, seed in (("spy", 0), ("aol", 1)):
        pack(tmp_path, f"equity/usa/daily/{name}.zip", daily(walk(seed=seed)))
    whole = daily(walk(seed=2))
    pack(tmp_path, "equity/usa/daily/fb.zip", whole[:300])
    pack(tmp_path, "equity/usa/daily/meta.zip", daily(walk(seed=3))[:100] + whole[300:])  # another's, before
    files = tmp_path / "equity" / "usa" / "map_files"
    files.mkdir()
    (files / "meta.csv").write_text(f"20180102,fb,Q\n{DAYS[299]:%Y%m%d},fb,Q\n20501231,meta,Q\n")
    (files / "aol.csv").write_text(f"{DAYS[10]:%Y%m%d},aol,N\n{DAYS[199]:%Y%m%d},aol,N\n")
    (files / "spy.csv").write_text("19980102,spy,P\n20501231,spy,P\n")
    return tmp_path


def test_a_renamed_company_is_one_history_and_a_delisted_one_ends(data):
    bars = quiet(lambda: lean(str(data)))
    assert bars.symbols == ("AOL", "META", "SPY")
    for place, (seed, part) in enumerate(((1, slice(10, 200)), (2, slice(None)), (0, slice(None)))):
        for name in FIELDS:
            expected = np.full(400, np.nan)
            expected[part] = walk(seed=seed)[name].to_numpy()[part]
            found = getattr(bars, name)[:, place]
            np.testing.assert_array_equal(found[part], expected[part], err_msg=name)
        assert np.isfinite(bars.close[:, place]).sum() == len(walk()[part])
    assert (bars.sessions == DAYS.to_numpy().astype("datetime64[D]")).all()
    assert bars.times[0] == np.datetime64("2018-01-02T21:00")


def test_symbols_are_chosen_by_what_they_are_called_now(data):
    assert lean(str(data), symbols=["spy"]).symbols == ("SPY",)
    with pytest.raises(quorate.DataError, match=r'FB is called META now.*data\.symbols = \["META"\]'):
        lean(str(data), symbols=["FB"])
    with pytest.raises(quorate.DataError, match=r"no bars of the symbol 'SPI'; did you mean 'spy'"):
        lean(str(data), symbols=["SPI"])
    (data / "equity" / "usa" / "daily" / "fb.zip").unlink()
    with pytest.warns(
        quorate.DataWarning, match=f"no bars of META under FB, as it was called until {DAYS[299]:%Y-%m-%d}"
    ):
        assert np.isfinite(lean(str(data), symbols=["META"]).close).sum() == 100


def test_splits_and_dividends_are_told_by_ex_date_in_prices_of_that_day(data):
    folder = data / "equity" / "usa" / "factor_files"
    folder.mkdir()
    before = [f"{DAYS[i]:%Y%m%d}" for i in (0, 99, 199, 299)]
    rows = ["0.9702,0.25,1", "0.9702,0.25,50.0", "0.98,0.25,200", "0.98,1,400.0"]
    (folder / "spy.csv").write_text(
        "".join(f"{d},{r}\n" for d, r in zip(before, rows, strict=True)) + "20501231,1,1,0\n"
    )
    actions = lean_actions(str(data))
    assert actions.columns.tolist() == ["symbol", "session", "kind", "value"]
    assert actions["session"].dtype.kind == "M"
    assert actions["symbol"].unique().tolist() == ["SPY"]
    assert actions["session"].tolist() == [DAYS[100], DAYS[200], DAYS[300]]
    assert actions["kind"].tolist() == ["dividend", "split", "dividend"]
    np.testing.assert_allclose(actions["value"], [50 * 0.01, 4, 400 * 0.02])
    (folder / "spy.csv").write_text("20180102,1,x,2\n20501231,1,1,0\n")
    with pytest.raises(quorate.DataError, match=r"spy\.csv, line 1: a factor must be a number; it was 'x'"):
        lean_actions(str(data))


@pytest.mark.parametrize("since", [None, "2013-10-08"])
def test_minutes_are_a_file_per_day_and_known_when_they_are_over(tmp_path, since):
    clock = [(t - t.normalize()) // pd.Timedelta("1ms") for t in MINUTES]
    for day in ("20131007", "20131008"):
        rows = [line.partition(",")[2] for line in daily(walk(390), MINUTES)]
        pack(
            tmp_path,
            f"equity/usa/minute/spy/{day}_trade.zip",
            [f"{ms},{row}" for ms, row in zip(clock, rows, strict=True)],
        )
        pack(tmp_path, f"equity/usa/minute/spy/{day}_quote.zip", ["1,2,3,4,5,6,7,8,9,10,11"])
    bars = quiet(lambda: lean(str(tmp_path), resolution="minute", since=since))
    assert len(bars) == (390 if since else 780)
    np.testing.assert_array_equal(bars.close[-390:, 0], walk(390)["close"])
    last = (MINUTES + pd.Timedelta("1D 1min")).tz_localize("America/New_York").tz_convert("UTC").tz_localize(None)
    assert (bars.times[-390:] == last.to_numpy()).all()


def test_hours_of_equities_are_those_of_new_york(tmp_path):
    hours = [t for day in DAYS[:57] for t in pd.date_range(f"{day:%Y-%m-%d} 09:00", periods=7, freq="h")]
    pack(tmp_path, "equity/usa/hour/spy.zip", daily(walk(399), hours))
    bars = quiet(lambda: lean(str(tmp_path), resolution="hour"))
    assert bars.times[0] == np.datetime64("2018-01-02T15:00")
    np.testing.assert_array_equal(bars.open[:, 0], walk(399)["open"])


def test_crypto_has_prices_as_they_are_and_forex_those_between_bid_and_ask(tmp_path):
    hours = pd.date_range("2018-04-04", periods=400, freq="h")
    pack(tmp_path, "crypto/coinbase/hour/btcusd_trade.zip", daily(walk(), hours, scale=1))
    pack(tmp_path, "crypto/coinbase/hour/btcusd_quote.zip", quotes(walk(seed=5), hours))
    pack(tmp_path, "forex/oanda/daily/eurusd.zip", quotes(walk(), DAYS))
    coins = quiet(lambda: lean(str(tmp_path), kind="crypto", resolution="hour"))
    assert (coins.times == (hours + pd.Timedelta("1h")).to_numpy()).all()
    np.testing.assert_array_equal(coins.volume[:, 0], walk()["volume"])
    rates = quiet(lambda: lean(str(tmp_path), kind="forex"))
    assert not rates.has_volume
    assert rates.symbols == ("EURUSD",)
    for bars in (coins, rates):
        for name in FIELDS[:4]:
            np.testing.assert_allclose(getattr(bars, name)[:, 0], walk()[name], rtol=1e-12)


@pytest.mark.parametrize(
    "path, lines, message",
    [
        ("daily/x.zip", ["20180102 00:00,1,2,1,dear,5"], r"x\.zip, line 1: close must be a number; it was 'dear'"),
        ("daily/x.zip", ["2018-01-02,1,2,1,2,5"], r"x\.zip, line 1: a time stamp must be YYYYMMDD HH:mm"),
        ("daily/x.zip", ["20180102 00:00,1,2"], r"6 columns \(trades\) or 11 \(quotes\), not 3; ticks are not read"),
        (
            "daily/x.zip",
            ["20180102 00:00,20000,10000,10000,20000,5"],
            "high must not be below the low|must lie between",
        ),
        ("dayly/x.zip", ["20180102 00:00,1,2,1,2,5"], r"no such folder \(data\.resolution\).*did you mean 'dayly'"),
    ],
)
def test_what_is_wrong_with_a_folder_is_told(tmp_path, path, lines, message):
    pack(tmp_path, f"equity/usa/{path}", lines)
    with pytest.raises(quorate.DataError, match=message):
        lean(str(tmp_path))


def test_a_market_is_asked_for_and_files_that_are_no_zip_are_told(tmp_path):
    for market in ("usa", "india"):
        pack(tmp_path, f"equity/{market}/daily/x.zip", daily(walk()))
    with pytest.raises(quorate.DataError, match=r"data\.market: 'india', 'usa'"):
        lean(str(tmp_path))
    (tmp_path / "equity/usa/daily/x.zip").write_bytes(b"PK no")
    with pytest.raises(quorate.DataError, match=r"x\.zip: not a readable zip file"):
        lean(str(tmp_path), market="usa")
    files = tmp_path / "equity" / "india" / "map_files"
    files.mkdir()
    (files / "x.csv").write_text("20000103,x\n20000104,x\n")  # delisted before the first bar
    with pytest.raises(quorate.DataError, match="no bars of what was asked for"):
        lean(str(tmp_path), market="india")

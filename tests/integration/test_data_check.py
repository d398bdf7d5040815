"""`quorate data check`, what a run says of its bars, and the audit of a panel."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate_data.simulated import simulated
from support import homes
from support.command import call, message_of


@pytest.fixture
def file(tmp_path):
    """A year and more of bars, as a function of what is wrong with them."""

    def file(edit=None, name="ABC.csv", **more):
        bars = simulated(n_bars=520, signal=0.4, **more).to_frame()
        bars["time"] = bars["time"].dt.strftime("%Y-%m-%d")
        bars = bars.drop(columns="symbol") if bars["symbol"].nunique() == 1 else bars
        if edit:
            edit(bars)
        bars.to_csv(tmp_path / name, index=False)
        return tmp_path / name

    return file


def split(bars):
    bars.loc[300:, ["open", "high", "low", "close"]] /= 20


def test_sound_bars_exit_0_and_doubtful_ones_1_with_a_line_each(file):
    sound = call("data", "check", file())
    assert (sound.exit_code, sound.stderr) == (0, "")
    assert "520 x 1d" in sound.stdout
    assert "nothing to ask" in sound.stdout
    wrong = call("data", "check", file(split), "--json")
    assert wrong.exit_code == 1
    [line] = json.loads(wrong.stdout)["doubts"]
    assert "at 1/20 of the close before" in line


def test_options_of_the_source_are_set_and_a_wrong_one_is_named(file):
    result = call("data", "check", file(), "--set", "calendar=24x7", "--json")
    assert json.loads(result.stdout)["calendar"] == "24x7"
    assert "has no option 'calender'" in message_of(call("data", "check", file(), "--set", "calender=24x7"), 2)
    assert "there is no such file or folder" in message_of(call("data", "check", "absent.csv"), 1)


def test_what_reads_a_file_follows_from_its_name_or_is_given(file, tmp_path):
    frame = pd.read_csv(file())
    frame.to_feather(tmp_path / "ABC.feather")
    (tmp_path / "ABC.saved").write_bytes((tmp_path / "ABC.feather").read_bytes())
    told = [json.loads(call("data", "check", path, "--json").stdout) for path in (file(), tmp_path / "ABC.feather")]
    told.append(json.loads(call("data", "check", tmp_path / "ABC.saved", "--set", "source=arrow", "--json").stdout))
    assert told[0] == told[1] == told[2]
    asked = message_of(call("data", "check", tmp_path / "ABC.saved"), 1)
    assert "an Arrow or Feather file, which the source 'arrow' reads" in asked
    assert "no recipe but a file of bars" in message_of(call("run", tmp_path / "ABC.feather"), 2)


def test_a_run_says_what_it_doubts_on_stderr_and_in_its_report_or_refuses(file, tiny, tmp_path):
    data = {"source": "csv", "path": file(split)}
    report = quorate.run({**tiny, "data": data})
    assert any("at 1/20 of the close before" in line for line in report.results["development"]["warnings"])
    with pytest.raises(quorate.DataError, match=r'data\.quality is "refuse".*\n.*at 1/20 of the close before'):
        quorate.run({**tiny, "data": {**data, "quality": "refuse"}})
    assert quorate.run({**tiny, "data": {**data, "path": file(name="OTHER.csv"), "quality": "refuse"}}).verdict


def test_volume_of_zero_is_none_and_adjusting_keeps_what_was_traded(file, tiny):
    with pytest.warns(quorate.DataWarning, match="volume is zero on every bar: taken as none"):
        assert not csv(file(lambda bars: bars.__setitem__("volume", 0))).has_volume

    def adjust(bars):
        bars["Adj Close"] = np.where(bars.index < 300, bars["close"] / 7, bars["close"])

    adjusted, raw = csv(file(adjust), adjusted=True), csv(file())
    np.testing.assert_allclose(adjusted.close * adjusted.volume, raw.close * raw.volume)
    with pytest.warns(quorate.DataWarning, match=r"differ from the closes, by up to 86%, and are not used"):
        csv(file(adjust))


def csv(path, **options):
    from quorate_data.files import csv as read

    return read(str(path), **options)


def test_a_split_column_is_told_where_prices_do_not_know_of_it(file):
    def told(bars):
        split(bars)
        bars["Stock Splits"] = np.where(bars.index == 300, 20.0, 0.0)

    with pytest.warns(quorate.DataWarning, match=r"line 302: the file tells of a split 20:1"):
        csv(file(told))
    known = csv(file(lambda bars: bars.__setitem__("Stock Splits", np.where(bars.index == 300, 20.0, 0.0))))
    assert len(known) == 520


def test_what_a_long_file_tells_of_splits_is_looked_at_by_symbol(tmp_path):
    days = pd.date_range("2020-01-01", periods=60).strftime("%Y-%m-%d")
    prices = {"A": 100.0, "B": 5.0}
    frames = [
        pd.DataFrame({"Date": days, "symbol": name, **dict.fromkeys(["Open", "High", "Low", "Close"], price)})
        for name, price in prices.items()
    ]
    whole = pd.concat(frames, ignore_index=True)
    whole["Stock Splits"] = np.where(whole.index == 60, 20.0, 0.0)  # on the first bar of B, where A's price came before
    whole.to_csv(tmp_path / "all.csv", index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error", quorate.DataWarning)
        assert csv(tmp_path / "all.csv", calendar="24x7").symbols == ("A", "B")
        assert csv(tmp_path / "all.csv", calendar="24x7", symbols=["B"]).symbols == ("B",)


def test_a_prediction_says_that_its_bars_are_older_or_of_another_name(file, tiny, tmp_path):
    run = quorate.run({**tiny, "data": {"source": "csv", "path": file()}}).run_id
    (tmp_path / "older").mkdir()
    older = pd.read_csv(file())[:480]
    older.to_csv(tmp_path / "older" / "ABC.csv", index=False)
    older.to_csv(tmp_path / "OTHER.csv", index=False)
    assert quorate.predict(run, data=file()).warnings == []
    [line] = quorate.predict(run, data=tmp_path / "older" / "ABC.csv").warnings
    assert line.startswith("the bars end on 2001-11-02, those of the run on 2001-12-28")
    with pytest.raises(
        quorate.DataError, match=r"\(OTHER, .*\(ABC, .*other symbols; .*call the file ABC, .*data\.symbol"
    ):
        quorate.predict(run, data=tmp_path / "OTHER.csv")


def test_a_panel_in_which_one_symbol_knows_another_is_an_alarm(tmp_path):
    first = simulated(n_bars=520, signal=0.4).to_frame()
    second = first.assign(symbol="EARLY")
    second["time"] = second["time"].shift(1)
    panel = pd.concat([first, second.dropna()])

    @quorate.hookimpl
    def quorate_sources():
        yield quorate.SourceSpec("two", lambda: quorate.Bars.from_frame(panel))

    class Two:
        pass

    Two.quorate_sources = staticmethod(quorate_sources)
    found = quorate.audit({**homes.recipe("tiny"), "data": {"source": "two"}}, plugins=[Two], home=tmp_path, draws=5)
    [finding] = [f for f in found.findings if f.detector == "between symbols"]
    assert finding.state == "alarm"
    assert "the returns of EARLY agree with those of SIM" in finding.detail

"""What the rules find in bars: each planted defect by symbol, date and size, and nothing in sound bars."""

import numpy as np
import pandas as pd
import pytest

from quorate.bars.findings import by_symbol, find
from quorate.bars.panel import FIELDS, PRICES, Bars
from quorate.bars.quarantine import set_apart
from quorate.bars.reading import setting_apart
from quorate.bars.rules import RULES
from quorate.bars.unusual import deviations, moves, volume_deviations
from quorate.bars.us_equity import holidays as us_holidays

DAYS = pd.bdate_range("2010-01-04", "2012-06-29")
DAYS = DAYS[~np.isin(DAYS.to_numpy().astype("datetime64[D]"), us_holidays())]
N, AT = len(DAYS), 400


def walk(seed, n=N, draw=np.random.Generator.standard_normal):
    """A symbol's bars, a row each."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(0.01 * draw(rng, size=n)))
    open_ = np.append(100, close[:-1]) * np.exp(0.003 * rng.standard_normal(n))
    spread = np.exp(0.003 * np.abs(rng.standard_normal((2, n))))
    return pd.DataFrame(
        {
            "open": open_,
            "high": np.maximum(open_, close) * spread[0],
            "low": np.minimum(open_, close) / spread[1],
            "close": close,
            "volume": np.rint(1e6 * np.exp(0.3 * rng.standard_normal(n))),
        }
    )


def bars(*edited, days=DAYS, calendar="us-equity", closes=21):
    """A panel of A, B, ..., each as it was edited."""
    frames = [one.assign(symbol="ABCDEFGH"[k], time=pd.DatetimeIndex(days[: len(one)]) + pd.Timedelta(hours=closes))
              for k, one in enumerate(edited)]  # fmt: skip
    whole = pd.concat(frames)
    return Bars.from_frame(whole.assign(time=whole["time"].dt.tz_localize("UTC")), calendar)


def pair(edit):
    """Two walks, of which the second has a defect."""
    first, second = walk(1), walk(2)
    return bars(first, edit(second))


def scaled(frame, at, names, by):
    frame = frame.copy()
    frame.loc[at, list(names)] *= by
    return frame


def one_price(frame, at, volume=True):
    frame = frame.copy()
    frame.loc[at:, PRICES] *= frame["close"][at - 1] / frame["close"][at]
    frame.loc[at : at + 14, "close"] = frame["close"][at - 1]
    frame["high"], frame["low"] = frame[[*PRICES]].max(axis=1), frame[[*PRICES]].min(axis=1)
    return frame


PLANTED = {
    "spikes": (lambda f: scaled(f, AT, PRICES, 1.3), 1, AT, "B closes at", "+2"),
    "outliers": (lambda f: scaled(f, slice(AT, N), PRICES, 0.7), 1, AT, "B moves -", "times as far as usual"),
    "stale": (lambda f: one_price(f, AT), 7, AT + 8, "on 16 bars in a row", "the last on"),
    "volume-spikes": (lambda f: scaled(f, AT, ["volume"], 100), 1, AT, "B has a volume of", "times the usual"),
    "zero-volume": (lambda f: scaled(f, [AT, AT + 50], ["volume"], 0), 2, AT, "no volume on 2 of", ""),
}


@pytest.mark.parametrize("rule", PLANTED)
def test_a_planted_defect_is_named_with_its_symbol_and_date_and_nothing_else_is(rule):
    edit, number, at, *words = PLANTED[rule]
    [found] = find(pair(edit))
    assert (found.rule, found.symbol, found.bars) == (rule, "B", number)
    assert found.first == str(DAYS[at].date())
    for word in words:
        assert word in found.told


def test_a_high_that_no_close_knows_of_is_an_outlier_with_its_value():
    planted = walk(2)
    planted.loc[AT, "high"] = planted["close"][AT] * 1.4
    [found] = find(bars(walk(1), planted))
    assert found.rule == "outliers"
    assert f"has a high of {planted['high'][AT]:g} on {DAYS[AT]:%Y-%m-%d}" in found.told


def test_what_one_rule_explains_another_does_not_tell_again():
    [split] = find(pair(lambda f: scaled(f, slice(AT, N), PRICES, 0.1)))
    assert (split.rule, split.worst) == ("splits", pytest.approx(10.0))
    still = walk(2)
    still.loc[AT:, PRICES] = still["close"][AT - 1]
    still.loc[AT:, "volume"] = 0
    assert {one.rule for one in find(bars(walk(1), still))} == {"untraded", "zero-volume"}


def test_sessions_that_others_or_the_market_have_are_missing():
    lost = walk(2).drop([AT, AT + 30])
    frames = [walk(1).assign(symbol="A", day=DAYS), lost.assign(symbol="B", day=DAYS[lost.index])]
    whole = pd.concat(frames)
    whole["time"] = (whole.pop("day") + pd.Timedelta(hours=21)).dt.tz_localize("UTC")
    [found] = find(Bars.from_frame(whole))
    assert (found.rule, found.symbol, found.bars, found.first) == (
        "missing-sessions", "B", 2, str(DAYS[AT].date())
    )  # fmt: skip
    [alone] = find(Bars.from_frame(whole[whole["symbol"] == "B"]))
    assert (alone.symbol, alone.bars) == ("B", 2)
    # Where nobody knows the market's days, one symbol alone lacks none.
    assert find(Bars.from_frame(whole[whole["symbol"] == "B"], "weekdays")) == []


def test_days_on_which_us_exchanges_did_not_open_are_not_missing():
    days = pd.bdate_range("2022-01-03", "2025-12-31")
    closed = pd.DatetimeIndex(["2022-06-20", "2023-06-19", "2024-06-19", "2025-01-09", "2025-06-19"])
    off = np.append(us_holidays(), closed.to_numpy().astype("datetime64[D]"))
    days = days[~np.isin(days.to_numpy().astype("datetime64[D]"), off)]
    assert find(bars(walk(3, len(days)), days=days)) == []


def test_two_symbols_that_are_one_thing_are_told_whatever_the_unit():
    first = walk(1)
    same = first.assign(**{name: first[name] * 7.3 for name in PRICES})
    found = find(bars(first, walk(2), same))
    assert [(one.rule, one.symbol) for one in found] == [("look-alikes", "A"), ("look-alikes", "C")]
    assert "100% of them equal: is it the same thing twice?" in found[0].told
    near = first.copy()
    near["close"] *= np.exp(0.0003 * np.random.default_rng(5).standard_normal(N))  # as two funds of one index
    near["high"], near["low"] = near[[*PRICES]].max(axis=1), near[[*PRICES]].min(axis=1)
    assert find(bars(first, near)) == []


@pytest.mark.parametrize("scale", [1.0, 4.2])
def test_a_symbol_that_was_filled_with_another_for_a_while_is_told_with_the_dates(scale):
    first, other = walk(1), walk(2)
    part = slice(AT, AT + 120)
    for name in PRICES:
        other.iloc[part, other.columns.get_loc(name)] = first[name].iloc[part].to_numpy() * scale
    [one, two] = [one for one in find(bars(first, other, walk(3))) if one.rule == "look-alikes"]
    assert (one.symbol, two.symbol, one.bars) == ("A", "B", 119)
    assert (one.first, one.worst) == (str(DAYS[AT + 1].date()), pytest.approx(1.0))
    assert f"from {DAYS[AT + 1].date()} to {DAYS[AT + 119].date()}: the correlation" in one.told
    assert "over 119 bars, 100% of them equal, and -" in one.told or "equal, and 0." in one.told
    assert "was one filled with the other?" in one.told


def test_two_that_fall_together_once_or_hardly_move_are_not_one_thing():
    rng = np.random.default_rng(11)
    quiet = np.where(rng.random((2, N)) < 0.05, 0.01 * rng.standard_normal((2, N)), 0.0)
    quiet[:, [AT, AT + 200]] = -0.4, -3.0
    frames = []
    for row in quiet:
        close = 1000 * np.exp(np.cumsum(row))
        frames.append(walk(1).assign(**dict.fromkeys(PRICES, close)))
    assert [one for one in find(bars(*frames)) if one.rule == "look-alikes"] == []


def test_a_symbol_has_a_line_and_the_worst_comes_first():
    quiet = scaled(walk(1), [AT, AT + 50], ["volume"], 0)
    spiked = scaled(walk(2), AT, PRICES, 1.3)
    rows = by_symbol(find(bars(quiet, spiked, walk(3))))
    assert [(row["symbol"], row["rules"]) for row in rows] == [("B", {"spikes": 1}), ("A", {"zero-volume": 2})]


def test_a_limit_is_where_a_rule_begins_and_a_rule_that_is_off_finds_nothing():
    panel = pair(PLANTED["outliers"][0])
    assert find(panel, {"outliers": 200.0}) == []
    assert find(panel, off=["outliers"]) == []


@pytest.mark.parametrize("draw", ["standard_normal", "standard_t"])
def test_sound_bars_draw_no_alarm(draw):
    def five(rng, size):
        return rng.standard_normal(size) if draw == "standard_normal" else rng.standard_t(5, size) / np.sqrt(5 / 3)

    found = [one for seed in range(2) for one in find(bars(*(walk(100 * seed + k, draw=five) for k in range(8))))]
    assert found == []


# --- what is known when a bar closes


def test_no_later_bar_says_which_one_is_unusual():
    frame = scaled(walk(4), [100, 300, 301], PRICES, 1.5)
    days = DAYS.to_numpy().astype("datetime64[D]")

    def measured(n):
        part = frame[:n]
        moved = moves(part["close"].to_numpy(), days[:n], False)
        far = deviations(moved, part["high"].to_numpy(), part["low"].to_numpy())
        return far, volume_deviations(part["volume"].to_numpy())[0]

    whole = measured(N)
    for n in (59, 61, 99, 101, 302, 450):
        for before, after in zip(measured(n), (one[:n] for one in whole), strict=True):
            np.testing.assert_array_equal(before, after)


APART = {name: rule.limit or 0.0 for name, rule in RULES.items() if rule.apart and not rule.reading}


def test_what_is_set_apart_does_not_change_by_what_comes_later():
    panel = bars(*(PLANTED[rule][0](walk(10 + k)) for k, rule in enumerate(PLANTED)))
    _, apart = set_apart(panel, APART)
    assert {*apart["rule"]} >= {"outliers", "stale", "volume-spikes", "zero-volume"}
    for stop in (AT + 1, AT + 9, AT + 51):
        _, known = set_apart(panel.until(stop), APART)
        until = pd.Timestamp(panel.times[stop - 1], tz="UTC")
        pd.testing.assert_frame_equal(known, apart[apart["time"] <= until].reset_index(drop=True))


def test_the_panel_is_what_remains_and_every_bar_is_somewhere():
    panel = pair(PLANTED["outliers"][0])
    left, apart = set_apart(panel, {"outliers": 15.0})
    [row] = apart.to_dict("records")
    assert (row["symbol"], f"{row['session']:%Y-%m-%d}", row["rule"]) == ("B", str(DAYS[AT].date()), "outliers")
    assert row["close"] == panel.close[AT, 1]
    assert np.isnan(left.close[AT, 1])
    kept = np.isfinite(left.close)
    assert kept.sum() == panel.present.sum() - 1
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(left, name)[kept], getattr(panel, name)[kept])


def test_rows_that_no_panel_holds_are_set_apart_with_the_reason():
    frame = walk(1).assign(symbol="A", time=(DAYS + pd.Timedelta(hours=21)).tz_localize("UTC"))
    frame.loc[10, "low"] = -1.0
    frame.loc[20, "high"] = frame["low"][20] / 2
    frame.loc[30, "volume"] = -5
    frame.loc[40, "close"] = np.nan
    again, otherwise = frame.loc[[50]], frame.loc[[60]].assign(close=frame["open"][60])
    whole = pd.concat([frame, again, otherwise]).sort_values("time", kind="stable", ignore_index=True)
    with setting_apart(["bad-prices", "ohlc-order", "bad-volume", "duplicates"]) as reading:
        panel = Bars.from_frame(whole)
    apart = pd.concat(reading.frames)
    told = dict(zip(apart["rule"] + " " + (apart["time"].dt.strftime("%Y-%m-%d")), apart["reason"], strict=True))
    assert told == {
        f"bad-prices {DAYS[10]:%Y-%m-%d}": "low of -1",
        f"bad-prices {DAYS[40]:%Y-%m-%d}": "close is missing",
        f"ohlc-order {DAYS[20]:%Y-%m-%d}": told[f"ohlc-order {DAYS[20]:%Y-%m-%d}"],
        f"bad-volume {DAYS[30]:%Y-%m-%d}": "volume of -5",
        f"duplicates {DAYS[50]:%Y-%m-%d}": "the same bar again",
        f"duplicates {DAYS[60]:%Y-%m-%d}": "another bar at this time is otherwise",
    }
    assert "above the high" in told[f"ohlc-order {DAYS[20]:%Y-%m-%d}"]
    assert len(panel) == N - 5  # of the bar that stands twice as it is, one stays
    assert DAYS[50].to_numpy().astype("datetime64[D]") in panel.sessions


def test_bars_on_holidays_are_set_apart_where_those_before_were_kept():
    off = pd.DatetimeIndex(us_holidays())
    some = off[off.slice_indexer("2010-02-01", "2012-06-29")]
    days = DAYS.append(some[9:10]).sort_values()
    _, apart = set_apart(bars(walk(1, len(days)), days=days), {"extra-sessions": 0.0})
    assert [f"{day:%Y-%m-%d}" for day in apart["session"]] == [f"{some[9]:%Y-%m-%d}"]
    # Who trades on all of them is another market.
    every = DAYS.append(some).sort_values()
    left, apart = set_apart(bars(walk(1, len(every)), days=every), {"extra-sessions": 0.0})
    assert (len(left), len(apart)) == (len(every), 0)

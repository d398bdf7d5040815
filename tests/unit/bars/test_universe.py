"""Who belongs to a universe when, what becomes of those that are delisted, and companies that change their names."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.bars.changes import agreed, with_delistings
from quorate.bars.panel import Bars
from quorate.bars.renames import name_on, read_renames, renamed, renamed_spells
from quorate.bars.resample import resample
from quorate.bars.universe import Universe, ended, in_universe, read_spells, survivors_only
from quorate.errors import DataError, DataWarning
from quorate.store import Home
from quorate.store.tables import read_table

DAYS = pd.bdate_range("2020-01-06", periods=20)


def panel(**closes):
    """Bars of symbols whose closes are given from the first day on, None where there is no bar."""
    times = pd.DatetimeIndex(quorate.get_calendar("us-equity").close_times(DAYS.to_numpy())).tz_localize("UTC")
    rows = [(name, times[k], price) for name, prices in closes.items() for k, price in enumerate(prices) if price]
    frame = pd.DataFrame(rows, columns=["symbol", "time", "close"]).sort_values(["symbol", "time"])
    return Bars.from_frame(frame.assign(**dict.fromkeys(["open", "high", "low"], frame["close"])))


def day(k):
    return DAYS[k].date()


def spells(*rows):
    return read_spells((f"row {n}", row) for n, row in enumerate(rows, 1))


def changes(*rows):
    return read_renames(("a table", dict(zip(("old", "new", "date"), row, strict=True))) for row in rows)


def test_a_symbol_belongs_from_its_entry_to_its_exit_as_often_as_it_comes():
    bars = panel(A=range(1, 21), B=range(1, 21))
    told = spells(
        {"symbol": "A", "entry": str(day(3)), "exit": str(day(5))}, {"symbol": "A", "entry": day(10)}, {"symbol": "B"}
    )
    found = in_universe(bars, Universe(told))
    assert np.flatnonzero(found.member[:, 0]).tolist() == [3, 4, 5, *range(10, 20)]
    assert found.member[:, 1].all()
    assert found.present.all()  # history from before the entry stays
    assert not found.delisted.any()
    assert found.take(4, 12).member[:, 0].tolist() == found.member[4:12, 0].tolist()
    assert found.fingerprint != bars.fingerprint


@pytest.mark.parametrize(
    "row, haircut, paid",
    [
        ({"payout": "3.5"}, 0.0, 3.5),
        ({"delisted": "yes"}, 0.0, 10.0),
        ({"delisted": True}, 0.3, 7.0),
        ({"payout": 0}, 0.0, 1e-5),  # nothing: prices are positive
    ],
)
def test_a_delisted_symbol_is_paid_out_at_the_first_bar_after_its_exit(row, haircut, paid):
    bars = panel(A=range(1, 21), B=[*range(1, 11), *[None] * 10])
    found = in_universe(bars, Universe(spells({"symbol": "A"}, {"symbol": "B", "exit": day(9), **row}), haircut))
    assert np.flatnonzero(found.delisted[:, 1]).tolist() == list(range(10, 20))
    assert found.fill("open")[10:, 1] == pytest.approx(np.full(10, paid))
    assert (found.fill("open")[:, 0] == bars.open[:, 0]).all()
    assert np.isnan(found.until(10).fill("open")[:, 1]).sum() == 0  # not known before


@pytest.mark.parametrize("row, paid", [({"delisted": "yes"}, 0.5 * 0.7), ({"payout": 3.5}, 3.5)])
def test_longer_bars_pay_out_by_the_last_price_before_the_delisting(row, paid):
    bars = panel(A=range(1, 21), B=[10.0] * 5 + [4.0, 2.0, 0.5] + [0.4] * 12)  # delisted on a Wednesday
    told = Universe(spells({"symbol": "A"}, {"symbol": "B", "exit": day(7), **row}), 0.3)
    with pytest.warns(DataWarning, match="12 bars after a delisting are left out"):
        weeks = resample(in_universe(bars, told), "1w").bars
    assert weeks.delisted[:, 1].tolist() == [False, True, True, True]
    assert weeks.fill("open")[1:, 1] == pytest.approx(np.full(3, paid))


def test_bars_after_a_delisting_are_left_out_and_told():
    bars = panel(A=range(1, 21), B=range(1, 21))
    with pytest.warns(DataWarning, match=r"10 bars after a delisting are left out, the first of B on 2020-01-20"):
        found = in_universe(bars, Universe(spells({"symbol": "A"}, {"symbol": "B", "exit": day(9), "delisted": "1"})))
    assert found.present[:, 1].sum() == 10


def test_symbols_outside_are_left_out_and_those_without_bars_are_told():
    bars = panel(A=range(1, 21), B=range(1, 21))
    with pytest.warns(DataWarning, match=r"1 of its 2 symbols have no bars \(GONE\)"):
        assert in_universe(bars, Universe(spells({"symbol": "A"}, {"symbol": "GONE"}))).symbols == ("A",)
    with pytest.raises(DataError, match=r"none of its 1 symbol \(Z\) has bars; bars there are of A, B"):
        in_universe(bars, Universe(spells({"symbol": "Z"})))


@pytest.mark.parametrize(
    "rows, told",
    [
        ([{"symbol": "A", "entry": "2020-02-30"}], "row 1: entry of A must be a date, YYYY-MM-DD; it was '2020-02-30'"),
        ([{"symbol": "A", "entry": "2020-02-03", "exit": "2020-02-01"}], "A exits on 2020-02-01, before its entry"),
        ([{"symbol": "A", "delisted": "perhaps", "exit": day(3)}], "delisted of A must be yes or no"),
        ([{"symbol": "A", "payout": "-1", "exit": day(3)}], "payout of A must be cash per share, 0 or more"),
        ([{"symbol": "A", "payout": 1.0}], "its exit, the last session before that, is not said"),
        ([{"symbol": "A"}, {"symbol": "A", "entry": day(3)}], "two spells of A overlap"),
        ([{"symbol": ""}], "row 1: there must be a symbol"),
    ],
)
def test_a_table_that_cannot_be_is_refused(rows, told):
    with pytest.raises(DataError, match=told):
        spells(*rows)


def test_a_table_is_read_from_a_file_with_its_lines(tmp_path):
    file = tmp_path / "members.csv"
    file.write_text("Symbol, entry, exit, delisted\nA,2020-01-08,,\nB,,2020-01-10,yes\n")
    told = read_spells(read_table(str(file), "universe", ("symbol", "entry", "exit", "delisted"), ("symbol",)))
    assert [(s.symbol, s.entry, s.exit, s.delisted) for s in told] == [
        ("A", dt.date(2020, 1, 8), None, False),
        ("B", None, dt.date(2020, 1, 10), True),
    ]
    file.write_text("symbol,entri\nA,2020-01-08\n")
    with pytest.raises(DataError, match=r"unknown column 'entri'.*did you mean 'entry'"):
        read_table(str(file), "universe", ("symbol", "entry"), ("symbol",))
    with pytest.raises(DataError, match=r"members.txt: cannot be read: No such file"):
        read_table(str(tmp_path / "members.txt"), "universe", ("symbol",), ("symbol",))
    file.write_text("symbol,entry\nA,soon\n")
    with pytest.raises(DataError, match=r"members.csv, line 2: entry of A must be a date"):
        read_spells(read_table(str(file), "universe", ("symbol", "entry"), ("symbol",)))


def test_a_home_keeps_the_universe(tmp_path):
    bars = in_universe(
        panel(A=range(1, 21), B=[*range(1, 11), *[None] * 10]),
        Universe(spells({"symbol": "A"}, {"symbol": "B", "exit": day(9), "payout": 2.5}), 0.25),
    )
    home = Home(tmp_path)
    home.keep_bars(bars)
    assert home.bars(bars.fingerprint).universe == bars.universe


def test_a_company_is_one_history_under_its_last_name():
    bars = panel(FB=[*range(1, 11), *[None] * 10], META=[*[None] * 10, *range(11, 21)], Z=range(1, 21))
    found = renamed(bars, changes(("FB", "META", day(10))))
    assert found.symbols == ("META", "Z")
    assert found.close[:, 0].tolist() == list(range(1, 21))
    bars = panel(
        FB=[*range(1, 11), *[None] * 10],
        META=[*[None] * 10, *range(11, 16), *[None] * 5],
        X=[*[None] * 15, *range(16, 21)],
    )
    twice = renamed(bars, changes(("META", "X", str(day(15))), ("FB", "META", str(day(10)))))
    assert (twice.symbols, twice.close[:, 0].tolist()) == (("X",), list(range(1, 21)))
    assert twice.renames == changes(("FB", "META", day(10)), ("META", "X", day(15)))
    assert name_on("FB", day(2), changes(("FB", "META", day(10)), ("META", "X", day(15)))) == "X"
    assert name_on("FB", day(10), changes(("FB", "META", day(10)))) == "FB"


def test_a_change_after_the_last_bar_is_not_known():
    bars = panel(FB=range(1, 21))
    later = changes(("FB", "META", DAYS[-1].date() + dt.timedelta(days=1)))
    assert renamed(bars, later) is bars
    assert renamed_spells(spells({"symbol": "FB"}), later, bars)[0].symbol == "FB"
    known = changes(("FB", "META", day(10)))
    assert renamed_spells(spells({"symbol": "FB", "entry": day(2)}), known, bars)[0].symbol == "META"


def test_two_companies_are_not_made_one():
    bars = panel(OLD=range(1, 21), NEW=range(1, 21))
    with pytest.raises(DataError, match=r'NEW has bars of its own.*old = "NEW", new = "NEW-1"'):
        renamed(bars, changes(("OLD", "NEW", day(10))))
    with pytest.warns(DataWarning, match=r"but 10 bars are called OLD still.*at 10 of these times, 10 with the same"):
        found = renamed(bars, changes(("OLD", "NEW", day(10)), ("NEW", "NEW-1", day(10))))
    assert found.symbols == ("NEW", "NEW-1", "OLD")
    assert found.present.sum(axis=0).tolist() == [20, 10, 10]
    with pytest.raises(DataError, match=r"OLD is renamed twice"):
        changes(("OLD", "A", day(1)), ("OLD", "B", day(1)))
    with pytest.raises(DataError, match=r"needs old, new and date"):
        changes(("OLD", "OLD", day(1)))


def test_a_history_is_not_cut_in_two_by_bars_that_keep_the_old_name():
    bars = panel(OLD=range(1, 21))
    with pytest.raises(
        DataError, match=r"data\.renamed: OLD became NEW on .*, but 10 bars are called OLD still.*cut in"
    ):
        renamed(bars, changes(("OLD", "NEW", day(10))))
    with pytest.raises(DataError, match=r"quorate data action us OLD rename 2020-01-20 --undo takes it back"):
        renamed(bars, changes(("OLD", "NEW", day(10))), "us")
    later = panel(OLD=[*range(1, 11), *[None] * 5, *range(1, 6)], A=range(1, 21))  # a company that took the name over
    assert renamed(later, changes(("OLD", "NEW", day(10)))).symbols == ("A", "NEW", "OLD")
    at_once = panel(OLD=range(1, 21), X=[*range(1, 11), *[None] * 10])
    assert renamed(at_once, changes(("OLD", "NEW", day(10)), ("X", "OLD", day(10)))).symbols == ("NEW", "OLD")


def test_a_recipe_and_its_source_do_not_disagree_silently():
    known = changes(("FB", "META", day(10)))
    assert agreed(known, known) == ()
    other = changes(("FB", "FB2", day(15)), ("A", "B", day(10)))  # of who took the name over, and of another company
    assert set(agreed(known, other)) == set(other)
    for wrong in (("FB", "META", day(11)), ("FB", "METAX", day(10))):
        with pytest.raises(DataError, match=rf"FB becomes {wrong[1]} on {wrong[2]}, and the source knows .* META"):
            agreed(known, changes(wrong))
    own = Universe(spells({"symbol": "A"}, {"symbol": "B", "exit": day(9), "payout": 2}))

    def joined(**told):
        return list(with_delistings(spells({"symbol": "B", **told}), own))

    delisted = spells({"symbol": "B", "exit": day(9), "payout": 2})
    for agreeing in ({}, {"exit": day(9)}, {"exit": day(9), "delisted": True}, {"exit": day(9), "payout": 2}):
        assert joined(**agreeing) == [*delisted]
    assert joined(exit=day(5)) == [*spells({"symbol": "B", "exit": day(5)})]  # it had left the index before
    assert joined(entry=day(12)) == [*spells({"symbol": "B", "entry": day(12)})]  # it came back
    for wrong in ({"exit": day(12)}, {"exit": day(9), "payout": 3}, {"exit": day(8), "delisted": True}):
        with pytest.raises(DataError, match=r"the source knows that B is delisted on 2020-01-17 and pays 2"):
            joined(**wrong)


def test_survivors_are_told_where_there_are_many_for_years():
    bars = panel(A=range(1, 21), B=[*range(1, 11), *[None] * 10])
    assert ended(bars) == ["B"]
    assert survivors_only(bars.select(["A"]), symbols=1, years=0) == [
        "no symbol of 1 ever ends in 0 years: survivors only? Results on those that are left are better than anyone "
        "could have had; data.universe tells who belonged when, with those that failed"
    ]
    assert not survivors_only(bars, symbols=1, years=0)
    assert not survivors_only(bars.select(["A"]), symbols=50, years=0)
    left = replace(bars.select(["A"]), universe=Universe(spells({"symbol": "A", "exit": day(4)})))
    assert not survivors_only(left, symbols=1, years=0)

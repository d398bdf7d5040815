"""Ticker changes and delistings of a collection: noted, read, as they were known, and taken back."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.bars.actions import check_actions
from quorate.errors import StoreError
from quorate.store.bars import locks, packs
from quorate.store.bars.appending import append, drop
from quorate.store.bars.collection import Collection
from quorate.store.bars.imports import Origin
from quorate.store.bars.noted import noted
from quorate.store.bars.noting import act, delist, rename, undo
from quorate.store.bars.upkeep import damage, pack

DAYS = pd.bdate_range("2020-01-06", periods=30)
LISTED = {"FB": (0, 20), "META": (20, 30), "GONE": (0, 15), "A": (0, 30)}


def day(k: int) -> dt.date:
    return DAYS[k].date()


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    made = quorate.BarStore(tmp_path).collection("us", new=True)
    rows = [
        (name, DAYS[k].tz_localize("UTC") + pd.Timedelta("24h"), 10.0 + k)
        for name, (first, stop) in sorted(LISTED.items())
        for k in range(first, stop)
    ]
    frame = pd.DataFrame(rows, columns=["symbol", "time", "close"])
    frame = frame.assign(**dict.fromkeys(("open", "high", "low"), frame["close"]), volume=100.0)
    append(made, quorate.Bars.from_frame(frame, "weekdays"), Origin("csv", {}))
    return made


def test_a_ticker_change_is_read_and_taken_back(collection: Collection) -> None:
    plain = collection.read().fingerprint
    rename(collection, "FB", "META", day(20))
    bars = collection.read()
    assert bars.symbols == ("A", "GONE", "META")
    assert bars.close[:, 2].tolist() == [10.0 + k for k in range(30)]
    for name in ("FB", "META"):  # a company is meant by any of its names
        assert collection.read([name]).close[:, 0].tolist() == bars.close[:, 2].tolist()
    for span in ({"until": day(10)}, {"as_of": day(15)}):  # not known yet
        assert collection.read(["META"], **span).symbols == ("FB",)
    assert {one.symbol for one in collection.holdings()} == set(LISTED)  # bars stay as they came
    undo(collection, "FB", "rename", day(20))
    assert collection.read().fingerprint == plain
    with pytest.raises(quorate.DataError, match="knows no rename of FB on 2020-02-03"):
        undo(collection, "FB", "rename", day(20))


def test_splits_under_any_name_adjust_the_whole_history(collection: Collection) -> None:
    rename(collection, "FB", "META", day(20))
    told = pd.DataFrame(
        {"symbol": ["FB", "META"], "session": [DAYS[10], DAYS[25]], "kind": "split", "value": [2.0, 5.0]}
    )
    act(collection, check_actions(told))
    ratio = collection.read(["META"]).close / collection.read(["META"], adjust="splits").close
    assert ratio[:, 0] == pytest.approx(np.repeat([10.0, 5.0, 1.0], [10, 15, 5]))
    undo(collection, "META", "split", day(25))
    assert [one["symbol"] for one in noted(collection) if one["kind"] == "split"] == ["FB"]


@pytest.mark.parametrize("payout, paid", [(2.5, 2.5), (None, 24.0)])
def test_a_delisted_symbol_is_paid_out(collection: Collection, payout: float | None, paid: float) -> None:
    delist(collection, "GONE", day(14), payout)
    bars = collection.read()
    column = bars.symbols.index("GONE")
    assert np.flatnonzero(bars.delisted[:, column]).tolist() == list(range(15, 30))
    assert bars.fill("open")[15, column] == pytest.approx(paid)
    assert bars.member[:, bars.symbols.index("A")].all()
    assert collection.read(as_of=day(12)).universe is None
    undo(collection, "GONE", "delisting", day(14))
    assert collection.read().universe is None


def test_what_cannot_be_is_refused_before_it_is_kept(collection: Collection) -> None:
    rename(collection, "FB", "META", day(20))
    delist(collection, "GONE", day(14))
    kept = noted(collection)
    for refused, told in (
        (
            lambda: rename(collection, "FB", "META", day(21)),
            r"FB is noted to become META on 2020-02-03: take that back",
        ),
        (lambda: rename(collection, "GONE", "A", day(15)), r"A has bars of its own before.*data action us A rename"),
        (lambda: rename(collection, "A", "B", day(15)), r"15 bars are called A still.*cut in two"),
        (lambda: rename(collection, "A", " B", day(15)), r"without spaces around it; it was ' B'"),
        (lambda: rename(collection, "X", "Y", day(15)), r"has no bars of X, Y"),
        (lambda: delist(collection, "GONE", day(15)), r"GONE delisted on 2020-01-24 and 2020-01-27: .* once"),
        (lambda: delist(collection, "A", day(29), -1.0), r"must be cash per share, 0 or more; it was -1"),
        (lambda: undo(collection, "GONE", "delisting", day(15)), r"knows no delisting .*: there is one on 2020-01-24"),
    ):
        with pytest.raises(quorate.DataError, match=told):
            refused()
    assert noted(collection) == kept
    with pytest.warns(quorate.DataWarning, match="10 bars after a delisting are left out, the first of A"):
        delist(collection, "A", day(19))


def test_changes_survive_a_pack_and_no_version_before_them_reads_them(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename(collection, "FB", "META", day(20))
    delist(collection, "GONE", day(14), 0.0)
    before, kept = collection.read().fingerprint, noted(collection)
    folder = collection.folder / "imports"
    assert [json.loads(path.read_text())["schema_version"] for path in sorted(folder.glob("*.json"))] == [1, 2, 2]
    monkeypatch.setattr("quorate.store.bars.upkeep.LOOSE", 1)
    monkeypatch.setattr("quorate.store.bars.upkeep.FEWEST", 2)
    assert pack(collection) == 3
    [packed] = folder.glob(f"*{packs.ENDING}")
    assert json.loads(packed.read_text())["schema_version"] == packs.WITH_CHANGES
    for own in folder.glob("*.json"):
        if own != packed:
            own.unlink()
    again = Collection(collection.folder)
    assert (again.read().fingerprint, noted(again), damage(folder)) == (before, kept, [])
    next(folder.glob("*.changes.parquet")).write_bytes(b"")
    assert "was changed since it was imported" in damage(folder)[0]


def test_who_notes_something_waits_for_others_and_not_for_ever(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of these was checked against what is there, and must be added to no other state of it."""
    monkeypatch.setattr(locks, "PATIENCE", 0.05)
    split = check_actions(pd.DataFrame({"symbol": ["FB"], "session": [DAYS[10]], "kind": "split", "value": [2.0]}))
    with locks.holding(collection.folder):
        for change in (
            lambda: act(collection, split),
            lambda: rename(collection, "FB", "META", day(20)),
            lambda: delist(collection, "GONE", day(14)),
            lambda: undo(collection, "FB", "split", day(10)),
            lambda: drop(collection, ["GONE"]),
            collection.remove,
        ):
            with pytest.raises(StoreError, match=r"another process has held .* for 0.05 s: end that process"):
                change()
    assert noted(collection) == []
    act(collection, split)
    assert len(noted(collection)) == 1

"""The store of bars: what was imported is read as it is known now, or was known at any time; never a half of it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quorate
from quorate.bars.actions import check_actions
from quorate.store.bars import appending
from quorate.store.bars.appending import append, drop
from quorate.store.bars.collection import Collection
from quorate.store.bars.imports import Import, Origin
from quorate.store.bars.noting import act
from quorate.store.bars.upkeep import tidy

DAYS = pd.bdate_range("2020-01-01", periods=40)
CSV = Origin("csv", {"path": "bars"})
START = dt.datetime(2021, 1, 1, tzinfo=dt.UTC)


def frame_of(cells: dict[tuple[str, int], float]) -> pd.DataFrame:
    """Return bars by symbol and day, each at one price."""
    rows = [
        (symbol, DAYS[day].tz_localize("UTC") + pd.Timedelta("21h"), price) for (symbol, day), price in cells.items()
    ]
    frame = pd.DataFrame(rows, columns=["symbol", "time", "close"]).sort_values(["symbol", "time"], ignore_index=True)
    return frame.assign(open=frame["close"], high=frame["close"], low=frame["close"], volume=100.0)


def bars_of(cells: dict[tuple[str, int], float]) -> quorate.Bars:
    return quorate.Bars.from_frame(frame_of(cells), "weekdays")


def cells_of(bars: quorate.Bars) -> dict[tuple[str, int], float]:
    frame = bars.to_frame()
    days = DAYS.get_indexer(frame["time"].dt.tz_convert(None).dt.normalize())
    return dict(zip(zip(frame["symbol"], days.tolist(), strict=True), frame["close"].tolist(), strict=True))


def history(symbols: str, first: int = 0, stop: int = 20, price: float = 10.0) -> dict[tuple[str, int], float]:
    return {(symbol, day): price + day for symbol in symbols for day in range(first, stop)}


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    return quorate.BarStore(tmp_path).collection("us", new=True)


versions = st.lists(
    st.dictionaries(
        st.tuples(st.sampled_from("ABC"), st.integers(0, 12)), st.sampled_from([10.0, 11.0, 12.0]), min_size=1
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=15, deadline=None)
@given(imported=versions, asked=st.integers(0, 4), last=st.integers(0, 39))
def test_what_is_read_is_what_was_known_then(
    imported: list[dict[tuple[str, int], float]], asked: int, last: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    collection = quorate.BarStore(tmp_path_factory.mktemp("store")).collection("us", new=True)
    first: dict[tuple[str, int], float] = {}
    known: dict[tuple[str, int], float] = {}
    then: dict[tuple[str, int], float] = {}
    for number, cells in enumerate(imported):
        again = {one.id for one in collection.imports()}  # the same file, again and again
        append(collection, bars_of(cells), CSV, known_at=START + dt.timedelta(days=number), frequency="1d", again=again)
        for symbol in {symbol for symbol, _ in cells}:
            days = [day for s, day in cells if s == symbol]
            known = {k: v for k, v in known.items() if k[0] != symbol or not min(days) <= k[1] <= max(days)}
        known |= cells
        first = {**cells, **first}
        if number < asked:
            then = dict(known)
            seen = {*first}
    if known:
        assert cells_of(collection.read()) == known
    else:
        with pytest.raises(quorate.DataError, match=r"is empty|has no bar"):
            collection.read()
    moment = START + dt.timedelta(days=asked - 1, hours=1)
    # Of what came later the first version counts, as nothing tells what it was before.
    expected = then | {key: value for key, value in first.items() if not asked or key not in seen}
    assert cells_of(collection.read(as_of=moment)) == expected
    early = {key: value for key, value in expected.items() if key[1] <= last}
    if early and asked == 0:
        assert cells_of(collection.read(as_of=DAYS[last].date())) == {k: v for k, v in first.items() if k[1] <= last}


def test_an_import_tells_what_is_new_rewritten_and_gone(collection: Collection) -> None:
    append(collection, bars_of(history("AB")), CSV)
    second = {**history("A", 10, 25), ("A", 12): 99.0}
    del second["A", 15]
    again = {one.id for one in collection.imports()}
    told = append(collection, bars_of(second), CSV, again=again)
    assert told.symbols["A"][2:] == (5, 1, 1)
    assert [(one["field"], one["was"], one["is"]) for one in told.rewritten] == [
        ("open", 22.0, 99.0),
        ("bar", "there", "gone"),
    ]
    again |= {told.id}
    same = append(collection, bars_of(second), CSV, again=again)
    assert (same.symbols["A"][2:], same.bars) == ((0, 0, 0), None)
    assert [(one.symbol, one.bars, one.rewritten) for one in collection.holdings()] == [("A", 24, 1), ("B", 20, 0)]


def test_what_is_read_is_bit_for_bit_what_came(collection: Collection) -> None:
    random = np.random.default_rng(0)
    cells = {(symbol, day): float(random.lognormal()) for symbol in "ABC" for day in range(40)}
    bars = bars_of(cells)
    append(collection, bars, CSV)
    assert collection.read().fingerprint == bars.fingerprint
    assert collection.read(["B"]).fingerprint == bars.select(["B"]).fingerprint


def test_categories_are_kept(collection: Collection) -> None:
    frame = frame_of(history("AB")).assign(venue=["X"] * 20 + ["Y"] * 20)
    bars = quorate.Bars.from_frame(frame, "weekdays", ["venue"])
    append(collection, bars, CSV)
    assert collection.read().fingerprint == bars.fingerprint


def test_what_was_removed_is_gone_now_and_there_as_of_before(collection: Collection) -> None:
    append(collection, bars_of(history("AB")), CSV)
    before = dt.datetime.now(dt.UTC)
    drop(collection, ["A"])
    assert collection.read().symbols == ("B",)
    assert collection.read(as_of=before).symbols == ("A", "B")
    assert [one.symbol for one in collection.holdings()] == ["B"]
    with pytest.raises(quorate.DataError, match="has no bars of A;"):
        drop(collection, ["A"])
    append(collection, bars_of(history("A")), CSV)
    assert collection.read().symbols == ("A", "B")


def test_an_import_that_is_stopped_before_its_last_write_is_none(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(collection, bars_of(history("A")), CSV)
    for stop in ("write_parquet", "sha256_of"):
        with monkeypatch.context() as patch:
            patch.setattr(appending, stop, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                append(collection, bars_of(history("AB", 0, 30)), CSV)
        assert Collection(collection.folder).read().fingerprint == bars_of(history("A")).fingerprint
    left = [
        path for path in (collection.folder / "imports").glob("*.parquet") if not path.with_suffix(".json").exists()
    ]
    assert len(left) == 1
    tidy(collection)
    assert left[0].exists()  # another import may be about to list it
    import os

    os.utime(left[0], (0, 0))
    tidy(collection)
    assert not left[0].exists()
    assert collection.verify() == []


def test_what_was_changed_on_disk_is_not_read(collection: Collection) -> None:
    made = append(collection, bars_of(history("A")), CSV)
    path = collection.folder / "imports" / f"{made.id}.parquet"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(quorate.IntegrityError, match="was changed since it was imported"):
        collection.read()
    [line] = collection.verify()
    assert path.name in line
    path.write_bytes(content)
    document = path.with_suffix(".json")
    document.write_text(document.read_text().replace('"frequency": "1d"', '"frequency": "1w"'))
    with pytest.raises(quorate.IntegrityError, match="another seal"):
        Collection(collection.folder).read()


def test_one_clock_for_all(collection: Collection) -> None:
    append(collection, bars_of(history("A")), CSV)
    other = quorate.Bars.from_frame(frame_of(history("B")), "24x7")
    with pytest.raises(quorate.DataError, match="keeps the calendar 'weekdays', and these bars have '24x7'"):
        append(collection, other, CSV)
    assert collection.read().symbols == ("A",)


def test_several_frequencies_are_kept_apart(collection: Collection) -> None:
    append(collection, bars_of(history("A", 0, 40)), CSV)
    hours = pd.date_range("2020-01-01 10:00", periods=200, freq="h", tz="UTC")
    hours = hours[hours.hour < 18]
    frame = pd.DataFrame({"symbol": "A", "time": hours, **dict.fromkeys(("open", "high", "low", "close"), 5.0)})
    append(collection, quorate.Bars.from_frame(frame, "weekdays"), CSV)
    with pytest.raises(quorate.DataError, match=r"bars of 1d, 60min: say which with data\.frequency"):
        collection.read()
    assert (len(collection.read(frequency="1d")), len(collection.read(frequency="60min"))) == (40, len(hours))
    with pytest.raises(quorate.DataError, match=r"no bars of '5min', nor shorter ones .* 1d, 60min, or longer"):
        collection.read(frequency="5min")
    # Longer ones are made of the longest that make them, and only those that are over.
    with pytest.warns(quorate.DataWarning, match="the last bar of 1w is left out, as it is not over"):
        weeks = collection.read(frequency="1W")
    days = collection.read(frequency="1d")
    assert weeks.frequency == "1w"
    assert weeks.close[0, 0] == days.close[days.times <= weeks.times[0], 0][-1]
    with pytest.warns(quorate.DataWarning, match="the last bar of 120min is left out"):
        assert len(collection.read(frequency="2h")) == len(hours.ceil("2h").unique()) - 1
    since = days.sessions[12].astype(object)
    with pytest.warns(quorate.DataWarning, match="is left out"):
        later = collection.read(frequency="1w", since=since)
    assert later.open[-1, 0] == weeks.open[-1, 0]
    assert set(later.times) <= set(weeks.times)


def test_splits_and_dividends_are_applied_when_read_and_as_they_were_known(collection: Collection) -> None:
    append(collection, bars_of(dict.fromkeys(history("AB"), 10.0) | {("A", day): 5.0 for day in range(10, 20)}), CSV)
    raw = collection.read()
    with pytest.warns(quorate.DataWarning, match="knows no splits or dividends"):
        assert collection.read(adjust="splits").fingerprint == raw.fingerprint
    told = pd.DataFrame({"symbol": ["A"], "session": [DAYS[10]], "kind": ["split"], "value": [2.0]})
    act(collection, check_actions(told))
    assert set(collection.read(adjust="splits").close[:, 0]) == {5.0}
    with pytest.warns(quorate.DataWarning, match="knows no splits"):
        assert set(collection.read(as_of=DAYS[9].date(), adjust="splits").close[:, 0]) == {10.0}
    act(collection, check_actions(told.assign(value=0.0)))  # taken back
    assert collection.actions(["A"]).empty
    with pytest.raises(quorate.DataError, match="has no bars of C"):
        act(collection, check_actions(told.assign(symbol="C")))


def test_a_source_that_tells_the_same_splits_again_adds_nothing(collection: Collection) -> None:
    told = check_actions(pd.DataFrame({"symbol": ["A"], "session": [DAYS[10]], "kind": ["split"], "value": [2.0]}))
    assert append(collection, bars_of(history("A")), CSV, actions=told).actions is not None
    assert append(collection, bars_of(history("A")), CSV, actions=told).actions is None
    assert append(collection, bars_of(history("A")), CSV, actions=told.assign(value=3.0)).actions is not None
    assert collection.actions(["A"])["value"].tolist() == [3.0]


def test_collections_are_found_by_name(tmp_path: Path) -> None:
    store = quorate.BarStore(tmp_path)
    with pytest.raises(quorate.DataError, match="quorate data add fills one"):
        store.collection("us-daily")
    append(store.collection("us-daily", new=True), bars_of(history("A")), CSV)
    assert [one.name for one in store.collections()] == ["us-daily"]
    with pytest.raises(quorate.DataError, match="did you mean 'us-daily'"):
        store.collection("us-dayly")
    for name in ("../other", "", ".hidden", "a/b", "x" * 101):
        with pytest.raises(quorate.DataError, match="must be letters, digits"):
            store.collection(name, new=True)
    store.collection("us-daily").remove()
    assert store.collections() == []


def test_an_import_is_read_back_as_it_was_written(tmp_path: Path, collection: Collection) -> None:
    made = append(collection, bars_of(history("A")), CSV, read={"x": "y"}, files=[{"path": "a.csv", "bytes": 3}])
    assert Import.load(collection.folder / "imports" / f"{made.id}.json") == made


def test_what_another_file_brought_is_not_gone_and_may_not_be_said_otherwise(collection: Collection) -> None:
    append(
        collection,
        bars_of({("A", day): 10.0 for day in (0, 1, 4, 5)}),
        CSV,
        files=[{"path": "one.csv"}],
        frequency="1d",
    )
    append(
        collection, bars_of({("A", day): 10.0 for day in (2, 3, 6)}), CSV, files=[{"path": "two.csv"}], frequency="1d"
    )
    assert len(collection.read()) == 7
    with pytest.raises(quorate.DataError, match=r"has the open 11\.0 here and 10\.0 in one\.csv: a bar comes from one"):
        append(collection, bars_of({("A", day): 11.0 for day in (4, 7)}), CSV, frequency="1d")
    # What comes from elsewhere may correct it, and leaves what it does not name.
    append(collection, bars_of({("A", day): 11.0 for day in (0, 4)}), Origin("csv", {"path": "fix"}), frequency="1d")
    assert cells_of(collection.read()) == {("A", d): 11.0 if d in (0, 4) else 10.0 for d in range(7)}


def test_what_came_earlier_is_added_first_and_nothing_is_known_in_advance(collection: Collection) -> None:
    append(collection, bars_of(history("A")), CSV, known_at=START)
    with pytest.raises(quorate.DataError, match="fill a new collection, the oldest first"):
        append(collection, bars_of(history("A")), CSV, known_at=START - dt.timedelta(days=1))
    with pytest.raises(quorate.DataError, match="that is still to come"):
        append(collection, bars_of(history("A")), CSV, known_at=dt.datetime(2100, 1, 1, tzinfo=dt.UTC))
    append(collection, bars_of(history("B")), CSV, known_at=START - dt.timedelta(days=1))


def test_splits_that_were_corrected_or_taken_back_are_read_as_they_were_known(collection: Collection) -> None:
    append(collection, bars_of(history("A")), CSV)
    told = check_actions(pd.DataFrame({"symbol": ["A"], "session": [DAYS[10]], "kind": ["split"], "value": [2.0]}))
    act(collection, told)
    before = dt.datetime.now(dt.UTC)
    act(collection, told.assign(value=0.0))
    assert collection.actions(["A"], before)["value"].tolist() == [2.0]
    # A vendor that tells it again does not undo what was taken back by hand.
    append(collection, bars_of(history("A")), CSV, actions=told)
    assert collection.actions(["A"]).empty


def test_what_new_bars_say_nothing_of_stays(collection: Collection) -> None:
    frame = frame_of(history("A")).assign(session="X", kind="Y", side="Z")
    append(collection, quorate.Bars.from_frame(frame, "weekdays", ["kind", "session", "side"]), CSV)
    other = frame_of(history("A")).drop(columns="volume")
    other.loc[3, ["open", "high", "low", "close"]] = 99.0
    append(collection, quorate.Bars.from_frame(other, "weekdays"), Origin("csv", {"path": "fix"}))
    bars = collection.read()
    assert bars.close[3, 0] == 99.0
    assert bars.has_volume
    assert {name: category.levels for name, category in bars.categories.items()} == {
        "kind": ("Y",),
        "session": ("X",),
        "side": ("Z",),
    }
    assert all((category.codes == 0).all() for category in bars.categories.values())


def test_half_days_that_were_kept_at_the_regular_close_are_read_and_updated_at_their_own(tmp_path: Path) -> None:
    collection = quorate.BarStore(tmp_path).collection("us", new=True)
    days = pd.to_datetime(["2023-06-30", "2023-07-03", "2023-07-05", "2023-07-06"])
    late = pd.DatetimeIndex(days).tz_localize("UTC") + pd.Timedelta("20h")
    frame = pd.DataFrame({"symbol": "A", "time": late, **dict.fromkeys(("open", "high", "low", "close"), 5.0)})
    append(collection, quorate.Bars.from_frame(frame), CSV)
    assert collection.read().times[1] == np.datetime64("2023-07-03T17:00")
    own = frame.assign(time=[late[0], late[1] - pd.Timedelta("3h"), *late[2:]], close=[5.0, 5.0, 5.0, 6.0], high=6.0)
    again = append(collection, quorate.Bars.from_frame(own[1:]), Origin("other", {}))
    assert (again.count().new, again.count().gone) == (0, 0)
    assert collection.read().close[:, 0].tolist() == [5.0, 5.0, 5.0, 6.0]

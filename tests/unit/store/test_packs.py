"""Many small imports as one file: nothing that was known, at any time, is otherwise; and a removed name stays so."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from quorate.bars.panel import Bars
from quorate.errors import DataError, IntegrityError, StoreError
from quorate.store.bars import packs, upkeep
from quorate.store.bars.appending import append, drop
from quorate.store.bars.collection import Collection
from quorate.store.bars.imports import Origin
from quorate.store.bars.noting import act
from quorate_data.simulated import simulated

DAY = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def grown(folder: Path) -> Collection:
    """A collection of many imports: new bars, rewritten ones, symbols removed and back, splits, categories."""
    rng = np.random.default_rng(0)
    bars = simulated(n_bars=90, n_symbols=4, seed=3)
    collection = Collection(folder)
    for k in range(16):
        known_at = DAY + dt.timedelta(days=k)
        first = max(0, 4 * k - int(rng.integers(0, 9)))
        part = bars.take(first, min(first + int(rng.integers(3, 12)), 90))
        frame = part.to_frame()
        if rng.random() < 0.6:  # a vendor rewrites something
            frame.loc[frame.index[-3:], "volume"] += k + 1.0
        if rng.random() < 0.3:
            frame = frame.drop(columns="volume")
        if rng.random() < 0.3:
            frame["venue"] = rng.choice(["X", "Y"], len(frame))
        symbols = sorted(rng.choice(4, int(rng.integers(1, 5)), replace=False))
        chosen = frame[frame["symbol"].isin([bars.symbols[s] for s in symbols])]
        named = ["venue"] if "venue" in chosen else []
        append(collection, Bars.from_frame(chosen, bars.calendar, named), Origin(f"o{k}", {}),
               known_at=known_at, frequency="1d")  # fmt: skip
    return collection


def told(collection: Collection, moments: list[dt.datetime | None]) -> list[Any]:
    """What can be known of a collection."""
    found: list[Any] = [collection.imports(), collection.holdings(), collection.verify()]
    for moment in moments:
        for symbols in (None, [min(collection.symbols())], sorted(collection.symbols())[1:3]):
            try:
                found.append(collection.read(symbols, as_of=moment).fingerprint)
            except DataError as e:
                found.append(str(e))
        found += [collection.actions([symbol], moment).to_dict() for symbol in sorted(collection.symbols())]
    return found


def test_what_was_known_at_any_time_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collection = grown(tmp_path / "c")
    symbols = sorted(collection.symbols())
    drop(collection, symbols[:1])
    splits = pd.DataFrame(
        {"symbol": symbols[1:2], "session": pd.Timestamp("1999-03-01"), "kind": "split", "value": 2.0}
    )
    act(collection, splits)
    moments: list[dt.datetime | None] = [None, *(DAY + dt.timedelta(days=d, hours=1) for d in (-2, 5, 15))]
    moments += [dt.datetime.now(dt.UTC)]
    before = told(collection, moments)
    shutil.copytree(collection.folder, tmp_path / "plain")
    monkeypatch.setattr(upkeep, "LOOSE", 4)
    monkeypatch.setattr(packs, "SMALL", 20)  # some are too large, and stay between packs
    monkeypatch.setattr(upkeep, "FEWEST", 2)
    assert upkeep.pack(Collection(collection.folder)) > 5
    assert told(Collection(collection.folder), moments) == before
    assert told(collection, moments) == before  # also who had read it before
    for path in (collection.folder / "imports").iterdir():
        os.utime(path, (0, 0))
    files = len(list((collection.folder / "imports").iterdir()))
    again = Collection(collection.folder)
    upkeep.tidy(again)
    assert len(list((collection.folder / "imports").iterdir())) < files - 5
    assert told(again, moments) == told(Collection(collection.folder), moments) == before
    # And it grows on as one that was never packed.
    bars = simulated(n_bars=90, n_symbols=4, seed=3)
    for one in (collection.folder, tmp_path / "plain"):
        append(Collection(one), bars, Origin("later", {}), frequency="1d")
    grew, plain = (told(Collection(one), moments)[1:] for one in (collection.folder, tmp_path / "plain"))
    assert grew == plain != before[1:]


def test_a_pack_that_was_changed_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collection = grown(tmp_path / "c")
    monkeypatch.setattr(upkeep, "LOOSE", 4)
    upkeep.pack(collection)
    [file] = (collection.folder / "imports").glob("*.pack.parquet")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert len(Collection(collection.folder).verify()) == 1
    with pytest.raises(IntegrityError, match="was changed"):
        Collection(collection.folder).read()


def test_few_imports_are_left_as_they_are(tmp_path: Path) -> None:
    collection = grown(tmp_path / "c")
    assert upkeep.pack(collection) == 0


def test_two_that_pack_at_once_pack_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collection = grown(tmp_path / "c")
    monkeypatch.setattr(upkeep, "LOOSE", 4)
    before = collection.read().fingerprint
    one, other = Collection(collection.folder), Collection(collection.folder)
    assert one.imports() == other.imports()
    assert upkeep.pack(one) == 16
    assert upkeep.pack(other) == 0  # it looks again before it writes
    # Without locks both would: the first of the two packs then counts.
    packs.write_pack(collection.folder / "imports", collection.imports())
    assert Collection(collection.folder).read().fingerprint == before
    assert len(Collection(collection.folder).imports()) == 16


def _adds(folder: str, began: Any, go_on: Any, answer: Any) -> None:
    collection = Collection(Path(folder))
    born = collection.born(begin=True)
    began.set()
    go_on.wait(60)
    try:
        append(Collection(Path(folder)), simulated(n_bars=60), Origin("o", {}), born=born)
        answer.put("added")
    except StoreError as e:
        answer.put(str(e))


@pytest.mark.parametrize("filled_again", [False, True])
def test_an_import_that_runs_while_its_collection_is_removed_does_not_revive_it(
    tmp_path: Path, filled_again: bool
) -> None:
    folder = tmp_path / "store" / "us"
    append(Collection(folder), simulated(n_bars=80), Origin("first", {}))
    spawn = multiprocessing.get_context("spawn")
    began, go_on, answer = spawn.Event(), spawn.Event(), spawn.Queue()
    process = spawn.Process(target=_adds, args=(str(folder), began, go_on, answer))
    process.start()
    assert began.wait(60)
    Collection(folder).remove()
    if filled_again:
        again = Collection(folder)
        append(again, simulated(n_bars=70), Origin("second", {}), born=again.born(begin=True))
    go_on.set()
    assert "was removed while bars for it were read" in answer.get(timeout=60)
    process.join(60)
    if filled_again:
        assert len(Collection(folder).read()) == 70
    else:
        assert not folder.exists()
        assert [path.name for path in folder.parent.iterdir()] == [".us.lock"]

"""The forward record: sealed, shared by threads, and told when it was changed."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quorate.bars.calendar import get_calendar
from quorate.errors import IntegrityError, StoreError
from quorate.evidence.ledger.forward import last_noted, note_record
from quorate.evidence.ledger.verify import verify
from quorate.serving import record as recording
from quorate.serving.record import Clock, ForwardRecord
from quorate.store import Home

DUE = "2026-11-30T14:30:00+00:00"


def entry(number: int = 0, **more: Any) -> dict[str, Any]:
    return {"kind": "forecast", "name": "trend", "version": 1, "bar": f"bar {number}", "due": DUE, **more}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_what_is_committed_is_sealed_and_read_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    record = ForwardRecord(home)
    moments: Iterator[str] = iter(["2026-11-30T14:29:59+00:00", "2026-11-30T14:30:01+00:00"])
    monkeypatch.setattr(recording, "utc_now", lambda: dt.datetime.fromisoformat(next(moments)))
    sealed = [record.commit(entry(1)), record.commit(entry(2, version=2))]
    assert [(one["seq"], one["late"]) for one in sealed] == [(1, False), (2, True)]
    assert sealed[1]["previous"] == sealed[0]["hash"]
    assert record.entries() == sealed
    assert record.entries("trend", 2) == sealed[1:]
    assert record.entries("other") == []


def test_threads_share_writes_and_each_gets_its_own_entry(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    record, found, writes = ForwardRecord(home), {}, []
    write = recording.ForwardRecord._write

    def slow(self: ForwardRecord, group: Any) -> None:
        writes.append(len(group))
        time.sleep(0.01)
        write(self, group)

    monkeypatch.setattr(recording.ForwardRecord, "_write", slow)

    def commit(number: int) -> None:
        for k in range(5):
            found[number, k] = record.commit(entry(100 * number + k))

    threads = [threading.Thread(target=commit, args=(number,)) for number in range(16)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert all(sealed["bar"] == f"bar {100 * number + k}" for (number, k), sealed in found.items())
    assert sorted(one["seq"] for one in found.values()) == list(range(1, 81))
    assert sum(writes) == 80
    assert len(writes) < 40
    assert len(record.entries()) == 80


def test_an_entry_that_cannot_be_written_spoils_no_other(home: Home) -> None:
    record = ForwardRecord(home)
    with pytest.raises(ValueError, match="not JSON compliant"):
        record.commit(entry(1, threshold=float("nan")))
    assert record.commit(entry(2))["seq"] == 1


def test_a_record_that_cannot_be_written_is_an_error_for_all_that_wait(home: Home) -> None:
    home.path.mkdir()
    (home.path / "forward").write_text("a file")
    record, errors = ForwardRecord(home), []

    def commit() -> None:
        with pytest.raises(StoreError):
            record.commit(entry())
        errors.append(1)

    threads = [threading.Thread(target=commit) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(errors) == 4


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(1, 200), count=st.integers(1, 4))
def test_a_torn_line_is_cut_off_and_said_and_no_whole_one_is_lost(
    tmp_path_factory: pytest.TempPathFactory, cut: int, count: int
) -> None:
    home = Home(tmp_path_factory.mktemp("torn"))
    record = ForwardRecord(home)
    for number in range(count):
        record.commit(entry(number))
    whole = record.path.read_bytes()
    record.commit(entry(99))
    record.path.write_bytes(whole + record.path.read_bytes()[len(whole) :][:cut])
    said: list[str] = []
    after = ForwardRecord(home, lambda message: said.append(str(message))).commit(entry(100))
    assert [one["bar"] for one in record.entries()] == [*(f"bar {n}" for n in range(count)), "bar 100"]
    assert after["seq"] == count + 1
    assert "was not written to its end" in said[0]


@settings(max_examples=25, deadline=None)
@given(place=st.integers(0, 10_000), digit=st.sampled_from("0123456789abcdef"))
def test_an_edited_character_breaks_the_chain(tmp_path_factory: pytest.TempPathFactory, place: int, digit: str) -> None:
    record = ForwardRecord(Home(tmp_path_factory.mktemp("edited")))
    for number in range(3):
        record.commit(entry(number))
    text = record.path.read_bytes()
    place %= len(text) - 1  # the last line feed would leave a torn line
    edited = text[:place] + digit.encode() + text[place + 1 :]
    record.path.write_bytes(edited)
    if edited == text:
        assert len(record.entries()) == 3
    else:
        with pytest.raises(IntegrityError, match="was changed after it was written"):
            record.entries()


def test_the_ledger_sees_what_was_edited_cut_off_or_written_anew(home: Home) -> None:
    record = ForwardRecord(home)
    assert note_record(home, {"trend@1": "KEEP"}) is None
    for number in range(3):
        record.commit(entry(number))
    noted = note_record(home, {"trend@1": "KEEP"})
    assert noted is not None
    assert (noted["entries"], last_noted(home)) == (3, noted)
    assert note_record(home, {"trend@1": "KEEP"}) is None
    record.commit(entry(3))
    assert verify(home).sound
    text = record.path.read_bytes()
    lines = text.splitlines(keepends=True)
    record.path.write_bytes(text.replace(b"bar 1", b"bar 7"))
    assert "line 2: the hash of its content" in str(verify(home).problems[0])
    record.path.write_bytes(b"".join(lines[:2]))
    assert "its last line must be 3 or later; it was 2" in str(verify(home).problems[0])
    record.path.unlink()
    assert "it was nothing" in str(verify(home).problems[0])
    for number in (7, 8, 9):
        ForwardRecord(home).commit(entry(number))
    assert "the hash of its line 3" in str(verify(home).problems[0])
    record.path.write_bytes(text)
    assert verify(home).sound


@pytest.mark.parametrize(
    ("name", "frequency", "fill", "bar", "due"),
    [
        ("us-equity", "1d", "open", "2026-11-25T21:00", "2026-11-27T14:30"),  # Thanksgiving between
        ("us-equity", "1d", "close", "2026-11-25T21:00", "2026-11-27T18:00"),  # which closes early
        ("us-equity", "60min", "open", "2026-11-27T16:00", "2026-11-27T16:03"),
        ("us-equity", "60min", "open", "2026-11-24T21:00", "2026-11-25T14:30"),
        ("24x7", "1d", "open", "2026-11-28T00:00", "2026-11-28T01:12"),
        ("24x7", "60min", "close", "2026-11-28T05:00", "2026-11-28T06:00"),
        ("weekdays", "1d", "close", "2026-11-28T00:00", "2026-12-01T00:00"),  # Friday, and Monday
    ],
)
def test_until_when_a_forecast_is_in_time(name: str, frequency: str, fill: str, bar: str, due: str) -> None:
    clock = Clock(get_calendar(name), frequency, fill, np.datetime64("2000-01-01", "us"))
    assert clock.due(np.datetime64(bar, "us")) == np.datetime64(due, "us")

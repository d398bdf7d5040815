"""The ledger: a change to it is seen, a trial counts once, and what is related is found."""

import datetime as dt
import errno
import hashlib
import json
import os
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.bars.panel import Bars
from quorate.bars.resample import resample
from quorate.errors import IntegrityError, RecipeError, StoreError
from quorate.evidence.evidence import Performance
from quorate.evidence.ledger import (
    LENT,
    Candidate,
    Recorder,
    count,
    effective,
    ledger_of,
    lineage_of,
    looks,
    read_lent,
    record_candidates,
    record_opening,
    record_override,
    related,
    tried_by_now,
    tried_so_far,
)
from quorate.evidence.ledger import chain as chain_module
from quorate.evidence.ledger.chain import BEGIN, Head, read_chain, seal
from quorate.evidence.ledger.ledger import Ledger
from quorate.evidence.ledger.verify import verify
from quorate.report.report import Report
from quorate.store import Home, Run
from quorate.store.files import write_json
from quorate_data.simulated import simulated

FAST = settings(max_examples=25, deadline=None)
PLAIN = st.dictionaries(
    st.text(min_size=1).filter(lambda name: name not in ("schema", "seq", "previous", "hash", "time")),
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    max_size=4,
)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


@pytest.fixture
def ledger(home):
    return ledger_of(home)


@pytest.fixture(scope="module")
def bars():
    return simulated(n_bars=700)


def noise(seed=0, n=250, first=0, bars=None, name="ridge", role="member"):
    """Returns of nothing but noise, over the last days of the bars, or from `first` days after 2010 on."""
    returns = np.random.default_rng(seed).normal(0, 0.01, n)
    if bars is not None:
        days = bars.sessions[-n:].astype("datetime64[D]").astype(np.int32)
    else:
        days = (np.datetime64("2010-01-01") + first + np.arange(n)).astype("datetime64[D]").astype(np.int32)
    return Candidate(name, "hold", role, returns, days, 252.0)


def named(candidate, name):
    return replace(candidate, name=name)


def record(home, bars, candidates, run="run-1", part="development", recipe="recipe-1"):
    return record_candidates(home, bars, candidates, run=run, part=part, recipe_digest=recipe)


def counted(home, bars, candidate, **options):
    days = candidate.days.astype("datetime64[D]")
    return count(ledger_of(home), bars, str(days[0]), str(days[-1]), **options)


def lines_of(ledger):
    return ledger.path.read_bytes().split(b"\n")[:-1]


def put(ledger, lines):
    ledger.path.write_bytes(b"".join(line + b"\n" for line in lines))


def see(home, head, run="20260101T000000.000000-a-0000", part=None):
    """Store a report whose run saw that head."""
    seen = {"seq": head.seq, "hash": head.hash}
    provenance = {"holdout": {"ledger": seen}} if part == "holdout" else {"ledger": seen, "holdout": None}
    write_json(home.path / "runs" / run / "report.json", {"schema_version": 1, "provenance": provenance})


# --- the chain


def test_a_line_is_canonical_json_and_its_hash_covers_all_but_itself(ledger):
    ledger.append([{"kind": "override", "b": 1, "a": "é"}, {"kind": "override"}])
    first, second = (json.loads(line) for line in lines_of(ledger))
    for line, entry in zip(lines_of(ledger), (first, second), strict=True):
        rest = {name: value for name, value in entry.items() if name != "hash"}
        text = json.dumps(rest, sort_keys=True, separators=(",", ":"), allow_nan=False)
        assert hashlib.sha256(text.encode()).hexdigest() == entry["hash"]
        assert line == text[:-1].encode() + f',"hash":"{entry["hash"]}"}}'.encode()
    assert (first["seq"], first["previous"], first["schema"]) == (1, BEGIN, 1)
    assert (second["seq"], second["previous"]) == (2, first["hash"])
    assert dt.datetime.fromisoformat(first["time"]).utcoffset() == dt.timedelta(0)
    assert ledger.head == Head(2, second["hash"])


def test_an_empty_ledger_has_no_entries_and_a_head_of_zero(ledger):
    assert ledger.entries() == [] == ledger.of_run("run-1")
    assert ledger.head == Head(0, BEGIN)
    assert ledger.append([]) == []
    assert not ledger.path.exists()


def test_what_is_no_number_is_refused_and_nothing_is_written(ledger):
    with pytest.raises(ValueError, match="not JSON compliant"):
        ledger.append([{"kind": "override"}, {"kind": "override", "value": float("nan")}])
    assert ledger.entries() == []


@FAST
@given(st.lists(st.lists(PLAIN, max_size=3), max_size=4))
def test_what_is_appended_is_read_and_the_chain_holds(tmp_path_factory, batches):
    ledger = Ledger(tmp_path_factory.mktemp("ledger"))
    written = [entry for batch in batches for entry in ledger.append(batch)]
    assert ledger.entries() == written
    given = [entry for batch in batches for entry in batch]
    assert [{**entry, **mine} for entry, mine in zip(written, given, strict=True)] == written
    assert [entry["seq"] for entry in written] == list(range(1, len(given) + 1))
    for n in range(len(given) + 1):
        assert ledger.entries(until=n) == written[:n]


@FAST
@given(st.data())
def test_any_changed_byte_is_seen(data):
    head, lines = Head(0, BEGIN), []
    for entry in data.draw(st.lists(PLAIN, min_size=1, max_size=3)):
        line, head = seal({"time": "2026-01-01", **entry}, head)
        lines.append(line)
    text = b"".join(lines)
    place = data.draw(st.integers(0, len(text) - 2))
    changed = bytearray(text)
    changed[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != text[place]))
    whole, broken = read_chain(text)
    assert broken is None
    found, broken = read_chain(bytes(changed))
    assert broken is not None
    assert broken.line <= text[:place].count(b"\n") + 1
    assert found == whole[: broken.line - 1]


def test_a_newer_ledger_is_refused_by_readers_and_writers(ledger, monkeypatch):
    with monkeypatch.context() as newer:
        newer.setattr(chain_module, "SCHEMA", 2)
        ledger.append([{"kind": "override"}])
    message = r"entry 1 of the ledger has schema 2; this quorate reads up to 1: upgrade quorate"
    with pytest.raises(StoreError, match=message):
        ledger.entries()
    with pytest.raises(StoreError, match=message):
        ledger.append([{"kind": "override"}])


def test_an_entry_that_only_says_that_it_is_newer_is_a_changed_one(home, ledger):
    ledger.append([{"kind": "override"}])
    put(ledger, [lines_of(ledger)[0].replace(b'"schema":1', b'"schema":2')])
    [problem] = verify(home).problems
    assert (problem.line, problem.what) == (1, "the hash of its content")
    with pytest.raises(IntegrityError, match="line 1: the hash of its content"):
        ledger.append([{"kind": "override"}])


def test_the_last_line_is_found_however_long_it_is(ledger, monkeypatch):
    monkeypatch.setattr(chain_module, "REACH", 16)
    for length in (1, 40, 5000):
        [entry] = ledger.append([{"kind": "override", "reason": "x" * length}])
        assert ledger.head == Head(entry["seq"], entry["hash"])
    assert len(ledger.entries()) == 3


def test_a_full_disk_leaves_the_ledger_as_it_was(ledger, monkeypatch):
    ledger.append([{"kind": "override"}])
    before = ledger.path.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="the disk is full"):
            ledger.append([{"kind": "override"}] * 3)
    assert ledger.path.read_bytes() == before
    assert ledger.append([{"kind": "override"}])[0]["seq"] == 2


def test_the_entries_of_a_run_are_found_and_no_others(ledger):
    ledger.append([{"kind": "override", "run": name, "reason": '"run":"b"'} for name in ("a", "b", "ab", "b")])
    assert [entry["seq"] for entry in ledger.of_run("b")] == [2, 4]
    assert ledger.of_run("c") == []


# --- a write that was cut off


@FAST
@given(data=st.data())
def test_a_torn_line_is_set_aside_told_and_the_chain_goes_on(tmp_path_factory, data):
    told = []
    ledger = Ledger(tmp_path_factory.mktemp("ledger"), told.append)
    ledger.append([{"kind": "override", "n": n} for n in range(3)])
    text = ledger.path.read_bytes()
    start = text.rstrip(b"\n").rfind(b"\n") + 1
    cut = data.draw(st.integers(start + 1, len(text) - 1))
    ledger.path.write_bytes(text[:cut])
    assert [entry["n"] for entry in ledger.entries()] == [0, 1]  # a reader heals nothing
    ledger.append([{"kind": "override", "n": 3}])
    assert [entry["n"] for entry in ledger.entries()] == [0, 1, 3]
    [aside] = ledger.folder.glob("torn-*")
    assert aside.read_bytes() == text[start:cut]
    assert len(told) == 1
    size = "1 byte" if cut - start == 1 else f"{cut - start} bytes"
    assert f"({size}): it is kept as {aside.name}" in told[0]


def test_a_first_line_that_is_torn_leaves_an_empty_ledger(ledger):
    ledger.folder.mkdir(parents=True)
    ledger.path.write_bytes(b'{"kind":')
    assert ledger.head == Head(0, BEGIN)
    with pytest.warns(UserWarning, match="was not written to its end"):
        assert ledger.append([{"kind": "override"}])[0]["seq"] == 1


def test_a_blank_line_at_the_end_does_not_begin_a_new_chain(ledger):
    ledger.append([{"kind": "override"}])
    put(ledger, [*lines_of(ledger), b""])
    with pytest.raises(IntegrityError, match="line 2"):
        ledger.append([{"kind": "override"}])


# --- what is tampered with is told


def changed_figure(lines):
    return [*lines[:2], re.sub(rb'"sharpe":[-\d.e]+', b'"sharpe":0.5', lines[2]), *lines[3:]]


TAMPERED = {
    "a changed figure": (changed_figure, 3, "the hash of its content"),
    "a removed line": (lambda lines: [*lines[:2], *lines[3:]], 3, "its number"),
    "a doubled line": (lambda lines: [*lines[:3], *lines[2:]], 4, "its number"),
    "swapped lines": (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], 2, "its number"),
    "the first lines gone": (lambda lines: lines[2:], 1, "its number"),
    "no JSON": (lambda lines: [*lines[:3], b"nonsense", *lines[3:]], 4, "one JSON object"),
    "spaces": (lambda lines: [lines[0], lines[1].replace(b",", b", ", 1), *lines[2:]], 2, "the hash of its content"),
    "a last line changed": (lambda lines: [*lines[:-1], lines[-1].replace(b"hold", b"held")], 5, "the hash of its"),
}


@pytest.fixture
def filled(home, bars):
    """A home with five candidates, and a run that saw them all."""
    head = record(home, bars, [noise(i, name=f"m{i}") for i in range(5)])
    see(home, head)
    return home


def test_an_untouched_ledger_is_sound(filled):
    found = verify(filled)
    assert found.sound
    assert (found.entries, found.files, found.missing, found.runs, found.torn) == (5, 6, 0, 1, 0)
    assert found.head == ledger_of(filled).head


@pytest.mark.parametrize("tamper, line, what", TAMPERED.values(), ids=TAMPERED)
def test_tampering_is_told_with_its_line_and_no_count_is_taken_from_it(filled, bars, tamper, line, what):
    put(ledger_of(filled), tamper(lines_of(ledger_of(filled))))
    problem = verify(filled).problems[0]
    assert problem.line == line
    assert what in str(problem)
    assert problem.expected != problem.found
    with pytest.raises(IntegrityError, match=f"was changed after it was written: line {line}:.*Restore the file"):
        counted(filled, bars, noise())


def test_a_changed_last_line_is_not_written_after(filled, bars):
    put(ledger_of(filled), TAMPERED["a last line changed"][0](lines_of(ledger_of(filled))))
    with pytest.raises(IntegrityError, match="line 5"):
        record(filled, bars, [noise(9)], run="run-2")


@pytest.mark.parametrize("left", [4, 1, 0])
def test_a_cut_tail_is_seen_from_what_a_run_saw(filled, left):
    put(ledger_of(filled), lines_of(ledger_of(filled))[:left])
    [problem] = verify(filled).problems
    assert problem.where == "run 20260101T000000.000000-a-0000"
    assert (problem.expected, problem.found) == ("entry 5 or later", f"entry {left}" if left else "nothing")


def test_a_ledger_that_is_gone_is_seen_from_what_a_run_saw(filled):
    ledger_of(filled).path.unlink()
    assert not verify(filled).sound


def test_a_chain_that_was_written_anew_is_seen_from_what_a_run_saw(filled):
    entries = [json.loads(line) for line in changed_figure(lines_of(ledger_of(filled)))]
    head, anew = Head(0, BEGIN), []
    for entry in entries:
        line, head = seal({name: value for name, value in entry.items() if name != "hash"}, head)
        anew.append(line.rstrip(b"\n"))
    put(ledger_of(filled), anew)
    assert len(ledger_of(filled).entries()) == 5
    [problem] = verify(filled).problems
    assert "the hash of entry 5, which it saw" in str(problem)
    assert problem.found == head.hash


def test_the_head_that_a_promotion_saw_is_compared_too(filled):
    see(filled, Head(6, "f" * 64), run="20260102T000000.000000-b-0000", part="holdout")
    assert [problem.expected for problem in verify(filled).problems] == ["entry 6 or later"]


# --- what runs note of their openings and overrides


NOTED = "20260103T000000.000000-c-0000"


def overridden(home, run=NOTED, reason="by decision of the board"):
    return record_override(home, run, "FAIL", reason)


def note_of(home, kind, run=NOTED):
    return home.path / "runs" / run / f"{kind}.json"


@pytest.mark.parametrize("kind", ["override", "opening"])
def test_an_erased_last_line_is_seen_from_the_note_in_its_run(filled, bars, kind):
    head = overridden(filled) if kind == "override" else record_opening(
        filled, bars, 500, run=NOTED, recipe_digest="r"
    ).head  # fmt: skip
    assert json.loads(note_of(filled, kind).read_text()) == ledger_of(filled).entries()[-1]
    assert verify(filled).sound
    put(ledger_of(filled), lines_of(ledger_of(filled))[:-1])
    [problem] = verify(filled).problems
    assert problem.where == f"run {NOTED}"
    assert (problem.expected, problem.found) == (f"entry {head.seq} or later", f"entry {head.seq - 1}")
    record(filled, bars, [noise(9)], run="run-9")  # another line in its place
    [problem] = verify(filled).problems
    assert f"the hash of entry {head.seq}" in problem.what


def test_an_override_whose_note_is_gone_or_changed_is_told(filled):
    first = overridden(filled)
    path = note_of(filled, "override")
    old = path.read_bytes()
    second = overridden(filled, reason="once more")
    assert verify(filled).sound
    path.write_bytes(old)
    [problem] = verify(filled).problems
    assert (problem.where, problem.expected) == (str(path), f"that of entry {second.seq}")
    assert problem.found == f"that of entry {first.seq}"
    path.write_bytes(old.replace(b"board", b"bored"))
    assert [problem.found for problem in verify(filled).problems] == ["changed"]
    path.unlink()
    assert [problem.found for problem in verify(filled).problems] == ["gone"]
    overridden(filled, reason="again")
    assert verify(filled).sound


def test_the_note_of_another_run_is_none(filled):
    overridden(filled)
    other = note_of(filled, "override", run="20260104T000000.000000-d-0000")
    other.parent.mkdir()
    other.write_bytes(note_of(filled, "override").read_bytes())
    assert [problem.where for problem in verify(filled).problems] == [str(other)]


def test_a_note_that_was_lost_when_a_promotion_was_stopped_is_written_when_it_goes_on(filled, bars):
    opening = record_opening(filled, bars, 500, run=NOTED, recipe_digest="r")
    note_of(filled, "opening").unlink()
    assert not verify(filled).sound
    assert record_opening(filled, bars, 500, run=NOTED, recipe_digest="r") == opening
    assert verify(filled).sound


def test_a_run_that_was_removed_needs_no_note(filled):
    overridden(filled)
    note_of(filled, "override").unlink()
    note_of(filled, "override").parent.rmdir()
    assert verify(filled).sound


def test_a_report_says_that_its_run_is_overridden(filled):
    run = Run(filled, NOTED)
    report = Report({}, run)
    assert report.override is None
    head = overridden(filled)
    assert report.override == {
        "time": ledger_of(filled).entries()[-1]["time"], "verdict": "FAIL", "reason": "by decision of the board",
        "seq": head.seq, "hash": head.hash,
    }  # fmt: skip
    assert Report({}).override is None
    path = note_of(filled, "override")
    path.write_bytes(path.read_bytes().replace(b"board", b"bored"))
    with pytest.raises(
        IntegrityError, match=r"override\.json was changed after it was written; .*quorate ledger --run"
    ):
        _ = report.override


def edited(path):
    rows = np.load(path)
    rows["return"][7] += 0.001
    np.save(path, rows)


@pytest.mark.parametrize(
    "damage", [edited, lambda path: path.write_bytes(b"nonsense"), lambda path: path.write_bytes(b"")]
)
def test_edited_returns_are_told_and_count_as_a_trial_of_their_own(home, bars, damage):
    one = noise(1)
    record(home, bars, [one, replace(named(one, "clone"), returns=one.returns * 2)])
    before = counted(home, bars, one)
    assert (before.n, effective(ledger_of(home), before)) == (2, 1.0)
    path = ledger_of(home).folder / "returns" / f"{one.key}.npy"
    damage(path)
    [problem] = verify(home).problems
    assert problem.where == str(path)
    assert effective(ledger_of(home), counted(home, bars, one)) == 2.0


def test_an_edited_lineage_is_told_and_counts_as_related(home, bars):
    record(home, bars, [noise(1)])
    other = simulated(n_bars=700, seed=5)
    assert counted(home, other, noise(1)).n == 0
    path = ledger_of(home).folder / "data" / f"{bars.fingerprint}.json"
    path.write_text(path.read_text().replace("a", "b"))
    assert [problem.where for problem in verify(home).problems] == [str(path)]
    assert counted(home, other, noise(1)).n == 1


def test_a_lineage_of_another_format_is_not_compared_and_counts_as_related(home, bars):
    record(home, bars, [noise(1)])
    path = ledger_of(home).folder / "data" / f"{bars.fingerprint}.json"
    path.write_text(path.read_text().replace('"schema": 2', '"schema": 1'))
    assert counted(home, simulated(n_bars=700, seed=5), noise(1)).n == 1


def test_files_that_are_gone_are_told_but_break_nothing(filled):
    for path in (ledger_of(filled).folder / "returns").iterdir():
        path.unlink()
    found = verify(filled)
    assert found.sound
    assert (found.files, found.missing) == (1, 5)


def test_a_torn_line_is_told_but_breaks_nothing(filled):
    with open(ledger_of(filled).path, "ab") as file:
        file.write(b'{"half":')
    found = verify(filled)
    assert found.sound
    assert found.torn == 8


# --- what counts as a trial


def test_identical_series_are_one_trial_and_every_judgement_is_recorded(home, bars):
    one, two = noise(1), noise(2, name="lasso")
    record(home, bars, [one, two], run="run-1")
    head = record(home, bars, [named(one, "renamed"), two], run="run-2", recipe="recipe-2")
    found = counted(home, bars, one)
    assert (found.n, found.entries, found.head) == (2, 4, head)
    assert set(found.keys) == {one.key, two.key}
    assert found.began == ledger_of(home).entries()[0]["time"][:10]


def test_a_series_that_differs_in_one_bit_or_one_day_is_another_trial():
    one = noise(1)
    later, other = one.days.copy(), one.returns.copy()
    later[-1] += 1
    other[0] = np.nextafter(other[0], 1)
    assert len({one.key, replace(one, days=later).key, replace(one, returns=other).key}) == 3
    zeros = np.zeros(250)
    assert replace(one, returns=zeros).key == replace(one, returns=-zeros).key


def test_going_on_with_a_run_records_nothing_again_and_counts_as_it_did_then(home, bars):
    mine = [noise(i, name=f"m{i}") for i in range(3)]
    head = record(home, bars, mine, run="run-1")
    record(home, bars, [noise(8)], run="run-2")
    assert record(home, bars, mine, run="run-1") == head
    assert ledger_of(home).head.seq == 4
    assert counted(home, bars, mine[0]).n == 4
    then = counted(home, bars, mine[0], until=head.seq)
    assert (then.n, then.head) == (3, head)


def test_a_run_that_was_stopped_while_it_recorded_adds_what_is_missing(home, bars):
    mine = [noise(i, name=f"m{i}") for i in range(3)]
    record(home, bars, mine[:1], run="run-1")
    assert record(home, bars, mine, run="run-1").seq == 3


def test_a_state_that_is_not_there_any_more_is_an_error(filled, bars):
    with pytest.raises(IntegrityError, match="was cut off: it must have entry 9; its last one is 5"):
        counted(filled, bars, noise(), until=9)


def test_own_keys_count_once_recorded_or_not(home, bars):
    one = noise(1)
    assert counted(home, bars, one, own_keys=[one.key, one.key, "other"]).n == 2
    record(home, bars, [one])
    found = counted(home, bars, one, own_keys=[one.key])
    assert (found.n, effective(ledger_of(home), found)) == (1, 1.0)


def test_an_empty_ledger_knows_of_no_trial(home, bars):
    found = counted(home, bars, noise())
    assert (found.n, found.began, found.entries, found.head) == (0, "", 0, Head(0, BEGIN))
    assert np.isnan(effective(ledger_of(home), found))


def test_series_over_other_days_do_not_count(home, bars):
    early, late = noise(1, first=0), noise(2, first=250)
    record(home, bars, [early, late])
    assert set(counted(home, bars, early).keys) == {early.key}
    assert set(counted(home, bars, noise(3, first=248)).keys) == {early.key, late.key}


@pytest.mark.parametrize(
    "first, last, found",
    [(0, 249, False), (0, 250, False), (0, 251, True), (498, 600, True), (499, 600, False), (500, 600, False),
     (499, 499, True), (300, 300, True), (249, 249, False)],
)  # fmt: skip
def test_a_holdout_that_begins_on_the_day_the_walk_forward_ends_is_another_span(home, bars, first, last, found):
    record(home, bars, [noise(2, first=250)])  # up to day 499
    days = [str(np.datetime64("2010-01-01") + day) for day in (first, last)]
    assert count(ledger_of(home), bars, *days).n == found


def test_an_entry_holds_the_moments_of_its_series_and_none_where_they_are_not_defined(home, bars):
    flat = replace(noise(name="flat"), returns=np.zeros(250))
    record(home, bars, [noise(1), flat])
    first, second = ledger_of(home).entries()
    returns = noise(1).returns
    assert first["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1), rel=1e-12)
    assert first["skew"] == pytest.approx(pd.Series(returns).skew(), abs=0.01)
    assert first["bars"] == 250
    assert (first["first"], first["last"]) == ("2010-01-01", "2010-09-07")
    assert second["sharpe"] is second["skew"] is second["kurtosis"] is None


def test_a_series_without_a_return_is_no_trial(home, bars):
    assert record(home, bars, [noise(n=0)]) == Head(0, BEGIN)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from([0, 40, 70])), max_size=8))
def test_what_the_list_says_is_what_was_counted_then(tmp_path_factory, bars, made):
    home = Home(tmp_path_factory.mktemp("home"))
    markets = [bars, bars.take(0, 300), bars.take(350, 700), bars.take(0, 20)]
    expected = []
    for i, (market, seed, first) in enumerate(made):
        candidate = noise(seed, first=first, n=50)
        head = record(home, markets[market], [candidate], run=f"run-{i}")
        expected.append(counted(home, markets[market], candidate, until=head.seq).n)
    assert tried_so_far(ledger_of(home), ledger_of(home).entries()) == expected


# --- how many independent ones they are


def test_clones_are_one_trial_and_noise_is_as_many_as_there_are(home, bars):
    base = noise(1)
    wobble = np.random.default_rng(9).normal(0, 0.001, 250)
    clones = [replace(named(base, f"c{i}"), returns=base.returns * (1 + i) + wobble * i) for i in range(4)]
    others = [noise(20 + i, name=f"n{i}") for i in range(3)]
    record(home, bars, [*clones, *others])
    found = counted(home, bars, base)
    assert (found.n, effective(ledger_of(home), found)) == (7, pytest.approx(4.0, abs=0.4))


def test_series_are_compared_on_the_days_they_share(home, bars):
    long = noise(1, n=300)
    shifted = replace(long, name="shifted", returns=long.returns[20:], days=long.days[20:])
    record(home, bars, [long, shifted])
    assert effective(ledger_of(home), counted(home, bars, long)) == 1.0


def test_series_that_share_no_days_or_are_gone_are_trials_of_their_own(home, bars):
    long, early, late = noise(1, n=600), noise(2, n=100), noise(3, n=100, first=500)
    alike = replace(late, name="alike", returns=late.returns * 3)
    record(home, bars, [long, early, late, alike])
    found = counted(home, bars, long)
    assert (found.n, effective(ledger_of(home), found)) == (4, pytest.approx(3.0, abs=0.4))
    (ledger_of(home).folder / "returns" / f"{alike.key}.npy").unlink()
    assert effective(ledger_of(home), found) == pytest.approx(4.0, abs=0.4)


def test_a_series_that_never_traded_is_recorded_and_no_independent_trial(home, bars):
    flat = replace(noise(name="flat"), returns=np.zeros(250))
    record(home, bars, [flat, noise(1)])
    found = counted(home, bars, flat)
    assert (found.n, effective(ledger_of(home), found)) == (2, 1.0)


def test_a_series_with_a_gap_does_not_hide_the_others(home, bars):
    gap = noise(5, name="gap")
    gap.returns[3] = np.nan
    record(home, bars, [gap, noise(1), noise(2, name="two")])
    assert effective(ledger_of(home), counted(home, bars, gap)) == pytest.approx(3.0, abs=0.3)


def test_bars_within_a_day_are_compared_by_day(home, bars):
    daily = noise(1, n=100)
    parts = np.random.default_rng(3).normal(0, 1e-5, (100, 4))
    hourly = replace(
        daily, name="hourly", days=np.repeat(daily.days, 4), returns=(daily.returns[:, None] / 4 + parts).ravel()
    )
    record(home, bars, [daily, hourly])
    found = counted(home, bars, daily)
    assert (found.n, effective(ledger_of(home), found)) == (2, pytest.approx(1.0, abs=0.4))


# --- related data


def renamed(bars):
    return replace(bars, symbols=tuple(f"X{name}" for name in bars.symbols))


def test_data_is_related_whatever_its_name_cut_or_length(bars):
    own = lineage_of(bars)
    assert own
    assert lineage_of(renamed(bars)) == own
    for cut in (bars.take(0, 400), bars.take(300, 700), bars.take(137, 399)):
        assert cut.fingerprint != bars.fingerprint
        assert lineage_of(cut) < own
    assert not related(lineage_of(bars.take(0, 300)), lineage_of(bars.take(300, 700)))
    assert not related(own, lineage_of(simulated(n_bars=700, seed=5)))


def test_one_year_is_related_to_the_long_history_that_holds_it():
    long = simulated(n_bars=2000)
    years = long.sessions.astype("datetime64[Y]")
    first, last = np.flatnonzero(years == years[900])[[0, -1]]
    one = long.take(int(first), int(last) + 1)
    assert related(lineage_of(one), lineage_of(long))


def test_a_panel_is_related_to_one_that_shares_a_symbol():
    one, other = (simulated(n_bars=500, n_symbols=1, seed=seed).to_frame() for seed in (0, 1))
    both = pd.concat([one.assign(symbol="A"), other.assign(symbol="B")]).sort_values(["symbol", "time"])
    panel = Bars.from_frame(both)
    assert lineage_of(panel) == lineage_of(Bars.from_frame(one)) | lineage_of(Bars.from_frame(other))


LONGER = 2 + 2 + 2  # digests that a bar is in beside its quarter's: of two blocks, of a year of weeks and one of months


def test_one_changed_close_takes_its_quarter_and_what_is_longer(bars):
    frame = bars.to_frame()
    frame.loc[352, ["open", "high", "low", "close"]] *= 1.01
    changed = lineage_of(Bars.from_frame(frame, bars.calendar))
    assert 2 < len(lineage_of(bars) - changed) <= 2 + LONGER  # on both grids
    assert len(lineage_of(bars) & changed) > 20


def priced(bars, prices):
    """The same bars at other closes."""
    return replace(bars, close=prices(bars.close))


@pytest.mark.parametrize(
    "prices, share",
    [
        (lambda close: np.round(close, 6), 0.95),
        (lambda close: close * 1.01, 1.0),
        (lambda close: np.round(close * 1.01, 6), 0.95),
        (lambda close: close / 3.7, 1.0),
        (lambda close: close.astype(np.float32).astype(np.float64), 0.9),
        (lambda close: np.round(close, 4), 0.6),
        (lambda close: np.round(close, 2), 0.01),
    ],
    ids=["6 decimals", "x 1.01", "x 1.01, 6 decimals", "/ 3.7", "single precision", "4 decimals", "cents"],
)
def test_data_is_related_however_it_is_scaled_and_rounded(prices, share):
    bars = simulated(n_bars=2500)  # from 78 on
    own = lineage_of(bars)
    assert len(own) > 70  # 38 whole quarters, on two grids
    assert len(own & lineage_of(priced(bars, prices))) >= share * len(own)


@settings(max_examples=20, deadline=None)
@given(factor=st.floats(1e-3, 1e3), seed=st.integers(0, 50))
def test_a_factor_on_all_prices_changes_no_lineage_that_matters(factor, seed):
    bars = simulated(n_bars=400, seed=seed)
    own, other = lineage_of(bars), lineage_of(priced(bars, lambda close: close * factor))
    assert len(own & other) >= 0.7 * len(own)


def test_returns_of_round_prices_do_not_lie_between_two_steps_of_the_grid(bars):
    odd = 2 * np.random.default_rng(0).integers(0, 10, (700, 1)) + 1
    ticks = replace(bars, close=np.where(np.arange(700)[:, None] % 2, 200 + odd / 100, 200.0))  # 200.01 / 200: 0.5 bp
    own = lineage_of(ticks)
    assert len(own) >= 9
    for factor in (1.01, 1 / 3, 7.0):
        assert lineage_of(priced(ticks, lambda close, f=factor: close * f)) == own


@settings(max_examples=15, deadline=None)
@given(
    seeds=st.tuples(st.integers(0, 10_000), st.integers(10_001, 20_000)),
    scale=st.sampled_from([1.0, 0.1, 0.01]),
    tick=st.sampled_from([1e-8, 0.01, 0.05]),
)
def test_markets_that_have_nothing_to_do_with_each_other_are_never_related(seeds, scale, tick):
    calm = [
        priced(
            simulated(n_bars=700, seed=seed), lambda close: np.round(100 * (close / close[0]) ** scale / tick) * tick
        )
        for seed in seeds
    ]
    assert not related(*map(lineage_of, calm))


def still(bars, seed):
    """Prices that hardly move: a halted symbol with five trades a quarter, cash at a rate, a peg that flickers."""
    draws = np.random.default_rng(seed)
    steps = np.zeros(len(bars))
    steps[draws.permutation(len(bars))[: len(bars) // 13]] = 0.01
    flicker = draws.integers(0, 2, len(bars)) * 1e-4
    cash = np.arange(len(bars)) * 1.6e-4
    return [100 * np.exp(np.cumsum(steps)), 100 * np.exp(cash), 1 + flicker, np.full(len(bars), float(seed + 1))]


def test_a_quarter_in_which_hardly_anything_happens_relates_nothing(bars):
    for prices, others in zip(still(bars, 0), still(bars, 1), strict=True):
        own, other = (lineage_of(replace(bars, close=close[:, None])) for close in (prices, others))
        assert len(own) <= 2  # a year of weeks in which something happens
        assert not related(own, other)


def test_a_bar_that_is_missing_or_inserted_leaves_the_other_quarters_alone(bars):
    frame = bars.to_frame()
    own = lineage_of(bars)
    quarters = frame["time"].dt.tz_localize(None).dt.to_period("Q")
    last = int(np.flatnonzero(quarters.to_numpy()[:-1] != quarters.to_numpy()[1:])[4])
    for place in (last - 20, last, last + 1):
        without = Bars.from_frame(frame.drop(index=place).reset_index(drop=True), bars.calendar)
        assert 0 < len(own - lineage_of(without)) <= 2 + LONGER  # of one quarter
    evening = frame.iloc[[last]].assign(time=frame["time"][last] + pd.Timedelta(days=0.25))
    more = pd.concat([frame, evening]).sort_values("time").reset_index(drop=True)
    inserted = lineage_of(replace(Bars.from_frame(more, bars.calendar), frequency="1d"))
    assert own < inserted  # a day counts once, with its last close


def test_of_bars_within_a_day_a_month_is_enough_and_of_weekly_ones_a_year(bars):
    days = bars.to_frame().iloc[:250]
    hours = pd.concat([days.assign(time=days["time"] - pd.Timedelta(hours=h)) for h in range(6)]).sort_values("time")
    draws = np.random.default_rng(0).normal(0, 0.002, len(hours))
    close = 100 * np.exp(np.cumsum(draws))
    hours = Bars.from_frame(hours.assign(open=close, high=close, low=close, close=close), bars.calendar)
    assert hours.frequency == "60min"
    months = len(np.unique(hours.sessions.astype("datetime64[M]"))) - 2
    days = lineage_of(resample(hours, "1d").bars)
    assert months < len(lineage_of(hours) - days) <= 2 * months
    assert days
    frame = simulated(n_bars=1500).to_frame()
    weekly = Bars.from_frame(frame.iloc[::5].reset_index(drop=True), bars.calendar)
    assert weekly.frequency == "1w"
    years = len(np.unique(weekly.sessions.astype("datetime64[Y]"))) - 2
    whole = lineage_of(weekly)
    blocks = (weekly.sessions[-1] - weekly.sessions[0]).astype(int) // 77
    assert 2 * years <= len(whole) <= 4 * years + blocks  # of its own days, and of those on which weeks end


def test_bars_that_are_too_few_or_never_change_are_related_to_nothing(bars):
    assert lineage_of(bars.take(0, 1)) == lineage_of(bars.take(0, 60)) == frozenset()
    frame = bars.to_frame().assign(open=1.0, high=1.0, low=1.0, close=1.0)
    assert lineage_of(Bars.from_frame(frame, bars.calendar)) == frozenset()


def test_bars_that_are_too_few_are_still_related_to_themselves(home, bars):
    few = bars.take(0, 60)
    record(home, few, [noise(1)])
    assert counted(home, few, noise(1)).n == 1
    assert counted(home, bars.take(0, 61), noise(1)).n == 0


def test_trials_on_the_same_history_under_another_name_count(home, bars):
    record(home, bars, [noise(1)])
    assert counted(home, renamed(bars).take(100, 700), noise(2)).n == 1
    assert counted(home, simulated(n_bars=700, seed=5), noise(2)).n == 0


# --- a run's candidates, as it judges them


def performance(bars, seed):
    steps = np.random.default_rng(seed).normal(0, 0.01, len(bars) - 1)
    equity = np.concatenate([[1.0], np.cumprod(1 + steps)])
    none = np.empty(0)
    return Performance(
        times=bars.times, equity=equity, trades=pd.DataFrame(), exposure=1.0, turnover=0.0, fees=0.0, slippage=0.0,
        bars_per_year=252.0, predictions=none, labels=none, binary=False,
    )  # fmt: skip


def test_a_recorder_records_and_counts_what_a_part_judges(home, bars):
    span = bars.take(300, 560)
    judged = {f"{name}/hold": performance(span, seed) for seed, name in enumerate(("mean", "median", "ridge"))}
    judged["lasso/hold"] = judged["ridge/hold"]
    names = {"run": "run-1", "part": "development", "recipe_digest": "recipe-1", "members": ["ridge", "lasso"]}
    recorder = Recorder(home, bars, **names)
    found = recorder(judged)
    assert (found.n, found.effective, found.began) == (
        3,
        pytest.approx(3.0, abs=0.3),
        ledger_of(home).entries()[0]["time"][:10],
    )
    entries = ledger_of(home).entries()
    assert [(e["series"], e["role"]) for e in entries] == [
        ("mean", "ensemble"), ("median", "alternative"), ("ridge", "member"), ("lasso", "member"),
    ]  # fmt: skip
    assert (entries[0]["first"], entries[0]["last"]) == (str(bars.sessions[301]), str(bars.sessions[559]))
    assert entries[0]["bars"] == 259
    assert recorder.head == ledger_of(home).head
    later = Recorder(home, bars, **{**names, "run": "run-2"})({"other/hold": performance(span, 7)})
    assert later.n == 4
    assert Recorder(home, bars, **names)(judged) == found


# --- opened holdouts


def opened(home, bars, run, recipe, start=500):
    return record_opening(home, bars, start, run=run, recipe_digest=recipe).looks


def test_a_recipe_that_opens_a_holdout_counts_once(home, bars):
    assert opened(home, bars, "run-1", "recipe-1") == 1
    assert opened(home, bars, "run-2", "recipe-1") == 1
    assert opened(home, bars, "run-3", "recipe-2") == 2
    assert looks(ledger_of(home), bars, 500) == 2
    assert looks(ledger_of(home), bars, 500, until=2) == 1


def test_opening_again_for_the_same_run_adds_nothing(home, bars):
    first = record_opening(home, bars, 500, run="run-1", recipe_digest="recipe-1")
    opened(home, bars, "run-2", "recipe-2")
    assert record_opening(home, bars, 500, run="run-1", recipe_digest="recipe-1") == first
    assert ledger_of(home).head.seq == 2


def test_a_holdout_is_the_same_where_history_and_days_are(home, bars):
    opened(home, bars, "run-1", "recipe-1")
    assert looks(ledger_of(home), renamed(bars), 600) == 1
    assert looks(ledger_of(home), bars.take(0, 499), 300) == 0
    assert looks(ledger_of(home), simulated(n_bars=700, seed=5), 500) == 0
    assert opened(home, renamed(bars).take(50, 700), "run-2", "recipe-2", start=500) == 2


def test_a_recipe_on_other_data_is_another_look(home, bars):
    opened(home, bars.take(0, 690), "run-1", "recipe-1")
    assert opened(home, bars, "run-2", "recipe-1") == 2


def test_a_recipe_whose_judged_series_is_the_same_is_no_other_look(home, bars):
    for run, recipe, seed in (("run-1", "recipe-1", 1), ("run-2", "recipe-2", 1), ("run-3", "recipe-3", 2)):
        record(home, bars, [noise(seed, role="ensemble"), noise(9, name="x")], run=run, recipe=recipe)
    assert [opened(home, bars, f"run-{n}", f"recipe-{n}") for n in (1, 2, 3)] == [1, 1, 2]


def test_openings_noted_before_there_was_a_ledger_are_taken_over_once(home, bars):
    home.keep_bars(bars)
    note = {"run": "gone", "opened": "2026-01-02T03:04:05+00:00"}
    for data, recipe in ((bars.fingerprint, "old-1"), ("f" * 64, "old-2")):
        write_json(home.path / "holdouts" / data / f"{recipe}.json", note)
    (home.path / "holdouts" / bars.fingerprint / "broken.json").write_text("nonsense")
    assert opened(home, bars, "run-1", "recipe-1") == 3
    assert opened(home, bars, "run-2", "old-1") == 3
    entries = ledger_of(home).entries()
    assert [entry["imported"] for entry in entries] == [True, True, True, False, False]
    assert {entry["opened"] for entry in entries[1:3]} == {note["opened"]}
    assert verify(home).sound


def test_an_opening_that_is_taken_over_has_the_days_of_its_run(home, bars):
    home.keep_bars(bars)
    run = "20260101T000000.000000-a-0000"
    provenance = {"holdout": {"start": str(bars.sessions[600])}, "data": {"last": str(bars.sessions[-1])}}
    write_json(home.path / "runs" / run / "report.json", {"schema_version": 1, "provenance": provenance})
    write_json(home.path / "holdouts" / bars.fingerprint / "old.json", {"run": run, "opened": "2026-01-02"})
    assert opened(home, bars.take(0, 600), "run-1", "recipe-1") == 1
    assert looks(ledger_of(home), bars, 650) == 1


# --- what was seen in a holdout counts


def judge(home, bars, part, run, recipe, seeds=(1, 2)):
    """Record a part of a run as it is judged, the holdout from bar 500 on, and return how much was tried."""
    span = bars.take(500, 700) if part == "holdout" else bars.take(300, 500)
    series = {f"m{seed}/hold": performance(span, seed) for seed in seeds}
    recorder = Recorder(home, bars, run=run, part=part, recipe_digest=recipe, members=[f"m{s}" for s in seeds[1:]])
    return recorder(series)


def test_the_series_of_an_opened_holdout_count_against_other_recipes_and_not_its_own(home, bars):
    first = judge(home, bars, "development", "run-1", "a")
    assert first.n == 2
    assert judge(home, bars, "holdout", "run-1", "a").n == 2  # other days than the walk-forward's
    own = judge(home, bars, "development", "run-2", "a")
    assert (own.n, own.effective) == (first.n, first.effective)
    other = judge(home, bars, "development", "run-3", "b", seeds=(3, 4))
    assert other.n == 6
    assert other.effective == pytest.approx(6.0, abs=0.8)
    assert judge(home, bars, "holdout", "run-3", "b", seeds=(3, 4)).n == 4
    assert judge(home, bars, "development", "run-4", "a").n == 6  # its own two, b's two, and b's two in the holdout
    assert judge(home, simulated(n_bars=700, seed=5), "development", "run-5", "c", seeds=(5,)).n == 1
    assert tried_so_far(ledger_of(home), ledger_of(home).entries()) == [1, 2, 1, 2, 2, 2, 5, 6, 3, 4, 6, 6, 1]


def test_judging_again_what_was_judged_counts_as_it_did_then_whatever_was_seen_since(home, bars):
    first = judge(home, bars, "development", "run-1", "a")
    judge(home, bars, "holdout", "run-1", "a")
    judge(home, bars, "development", "run-2", "b", seeds=(3,))
    opened_first = judge(home, bars, "holdout", "run-2", "b", seeds=(3,))
    before = ledger_of(home).head
    assert judge(home, bars, "development", "run-1", "a") == first
    assert judge(home, bars, "holdout", "run-2", "b", seeds=(3,)) == opened_first
    assert ledger_of(home).head == before


def test_the_same_recipe_on_longer_data_is_another_look(home, bars):
    judge(home, bars.take(0, 699), "development", "run-1", "a")
    record(home, bars.take(0, 699), [noise(7, n=150, bars=bars)], run="run-1", part="holdout", recipe="a")
    assert judge(home, bars, "development", "run-2", "a").n == 3


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"), st.sampled_from(["development", "holdout"]), st.integers(0, 3), st.booleans()
        ),
        max_size=8,
    )
)
def test_what_the_list_says_of_both_parts_is_what_was_counted_then(tmp_path_factory, bars, made):
    home = Home(tmp_path_factory.mktemp("home"))
    expected = []
    for i, (recipe, part, seed, cut) in enumerate(made):
        market = bars.take(0, 650) if cut else bars
        candidate = noise(seed, first=100 if part == "holdout" else 0, n=100)
        head = record(home, market, [candidate], run=f"run-{i}", part=part, recipe=recipe)
        of = recipe if part == "development" else None
        expected.append(counted(home, market, candidate, until=head.seq, recipe=of).n)
    assert tried_so_far(ledger_of(home), ledger_of(home).entries()) == expected


# --- overrides


def test_an_override_is_kept_with_its_reason(home):
    head = record_override(home, "run-1", "FAIL", " a small position, by decision of the board ")
    [entry] = ledger_of(home).entries()
    assert (entry["kind"], entry["reason"]) == ("override", "a small position, by decision of the board")
    assert head == ledger_of(home).head


@pytest.mark.parametrize(
    "verdict, reason, message",
    [("FAIL", " ", "takes a written reason; it was empty"), ("PASS", "x", "the verdict of run run-1 is PASS")],
)
def test_an_override_without_a_reason_or_of_nothing_is_refused(home, verdict, reason, message):
    with pytest.raises(RecipeError, match=message):
        record_override(home, "run-1", verdict, reason)
    assert ledger_of(home).entries() == []


def test_a_lent_ledger_counts_what_was_tried_here_and_says_that_it_is_a_copy(tmp_path):
    ledger = Ledger(tmp_path / "ledger")
    ledger.append([{"kind": "override", "run": "r", "verdict": "FAIL", "reason": "why"}])
    ledger.lend(tmp_path / "away")
    copy = Ledger(tmp_path / "away")
    assert copy.entries() == ledger.entries()
    assert (ledger.borrowed, copy.borrowed) == (False, True)
    Ledger(tmp_path / "none").lend(tmp_path / "empty")
    assert Ledger(tmp_path / "empty").entries() == []


def lent(home, bars, candidates):
    """Return the folder with what was recorded in a copy of the ledger."""
    away = Home(home.path.parent / "away")
    ledger_of(home).lend(away.path / "ledger")
    for candidate in candidates:
        record(away, bars, [candidate])
    return away.path / "ledger" / LENT


def test_what_was_tried_with_a_copy_is_recorded_as_if_it_had_been_tried_here(home, bars, tmp_path):
    tried = [noise(seed, bars=bars, name=f"ridge#{seed}") for seed in range(3)]
    folder = lent(home, bars, tried)
    record(home, bars, read_lent(folder, bars))
    other = Home(tmp_path / "other")
    record(other, bars, tried)
    entries, expected = ([{k: v for k, v in e.items() if k not in ("hash", "previous", "time")}
                          for e in ledger_of(h).entries()] for h in (home, other))  # fmt: skip
    assert entries == expected
    assert verify(home).sound
    record(home, bars, read_lent(folder, bars))
    assert len(ledger_of(home).entries()) == 3
    assert not (home.path / "ledger" / LENT).exists()


@pytest.mark.parametrize(
    "change",
    [
        {"days": lambda days: days[::-1]},
        {"days": lambda days: days.astype(np.int64)},
        {"days": lambda days: days + 1},
        {"days": lambda days: days[:-1]},
        {"returns": lambda returns: returns.astype(np.float32)},
        {"returns": lambda returns: np.where(returns > 0, np.nan, returns)},
        {"returns": lambda returns: returns[:, None]},
        {"bars_per_year": lambda year: year * 2},
        {"role": lambda role: np.array("judge")},
        {"name": lambda name: np.array("x" * 300)},
        {"name": lambda name: np.array(["a", "b"])},
        {"name": lambda name: np.array(None)},
        {"strategy": None},
    ],
)
def test_what_is_no_candidate_of_these_bars_is_not_taken_back(home, bars, change):
    [path] = lent(home, bars, [noise(bars=bars)]).glob("*.npz")
    with np.load(path) as file:
        arrays = dict(file)
    [(name, how)] = change.items()
    arrays = {k: v for k, v in arrays.items() if k != name} if how is None else {**arrays, name: how(arrays[name])}
    np.savez(path, **arrays)
    with pytest.raises(IntegrityError, match="of what was tried"):
        list(read_lent(path.parent, bars))


def test_what_is_no_file_of_arrays_is_not_taken_back(home, bars):
    [path] = lent(home, bars, [noise(bars=bars)]).glob("*.npz")
    path.write_bytes(b"PK and nothing more")
    with pytest.raises(IntegrityError, match=r"000000\.npz of what was tried cannot be read"):
        list(read_lent(path.parent, bars))


def test_what_was_tried_by_the_promotion_counts_whoever_tried_it(home, bars):
    first = judge(home, bars, "development", "run-1", "a")
    asked = {"run": "run-1", "recipe_digest": "a"}
    assert tried_by_now(home, bars, **asked, until=ledger_of(home).head.seq) == first
    judge(home, bars, "development", "run-2", "b", seeds=(3, 4, 5))
    now = tried_by_now(home, bars, **asked, until=ledger_of(home).head.seq)
    assert (first.n, now.n) == (2, 5)
    assert now.effective == pytest.approx(5.0, abs=0.6)

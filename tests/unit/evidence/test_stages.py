"""The stages of versions, as they follow from the ledger's entries."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.errors import IntegrityError, RecipeError, StoreError
from quorate.evidence.ledger import STAGES, Stages, ledger_of, record_rollback, record_stage, record_version, stages_of
from quorate.store import Home


def _add(home: Home, name: str = "trend", run: str = "a-run") -> Any:
    return record_version(
        home, name, run=run, verdict="PASS", override="", write_version=lambda n: {"seal": f"seal-{n}"}
    )


@pytest.fixture
def three(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    for _ in range(3):
        _add(home)
    return home


def test_versions_are_numbered_by_their_name_and_begin_as_candidates(three: Home) -> None:
    other = _add(three, "carry")
    assert other.label == "carry@1"
    found = stages_of(three)
    assert [(one.label, one.stage) for one in found.of("trend")] == [(f"trend@{n}", "candidate") for n in (1, 2, 3)]
    assert found.get("trend").version == 3
    assert found.get("trend", "2").seal == "seal-2"


def test_a_new_champion_retires_the_one_before_it(three: Home) -> None:
    record_stage(three, "trend", "1", "champion", "first")
    record_stage(three, "trend", "2", "champion", "better")
    found = stages_of(three)
    assert [one.stage for one in found.of("trend")] == ["retired", "champion", "candidate"]
    assert found.get("trend", "1").reason == "trend@2 is champion"
    assert found.get("trend", "2").reason == "better"


def test_to_be_moved_where_it_is_already_leaves_no_entry(three: Home) -> None:
    record_stage(three, "trend", "1", "champion")
    before = len(ledger_of(three).entries())
    record_stage(three, "trend", "1", "champion", "again")
    assert len(ledger_of(three).entries()) == before


def test_rolling_back_goes_through_the_champions_one_by_one(three: Home) -> None:
    for number in ("1", "2", "3"):
        record_stage(three, "trend", number, "champion")
    assert record_rollback(three, "trend", "it lost").version == 2
    assert record_rollback(three, "trend").version == 1
    with pytest.raises(StoreError, match="no other champion"):
        record_rollback(three, "trend")
    assert [one.stage for one in stages_of(three).of("trend")] == ["champion", "retired", "retired"]


def test_a_champion_that_was_taken_away_can_be_gone_back_to(three: Home) -> None:
    record_stage(three, "trend", "1", "champion")
    record_stage(three, "trend", "1", "retired", "it drifted")
    with pytest.raises(StoreError, match=r"has no champion; quorate registry stage trend@3 champion"):
        stages_of(three).get("trend", "champion")
    assert record_rollback(three, "trend").label == "trend@1"


def test_as_of_a_moment_nothing_later_is_known(tmp_path: Path) -> None:
    def entry(kind: str, day: int, version: int, **more: Any) -> dict[str, Any]:
        own = {"name": "trend", "version": version, "run": "r", "verdict": "PASS", "override": "", "seal": "s"}
        return {"kind": kind, "time": f"2026-01-{day:02}T00:00:00+00:00", **own, **more}

    staged = {"stage": "champion", "reason": "", "back": False}
    entries = [entry("version", 1, 1), entry("stage", 2, 1, **staged), entry("version", 3, 2)]
    then = Stages(entries, dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC))
    assert then.get("trend").version == 1
    assert then.get("trend", "champion").version == 1
    assert Stages(entries, dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)).champion("trend") is None
    assert Stages(entries).get("trend").version == 2


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda home: stages_of(home).of("trent"), "did you mean 'trend'"),
        (lambda home: stages_of(home).get("trend", "7"), "has the versions 1, 2, 3"),
        (lambda home: record_stage(home, "trend", "1", "champ"), "did you mean 'champion'"),
        (lambda home: record_stage(home, "trend", "9", "shadow"), "it was '9'"),
    ],
)
def test_mistakes_are_told_and_leave_no_entry(three: Home, ask: Any, said: str) -> None:
    before = len(ledger_of(three).entries())
    with pytest.raises((StoreError, RecipeError), match=said):
        ask(three)
    assert len(ledger_of(three).entries()) == before


def test_a_changed_entry_is_seen(three: Home) -> None:
    record_stage(three, "trend", "1", "retired")
    path = ledger_of(three).path
    path.write_text(path.read_text().replace('"stage":"retired"', '"stage":"champion"'))
    with pytest.raises(IntegrityError, match="was changed after it was written"):
        stages_of(three)


@settings(max_examples=25)
@given(moves=st.lists(st.tuples(st.sampled_from("123"), st.sampled_from([*STAGES, "back"])), max_size=12))
def test_one_at_most_is_champion_whatever_is_done(tmp_path_factory: pytest.TempPathFactory, moves: list[Any]) -> None:
    home = Home(tmp_path_factory.mktemp("stages") / "home")
    for _ in range(3):
        _add(home)
    for number, stage in moves:
        if stage == "back":
            before = stages_of(home).champion("trend")
            try:
                assert record_rollback(home, "trend") != before
            except StoreError:
                assert stages_of(home).before("trend") is None
        else:
            assert record_stage(home, "trend", number, stage).stage == stage
        assert sum(one.stage == "champion" for one in stages_of(home).of("trend")) <= 1

"""From recorded forecasts to KEEP, DOUBT and WITHDRAW: by command and on record, and what is not scored is named."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import quorate
from quorate.cli._app import app
from quorate.evidence.ledger import stages_of
from quorate.execution.progress import Progress
from quorate.report.views.monitor import render
from quorate.serving import record as recording
from quorate.serving.account import Market, _earned, forward_of
from quorate.serving.monitor import Monitoring, monitor
from quorate.serving.record import ForwardRecord
from quorate.serving.watched import verdict_of
from quorate.store import Home
from quorate.store.alerts import read_alerts
from quorate.store.trust import trust
from support.forward import FORWARD, JUDGED, bars_of, make, record

EVERY = range(JUDGED, JUDGED + FORWARD)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, _leased: None) -> tuple[Path, Path]:
    """A home with a champion whose forecasts came true, and a candidate that said the contrary."""
    home, late = make(tmp_path_factory.mktemp("monitored"), versions=2)
    registry, patch = quorate.ModelRegistry(home), pytest.MonkeyPatch()
    for label, sign in (("tiny@1", 1.0), ("tiny@2", -1.0)):
        record(home, registry.get(label), bars_of(late), EVERY, patch, sign=sign)
    return home, late


@pytest.fixture
def home(made: tuple[Path, Path], tmp_path: Path) -> Path:
    shutil.copytree(made[0], tmp_path / "home")
    trust(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture(scope="module")
def late(made: tuple[Path, Path]) -> Path:
    return made[1]


def _quorate(home: Path, *args: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, [*args, "--home", str(home)], env={"COLUMNS": "120"})
    return found.exit_code, found.output


def _look(home: Path, data: Path, which: str = "tiny", **more: bool) -> Monitoring:
    [found] = monitor(which, data=data, home=home, **more)
    return found


def test_what_keeps_its_promise_is_kept_and_compared_with_what_stands_beside_it(
    home: Path, late: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = _quorate(home, "monitor", "--data", str(late), "--json")
    [found] = json.loads(text)
    assert (code, found["verdict"], found["judged"], found["demoted"]) == (0, "KEEP", "tiny@1", False)
    first, second = found["versions"]
    assert first["bars"] == FORWARD
    assert (first["problems"], first["inputs"]["verdict"], first["calibration"]["verdict"]) == ([], "KEEP", "KEEP")
    assert first["edge"] > 1 > first["evidence"]
    assert first["false_alarms"] <= 0.05
    assert second["verdict"] == "WITHDRAW"
    assert second["highest"] > 20 > second["edge"]
    [pair] = found["compared"]
    assert (pair["other"], pair["bars"]) == ("tiny@2", FORWARD)
    assert pair["worse"] > 5 > pair["better"]
    assert stages_of(Home(home)).champion("tiny") is not None
    monkeypatch.setenv("COLUMNS", "60")
    render([found])
    shown = capsys.readouterr().out
    assert "tiny@1: KEEP" in shown
    assert max(map(len, shown.splitlines())) <= 60


def test_recorded_weights_are_traded_at_the_next_open_and_pay_the_costs(home: Path, late: Path) -> None:
    entries = ForwardRecord(home).entries("tiny", 1)
    version = quorate.ModelRegistry(home).get("tiny@1")
    found = forward_of(version, entries, Market(Home(home), str(late)), progress=Progress())
    assert found is not None
    free = replace(found.walk, trading=replace(found.walk.trading, fees=0.0, slippage=0.0))
    without, _ = _earned(free, found.start, found.used)
    weights = [entry["symbols"][0]["weight"] for entry in entries]
    close, opened = found.bars.close[JUDGED - 1 :, 0], found.bars.open[JUDGED - 1 :, 0]
    held, cash, value = 0.0, 1.0, [1.0]
    for bar in range(1, len(close)):
        if weights[bar - 1] != (weights[bar - 2] if bar > 1 else 0.0):
            size = weights[bar - 1] * (cash + held * opened[bar]) / opened[bar] - held
            cash, held = cash - size * opened[bar], held + size
        value.append(cash + held * close[bar])
    np.testing.assert_allclose(without, np.diff(value) / value[:-1], atol=1e-12)
    first = _look(home, late, "tiny@1", dry_run=True).versions[0]
    assert first.total_return == pytest.approx(float(np.prod(1 + found.returns) - 1))
    assert found.returns.sum() < without.sum()


def test_the_same_record_and_bars_give_the_same_verdict(home: Path, late: Path) -> None:
    one, two = (_look(home, late, "tiny@1", dry_run=True).to_dict() for _ in range(2))
    assert one == two
    assert len(one["versions"][0]["digest"]) == 64


def test_a_champion_that_breaks_its_promise_is_retired_on_record_and_told_once(home: Path, late: Path) -> None:
    quorate.ModelRegistry(home).stage("tiny@2", "champion", "a mistake")
    assert _quorate(home, "monitor", "tiny", "--data", str(late), "--dry-run")[0] == 14
    assert _quorate(home, "monitor", "tiny", "--data", str(late), "--no-demote")[0] == 14
    champion = stages_of(Home(home)).champion("tiny")
    assert champion is not None
    assert champion.version == 2
    code, text = _quorate(home, "monitor", "tiny", "--data", str(late))
    assert code == 14
    assert "tiny@2: WITHDRAW, and retired" in text
    found = stages_of(Home(home)).get("tiny", "2")
    assert found.stage == "retired"
    assert found.reason.startswith(
        "quorate monitor: WITHDRAW; evidence that it earns less than promised above 20 on 20"
    )
    assert [one["event"] for one in read_alerts(home)] == ["withdrawn"]
    assert "tiny@2: it is withdrawn" in read_alerts(home)[0]["subject"]
    assert _quorate(home, "ledger", "verify")[0] == 0
    assert "tiny@2 WITHDRAW" in _quorate(home, "ledger", "--last", "2")[1]


def test_an_edited_record_is_no_record(home: Path, late: Path) -> None:
    _quorate(home, "monitor", "tiny", "--data", str(late))
    path = ForwardRecord(home).path
    text = path.read_bytes()
    path.write_bytes(text.replace(b'"weight":0.0', b'"weight":1.0', 1))
    code, said = _quorate(home, "monitor", "tiny", "--data", str(late))
    assert (code, "the forward record was changed" in said) == (12, True)
    path.write_bytes(b"".join(text.splitlines(keepends=True)[:-5]))  # a cut tail: the chain itself still holds
    assert "its last line must be" in _quorate(home, "ledger", "verify")[1]
    code, said = _quorate(home, "monitor", "tiny", "--data", str(late))
    assert (code, "its last line must be" in said) == (12, True)


def test_what_was_recorded_after_its_order_is_kept_and_never_scored(
    home: Path, late: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "forward" / "record.jsonl").unlink()
    version = quorate.ModelRegistry(home).get("tiny@1")
    record(home, version, bars_of(late), range(JUDGED, JUDGED + 20), monkeypatch)
    record(home, version, bars_of(late), range(JUDGED + 20, JUDGED + 25), monkeypatch, hours=80.0)
    record(home, version, bars_of(late), range(JUDGED + 27, JUDGED + 50), monkeypatch)
    assert sum(one["late"] for one in ForwardRecord(home).entries()) == 5
    first = _look(home, late, "tiny@1", dry_run=True).versions[0]
    assert first.bars == 43
    assert first.problems[0].startswith("5 entries are not scored, recorded after its order could be filled: ")
    assert first.problems[1].startswith(f"{FORWARD - 43} bars without a forecast in time, not scored: ")


def test_history_that_was_revised_is_named_and_not_scored_silently(home: Path, late: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(late)
    frame.loc[JUDGED + 99, ["Open", "High", "Low", "Close"]] *= 1.001
    other = tmp_path / "other" / "IDX.csv"
    other.parent.mkdir()
    frame.to_csv(other, index=False)
    first = _look(home, other, "tiny@1", dry_run=True).versions[0]
    assert first.bars == 100
    assert first.problems[0].startswith(
        f"{FORWARD - 100} entries are not scored, recorded on prices that are others now"
    )
    assert _look(home, other, "tiny@1", dry_run=True, revised=True).versions[0].bars == FORWARD


def test_bars_that_are_gone_and_forecasts_of_later_ones_are_named(home: Path, late: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(late)[: JUDGED + 60]
    other = tmp_path / "short" / "IDX.csv"
    other.parent.mkdir()
    frame.drop(index=JUDGED + 40).to_csv(other, index=False)
    first = _look(home, other, "tiny@1", dry_run=True).versions[0]
    assert any("of a bar that is not in the data" in line for line in first.problems)
    assert any("are of the last bar of the data or later" in line for line in first.problems)
    assert first.bars == 41  # those after the hole have another history


def test_bars_of_another_market_are_refused(home: Path, late: Path, tmp_path: Path) -> None:
    shutil.copy(late, tmp_path / "OTHER.csv")
    code, said = _quorate(home, "monitor", "tiny", "--data", str(tmp_path / "OTHER.csv"))
    assert (code, "recorded forecasts of IDX, and the bars are of OTHER" in said) == (1, True)


def test_a_record_with_nothing_yet_says_so(home: Path, late: Path) -> None:
    shutil.rmtree(home / "forward")
    code, text = _quorate(home, "monitor")
    assert (code, "no forecast is recorded yet" in text) == (0, True)
    code, text = _quorate(home, "monitor", "tiny", "--data", str(late))
    assert (code, "tiny@1: TOO EARLY" in text) == (0, True)
    assert _quorate(home, "monitor", "nosuch")[0] == 1


def test_a_prediction_by_command_is_recorded_and_scored_once_its_bar_has_come(
    home: Path, late: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "forward" / "record.jsonl").unlink()
    part = tmp_path / "part" / "IDX.csv"
    part.parent.mkdir()
    pd.read_csv(late)[: JUDGED + 5].to_csv(part, index=False)
    moment = pd.Timestamp(bars_of(part).times[-1], tz="UTC").to_pydatetime()
    monkeypatch.setattr(recording, "utc_now", lambda: moment)
    code, text = _quorate(home, "predict", "--version", "tiny@1", "--data", str(part), "--record", "--json")
    assert code == 0
    [entry] = ForwardRecord(home).entries()
    assert (entry["late"], entry["served_by"], entry["name"]) == (False, "predict", "tiny")
    assert "recorded as entry 1 of the forward record" in text
    first = _look(home, late, "tiny@1", dry_run=True).versions[0]
    assert (first.bars, first.verdict) == (1, "TOO EARLY")
    assert _quorate(home, "predict", "latest", "--record")[0] == 2


def test_a_backup_has_the_record_and_holds(home: Path, late: Path, tmp_path: Path) -> None:
    _quorate(home, "monitor", "tiny", "--data", str(late))
    assert _quorate(home, "backup", str(tmp_path / "place"))[0] == 0
    assert _quorate(tmp_path / "again", "restore", str(tmp_path / "place"))[0] == 0
    assert len(ForwardRecord(tmp_path / "again").entries()) == 2 * FORWARD
    assert _quorate(tmp_path / "again", "ledger", "verify")[0] == 0


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        ([], "TOO EARLY"),
        ([1.0] * 19, "TOO EARLY"),
        ([1.0] * 20, "KEEP"),
        ([1.0] * 20 + [6.0], "DOUBT"),
        ([6.0] * 20 + [1.0], "KEEP"),
        ([1.0, 21.0, 1.0], "WITHDRAW"),
        ([20.0] * 30, "DOUBT"),
    ],
)
def test_verdicts_follow_from_the_evidence(evidence: list[float], verdict: str) -> None:
    assert verdict_of(np.array(evidence)) == verdict

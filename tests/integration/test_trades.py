"""The trades of a run, on the terminal and in files."""

import io
import json

import pandas as pd

import quorate
from quorate.report.endings import Endings
from quorate.report.trades import COLUMNS
from quorate.runs.loaded import load_report
from quorate.store import Home
from support.command import call, message_of


def stored(report, series):
    frame = report.trades
    return frame[frame["series"] == series].sort_values(["entered", "symbol"]).reset_index(drop=True)


def test_all_trades_of_the_judged_series_are_told_as_they_are_stored(finished):
    report = load_report(home=finished.path)
    judged = report.standing["series"][0]
    document = json.loads(call("trades", "--json").stdout)
    assert document["series"] == f"{judged['name']}/{judged['strategy']}"
    found, frame = pd.DataFrame(document["trades"]), stored(report, document["series"])
    assert len(found) == len(frame) > 5
    for name, column in {"return": "pnl_fraction", "entry_price": "entry_price", "pnl": "pnl", "side": "side"}.items():
        assert found[name].tolist() == frame[column].tolist()
    bars = finished.bars(report.provenance["data"]["fingerprint"])
    session = dict(zip(bars.times.tolist(), map(str, bars.sessions), strict=True))
    place = dict(zip(bars.times.tolist(), range(len(bars)), strict=True))
    entered, exited = ([t.tz_convert(None).to_pydatetime() for t in frame[c]] for c in ("entered", "exited"))
    assert found["entered"].tolist() == [session[t] for t in entered]
    assert found["bars"].tolist() == [place[b] - place[a] for a, b in zip(entered, exited, strict=True)]
    assert found["ended"].tolist() == ["signal" if closed else "end" for closed in frame["closed"]]
    closed = frame[frame["closed"]]
    told = document["summary"]
    assert (told["trades"], told["winners"]) == (len(frame), int((closed["pnl"] > 0).sum()))
    assert (told["best"], told["worst"]) == (closed["pnl_fraction"].max(), closed["pnl_fraction"].min())
    assert told["median_bars"] == found[found["closed"]]["bars"].median()


def test_csv_has_all_of_them_in_a_file_or_on_stdout(finished, tmp_path):
    document = json.loads(call("trades", "--json").stdout)
    out = call("trades", "--csv", "-", "--limit", "3")
    frame = pd.read_csv(io.StringIO(out.stdout))
    assert list(frame) == list(COLUMNS)
    assert frame["return"].tolist() == [trade["return"] for trade in document["trades"]]
    path = tmp_path / "trades.csv"
    first = call("trades", "--csv", path)
    assert (first.exit_code, first.stdout, path.read_text()) == (0, "", out.stdout)
    assert f"{len(frame)} trades written to" in first.stderr
    assert "in place of" not in first.stderr
    path.write_text("old")
    assert "in place of what was there" in call("trades", "--csv", path).stderr
    assert path.read_text() == out.stdout
    assert [p.name for p in tmp_path.iterdir() if "csv" in p.name] == ["trades.csv"]


def test_csv_does_not_replace_what_is_no_file_of_its_own(finished, tmp_path):
    kept = tmp_path / "kept"
    kept.write_text("kept")
    (tmp_path / "link").symlink_to(kept)
    for path in (tmp_path / "link", tmp_path, "/dev/null"):
        assert "no regular file" in message_of(call("trades", "--csv", path), 1)
    assert kept.read_text() == "kept"
    assert "exclude each other" in message_of(call("trades", "--csv", "-", "--json"), 2)


def test_another_series_order_and_number_can_be_asked_for(finished, monkeypatch):
    report = load_report(home=finished.path)
    alone = next(one for one in report.standing["series"] if one["role"] == "member")
    series = f"{alone['name']}/{alone['strategy']}"
    document = json.loads(call("trades", "--series", alone["name"], "--sort", "return", "--json").stdout)
    returns = [trade["return"] for trade in document["trades"]]
    assert document["series"] == series
    assert returns == sorted(stored(report, series)["pnl_fraction"])
    lines = call("trades", "--limit", "4").stdout.splitlines()
    assert sum(line.strip().startswith("200") for line in lines) == 4
    assert any("the last 4 of" in line for line in lines)
    assert "no series 'rigde'; did you mean" in message_of(call("trades", "--series", "rigde"), 2)
    judged = report.standing["series"][0]["name"]
    assert "several ways" in message_of(call("trades", "--series", judged), 2)
    assert "--sort must be one of" in message_of(call("trades", "--sort", "pln"), 2)
    for width in (20, 50, 80, 130):
        monkeypatch.setenv("COLUMNS", str(width))
        assert max(map(len, call("trades").stdout.splitlines())) <= width


def test_what_ended_a_trade_is_told_where_limits_are_on(home, tiny):
    limits = {"stop": 0.008, "max_bars": 3}
    report = quorate.run({**tiny, "strategy": {"risk": limits}}, home=home)
    [fill] = {report.provenance["recipe"]["backtest"]["fill"]}
    bars = Home(home).bars(report.provenance["data"]["fingerprint"])
    place = {str(day): k for k, day in enumerate(bars.sessions)}
    price, close = bars.fill(fill)[:, 0], bars.close[:, 0]
    scores = {
        place[str(time.tz_convert("America/New_York").date())]: 2 * p - 1
        for time, p in report.predictions["ensemble/past-performance"].items()
    }
    folds = [(place[f["test_first"]], place[f["test_last"]], f["threshold"]) for f in report.standing["folds"]]
    seen = []
    for trade in json.loads(call("trades", "--json").stdout)["trades"]:
        entry, left = place[trade["entered"]], place[trade["exited"]] - 1
        stopped = close[left] <= price[entry] * (1 - limits["stop"])
        seen.append(trade["ended"])
        if trade["ended"] == "signal":  # the strategy wanted out
            [threshold] = [asked for first, last, asked in folds if first <= left <= last]
            assert scores[left] <= threshold
            assert not stopped
        elif trade["ended"] == "stop":
            assert stopped
        elif trade["ended"] == "time":
            assert trade["bars"] == limits["max_bars"]
            assert not stopped
        elif trade["ended"] is None:
            inside = [1 for first, last, _ in folds if first < entry - 1 <= left <= last]
            assert not inside
    assert {"signal", "stop", "time"} <= set(seen)


def test_without_its_bars_a_run_still_tells_its_trades(finished):
    before = json.loads(call("trades", "--json").stdout)["trades"]
    for path in (finished.path / "bars").iterdir():
        path.unlink()
    after = json.loads(call("trades", "--json").stdout)["trades"]
    assert [t["return"] for t in after] == [t["return"] for t in before]
    assert {t["ended"] for t in after} <= {None, "end"}


def test_a_symbol_that_ends_is_told_from_a_signal():
    days = pd.bdate_range("2020-01-01", periods=10, tz="UTC") + pd.Timedelta(hours=21)
    frame = pd.DataFrame({"symbol": "GONE", "time": days[:5], **dict.fromkeys(("open", "high", "low", "close"), 1.0)})
    rest = pd.DataFrame({"symbol": "KEPT", "time": days, **dict.fromkeys(("open", "high", "low", "close"), 1.0)})
    bars = quorate.Bars.from_frame(pd.concat([frame, rest]), "us-equity")
    endings = Endings(bars, [], {}, "open")
    entered, exited = (days[k].to_pydatetime() for k in (2, 7))
    assert endings.ended("GONE", "long", entered, exited, False) == "delisted"
    assert endings.ended("KEPT", "long", entered, exited, False) == "signal"

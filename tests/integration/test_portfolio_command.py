"""Registered ensembles as one portfolio: what is taken, what is said, and the weights for the next bar."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import quorate
from quorate.cli._app import app
from quorate.errors import DataError, IntegrityError, RecipeError, StoreError
from quorate.evidence.ledger import record_override
from quorate.store import Home
from quorate.store.trust import trust
from support.homes import recipe

EASY = {
    "preset": "headline",
    "sharpe": {"threshold": -50.0},
    "max-drawdown": {"threshold": 0.99},
    "win-rate": {"threshold": 0.01},
    "sample-size": {"trades": 1, "least_trades": 1, "bars": 20},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, _leased: None) -> Path:
    """A home with three ensembles: one, another market, and the first under a second name; and one that failed."""
    home = tmp_path_factory.mktemp("portfolio") / "home"
    tiny = recipe("tiny") | {"gates": EASY}
    run = quorate.promote(quorate.run(tiny, home=home).run_id, home=home).run_id
    quorate.register(run, label="twin", home=home)
    other = tiny | {"name": "other", "data": {**recipe("tiny")["data"], "seed": 5}, "models": {"ridge": {}}}
    quorate.promote(quorate.run(other, home=home).run_id, home=home)
    bad = tiny | {"name": "bad", "gates": {**EASY, "sharpe": {"threshold": 50.0}}}
    failed = quorate.run(bad, home=home).run_id
    record_override(Home(home), failed, "FAIL", "paper trading until June")
    quorate.register(failed, home=home)
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "home")
    trust(tmp_path / "home")
    return tmp_path / "home"


def _quorate(home: Path, *args: str, columns: int = 120) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["portfolio", *args, "--home", str(home)], env={"COLUMNS": str(columns)})
    return found.exit_code, found.output


def test_a_portfolio_of_one_is_that_run(home: Path) -> None:
    found = quorate.portfolio(["tiny"], home=home).document
    results = quorate.load_report(found["members"][0]["run"], home=home).results
    for name, part in (("walk-forward", "development"), ("holdout", "holdout")):
        metrics = results[part]["series"][0]["metrics"]
        told = found["parts"][name]
        assert told["sharpe"] == metrics["sharpe"]
        assert told["volatility"] == pytest.approx(metrics["volatility"], rel=1e-12)
        assert told["max_drawdown"] == pytest.approx(metrics["max-drawdown"], rel=1e-9)
        assert told["total_return"] == pytest.approx(metrics["total-return"], rel=1e-9)
    assert found["parts"]["walk-forward"]["correlation"]["pairs"] == []


def test_of_a_run_under_two_names_the_correlation_is_one_and_the_sharpe_ratio_the_same(home: Path) -> None:
    one = quorate.portfolio(["tiny"], home=home).document["parts"]
    both = quorate.portfolio(["tiny", "twin"], home=home).document["parts"]
    for part in ("walk-forward", "holdout"):
        assert both[part]["sharpe"] == one[part]["sharpe"]
        assert both[part]["correlation"]["pairs"][0]["correlation"] == pytest.approx(1)


def test_figures_are_those_of_pandas(home: Path) -> None:
    found = quorate.portfolio(["tiny", "other"], home=home)
    labels = [one["label"] for one in found.document["members"]]
    own = {}
    for label in labels:
        version = quorate.ModelRegistry(home).get(label)
        report = quorate.load_report(version.standing.run, home=version.path)
        judged = report.results["development"]["series"][0]
        curve = report.equity.query("part == 'development'")[f"{judged['name']}/{judged['strategy']}"]
        own[label] = curve.pct_change().dropna()
    first, second = own[labels[0]].align(own[labels[1]], join="inner")
    mean = (first + second) / 2
    told = found.document["parts"]["walk-forward"]
    assert told["returns"] == len(mean)
    assert told["sharpe"] == pytest.approx(mean.mean() / mean.std() * np.sqrt(252), rel=1e-9)
    assert told["correlation"]["pairs"][0]["correlation"] == pytest.approx(first.corr(second), rel=1e-9)
    assert found.returns.query("part == 'walk-forward'")["return"].tolist() == pytest.approx(mean.tolist(), abs=1e-15)


def test_the_order_of_names_does_not_matter_and_all_is_told_alike_again(home: Path) -> None:
    asked = {"weights": "risk-parity", "risk_budget": 0.05, "home": home}
    found = [quorate.portfolio(names, **asked).document for names in (["tiny", "other"], ["other@1", "tiny"])]
    assert json.dumps(found[0]) == json.dumps(found[1])
    assert found[0]["scale"] < 1
    assert found[0]["parts"]["walk-forward"]["warm_up"] == 63


def test_the_holdout_chooses_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from quorate.runs import portfolio as room

    def scrambled(members: list, part: str) -> object:
        found = real(members, part)
        if part == "holdout":
            found.total[:] = found.total[::-1] * 3
        return found

    before = quorate.portfolio(["tiny", "other"], weights="inverse-vol", risk_budget=0.05, home=home).document
    real = room.joint
    monkeypatch.setattr(room, "joint", scrambled)
    after = quorate.portfolio(["tiny", "other"], weights="inverse-vol", risk_budget=0.05, home=home).document
    assert (before["shares"], before["scale"]) == (after["shares"], after["scale"])
    assert before["parts"]["walk-forward"] == after["parts"]["walk-forward"]
    assert before["parts"]["holdout"] != after["parts"]["holdout"]
    assert any("above the budget of 5.0%" in line for line in after["warnings"])


def test_closes_that_not_all_have_are_left_out_and_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from quorate.runs.portfolio_series import Curve, Member

    real = Member.curve

    def gaps(self: Member, part: str) -> Curve | None:
        found = real(self, part)
        assert found is not None
        keep = np.arange(len(found.times)) % 5 != (1 if self.label == "tiny@1" else 3)
        return Curve(found.times[keep], found.equity[keep], None)

    whole = quorate.portfolio(["tiny", "other"], home=home).document["parts"]["walk-forward"]
    monkeypatch.setattr(Member, "curve", gaps)
    found = quorate.portfolio(["tiny", "other"], home=home).document
    told = found["parts"]["walk-forward"]
    assert told["returns"] < 0.7 * whole["returns"]
    assert told["bars_per_year"] == pytest.approx(0.6 * 252, rel=0.06)  # as many as there were
    assert any("the walk-forward leaves out what not all have: 3" in line for line in found["warnings"])
    assert not any("leaves out" in line for line in quorate.portfolio(["tiny"], home=home).document["warnings"])


def test_an_override_is_said_and_so_is_what_is_not_in_common(home: Path) -> None:
    found = quorate.portfolio(["bad", "tiny"], home=home)
    told = found.document["warnings"]
    assert "bad@1 is used in spite of its verdict FAIL: paper trading until June" in told
    assert "the holdout is not in common: nothing is said of it" in told
    assert any("fewer than 252 are INSUFFICIENT" in line for line in told)
    assert found.document["registered"] == {"versions": 4, "names": 4, "sets": 6}
    assert "2 of 4 registered versions, one of 6 such sets" in found.sentence


def test_weights_for_the_next_bar_are_netted_by_symbol(home: Path) -> None:
    found = quorate.portfolio(["tiny", "other"], predict=True, home=home)
    apart = {name: quorate.ModelRegistry(home).get(name).predict() for name in ("tiny", "other")}
    weights = [one.targets[0]["weight"] for one in apart.values()]
    assert found.targets["weight"].tolist() == pytest.approx([sum(weights) / 2])
    told = found.document["next"]
    assert told["gross_apart"] == pytest.approx(sum(map(abs, weights)) / 2)
    assert told["decided"]["tiny@1"] == apart["tiny"].decided


def test_opposite_weights_of_a_symbol_net() -> None:
    from types import SimpleNamespace

    from quorate.runs.portfolio import netted

    def asked(decided: str, **weights: float) -> object:
        targets = [{"symbol": name, "weight": weight} for name, weight in weights.items()]
        return SimpleNamespace(decided=decided, fill="open", targets=targets, warnings=["old"], unseen=[])

    chosen = SimpleNamespace(last_shares=np.array([0.25, 0.75]), last_scale=0.8)
    found = netted({"a@1": asked("x", SPY=1.0, GLD=0.5), "b@1": asked("y", SPY=-1.0)}, chosen)  # type: ignore[dict-item, arg-type]
    assert {one["symbol"]: one["weight"] for one in found["targets"]} == pytest.approx({"GLD": 0.1, "SPY": -0.4})
    assert (found["gross"], found["gross_apart"], found["net"]) == pytest.approx((0.5, 0.9, -0.3))
    assert found["warnings"][:2] == ["a@1: old", "b@1: old"]
    assert "not decided at one close" in found["warnings"][2]


def test_mistakes_are_told(home: Path) -> None:
    with pytest.raises(RecipeError, match=r"tiny@1 is named twice, as 'tiny' and 'tiny@1'"):
        quorate.portfolio(["tiny", "tiny@1"], home=home)
    with pytest.raises(StoreError, match=r"no version of 'tinny' is registered.*did you mean 'tiny'"):
        quorate.portfolio(["tinny"], home=home)
    with pytest.raises(RecipeError, match="did you mean 'risk-parity'"):
        quorate.portfolio(["tiny"], weights="risk-party", home=home)  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match="volatility per year above 0"):
        quorate.portfolio(["tiny"], risk_budget=-1, home=home)
    with pytest.raises(RecipeError, match="ask to predict, too"):
        quorate.portfolio(["tiny"], data="bars.csv", home=home)
    with pytest.raises(RecipeError, match=r"data are given for 'tony', which is none of .*did you mean 'tiny'"):
        quorate.portfolio(["tiny"], predict=True, data={"tony": "bars.csv"}, home=home)
    assert _quorate(home, "tiny", "--weights", "best")[0] == 2
    assert "--data is one PATH for all" in _quorate(home, "tiny", "--predict", "--data", "a", "--data", "tiny=b")[1]


def test_ensembles_without_a_bar_in_common_are_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from quorate.runs.portfolio_series import Curve, Member

    real = Member.curve

    def moved(self: Member, part: str) -> Curve | None:
        found = real(self, part)
        if found is None or self.label != "tiny@1":
            return found
        return Curve(found.times + np.timedelta64(9000, "D"), found.equity, found.cash)

    monkeypatch.setattr(Member, "curve", moved)
    with pytest.raises(DataError, match=r"no walk-forward in common: other@1 2000-.*; tiny@1 2000-"):
        quorate.portfolio(["tiny", "other"], home=home)


def test_a_version_that_was_changed_is_none(home: Path) -> None:
    version = quorate.ModelRegistry(home).get("tiny")
    table = version.path / "runs" / version.standing.run / "development" / "equity.parquet"
    content = table.read_bytes()
    table.unlink()
    table.write_bytes(content + b"0")
    with pytest.raises(IntegrityError):
        quorate.portfolio(["tiny"], home=home)


def test_by_command(home: Path) -> None:
    code, text = _quorate(home, "tiny", "other", "--weights", "inverse-vol", "--risk-budget", "0.05", "--predict")
    assert code == 0
    for words in ("2 ensembles as one, weights inverse-vol, at most 5.0% of volatility a year", "Next bar", "SIM001"):
        assert words in text
    assert all(len(line) <= 60 for line in _quorate(home, "tiny", "other", columns=60)[1].splitlines())
    code, text = _quorate(home, "tiny", "other", "--json")
    assert json.loads(text)["shares"] == {"other@1": 0.5, "tiny@1": 0.5}

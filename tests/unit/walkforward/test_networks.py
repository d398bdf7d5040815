"""How networks are held against the linear and the boosted models of their run, by forecasts that are made up."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import quorate
from quorate import statistics
from quorate.plugins.registry import Registry
from quorate.walkforward.networks import against_controls, uncontrolled

N, SYMBOLS = 400, 2
FAMILIES = {"line": "linear", "trees": "boosting", "net": "network", "other": "network", "forest": ""}


def walk_of(y, families, horizon=2, binary=False):
    """Return what of a walk-forward is asked for: two symbols, bar by bar."""
    specs = {name: quorate.ModelSpec(name, dict, task="any", family=family) for name, family in families.items()}
    return SimpleNamespace(
        dataset=SimpleNamespace(y=y, bar=np.repeat(np.arange(N), SYMBOLS)),
        members=specs,
        horizon=horizon,
        binary=binary,
        registry=None,
    )


@pytest.fixture
def made():
    """Return labels, and forecasts of which the linear one is the best but for `net`, which knows half of it."""
    rng = np.random.default_rng(5)
    y = rng.normal(size=N * SYMBOLS)
    forecasts = {name: rng.normal(0, 0.3, size=len(y)) for name in FAMILIES}
    forecasts["line"] *= 0.1
    forecasts["net"] = 0.5 * y
    return y, forecasts


def compared(y, forecasts, families=FAMILIES, **more):
    predictions = np.column_stack([forecasts[name] for name in families])
    rows = against_controls(walk_of(y, families, **more), predictions, np.arange(len(y)), 7)
    return {(row["network"], row["rival"]): row for row in rows}


def test_each_network_meets_each_rival_and_no_other_model(made):
    found = compared(*made)
    assert list(found) == [("net", "line"), ("net", "trees"), ("other", "line"), ("other", "trees")]
    assert {row["family"] for row in found.values()} == {"linear", "boosting"}
    assert [row["verdict"] for row in found.values()] == ["better", "better", "worse", "no better"]


def test_the_figures_are_those_of_the_tests_on_the_same_losses(made):
    y, forecasts = made
    forecasts["trees"][:60] = np.nan  # nothing was forecast by all there
    found = compared(y, forecasts)
    known = slice(60, None)
    bar = np.repeat(np.arange(N), SYMBOLS)[known]
    errors = {name: (y - values)[known] for name, values in forecasts.items()}
    losses = {name: statistics.mean_by_bar(error**2, bar) for name, error in errors.items()}
    row = found["other", "line"]
    test = statistics.diebold_mariano(errors["other"], errors["line"], 2, bar=bar, dependence="any")
    told = (row["dm"], row["p_value"], row["bars"], row["freedom"])
    assert told == (test.statistic, test.p_value, N - 30, test.freedom)
    assert row["change"] == pytest.approx(losses["other"].mean() / losses["line"].mean() - 1)
    every = statistics.spa(losses["line"], np.column_stack([losses["net"], losses["other"]]), 7)
    assert (row["spa_p"], row["p_among"], row["networks"]) == (every.p_value, every.p_models[1], 2)


def test_the_interval_holds_no_change_where_the_test_finds_none(made):
    for row in compared(*made).values():
        assert row["change_low"] < row["change"] < row["change_high"]
        assert (row["change_low"] < 0 < row["change_high"]) == (row["p_value"] > 0.05)
        assert 0 < row["effective"] <= row["bars"]


def test_one_that_looks_better_by_itself_is_no_better_among_many(made):
    """Of sixty that are worth what the control is, some pass their own test: the test of all knows better."""
    y, forecasts = made
    rng = np.random.default_rng(1)
    names = [f"net-{k}" for k in range(60)]
    # So much noise costs 0.04, and so much of the label gains as much: each is worth what the control is.
    tilted = {name: forecasts["line"] + rng.normal(0, 0.2, size=len(y)) + 0.02 * y for name in names}
    families = {"line": "linear", **dict.fromkeys(names, "network")}
    found = compared(y, {"line": forecasts["line"], **tilted}, families)
    ahead = [row for row in found.values() if row["dm"] < 0 and row["p_value"] < 0.05]
    assert ahead
    assert {row["verdict"] for row in found.values() if row["p_among"] >= 0.05} <= {"no better", "worse"}
    assert any(row["verdict"] == "no better" for row in ahead)


def test_probabilities_are_judged_by_briers_score(made):
    y, forecasts = made
    found = compared((y > 0).astype(float), {name: 1 / (1 + np.exp(-f)) for name, f in forecasts.items()}, binary=True)
    assert {row["loss"] for row in found.values()} == {"Brier score"}


def test_a_network_that_forecasts_nothing_is_left_out(made):
    y, forecasts = made
    forecasts["other"][:] = np.nan
    assert {network for network, _ in compared(y, forecasts)} == {"net"}
    forecasts["net"][:] = np.nan
    assert compared(y, forecasts) == {}


def test_forecasts_that_are_the_controls_own_are_no_better(made):
    y, forecasts = made
    forecasts["net"] = forecasts["line"].copy()
    row = compared(y, forecasts)["net", "line"]
    assert (row["change"], row["p_value"], row["verdict"]) == (0.0, 1.0, "no better")


@pytest.mark.parametrize(
    ("families", "told"),
    [
        ({"net": "network", "trees": "boosting"}, "the network 'net'"),
        ({"net": "network", "other": "network"}, "2 networks"),
        ({"net": "network", "line": "linear"}, None),
        ({"trees": "boosting"}, None),
    ],
)
def test_networks_without_a_linear_model_are_told(families, told, made):
    walk = walk_of(made[0], families)
    walk.registry = Registry.load()
    walk.members = {name: quorate.ModelSpec(name, dict, task="any", input="windows", family=family)
                    for name, family in families.items()}  # fmt: skip
    found = uncontrolled(walk)
    assert len(found) == (told is not None)
    if told:
        assert told in found[0]
        assert "add [models.dlinear]" in found[0]  # which reads windows, too


def test_a_control_is_one_for_the_label(made):
    walk = walk_of(made[0], {"net": "network"}, binary=True)
    walk.registry = Registry.load()
    assert "add [models.logistic]" in uncontrolled(walk)[0]


def test_an_unknown_family_is_refused():
    with pytest.raises(quorate.PluginError, match=r"family must be one of .*'netwrok'.*network"):
        quorate.ModelSpec("net", dict, family="netwrok")

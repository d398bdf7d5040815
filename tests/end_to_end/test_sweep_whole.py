"""Sweeps of a recipe as a whole: metrics as objectives, any key tuned, each window for itself."""

from __future__ import annotations

import json
from copy import deepcopy

import numpy as np
import pytest
import tomli_w

import quorate
from quorate.evidence.ledger import ledger_of
from quorate.report.written import draw_sweep
from quorate.store import Home
from support.command import call
from support.sweeps import Stop, essence

RECIPE = {
    "name": "whole",
    "data": {"source": "simulated", "n_bars": 900, "signal": 0.4},
    "holdout": {"bars": 100},
    "features": {"use": ["return_1", "return_2", "zscore_20"]},
    "folds": {"initial": 500, "test": 100},
    "models": {"logistic": {"C": 1e-4}, "lightgbm": {"n_estimators": 2, "learning_rate": 0.01}},
    "threshold": {"min_bars": 60},
    "tuning": {
        "trials": 6,
        "folds": 3,
        "models": ["logistic"],
        "objective": "sharpe",
        "keep": "best",
        "space": {
            "ensemble.method": ["mean", "past-performance"],
            "strategy.risk.stop": {"low": 0.005, "high": 0.1},
            "ensemble.params.rate": {"low": 0.5, "high": 4.0, "when": {"ensemble.method": "past-performance"}},
        },
    },
}


def changed(**tuning):
    recipe = deepcopy(RECIPE)
    recipe["tuning"] |= tuning
    return recipe


@pytest.fixture(scope="module")
def swept(tmp_path_factory, _leased):
    home = tmp_path_factory.mktemp("whole") / "home"
    return quorate.sweep(changed(), home=home), home


def sharpe_of(report):
    return report["results"]["development"]["series"][0]["metrics"]["sharpe"]


def cut_to_window(sweep, home, path):
    """Write the bars that trials saw as a file, and return the recipe of a run on them."""
    bars = Home(home).bars(sweep.source.begun()["data"]["fingerprint"]).until(500)
    frame = bars.to_frame()
    frame.assign(date=frame["time"].dt.date).drop(columns=["time"]).to_csv(path, index=False)
    recipe = changed()
    del recipe["tuning"]
    test = 500 - int(np.searchsorted(bars.sessions, np.datetime64(sweep.document["inner"]["first"])))
    return recipe | {
        "data": {"source": "csv", "path": str(path)},
        "holdout": {"bars": 0},
        "folds": {"initial": 500 - test, "test": test // 3},
    }


def test_a_trials_value_is_what_a_run_of_it_reports(swept, tmp_path):
    """Each complete trial, run as a recipe of its own on the bars that it saw, shows the Sharpe ratio it is told by."""
    sweep, home = swept
    recipe = cut_to_window(sweep, home, tmp_path / "bars.csv")
    trials = [t for t in sweep.document["searches"]["whole"]["trials"] if t["state"] == "complete"]
    for trial in [*trials[:2], {"params": {}, "value": sweep.document["searches"]["whole"]["own"]["value"]}]:
        one = deepcopy(recipe)
        for key, value in trial["params"].items():
            *above, last = key.split(".")
            inside = one
            for name in above:
                inside = inside.setdefault(name, {})
            inside[last] = value
        report = quorate.run(one, home=tmp_path / "home")
        assert sharpe_of(report.document) == pytest.approx(trial["value"], rel=1e-9)


def test_what_does_not_count_is_left_out(swept):
    sweep, _ = swept
    for trial in sweep.document["searches"]["whole"]["trials"]:
        windowed = trial["params"]["ensemble.method"] == "past-performance"
        assert ("ensemble.params.rate" in trial["params"]) == windowed


def test_it_is_judged_beside_its_own_and_the_constant_by_what_they_earn(swept):
    sweep, _ = swept
    [verdict] = sweep.document["searches"]["whole"]["verdicts"]
    assert verdict["objective"] == "sharpe"
    assert verdict["higher"]
    assert {"tuned", "own", "constant", "p", "p_constant", "blocks"} <= set(verdict)
    own = quorate.run(changed(), home=swept[1])
    assert verdict["own"] == pytest.approx(sharpe_of(own.document), rel=1e-9)
    tuned = sweep.document["searches"]["whole"]
    assert (tuned["kept"] == "tuned") == (tuned["best"]["trial"] is not None)


def test_a_run_takes_all_keys_that_were_found(swept, tmp_path):
    sweep, home = swept
    (tmp_path / "whole.toml").write_text(tomli_w.dumps(changed()))
    done = call("run", tmp_path / "whole.toml", "--params", sweep.id, "--home", home, "--json")
    recipe = json.loads(done.stdout)["provenance"]["recipe"]
    assert recipe["strategy"]["risk"]["stop"] == sweep.best_params["strategy.risk.stop"]
    assert recipe["ensemble"]["method"] == sweep.best_params["ensemble.method"]
    assert recipe["models"]["logistic"]["C"] == sweep.best_params["logistic"]["C"]
    # What was found is what was judged.
    document = sweep.document["searches"]["whole"]
    assert sharpe_of(json.loads(done.stdout)) == pytest.approx(document["verdicts"][0][document["kept"]], rel=1e-9)


def test_every_trial_is_in_the_ledger_as_an_ensemble(swept):
    sweep, home = swept
    entries = [e for e in ledger_of(Home(home)).of_run(sweep.id) if e["kind"] == "candidate"]
    assert {entry["role"] for entry in entries} == {"ensemble"}
    assert len(entries) >= 6


def test_workers_and_interruptions_change_nothing(swept, tmp_path):
    recipe = changed() | {"execution": {"executor": "processes", "workers": 2}}
    with pytest.raises(quorate.Interrupted):
        quorate.sweep(recipe, home=tmp_path / "home", progress=Stop(2))
    assert essence(quorate.resume_sweep(home=tmp_path / "home")) == essence(swept[0])


@pytest.mark.full
def test_keys_that_make_other_rows_are_tuned(swept, tmp_path):
    space = {"labels.horizon": {"low": 1, "high": 3}, "features.use": [["return_1"], ["return_1", "zscore_20"]]}
    recipe = changed(models=False, space=space, trials=5)
    found = quorate.sweep(recipe, home=tmp_path / "home")
    assert set(found.trials["state"]) == {"complete"}
    assert found.trials["labels.horizon"].between(1, 3).all()
    recipe["execution"] = {"executor": "processes", "workers": 2}
    assert essence(quorate.sweep(recipe, home=tmp_path / "two")) == essence(found)


def test_two_objectives_have_a_front(swept, tmp_path):
    recipe = changed(objective=["rmse", "direction-accuracy"], space={}, trials=8)
    found = quorate.sweep(recipe, home=swept[1])
    one = found.document["searches"]["whole"]
    assert found.document["objectives"] == [
        {"name": "rmse", "higher_is_better": False},
        {"name": "direction-accuracy", "higher_is_better": True},
    ]
    members = [t for t in [{"trial": None, **one["own"]}, *one["trials"]] if t["trial"] in one["front"]]
    for member in members:
        for other in [one["own"], *one["trials"]]:
            (a, b), (c, d) = member["values"], other["values"]
            assert not (c <= a and d >= b and (c, d) != (a, b))
    assert one["best"]["trial"] in one["front"]
    assert [verdict["objective"] for verdict in one["verdicts"]] == ["rmse", "direction-accuracy"]
    assert found.trials["front"].sum() == sum(number is not None for number in one["front"])
    drawn = draw_sweep(found.document, tmp_path)
    assert [path.name.partition("_")[0] for path in drawn] == ["history", "pareto"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn)
    assert found.id in found._repr_html_()

    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(str(found.source.path / "journal.log")))
    study = optuna.load_study(study_name="whole_optimization", storage=storage)
    assert [direction.name for direction in study.directions] == ["MINIMIZE", "MAXIMIZE"]
    assert study.trials[0].values == one["trials"][0]["values"]


@pytest.mark.full
def test_each_window_is_tuned_on_what_came_before_it(tmp_path):
    """Other prices from the third fold on change no trial of the two windows before."""
    recipe = changed(scope="per_fold", trials=2, objective="loss", space={}, models=["logistic"])
    found = quorate.sweep(recipe, home=tmp_path / "home")
    assert len(found.document["searches"]["logistic"]["windows"]) == 3
    assert found.trials.groupby("judged_from").size().tolist() == [2, 2, 2]
    bars = Home(tmp_path / "home").bars(found.source.begun()["data"]["fingerprint"])
    frame = bars.to_frame()
    later = frame["time"] >= np.sort(frame["time"].unique())[700]
    for name in ("open", "high", "low", "close"):
        frame.loc[later, name] = frame.loc[later, name].to_numpy()[::-1]
    frame.assign(date=frame["time"].dt.date).drop(columns=["time"]).to_csv(tmp_path / "bars.csv", index=False)
    recipe["data"] = {"source": "csv", "path": str(tmp_path / "bars.csv")}
    other = quorate.sweep(recipe, home=tmp_path / "other")
    values, there = found.trials["value"].tolist(), other.trials["value"].tolist()
    assert there[:4] == pytest.approx(values[:4], rel=1e-12)
    assert other.document["searches"]["logistic"]["verdicts"] != found.document["searches"]["logistic"]["verdicts"]


@pytest.mark.full
def test_a_whole_recipe_is_tuned_for_each_fold(swept):
    found = quorate.sweep(changed(scope="per_fold", trials=2, models=False), home=swept[1])
    one = found.document["searches"]["whole"]
    assert [window["trial"] for window in one["windows"]] != [-1, -1, -1]
    assert np.isfinite(one["verdicts"][0]["tuned"])


def test_the_holdout_judges_a_whole_recipe_once(swept):
    sweep, home = swept
    opened = quorate.validate_sweep(sweep.id, home=home)
    [[verdict]] = opened.document["holdout"]["searches"].values()
    assert verdict["objective"] == "sharpe"
    assert opened.document["holdout"]["recipes_that_opened_it"] == 1
    assert "whole: sharpe" in call("sweep", "show", sweep.id, "--home", home).stdout


@pytest.mark.full
def test_a_trial_whose_settings_do_not_fit_together_fails_alone(tmp_path):
    space = {"features.use": [["return_1"], ["zscore_20", "return_1"]], "labels.horizon": [1, 200]}
    found = quorate.sweep(changed(models=False, space=space, trials=3, max_failures=30), home=tmp_path / "home")
    states = found.trials["state"].tolist()
    assert "failed" in states
    assert states.count("complete") == 3
    assert found.trials["error"].dropna().str.len().min() > 10

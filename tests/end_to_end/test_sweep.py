"""Sweeps as a whole: what they find, what they leave, and that they go on where they were."""

from __future__ import annotations

import json
import os
import shutil
from copy import deepcopy

import numpy as np
import pytest
import tomli_w

import quorate
from quorate.errors import FitError, RecipeError, StoreError
from quorate.evidence.ledger import ledger_of
from quorate.report.live import Watched
from quorate.store import Home
from quorate.store.trust import trust
from support.command import call, message_of
from support.sweeps import Stop, essence

RECIPE = {
    "name": "swept",
    "data": {"source": "simulated", "n_bars": 900, "signal": 0.4},
    "holdout": {"bars": 100},
    "features": {"use": ["return_1", "return_2", "return_5", "zscore_20"]},
    "folds": {"initial": 500, "test": 100},
    "models": {"logistic": {"C": 1.0}, "lightgbm": {"n_estimators": 20}},
    "threshold": {"min_bars": 60},
    "tuning": {"trials": 6, "folds": 4, "space": {"lightgbm": {"n_estimators": {"low": 5, "high": 30}}}},
}


@pytest.fixture
def recipe():
    return deepcopy(RECIPE)


@pytest.fixture(scope="module")
def swept(tmp_path_factory, _leased):
    home = tmp_path_factory.mktemp("swept") / "home"
    return quorate.sweep(deepcopy(RECIPE), home=home), home


def test_every_member_with_a_space_is_tuned_and_judged(swept):
    sweep, _ = swept
    assert list(sweep.document["searches"]) == ["lightgbm", "logistic"]
    assert sweep.trials.groupby("search").size().tolist() == [6, 6]
    assert set(sweep.trials["state"]) <= {"complete", "raced"}
    assert np.isfinite(sweep.verdicts[["tuned", "own", "constant", "p"]].to_numpy()).all()
    assert sweep.verdicts["rows"].tolist() == [298, 298]  # of 300, two have no label before the holdout
    assert sweep.trials.query("search == 'lightgbm'")["n_estimators"].between(5, 30).all()


def test_trials_may_read_longer_windows_than_the_recipe(recipe, tmp_path):
    recipe["models"] = {"nlinear": {"lookback": 3, "epochs": 1}}
    recipe["tuning"] = {"trials": 3, "folds": 2, "space": {"nlinear": {"lookback": {"low": 30, "high": 40}}}}
    sweep = quorate.sweep(recipe, home=tmp_path)
    assert set(sweep.trials["state"]) <= {"complete", "raced"}
    assert sweep.trials["lookback"].between(30, 40).all()


def test_trials_see_nothing_from_the_first_outer_test_bar_on(swept, recipe, tmp_path):
    """Other prices from that bar on, and after the last, change no trial."""
    sweep, home = swept
    run_id = Home(home).runs("sweep")[0].begun()["data"]["fingerprint"]
    bars = Home(home).bars(run_id)
    frame = bars.to_frame()
    later = frame["time"] >= np.sort(frame["time"].unique())[500]
    for name in ("open", "high", "low", "close"):
        frame.loc[later, name] = frame.loc[later, name].to_numpy()[::-1]
    frame.assign(date=frame["time"].dt.date).drop(columns=["time"]).to_csv(tmp_path / "bars.csv", index=False)
    recipe["data"] = {"source": "csv", "path": str(tmp_path / "bars.csv")}
    other = quorate.sweep(recipe, home=tmp_path / "home")
    for name, found in sweep.document["searches"].items():
        there = other.document["searches"][name]
        assert [t["value"] for t in there["trials"]] == pytest.approx([t["value"] for t in found["trials"]], rel=1e-12)
        assert there["verdicts"][0]["own"] != found["verdicts"][0]["own"]


def test_the_first_sentence_says_what_is_kept(swept):
    sweep, _ = swept
    first = sweep.document["sentences"][0]
    tuned = [name for name, found in sweep.document["searches"].items() if found["kept"] == "tuned"]
    assert ("helped on rows that no trial saw" in first) == bool(tuned)
    for name, found in sweep.document["searches"].items():
        better = found["verdicts"][0]["p"] < 0.01 / 2  # of two models
        assert (found["kept"] == "tuned") == better
        expected = found["best"]["params"] if better else found["own"]["params"]
        assert sweep.best_params[name] == expected


def test_the_best_is_kept_in_any_case_where_that_is_asked_for(swept, recipe):
    _, home = swept
    recipe["tuning"]["keep"] = "best"
    again = quorate.sweep(recipe, home=home)
    assert again.document["telemetry"]["cached"] == again.document["telemetry"]["fits"] > 0
    assert set(again.verdicts["kept"]) == {"tuned"}
    journal = (again.source.path / "journal.log").read_text()
    assert journal.count('"came"') == len(again.trials) == 12  # what took no worker is told the study, too
    assert again.best_params["lightgbm"] == again.document["searches"]["lightgbm"]["best"]["params"]


def test_every_trial_is_in_the_ledger(swept):
    sweep, home = swept
    entries = [e for e in ledger_of(Home(home)).of_run(sweep.id) if e["kind"] == "candidate"]
    assert {entry["series"].partition("#")[0] for entry in entries} == {"lightgbm", "logistic"}
    assert len(entries) >= 10  # two series may be the same
    assert {entry["role"] for entry in entries} == {"member"}
    assert call("ledger", "verify", "--home", home).exit_code == 0


def test_a_sweep_can_be_watched_trial_by_trial(swept):
    sweep, home = swept
    watched = Watched(Home(home).runs("sweep")[0])
    watched.update()
    assert {name: (told["done"], told["of"]) for name, told in watched.heard.trials.items()} == {
        "lightgbm": (6, 6),
        "logistic": (6, 6),
    }
    found = sweep.document["searches"]["lightgbm"]
    raced = sum(trial["state"] == "raced" for trial in found["trials"])
    assert watched.heard.trials["lightgbm"]["raced"] == raced
    text = watched.draw(120, 40).plain
    assert "luck alone" in text
    assert sweep.document["sentences"][0][:50] in text
    assert watched.heard.board.done == watched.heard.board.total > 0  # the verdict's fits


def test_a_run_takes_what_was_found(swept, recipe, tmp_path):
    sweep, home = swept
    (tmp_path / "swept.toml").write_text(tomli_w.dumps(recipe))
    params = sweep.source.path / "best_params.json"
    done = call("run", tmp_path / "swept.toml", "--params", params, "--home", home, "--json")
    models = json.loads(done.stdout)["provenance"]["recipe"]["models"]
    for name, kept in sweep.best_params.items():
        assert kept.items() <= models[name].items()
    # A word on the command line counts more.
    done = call(
        "run", tmp_path / "swept.toml", "--params", params, "--set", "models.logistic.C=0.5", "--home", home, "--json"
    )
    assert json.loads(done.stdout)["provenance"]["recipe"]["models"]["logistic"]["C"] == 0.5


def test_tuning_makes_no_other_recipe(swept, recipe):
    _, home = swept
    one = quorate.run(recipe, home=home).provenance["recipe_digest"]
    del recipe["tuning"]
    assert quorate.run(recipe, home=home).provenance["recipe_digest"] == one


def test_the_holdout_is_opened_once_and_on_record(swept, tmp_path):
    sweep, before = swept
    home = tmp_path / "home"
    shutil.copytree(before, home)
    trust(home)
    opened = quorate.validate_sweep(sweep.id, home=home)
    found = opened.document["holdout"]
    assert found["rows"] == 100
    assert found["recipes_that_opened_it"] == 1
    assert set(found["searches"]) == {"lightgbm", "logistic"}
    assert found["first"] > sweep.document["outer"]["last"]
    openings = [e for e in ledger_of(Home(home)).entries() if e["kind"] == "opening"]
    assert [e["run"] for e in openings] == [sweep.id]
    assert quorate.validate_sweep(sweep.id, home=home).document == opened.document
    assert len(ledger_of(Home(home)).entries()) == openings[0]["seq"]
    assert "opened by 1 recipe so far" in call("sweep", "show", sweep.id, "--home", home).stdout
    assert call("ledger", "verify", "--home", home).exit_code == 0
    # Another recipe on the same data is another look; and a note that is gone is missed.
    (home / "sweeps" / sweep.id / "opening.json").unlink()
    assert "the run's note" in call("ledger", "verify", "--home", home).stdout


def test_without_a_holdout_there_is_nothing_to_validate(recipe, tmp_path):
    recipe["holdout"] = {"bars": 0}
    recipe["tuning"]["trials"] = 2
    quorate.sweep(recipe, home=tmp_path / "home")
    with pytest.raises(RecipeError, match=r"the recipe has no holdout|no trial came below"):
        quorate.validate_sweep(home=tmp_path / "home")


@pytest.mark.parametrize("after", [9, *(pytest.param(k, marks=pytest.mark.full) for k in (1, 5))])
def test_what_was_interrupted_goes_on_and_finds_the_same(swept, recipe, tmp_path, after):
    with pytest.raises(quorate.Interrupted, match="quorate sweep resume"):
        quorate.sweep(recipe, home=tmp_path / "home", progress=Stop(after))
    assert Home(tmp_path / "home").runs("sweep")[0].state == "interrupted"
    assert essence(quorate.resume_sweep(home=tmp_path / "home")) == essence(swept[0])


@pytest.mark.parametrize("workers", [2, *(pytest.param(k, marks=pytest.mark.full) for k in (1, 4))])
def test_any_number_of_workers_finds_the_same(swept, recipe, tmp_path, workers):
    recipe["execution"] = {"executor": "processes", "workers": workers, "cache": workers != 2}
    found = quorate.sweep(recipe, home=tmp_path / "home")
    assert essence(found) == essence(swept[0])
    assert len(ledger_of(Home(tmp_path / "home")).of_run(found.id)) == len(
        ledger_of(Home(swept[1])).of_run(swept[0].id)
    )


@pytest.mark.full
def test_ray_finds_the_same(swept, recipe, tmp_path):
    recipe["execution"] = {"executor": "ray", "workers": 2}
    assert essence(quorate.sweep(recipe, home=tmp_path / "home")) == essence(swept[0])


BROKEN = """
import quorate
class Model:
    def __init__(self, depth=1, random_state=None):
        self.depth = depth
    def fit(self, X, y, sample_weight=None):
        if self.depth in {bad}:
            raise ValueError(f"depth {{self.depth}} is not for me")
        self.mean = y.mean() + self.depth / 100
        return self
    def predict_proba(self, X):
        import numpy as np
        p = np.full(len(X), self.mean)
        return np.column_stack([1 - p, p])
@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("fragile", Model, space={{"depth": quorate.Int(1, 6)}})
"""


def fragile(tmp_path, recipe, bad):
    (tmp_path / "fragile.py").write_text(BROKEN.format(bad=bad))
    recipe["plugins"] = [str(tmp_path / "fragile.py")]
    recipe["models"] = {"fragile": {"depth": 1}}
    recipe["tuning"] = {"trials": 5, "folds": 4, "max_failures": 20}
    return recipe


def test_trials_that_fail_do_not_count(tmp_path, recipe):
    found = quorate.sweep(fragile(tmp_path, recipe, {2, 3}), home=tmp_path / "home")
    states = found.trials["state"].tolist()
    assert "failed" in states
    assert len(states) - states.count("failed") == 5
    assert any("is not for me" in told for told in found.trials["error"].dropna())


def test_too_many_failures_end_a_sweep_with_their_reason(tmp_path, recipe):
    recipe = fragile(tmp_path, recipe, {2, 3, 4, 5, 6})
    recipe["tuning"]["max_failures"] = 2
    with pytest.raises(FitError, match=r"max_failures allows \(2\).*is not for me"):
        quorate.sweep(recipe, home=tmp_path / "home")


def test_a_model_that_fails_with_the_recipes_own_parameters_is_told_at_once(tmp_path, recipe):
    with pytest.raises(FitError, match=r"'fragile' fails with the recipe's own parameters.*depth 1 is not for me"):
        quorate.sweep(fragile(tmp_path, recipe, {1}), home=tmp_path / "home")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"models": ["lightgmb"]}, "did you mean 'lightgbm'"),
        ({"space": {"logistic": {"C1": {"low": 1.0, "high": 2.0}}}}, "did you mean 'C'"),
        ({"space": {"nothing": {}}}, "tuning.space: the recipe has no model 'nothing'"),
        ({"models": ["majority"]}, "there is nothing to tune of model 'majority'"),
        ({"trials": 0}, "tuning.trials"),
        ({"trails": 3}, "did you mean 'trials'"),
        ({"sampler": "tep"}, "tuning.sampler: unknown sampler 'tep'.*did you mean 'tpe'"),
        (
            {"sampler_options": {"statrup": 3}},
            "tuning.sampler_options: sampler 'tpe' has no option 'statrup'.*'startup'",
        ),
        ({"sampler_options": {"levels": 3}}, "sampler grid has it: --set tuning.sampler=grid"),
        ({"sampler_options": {"startup": "3"}}, "tuning.sampler_options.startup must be a valid integer"),
        ({"sampler": "grid", "sampler_options": {"levels": 1}}, "tuning.sampler_options.levels must be 2 or more"),
    ],
)
def test_what_cannot_be_tuned_is_refused_before_anything_is_stored(tmp_path, recipe, change, told):
    recipe["tuning"] = {**recipe["tuning"], **change}
    with pytest.raises(RecipeError, match=told):
        quorate.sweep(recipe, home=tmp_path / "home")
    assert not (tmp_path / "home").exists()


OWN = """
import numpy as np
import quorate
def climb(space, known, running, number, seed, first: int = 4, fails_at: int = -1):
    rng = np.random.default_rng(seed)
    params = {name: one.at(rng.random()) for name, one in sorted(space.items())}
    best = min(known, key=lambda t: (t.state != "complete", t.value, t.number), default=None)
    if number == fails_at:
        params[sorted(space)[0]] = -1
    if best is None or number < first:
        return params
    return {name: value if rng.random() < 0.5 else best.params[name] for name, value in params.items()}
@quorate.hookimpl
def quorate_samplers():
    yield quorate.SamplerSpec("climb", climb)
"""


def with_own_sampler(tmp_path, recipe, **options):
    (tmp_path / "climb.py").write_text(OWN)
    recipe["plugins"] = [str(tmp_path / "climb.py")]
    recipe["models"] = {"lightgbm": {"n_estimators": 20}}
    recipe["tuning"] |= {"trials": 14, "sampler": "climb", "sampler_options": options}
    return recipe


def test_a_sampler_of_ones_own_finds_the_same_however_it_is_fitted_and_interrupted(tmp_path, recipe):
    recipe = with_own_sampler(tmp_path, recipe)
    whole = quorate.sweep(recipe, home=tmp_path / "one")
    assert whole.document["recipe"]["tuning"]["sampler_options"] == {"first": 4, "fails_at": -1}
    named = {(p["kind"], p["name"]): p["file"] for p in whole.document["plugins"]}
    assert named["sampler", "climb"] == str(tmp_path / "climb.py")
    many = {**recipe, "execution": {"executor": "processes", "workers": 3}}
    assert essence(quorate.sweep(many, home=tmp_path / "two")) == essence(whole)
    with pytest.raises(quorate.Interrupted):
        quorate.sweep(recipe, home=tmp_path / "three", progress=Stop(7))
    (tmp_path / "climb.py").unlink()  # the sweep has kept it
    assert essence(quorate.resume_sweep(home=tmp_path / "three")) == essence(whole)


def test_a_sampler_is_no_part_of_a_run(swept, recipe, tmp_path):
    _, home = swept
    plain = quorate.run({k: v for k, v in recipe.items() if k != "tuning"}, home=home)
    recipe["tuning"]["sampler"] = "sobol"
    report = quorate.run(recipe, home=home)
    assert report.provenance["recipe_digest"] == plain.provenance["recipe_digest"]
    assert "sampler" not in {p["kind"] for p in report.provenance["plugins"]}


@pytest.mark.parametrize("number", [0, 3])
def test_what_a_sampler_may_not_give_ends_a_sweep_with_its_name(tmp_path, recipe, number):
    told = rf"sampler 'climb' failed on trial {number}: \w+ must be .*; it was -1 .*climb\.py, sha256"
    with pytest.raises(quorate.PluginError, match=told):
        quorate.sweep(with_own_sampler(tmp_path, recipe, fails_at=number), home=tmp_path / "home")
    assert (tmp_path / "home").exists() == bool(number)


def test_a_first_window_that_is_too_short_says_what_it_would_take(tmp_path, recipe):
    recipe["folds"]["initial"] = 130
    with pytest.raises(quorate.DataError, match=r"4 inner folds of at least 25 bars need about 1\d\d.*tuning.folds"):
        quorate.sweep(recipe, home=tmp_path / "home")


def test_time_and_cost_end_a_sweep(tmp_path, recipe):
    recipe["tuning"]["max_cost"] = 0.05
    found = quorate.sweep(recipe, home=tmp_path / "home")
    assert len(found.trials) < 12
    assert "tuning.max_cost" in found.document["stopped"]
    assert any("ended before its time" in line for line in found.document["sentences"])


def test_commands(swept, tmp_path):
    sweep, home = swept
    shown = call("sweep", "show", sweep.id, "--home", home)
    assert shown.exit_code == 0
    assert " ".join(sweep.document["sentences"][0].split()) in " ".join(shown.stdout.split())
    assert json.loads(call("sweep", "list", "--home", home, "--json").stdout)[0]["state"] == "finished"
    assert "no sweeps in" in call("sweep", "list", "--home", tmp_path / "none").stderr
    beside = call("sweep", "show", sweep.id, "latest", "--home", home).stdout
    assert beside.count(sweep.id.partition("-")[2]) >= 1
    assert "kept" in beside.split("\n")[1]
    assert f"{sweep.id} is a sweep" in message_of(call("compare", sweep.id, sweep.id, "--home", home), 1)
    assert "there is no sweep 'x'" in message_of(call("sweep", "show", "x", "--home", home), 1)
    assert "nothing-there" in message_of(call("sweep", "nothing-there", "--home", home), 2)
    with pytest.raises(StoreError, match="no unfinished sweep"):
        quorate.resume_sweep(home=home)


def test_the_command_tunes(tmp_path, recipe):
    (tmp_path / "swept.toml").write_text(tomli_w.dumps(recipe))
    done = call(
        "sweep", tmp_path / "swept.toml", "--trials", 3, "--model", "logistic", "--home", tmp_path / "home", "--json"
    )
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    assert list(document["searches"]) == ["logistic"]
    assert len(document["searches"]["logistic"]["trials"]) == 3
    assert "logistic 3/3" in done.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "params.json"),
        ("[]", "params.json"),
        ('{"logistic": 3}', "params.json"),
        ('{"logistic": {"C": {"a": 1}}}', "'C' of model 'logistic' must be a number"),
        ('{"logistic": {"C": null}}', "'C' of model 'logistic' must be a number"),
        ('{"logistic": {"C": NaN}}', "'C' of model 'logistic' must be a number"),
        ('{"logistic": {"plugin": "lightgbm"}}', "is no name of a parameter"),
        ('{"logistic": {"C=2\\nx": 1}}', "is no name of a parameter"),
        ('{"xgboost": {"n_estimators": 5}}', "those of model 'xgboost', and this recipe has"),
    ],
)
def test_parameters_that_are_none_are_refused(tmp_path, text, told):
    (tmp_path / "params.json").write_text(text)
    assert told in message_of(call("run", "planted", "--params", tmp_path / "params.json"), 2)


@pytest.mark.parametrize("given", ["", "."])
def test_no_name_is_no_sweep(swept, given):
    assert "--params takes" in message_of(call("run", "planted", "--params", given, "--home", swept[1]), 2)


def test_what_a_sweep_kept_is_taken_from_what_is_sealed(swept, tmp_path, recipe):
    sweep, before = swept
    home = tmp_path / "home"
    shutil.copytree(before, home)
    trust(home)
    best = home / "sweeps" / sweep.id / "best_params.json"
    best.unlink()
    os.mkfifo(best)
    (tmp_path / "swept.toml").write_text(tomli_w.dumps(recipe))
    assert call("run", tmp_path / "swept.toml", "--params", sweep.id, "--home", home, "--dry-run").exit_code == 0
    (home / "sweeps" / sweep.id / "report.json").unlink()
    told = message_of(call("run", tmp_path / "swept.toml", "--params", sweep.id, "--home", home), 1)
    assert f"quorate sweep resume {sweep.id}" in told


@pytest.mark.parametrize("limit", ["timeout", "max_cost"])
def test_what_is_to_be_beaten_is_fitted_whatever_the_limit(swept, recipe, tmp_path, limit):
    recipe["tuning"][limit] = 1e-9
    found = quorate.sweep(recipe, home=tmp_path / "home")
    assert not len(found.trials)
    for name, one in found.document["searches"].items():
        assert one["own"]["value"] == swept[0].document["searches"][name]["own"]["value"]
    assert "no trial was decided" in str(found)


def test_what_is_kept_against_the_evidence_is_not_said_to_have_helped(recipe, tmp_path):
    recipe["data"]["signal"] = 0.0
    recipe["tuning"]["keep"] = "best"
    found = quorate.sweep(recipe, home=tmp_path / "home")
    assert not found.verdicts["helped"].any()
    assert "helped on rows" not in str(found)
    for one in found.document["searches"].values():
        assert (one["kept"] == "tuned") == (one["best"]["trial"] is not None)

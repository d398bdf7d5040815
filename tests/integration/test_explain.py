"""`quorate explain`: what is planted is found, nothing is found in noise, and neither holdout nor run is touched."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import quorate
from quorate.cli._app import app
from quorate.errors import FitError, IntegrityError, RecipeError, StoreError
from quorate.execution.progress import Progress
from quorate.store import Home
from quorate.walkforward.members import Fitting

# The simulated market reverses the fading sum of its returns: that feature alone drives the label.
PLUGIN = """
import numpy as np
import quorate


def driver(close):
    returns = np.vstack([np.zeros((1, close.shape[1])), close[1:] / close[:-1] - 1])
    return sum(0.8**k * np.vstack([np.zeros((k, close.shape[1])), returns[: len(returns) - k]]) for k in range(20))


def digits(close, scale):
    return np.mod(close * scale, 1.0)


def flat(close):
    return np.ones_like(close)


class Reversal:
    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return np.where(X[:, -1, 3] > X[:, 0, 3], 0.45, 0.55)


class Fails:
    def __init__(self, most=350):
        self.most = most

    def fit(self, X, y):
        if len(X) > self.most:
            raise ValueError("no luck")
        return self

    def predict_proba(self, X):
        return np.full(len(X), 0.5)


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("driver", driver, lookback=21, group="planted")
    for k, scale in enumerate((1e4, 3e4, 7e4)):
        yield quorate.FeatureSpec(f"digits_{k}", digits, {"scale": scale}, group="digits")
    yield quorate.FeatureSpec("flat", flat)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("reversal", Reversal, input="bars", lookback=4)
    yield quorate.ModelSpec("fails", Fails)
"""
FEATURES = ["driver", "digits_0", "digits_1", "digits_2", "flat"]
NOISE = {"digits_0", "digits_1", "digits_2"}


@pytest.fixture(scope="module")
def plugin(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("plugins") / "planted.py"
    path.write_text(PLUGIN)
    return path


def recipe(plugin, signal=0.5, **more):
    off = {"reversal": False, "fails": False}
    return {
        "name": "explained",
        "plugins": [str(plugin)],
        "data": {"source": "simulated", "n_bars": 900, "signal": signal},
        "holdout": {"bars": 150},
        "features": {"use": FEATURES},
        "folds": {"initial": 300, "test": 75},
        "models": {"logistic": {}, "lightgbm": {"n_estimators": 20}, **off},
        "ensemble": {"method": "mean"},
        "threshold": {"min_bars": 60, "grid": [0.0]},
        "gates": {"preset": "headline"},
        "execution": {"executor": "serial"},
        **more,
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def executor():
    with quorate.executor("serial") as one:  # its process is started once for all runs
        yield one


@pytest.fixture(scope="module")
def planted(plugin, home, executor):
    return quorate.run(recipe(plugin), home=home, executor=executor)


@pytest.fixture(scope="module")
def explained(planted, home, executor):
    return quorate.explain(planted.run_id, home=home, executor=executor)


@pytest.fixture
def run_and_explain(executor, tmp_path):
    def both(made):
        report = quorate.run(made, home=tmp_path, executor=executor)
        return quorate.explain(report.run_id, home=tmp_path, executor=executor)

    return both


def test_what_drives_the_label_ranks_first_everywhere_and_noise_does_not_matter(explained):
    table = explained.features.set_index("name")
    assert list(dict.fromkeys(table["forecaster"])) == ["mean", "lightgbm", "logistic"]
    for _, one in table.groupby("forecaster"):
        assert one.index[0] == "driver"
        assert one.loc["driver", "p"] < 0.05
        assert one.loc["driver", "folds_risen"] >= 5 / 6
        assert (one.loc[list(NOISE), "importance"] < one.loc["driver", "importance"] / 4).all()
        assert (one.loc[list(NOISE), "p"] > 0.05).all()
        flat = one.loc["flat"]
        assert flat["importance"] == flat["chance"] == flat["sd"] == flat["folds_risen"] == 0
        assert math.isnan(flat["p"])
    assert explained.sentence == "1 of 5 features matters to the ensemble's forecasts beyond chance: driver."
    assert explained.groups["name"].iloc[0] == "planted"
    assert explained.groups.query("name == 'other'")["importance"].eq(0).all()


def test_a_group_of_one_is_its_feature_and_shap_values_add_up_within_groups(explained):
    features = explained.features.set_index(["forecaster", "name"])
    groups = explained.groups.set_index(["forecaster", "name"])
    for one in ("mean", "logistic", "lightgbm"):
        assert groups.loc[(one, "planted"), "importance"] == features.loc[(one, "driver"), "importance"]
    assert features.loc["lightgbm"]["shap"].idxmax() == "driver"
    assert features.loc[("lightgbm", "flat"), "shap"] == 0
    assert features.loc["logistic"]["shap"].isna().all()
    most = features.loc["lightgbm"].loc[list(NOISE), "shap"].sum()
    assert 0 < groups.loc[("lightgbm", "digits"), "shap"] <= most + 1e-12


def test_a_row_sums_up_what_its_folds_gave(explained):
    document = explained.document
    assert [fold["rows"] for fold in document["folds"]] == [75, 75, 75, 75, 75, 73]  # the last labels are not known
    assert document["loss"] == "log loss"
    assert document["repeats"] == 5
    [driver] = explained.features.query("forecaster == 'mean' and name == 'driver'").to_dict("records")
    assert driver["importance"] == pytest.approx(np.mean(driver["by_fold"]))
    assert driver["sd"] == pytest.approx(np.std(driver["by_fold"], ddof=1))
    assert driver["folds_risen"] == np.mean(np.array(driver["by_fold"]) > 0)


def test_in_noise_nothing_matters_beyond_chance(plugin, run_and_explain):
    found = run_and_explain(recipe(plugin, signal=0.0))
    assert found.sentence == "No feature of 5 matters to the ensemble's forecasts beyond chance."
    assert (found.groups["p"].dropna() > 0.05).all()


def test_the_run_stays_as_it_is_and_what_is_found_is_kept(planted, explained, home, monkeypatch):
    stored = Home(home).find(planted.run_id)
    assert quorate.load_report(planted.run_id, home=home).document == planted.document
    kept = json.loads((stored.path / "explanation.json").read_text())
    assert kept["schema_version"] == 1
    monkeypatch.setattr(Fitting, "run", lambda *_: pytest.fail("it was fitted again"))
    assert quorate.explain(planted.run_id, home=home).document == kept
    assert json.loads(json.dumps(explained.document)) == kept
    assert not (stored.path / "log.jsonl").read_text().count("importance")


@pytest.mark.parametrize("factor", [3.0, 1 / 3], ids=["up", "down"])
def test_it_is_the_same_again_on_other_processes_and_whatever_lies_in_the_holdout(
    planted, explained, home, monkeypatch, factor
):
    stored = Home(home).find(planted.run_id)
    (stored.path / "explanation.json").unlink()
    bars_of = Home.bars

    def other_holdout(self, fingerprint):
        bars = bars_of(self, fingerprint)
        frame = bars.to_frame()
        late = frame.index[frame["time"] > frame["time"].sort_values().iloc[len(bars) - 151]]
        assert len(late) == 150
        # A label that reached into it would be 1 with one factor and 0 with the other.
        frame.loc[late, ["open", "high", "low", "close"]] *= factor
        return quorate.Bars.from_frame(frame, bars.calendar)

    monkeypatch.setattr(Home, "bars", other_holdout)
    (home / "fits" / "fits.sqlite").unlink()
    with quorate.executor("processes", 2) as executor:
        again = quorate.explain(planted.run_id, home=home, executor=executor)
    assert again.document == json.loads(json.dumps(explained.document))


def test_a_second_call_after_an_interruption_repeats_no_finished_fit(plugin, tmp_path, monkeypatch, executor):
    report = quorate.run(recipe(plugin), home=tmp_path, executor=executor)
    monkeypatch.setattr("quorate.runs.explain._explain.keep", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        quorate.explain(report.run_id, home=tmp_path, executor=executor)
    monkeypatch.undo()

    heard = []
    monkeypatch.setattr(Progress, "fitted", lambda self, result: heard.append(result.cached))
    quorate.explain(report.run_id, home=tmp_path, executor=executor)
    assert heard == [True] * 12


def test_one_fold_has_no_deviation_no_p_and_no_agreement(plugin, run_and_explain, tmp_path):
    made = recipe(plugin, folds={"initial": 650, "test": 200}, threshold={"min_bars": 30, "grid": [0.0]})
    found = run_and_explain(made)
    assert found.sentence.startswith("With one fold nothing can be said about chance")
    assert found.features[["sd", "p", "t"]].isna().all(axis=None)
    assert found.document["forecasters"][0]["features_agreement"] is None
    shown = CliRunner().invoke(app, ["explain", "--home", str(tmp_path)], env={"COLUMNS": "90"})
    line = next(line for line in shown.stdout.splitlines() if line.strip().startswith("driver"))
    assert line.split()[2:5] == ["-", "1/1", "-"]
    assert "ranked over 1 fold: unknown" in shown.stdout


def test_members_that_read_bars_are_told_and_keep_their_say_in_the_ensemble(plugin, run_and_explain):
    made = recipe(plugin, models={"logistic": {}, "reversal": {}, "fails": False})
    found = run_and_explain(made)
    assert found.document["unexplained"] == [{"name": "reversal", "reason": "it reads raw bars, no features"}]
    table = found.features.set_index(["forecaster", "name"])["importance"]
    assert 0 < table["mean", "driver"] < table["logistic", "driver"]


def test_without_a_member_that_reads_features_there_is_nothing_to_explain(plugin, run_and_explain):
    made = recipe(plugin, models={"reversal": {}, "fails": False})
    with pytest.raises(RecipeError, match=r"no member of the run reads features.*reversal"):
        run_and_explain(made)


def test_a_member_that_failed_on_a_fold_is_explained_on_the_others(plugin, run_and_explain):
    models = {"logistic": {}, "fails": {"most": 500}, "reversal": False}
    found = run_and_explain(recipe(plugin, models=models, on_failure="drop"))
    by_name = {one["name"]: one for one in found.document["forecasters"]}
    assert len(by_name["logistic"]["folds"]) == len(by_name["mean"]["folds"]) == 6
    assert 0 < len(by_name["fails"]["folds"]) < 6
    assert by_name["mean"]["features"][0]["name"] == "driver"
    assert by_name["mean"]["features"][0]["importance"] > 0
    assert all(row["importance"] == 0 and row["p"] is None for row in by_name["fails"]["features"])
    assert any("'fails' failed on" in w and "no luck" in w for w in found.document["warnings"])


@pytest.mark.parametrize(
    ("ensemble", "why"),
    [
        ({"method": "median"}, "its method gives no weights"),
        ({"method": "mean", "calibration": "platt"}, "more than its weighted members (ensemble.calibration: platt)"),
    ],
    ids=["no-weights", "calibrated"],
)
def test_an_ensemble_that_is_more_than_weights_is_not_explained_but_its_members_are(
    plugin, run_and_explain, ensemble, why
):
    found = run_and_explain(recipe(plugin, ensemble=ensemble))
    [told] = found.document["unexplained"]
    assert told["name"] == ensemble["method"]
    assert why in told["reason"]
    assert [one["role"] for one in found.document["forecasters"]] == ["member", "member"]
    assert found.sentence == "What matters beyond chance, by member: lightgbm (driver); logistic (driver)."


def test_numbers_are_explained_by_squared_errors(plugin, run_and_explain):
    made = recipe(plugin, labels={"name": "return"}, models={"ridge": {}, "reversal": False, "fails": False})
    found = run_and_explain(made)
    assert found.document["loss"] == "mean squared error"
    assert found.features.iloc[0]["name"] == "driver"
    assert 0 < found.features.iloc[0]["importance"] < 1e-3
    assert "driver" in found.sentence


def test_other_predictions_than_those_of_the_run_are_told(plugin, tmp_path, monkeypatch, executor):
    report = quorate.run(recipe(plugin), home=tmp_path, executor=executor)
    real = Fitting.run

    def other(self, walk, folds):
        return [replace(result, predictions=result.predictions + 1e-9) for result in real(self, walk, folds)]

    monkeypatch.setattr(Fitting, "run", other)
    monkeypatch.setattr("quorate.runs.stored.changed_since", lambda report: ["numpy 1 -> 2"])
    found = quorate.explain(report.run_id, home=tmp_path, executor=executor)
    assert found.document["warnings"][0] == "not as in the run: numpy 1 -> 2"
    assert "896 of 896 predictions are not those of the run" in found.document["warnings"][1]


# --- what cannot be


def test_unknown_failed_and_changed_runs_are_refused_as_by_other_commands(plugin, tmp_path, planted, home, executor):
    with pytest.raises(StoreError, match="there is no run 'nothing'"):
        quorate.explain("nothing", home=home)
    with pytest.raises(FitError):
        quorate.run(recipe(plugin, models={"fails": {"most": 10}, "reversal": False}), home=tmp_path, executor=executor)
    [failed] = Home(tmp_path).runs()
    with pytest.raises(StoreError, match="is failed: it has no report"):
        quorate.explain(failed.id, home=tmp_path, executor=executor)
    with pytest.raises(StoreError, match="no finished run"):
        quorate.explain(home=tmp_path, executor=executor)


def test_a_run_whose_plugin_source_is_gone_cannot_be_explained(plugin, tmp_path, executor):
    quorate.run(recipe(plugin), home=tmp_path, executor=executor)
    for source in (tmp_path / "sources").iterdir():
        source.unlink()
    with pytest.raises(StoreError, match=r"plugin file .*planted.py .* is not in"):
        quorate.explain(home=tmp_path, executor=executor)


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ('{"schema_version": 2}', StoreError, "schema version 2; this quorate reads up to 1"),
        ("{", IntegrityError, "cannot be read"),
        ("[]", IntegrityError, "delete it"),
    ],
)
def test_a_kept_file_that_is_newer_or_broken_is_refused(planted, home, text, error, said):
    path = Home(home).find(planted.run_id).path / "explanation.json"
    before = path.read_text() if path.exists() else None
    path.write_text(text)
    try:
        with pytest.raises(error, match=said):
            quorate.explain(planted.run_id, home=home)
    finally:
        path.unlink()
        if before is not None:
            path.write_text(before)


# --- the command


def shown(home, *arguments, columns=100):
    return CliRunner().invoke(app, ["explain", "--home", str(home), *arguments], env={"COLUMNS": str(columns)})


def test_the_command_says_in_words_whether_anything_matters_then_why(explained, home):
    text = shown(home).stdout
    assert text.splitlines()[0] == explained.sentence
    assert "--by group" in text
    assert "the holdout is not read" in text
    assert "shuffled 5 times" in text
    for head in ("feature", "rise", "sd", "folds", "p", "t", "chance", "|SHAP|"):
        assert head in text
    assert text.index("mean  ensemble") < text.index("lightgbm  member") < text.index("logistic  member")
    [line] = [line for line in text.splitlines() if line.split()[:1] == ["flat"]][:1]
    assert line.split()[1:] == ["+0.0000", "0.0000", "0/6", "-", "-", "+0.0000"]


@pytest.mark.parametrize("columns", [46, 60, 80, 124])
def test_no_line_is_wider_than_the_terminal(explained, home, columns):
    for by in ("feature", "group"):
        result = shown(home, "--by", by, columns=columns)
        assert result.exit_code == 0
        assert max(len(line) for line in result.stdout.splitlines()) <= columns
        assert "driver" in result.stdout or by == "group"


def test_json_is_the_whole_document(explained, home):
    document = json.loads(shown(home, "--json").stdout)
    assert document == json.loads(json.dumps(explained.document))
    assert len(document["forecasters"][0]["features"]) == 5


def test_top_and_by_choose_what_is_shown(explained, home):
    text = shown(home, "--top", "2").stdout
    assert text.count("driver") == 3 + 3
    assert text.count("and 3 more (--top)") == 3
    assert "planted" in shown(home, "--by", "group").stdout
    wrong = shown(home, "--by", "grups")
    assert wrong.exit_code == 2
    assert "--by must be one of feature, group; it was 'grups'; did you mean 'group'?" in wrong.stderr
    assert shown(home, "--top", "0").exit_code == 2

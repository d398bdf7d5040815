"""A run keeps its fitted models: they predict what the run did, are fitted again where they are gone, and exported."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import quorate
from quorate.errors import DataError, FitError, IntegrityError, PluginError
from quorate.execution.progress import Progress
from quorate.runs import predict as module
from quorate.store.models import KeptModels
from quorate.store.trust import trust
from support import homes
from support.command import call, message_of

PLUGINS = Path(__file__).parents[1] / "plugins"
RECIPE = {
    **homes.recipe("tiny"),
    "name": "keeper",
    "labels": {"name": "return"},
    "models": {
        "logistic": False,
        "ridge": {},
        "lasso": {},
        "gradient-boosting": {"max_iter": 4},
        "lightgbm": {"n_estimators": 4},
        "past-mean": {},
    },
    "gates": {"null-market": False},  # an audit of its own would take longer than all the rest
    "execution": {"executor": "serial", "keep_models": "all"},
}
VOTING = ("gradient-boosting", "lasso", "lightgbm", "ridge")


class Told(Progress):
    """Keeps what it hears."""

    def __init__(self):
        self.lines = []

    def warn(self, message):
        self.lines.append(message)

    note = warn

    def __contains__(self, text):
        return any(text in line for line in self.lines)


@pytest.fixture(scope="module")
def done(tmp_path_factory, _leased):
    home = tmp_path_factory.mktemp("kept") / "home"
    told = Told()
    report = quorate.run(RECIPE, home=home, progress=told)
    return quorate.promote(report.run_id, home=home), told


@pytest.fixture
def kept(done, tmp_path):
    """A copy of the home, for the test to write to."""
    report, _ = done
    shutil.copytree(report.source.home.path, tmp_path / "home")
    trust(tmp_path / "home")
    return tmp_path / "home"


def keys_of(report, **wanted):
    table = report.stored("fits")
    for name, value in wanted.items():
        table = table[table[name] == value]
    return dict(zip(zip(table["model"], table["fold"], strict=True), table["key"], strict=True))


def test_every_vote_of_every_fold_is_kept_and_its_size_is_told(done):
    report, told = done
    models = KeptModels(report.source.home.path)
    keys = keys_of(report)
    wanted = {key for (model, _), key in keys.items() if model in VOTING}
    assert {path.stem for path in models.folder.glob("*.safetensors")} == wanted
    assert len(models) == len(wanted)
    folds = report.stored("fits")["fold"].nunique()
    assert len(wanted) == len(VOTING) * folds
    telemetry = report.telemetry
    counted = [telemetry["models_kept"], telemetry["holdout"]["models_kept"]]
    assert sum(one["models"] for one in counted) == len(wanted)
    assert sum(one["bytes"] for one in counted) == models.size
    assert "fitted models of this run kept in" in told
    facts = json.loads((models.folder / f"{keys['lasso', 0]}.json").read_text())
    assert facts["model"] == facts["plugin"]["name"] == "lasso"
    assert facts["features"] == list(report.provenance["features"])
    assert facts["training"]["train_rows"] == report.folds["train_rows"].iloc[0]


def test_keeping_changes_no_result_and_fits_nothing_twice(done, kept):
    report, _ = done
    again = quorate.run({**RECIPE, "execution": {"executor": "serial"}}, home=kept)
    assert again.results["development"] == report.results["development"]
    assert again.provenance["recipe_digest"] == report.provenance["recipe_digest"]
    third = quorate.run(RECIPE, home=kept)
    assert third.telemetry["cached"] == third.telemetry["fits"]


def test_of_the_last_folds_alone_no_more_is_kept(done, kept):
    report, _ = done
    models = KeptModels(kept)
    models.prune(max_size=0)
    recipe = {**RECIPE, "execution": {**RECIPE["execution"], "keep_models": "last"}}
    again = quorate.run(recipe, home=kept)
    last = int(again.folds["fold"].max())
    assert {path.stem for path in models.folder.glob("*.json")} == {
        key for (model, _), key in keys_of(again, fold=last).items() if model in VOTING
    }
    # Finished fits without their model are fitted again, and these alone.
    assert again.telemetry["fits"] - again.telemetry["cached"] == len(VOTING)
    assert again.results["development"] == report.results["development"]


def test_kept_models_forecast_what_the_run_forecast_on_its_last_bar(done, kept):
    report, _ = done
    ahead = quorate.predict(report.run_id, kept=True, home=kept)
    row = report.stored("predictions").iloc[-1]
    [target] = ahead.targets
    assert target["members"] == {name: row[f"member/{name}"] for name in VOTING}
    last = report.stored("fits")["fold"].max()
    assert ahead.kept["fold"] == last
    assert ahead.kept["keys"] == {
        model: key for (model, _), key in keys_of(report, fold=last).items() if model in VOTING
    }
    assert ahead.kept["fitted_again"] == []
    assert ahead.train_rows == ahead.kept["train_rows"] == report.stored("fits")["train_rows"].iloc[-1]
    assert quorate.predict(report.run_id, home=kept).targets != ahead.targets
    found = call("predict", "--kept", "--home", str(kept))
    assert f"by the models of fold {last}, trained on rows from" in found.stdout
    assert f"the {ahead.kept['bars_since']} bars since then trained none of them" in " ".join(found.stdout.split())


def test_a_damaged_model_is_refused_until_it_is_removed_and_then_fitted_again(done, kept):
    report, _ = done
    last = report.stored("fits")["fold"].max()
    path = kept / "models" / f"{keys_of(report, fold=last)['ridge', last]}.safetensors"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match="quorate cache verify removes it, and then it is fitted again"):
        quorate.predict(report.run_id, kept=True, home=kept)
    checked = call("cache", "verify", "--home", str(kept))
    assert checked.exit_code == 1
    assert "1 damaged and removed: fitted again when asked for" in checked.stdout
    assert not path.exists()
    told = Told()
    again = quorate.predict(report.run_id, kept=True, home=kept, progress=told)
    assert again.kept["fitted_again"] == ["ridge"]
    assert f"the model 'ridge' of fold {last} is not kept, and is fitted again" in told
    assert again.targets[0]["members"]["ridge"] == report.stored("predictions").iloc[-1]["member/ridge"]
    assert path.exists()


def test_bars_that_trained_the_models_are_not_forecast_by_them(done, kept, monkeypatch):
    report, _ = done
    bars = module.load_bars
    monkeypatch.setattr(module, "load_bars", lambda session: bars(session).until(300))
    with pytest.raises(DataError, match="that would be no forecast; give later bars, or leave out --kept"):
        quorate.predict(report.run_id, kept=True, home=kept)


def test_what_cannot_be_kept_is_told_once_and_cannot_be_loaded(tmp_path):
    told = Told()
    recipe = {
        **RECIPE,
        "name": "mixed",
        "plugins": [str(PLUGINS / "sound/model_keywords.py"), str(PLUGINS / "faulty/model_state_forgets_scale.py")],
        "models": {"ridge": {}, "sound-keywords": {"n_estimators": 2}, "zoo-state-scale": {}},
    }
    report = quorate.run(recipe, home=tmp_path / "home", progress=told)
    [line] = [line for line in told.lines if line.startswith("models that are not kept")]
    assert "'sound-keywords': the plugin has no state_dict and load_state_dict, and nothing is pickled" in line
    assert "'zoo-state-scale': made of its state, it predicts" in line
    assert report.telemetry["models_kept"]["models"] == len(report.folds)
    with pytest.raises(PluginError, match="model 'sound-keywords' cannot be kept or loaded"):
        quorate.predict(report.run_id, kept=True, home=tmp_path / "home")


@pytest.fixture
def onnx():
    pytest.importorskip("onnxruntime")
    return pytest.importorskip("onnx")


def test_a_kept_model_is_exported_with_what_it_is(done, kept, tmp_path, onnx):
    report, _ = done
    path = tmp_path / "out" / "boosted.onnx"
    found = quorate.export_model(report.run_id, path, model="lightgbm", home=kept)
    last = report.stored("fits")["fold"].max()
    assert (found.fold, found.fitted_again, found.file, found.int8) == (last, False, str(path), None)
    assert 0 < found.largest <= found.allowed <= 1e-4
    assert found.bytes == path.stat().st_size
    noted = {one.key: one.value for one in onnx.load(path).metadata_props}
    assert (noted["run"], noted["model"], noted["fit_key"]) == (report.run_id, "lightgbm", found.key)
    assert json.loads(noted["features"]) == found.features == list(report.provenance["features"])
    assert found.shape == ["batch", len(found.features)]
    assert found.unseen == int((report.stored("predictions")["fold"] == last).sum()) < found.rows


@pytest.mark.full
def test_a_network_is_also_written_with_weights_of_8_bits_and_what_that_costs(tmp_path, onnx):
    report = quorate.run({**RECIPE, "name": "net", "models": {"mlp": {"epochs": 2}}}, home=tmp_path / "home")
    path = tmp_path / "net.onnx"
    found = quorate.export_model(report.run_id, path, int8=True, home=tmp_path / "home")
    small = found.int8
    assert Path(small["file"]) == tmp_path / "net.int8.onnx"
    assert small["bytes"] == Path(small["file"]).stat().st_size
    assert found.largest < small["mean"] < small["largest"]
    assert 0 <= small["turned"] < 0.5
    assert small["file"] in found._repr_html_()


def test_the_command_says_what_it_wrote(kept, tmp_path, onnx):
    path = tmp_path / "ridge.onnx"
    found = call("export-model", "latest", "--model", "ridge", "--fold", "0", "--onnx", str(path), "--home", str(kept))
    assert found.exit_code == 0
    assert path.exists()
    text = " ".join(found.stdout.split())
    assert "model 'ridge' of fold 0; " in text
    assert "ONNX opset 17" in text
    assert "input 'features', float32 (batch, 3)" in text
    assert "largest difference" in text


@pytest.mark.parametrize(
    "options, told",
    [
        ((), "has 4 models: give --model, one of gradient-boosting, lasso, lightgbm, ridge"),
        (("--model", "rigde"), "did you mean 'ridge'"),
        (("--model", "ridge", "--fold", "99"), "has the folds 0 to"),
        (("--model", "lightgbm", "--int8"), "this model is trees"),
        (("--model", "past-mean"), "cannot be kept or loaded"),
    ],
)
def test_mistakes_are_told_and_nothing_is_written(kept, tmp_path, options, told, onnx):
    path = tmp_path / "x.onnx"
    code = 2 if "--int8" not in options and "past-mean" not in options else 1
    assert told in message_of(call("export-model", *options, "--onnx", str(path), "--home", str(kept)), code)
    assert not path.exists()


def test_a_model_that_predicts_something_else_there_is_not_written(tmp_path, onnx):
    recipe = {
        **RECIPE,
        "name": "wrong",
        "plugins": [str(PLUGINS / "faulty/model_onnx_forgets_bias.py")],
        "models": {"zoo-onnx-bias": {}},
    }
    report = quorate.run(recipe, home=tmp_path / "home")
    with pytest.raises(FitError, match=r"predicts something else: on \d+ rows of fold \d+ the largest difference"):
        quorate.export_model(report.run_id, tmp_path / "x.onnx", home=tmp_path / "home")
    assert not (tmp_path / "x.onnx").exists()


def test_without_the_libraries_one_line_says_what_to_install(kept, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    told = message_of(call("export-model", "--onnx", str(tmp_path / "x.onnx"), "--home", str(kept)), 1)
    assert "pip install 'quorate[onnx]'" in told


def test_quantiles_of_several_steps_are_kept_and_exported_as_columns(tmp_path, onnx):
    quantiles = [0.1, 0.5, 0.9]
    recipe = {
        **RECIPE,
        "name": "spread",
        "labels": {"name": "return", "steps": [1, 3]},
        "models": {"ridge": {}, "lightgbm": {"n_estimators": 4, "quantiles": quantiles}},
        "execution": {"executor": "serial", "keep_models": "last"},
    }
    told = Told()
    report = quorate.run(recipe, home=tmp_path / "home", progress=told)
    assert not [line for line in told.lines if "not kept" in line]
    ahead = quorate.predict(report.run_id, kept=True, home=tmp_path / "home")
    assert ahead.kept["fitted_again"] == []
    assert set(ahead.targets[0]["members"]) == {"ridge", "lightgbm"}
    path = tmp_path / "x.onnx"
    found = quorate.export_model(report.run_id, path, model="lightgbm", home=tmp_path / "home")
    assert 0 < found.largest <= found.allowed
    model = onnx.load(path)
    assert model.graph.output[0].type.tensor_type.shape.dim[1].dim_value == 6
    noted = {one.key: one.value for one in model.metadata_props}
    assert json.loads(noted["outputs"]) == ["q0.1", "q0.5", "q0.9", "q0.1@3", "q0.5@3", "q0.9@3"]

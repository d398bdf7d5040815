"""A run whose features go through transforms: it is kept, explained, reproduced and predicts the next bar."""

from __future__ import annotations

from pathlib import Path

import pytest

import quorate
from quorate.execution.transforms import PREFIX
from quorate.store.models import KeptModels

PLUGINS = Path(__file__).parents[1] / "plugins"


def test_a_run_with_transforms_from_its_first_fit_to_its_next_bar(tiny, tmp_path):
    chains = {"return_*": ["z-score", {"name": "pca", "components": 1}], "*": "robust"}
    table = {**tiny, "features": {**tiny["features"], "transforms": chains}}
    report = quorate.run(table, home=tmp_path / "home")
    used = [p["name"] for p in report.provenance["plugins"] if p["kind"] == "transform"]
    assert sorted(used) == ["pca", "robust", "z-score"]
    assert report.provenance["recipe"]["features"]["transforms"]["*"] == [{"name": "robust", "low": 0.05, "high": 0.95}]
    again = quorate.run(table, home=tmp_path / "home")
    assert again.fits["cached"].all()
    assert again.results == report.results
    other = quorate.run(
        {**table, "features": {**tiny["features"], "transforms": {"*": "robust"}}}, home=tmp_path / "home"
    )
    fresh = other.fits.set_index("model")["cached"]
    assert not fresh[["logistic", "ridge"]].any()
    assert fresh["persistence"].all()  # it reads bars, and no features
    told = quorate.explain(again.run_id, home=tmp_path / "home")
    [ensemble, *_] = told.document["forecasters"]
    assert {row["name"] for row in ensemble["features"]} == set(tiny["features"]["use"])
    assert quorate.reproduce(again.run_id, home=tmp_path / "home").identical
    assert set(quorate.predict(again.run_id, home=tmp_path / "home").weights) == {"logistic", "ridge"}


def test_networks_that_train_together_read_what_each_has_learnt_and_keep_it(tiny, tmp_path):
    table = {
        **tiny,
        "labels": {"name": "return", "steps": [1, 3]},
        "features": {**tiny["features"], "transforms": {"*": "z-score", "return_*": {"name": "pca", "components": 1}}},
        "models": {
            "gru": {"epochs": 2, "lookback": 4, "hidden": 4},
            "logistic": False,
            "ridge": {},
        },
        "execution": {"executor": "serial", "keep_models": "last"},
    }
    home = tmp_path / "home"
    report = quorate.run(table, home=home)
    elsewhere = {**table, "execution": {"executor": "processes", "workers": 2}}
    assert quorate.run(elsewhere, home=tmp_path / "other").results == report.results
    fresh, kept = (quorate.predict(report.run_id, kept=kept, home=home) for kept in (False, True))
    assert kept.kept["fitted_again"] == []
    assert set(kept.targets[0]["members"]) == {"gru", "ridge"} == set(fresh.targets[0]["members"])
    models = KeptModels(home)
    for key in kept.kept["keys"].values():
        told = models.get(key)
        assert [step["name"] for step in told.facts["transforms"]] == ["z-score", "pca"]
        assert any(name.startswith(PREFIX) for name in told.arrays)
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    path = tmp_path / "x.onnx"
    found = quorate.export_model(report.run_id, path, model="gru", home=home)
    assert found.shape == ["batch", 4, len(report.provenance["features"])]
    assert 0 < found.largest <= found.allowed
    [given] = onnx.load(path).graph.input
    assert (given.name, found.features) == ("windows", list(report.provenance["features"]))


def test_a_model_behind_a_transform_without_the_hook_is_not_exported_and_the_transform_named(tiny, tmp_path):
    pytest.importorskip("onnxruntime")
    table = {
        **tiny,
        "plugins": [str(PLUGINS / "sound/transform_tanh.py")],
        "features": {**tiny["features"], "transforms": {"*": ["z-score", "tanh"]}},
    }
    report = quorate.run(table, home=tmp_path / "home")
    with pytest.raises(quorate.PluginError, match=r"go through transform 'tanh' \(features.transforms\), which has no"):
        quorate.export_model(report.run_id, tmp_path / "x.onnx", model="ridge", home=tmp_path / "home")
    assert not (tmp_path / "x.onnx").exists()

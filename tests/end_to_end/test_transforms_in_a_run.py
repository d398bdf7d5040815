"""A run whose features go through transforms: it is kept, explained, reproduced and predicts the next bar."""

from __future__ import annotations

import quorate


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

"""Boosters and forests that go on from the fold before, in a run: anywhere the same, kept, compared, and told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import quorate
from quorate.errors import RecipeError
from quorate.execution.progress import Progress
from quorate.execution.task import fit_seed
from quorate.plugins.specs import ModelSpec
from quorate.report.sections import sections_of
from quorate.runs.models import models_of
from quorate.runs.stored import reopen
from support import homes

ROUNDS, FURTHER = 8, 4
SIZES = {
    "xgboost": "n_estimators",
    "lightgbm": "n_estimators",
    "catboost": "iterations",
    "gradient-boosting-exact": "n_estimators",
    "random-forest": "n_estimators",
}
WARM: dict[str, dict[str, Any]] = {
    name: {
        size: ROUNDS,
        "warm_trees" if name == "random-forest" else "warm_rounds": FURTHER,
        "warm_start": "last_fold",
    }
    for name, size in SIZES.items()
}
RECIPE: dict[str, Any] = {
    **homes.recipe("tiny"),
    "name": "boosters",
    "models": {"logistic": False, "lightgbm-fresh": {"plugin": "lightgbm", "n_estimators": ROUNDS}, **WARM},
    "gates": {"null-market": False},
}


@pytest.fixture(name="done", scope="module")
def _done(tmp_path_factory: pytest.TempPathFactory, _leased: None) -> Any:
    """The run, its holdout opened; no test writes to its home."""
    home = tmp_path_factory.mktemp("boosters") / "home"
    return quorate.promote(quorate.run(RECIPE, home=home).run_id, home=home)


def test_each_fold_adds_its_own_rounds_to_all_before_it(done: Any) -> None:
    """By hand the same, through the development and the holdout."""
    session, bars = reopen(done, Progress())
    walk, frame = models_of(done, session, bars).walk, done.stored("predictions").set_index("row")
    for name in WARM:
        spec = session.registry.get(ModelSpec, name).for_label("classification", {})
        params = {key: value for key, value in WARM[name].items() if key != "warm_start"}
        start, seed = None, fit_seed(session.recipe.seed, name)
        for fold in walk.folds:
            model = spec.resolve()(**params, random_state=seed, task="classification")
            y = walk.dataset.y[fold.train].astype(np.int64)
            start = model.fit(walk.dataset.X[fold.train], y, **({"start": start} if start else {}))
            found = frame.loc[fold.test, f"member/{name}"].to_numpy()
            assert np.allclose(found, start.predict_proba(walk.dataset.X[fold.test])[:, 1], rtol=1e-6, atol=1e-9), name


def test_by_processes_and_a_second_time_every_number_is_the_same(done: Any) -> None:
    overrides = ["execution.executor=processes", "execution.workers=2"]
    again = quorate.reproduce(done.run_id, home=done.source.home.path, overrides=overrides)
    assert (again.differing, again.differences) == (0, [])
    assert again.predictions > 0


def test_the_report_compares_it_and_tells_of_its_rounds(done: Any) -> None:
    rows = {row["series"]: row for row in done.results["development"]["warm_starts"]}
    assert {name: row["fresh"] for name, row in rows.items()} == {
        name: "lightgbm-fresh" if name == "lightgbm" else None for name in WARM
    }
    [compared, *_], [training, *_] = (sections_of(done, (name,)) for name in ("warm-starts", "training"))
    assert "against fresh" in str(compared.blocks)
    told = {one["model"]: one for one in done.telemetry["training"]}
    assert set(told) == {*WARM, "lightgbm-fresh"} - {"random-forest"}
    for name, one in told.items():
        further = ROUNDS if name == "lightgbm-fresh" else FURTHER
        assert (one["epochs"]["least"], one["epochs"]["most"]) == (further, ROUNDS), name
        assert one["stopped"] == {"all rounds": one["fits"]}
        assert one["train_loss"] > 0
        assert one["val_loss"] is None
        assert one["seconds"] is None
    assert "ended: all rounds (3 fits)" in str(training.blocks)


def test_a_forecast_goes_on_from_the_last_fold_and_kept_ones_do_not(done: Any) -> None:
    home = done.source.home.path
    ahead = quorate.predict(done.run_id, home=home)
    assert ahead.gone_on is not None
    assert ahead.gone_on["models"] == sorted(WARM)
    assert quorate.predict(done.run_id, home=home).targets == ahead.targets


def test_histogram_boosting_is_refused_and_those_that_can_are_named(tmp_path: Any) -> None:
    with pytest.raises(RecipeError, match=r"'gradient-boosting' .*cannot go on from a fitted model") as raised:
        quorate.run({**RECIPE, "models": {"gradient-boosting": {"warm_start": "last_fold"}}}, home=tmp_path)
    assert all(name in str(raised.value) for name in WARM)

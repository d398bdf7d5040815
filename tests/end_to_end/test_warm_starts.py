"""A model goes on from the fold before: by hand the same, on any workers, after a stop, in the holdout and later."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import quorate
from quorate.errors import FitError, IntegrityError, RecipeError
from quorate.execution.progress import Progress
from quorate.execution.task import fit_seed
from quorate.report.sections import sections_of
from quorate.runs.models import models_of
from quorate.runs.session import open_session
from quorate.runs.stored import reopen
from quorate.store.models import KeptModels
from quorate.store.trust import trust
from quorate.walkforward import tasks, warm
from quorate.walkforward.tasks import plain_tasks
from support import homes

PLUGIN = Path(__file__).parents[1] / "plugins/sound/model_goes_on.py"
RECIPE: dict[str, Any] = {
    **homes.recipe("tiny"),
    "name": "warm",
    "labels": {"name": "return"},
    "models": {
        "majority": False,
        "fresh": {"plugin": "steps-down"},
        "warm": {"plugin": "steps-down", "warm_start": "last_fold", "warm_steps": 7},
        "other": {"plugin": "steps-down", "warm_start": "last_fold", "steps": 3},
    },
    "gates": {"null-market": False},
}
FOLDS = 5  # three before the holdout, two in it


def run(home: Path, plugin: Path = PLUGIN, **more: Any) -> Any:
    return quorate.run({**RECIPE, **more}, home=home, plugins=[plugin])


@pytest.fixture(name="done", scope="module")
def _done(tmp_path_factory: pytest.TempPathFactory, _leased: None) -> Any:
    home = tmp_path_factory.mktemp("warm") / "home"
    return quorate.promote(run(home).run_id, home=home)


@pytest.fixture(name="kept")
def _kept(done: Any, tmp_path: Path) -> Path:
    """A copy of the home, for the test to write to."""
    shutil.copytree(done.source.home.path, tmp_path / "home")
    trust(tmp_path / "home")
    return tmp_path / "home"


def keys_of(report: Any, model: str) -> list[str]:
    fits = report.stored("fits")
    return list(fits[fits["model"] == model].sort_values("fold")["key"])


def forget(home: Path, keys: list[str], models: list[str]) -> None:
    """Take finished fits, and kept models, out of a home."""
    with sqlite3.connect(home / "fits/fits.sqlite") as connection:
        connection.executemany("DELETE FROM fits WHERE key = ?", [(key,) for key in keys])
    connection.close()
    for key in models:
        (home / f"models/{key}.json").unlink()


def test_it_predicts_what_going_on_by_hand_does(done: Any) -> None:
    """Through the development and the holdout, each fold with its own rows and the scaling of the first."""
    session, bars = reopen(done, Progress())
    walk = models_of(done, session, bars).walk
    assert len(walk.folds) == FOLDS
    line, start = session.registry.get("model", "steps-down").resolve(), None
    frame = done.stored("predictions").set_index("row")
    for fold in walk.folds:
        X, y = walk.dataset.X, walk.dataset.y
        start = line(warm_steps=7).fit(X[fold.train], y[fold.train], start=start)
        found = frame.loc[fold.test, "member/warm"].to_numpy()
        assert np.allclose(found, start.predict(X[fold.test]), rtol=1e-9, atol=0)
    alone = line().fit(X[fold.train], y[fold.train]).predict(X[fold.test])
    assert np.allclose(frame.loc[fold.test, "member/fresh"], alone, rtol=1e-9, atol=0)
    assert not np.allclose(found, alone)


def test_every_model_that_others_go_on_from_is_kept_by_its_key(done: Any) -> None:
    models = KeptModels(done.source.home.path)
    wanted = {*keys_of(done, "warm"), *keys_of(done, "other")}
    assert len(wanted) == 2 * FOLDS
    registered = {keys_of(done, "fresh")[-1]}  # a promotion keeps the last fold's models of all members
    assert {path.stem for path in models.folder.glob("*.safetensors")} == wanted | registered


def test_on_several_workers_it_is_the_same_bit_for_bit(done: Any, tmp_path: Path) -> None:
    other = run(tmp_path / "cold", execution={"executor": "processes", "workers": 2})
    assert other.results["development"] == done.results["development"]


def test_each_of_several_seeds_goes_on_from_its_own_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = {"lookback": 4, "epochs": 2, "warm_start": "last_fold", "warm_epochs": 1}
    recipe = {**homes.recipe("tiny"), "name": "seeds", "execution": {"executor": "serial"}}

    def forecast(home: str, **more: int) -> Any:
        models = {"majority": False, "nlinear": {**net, **more}}
        return quorate.run({**recipe, "models": models}, home=tmp_path / home).predictions["member/nlinear"].to_numpy()

    both, each = forecast("both", seeds=2), []
    for number in range(2):
        monkeypatch.setattr(tasks, "fit_seed", lambda run, model, _, number=number: fit_seed(run, model, number))
        each.append(forecast(f"{number}"))
    assert not np.array_equal(*each)
    assert np.array_equal(both, np.mean(each, axis=0))


def test_nothing_of_the_home_is_needed_to_reproduce_it(kept: Path) -> None:
    """The holdout goes on from the development there, too, of which nothing is kept."""
    found = quorate.reproduce(home=kept)
    assert found.identical


@pytest.mark.parametrize(("lost", "computed"), [([], 1), ([1], 1), ([0, 1], 1)])
def test_a_fit_that_is_missing_is_computed_from_what_is_kept(
    done: Any, kept: Path, monkeypatch: pytest.MonkeyPatch, lost: list[int], computed: int
) -> None:
    """Where the models before it are gone, too, these are fitted again, back to the first that is kept."""
    keys = keys_of(done, "warm")
    forget(kept, keys[2:3], [keys[k] for k in lost])
    seen: list[tuple[int, bool]] = []
    real = warm.going_on

    def going_on(queue: Any, data: Any, tasks: Any, arrived: Any) -> Any:
        seen.extend((task.fold, task.start is not None) for task in tasks)
        return real(queue, data, tasks, arrived)

    monkeypatch.setattr("quorate.walkforward.members.going_on", going_on)
    again = run(kept)
    assert again.results["development"] == done.results["development"]
    assert again.telemetry["fits"] - again.telemetry["cached"] == computed
    back = [warm.aside(k) for k in reversed(lost)]
    assert [fold for fold, _ in seen] == [2, *back]
    assert [known for _, known in seen] == [False] * len(lost) + [0 not in lost]
    assert all(key in KeptModels(kept) for key in keys)


def test_a_damaged_model_is_told_and_fitted_again(done: Any, kept: Path) -> None:
    keys = keys_of(done, "warm")
    forget(kept, keys[2:3], [])
    path = kept / f"models/{keys[1]}.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    told: list[str] = []

    class Told(Progress):
        def warn(self, message: str) -> None:
            told.append(message)

    again = quorate.run(RECIPE, home=kept, plugins=[PLUGIN], progress=Told())
    assert again.results["development"] == done.results["development"]
    assert any("is not as it was written" in message for message in told)


def test_a_change_in_an_early_fold_changes_all_later_keys(done: Any) -> None:
    """Of folds that train on the latest rows alone, the others do not read what the first does."""
    session, bars = reopen(done, Progress())
    walk = models_of(done, session, bars).walk
    walk = replace(walk, folds=[replace(fold, train=fold.train[-50:]) for fold in walk.folds])
    first = walk.folds[0].train[:2]
    other = replace(walk, dataset=walk.dataset.relabelled(first, first[::-1]))
    keys = [warm.chained(one, plain_tasks(one), plain_tasks) for one in (walk, other)]
    changed = {(a.model, a.fold) for a, b in zip(*keys, strict=True) if a.key != b.key}
    learning = {(model, fold) for model in ("warm", "other") for fold in range(FOLDS)}
    assert {one for one in changed if one[0] in RECIPE["models"]} == {*learning, ("fresh", 0)}


FAILS = """
        if len(y) == ROWS and start is not None:
            raise ValueError("it cannot go on")
        X = X.astype(np.float64)"""


def test_where_one_fails_those_that_go_on_from_it_say_why(tmp_path: Path, done: Any) -> None:
    rows = list(done.stored("fits").query("model == 'warm'").sort_values("fold")["train_rows"])
    plugin = tmp_path / "fails.py"
    fails = FAILS.replace("ROWS", str(rows[1]))
    plugin.write_text(PLUGIN.read_text().replace("\n        X = X.astype(np.float64)", fails, 1))
    report = run(tmp_path / "home", plugin, on_failure="drop")
    failed = {(one["model"], one["fold"]): one["reason"] for one in report.results["development"]["failures"]}
    assert set(failed) == {(model, fold) for model in ("warm", "other") for fold in (1, 2)}
    assert failed["warm", 1] == "ValueError: it cannot go on"
    assert failed["warm", 2] == "it goes on from fold 1, whose fit failed: ValueError: it cannot go on"
    with pytest.raises(FitError, match="failed on fold 1"):
        run(tmp_path / "other", plugin)


def test_a_start_from_a_later_fold_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def planted(folds: Any, *_: Any) -> Any:
        return {fold.index: folds[-1] for fold in folds[:-1]}

    monkeypatch.setattr(warm, "before_of", planted)
    with pytest.raises(IntegrityError, match="would go on from fold 2, which is no earlier one"):
        run(tmp_path / "home")


def test_models_that_cannot_go_on_are_refused_before_the_run(tmp_path: Path) -> None:
    models = {"ridge": {"warm_start": "last_fold"}}
    with pytest.raises(
        RecipeError, match=r"models.ridge.warm_start: model 'ridge' .*cannot go on from a fitted model.*"
    ):
        quorate.run({**RECIPE, "models": models}, home=tmp_path)
    with pytest.raises(RecipeError, match="last_fold"):
        quorate.run({**RECIPE, "models": {"ridge": {"warm_start": "last"}}}, home=tmp_path)
    with pytest.raises(RecipeError, match="warm_start"):
        quorate.run({**RECIPE, "models": {"ridge": {"warm_strat": "last_fold"}}}, home=tmp_path)


def test_what_it_did_is_told_beside_the_same_model_that_begins_afresh(done: Any) -> None:
    for part, folds in (("development", 2), ("holdout", 2)):
        rows = {row["series"]: row for row in done.results[part]["warm_starts"]}
        assert rows["other"] == {"series": "other", "fresh": None, "folds": folds}
        told = rows["warm"]
        assert (told["fresh"], told["folds"]) == ("fresh", folds)
        frame = done.stored("predictions")
        frame = frame[(frame["part"] == part) & frame["label"].notna() & (frame["fold"] > 0)]
        loss, other = (float(((frame["label"] - frame[f"member/{name}"]) ** 2).mean()) for name in ("warm", "fresh"))
        assert told["n"] == len(frame)
        assert told["difference"] == pytest.approx(loss - other)
        assert told["low"] < told["difference"] < told["high"]
        assert (told["low"] > 0 or told["high"] < 0) == (told["p_value"] < 0.05)
    [section, *_] = sections_of(done, ("warm-starts",))
    text = str(section.blocks)
    assert "against fresh" in text
    assert "What it did to other is not known" in text


def test_an_explanation_goes_on_from_the_models_of_the_run(done: Any, kept: Path) -> None:
    found = quorate.explain(done.run_id, home=kept)
    assert {one["name"] for one in found.to_dict()["forecasters"]} >= {"warm", "other"}
    assert found.to_dict()["warnings"] == []


def test_a_forecast_on_later_bars_is_fine_tuned_and_leaves_the_models_as_they_are(done: Any, kept: Path) -> None:
    before = {path.name: path.read_bytes() for path in (kept / "models").iterdir()}
    found = quorate.predict(done.run_id, home=kept)
    assert found.gone_on is not None
    assert found.gone_on["models"] == ["other", "warm"]
    assert found.gone_on["fold"] == FOLDS - 1
    session, bars = reopen(done, Progress())
    models = models_of(done, session, bars)
    walk, last = models.walk, len(bars) - 1
    state = models.of("warm", models.fold(None)).state
    line = session.registry.get("model", "steps-down")
    start = line.keeper()[1](line.resolve()(warm_steps=7), state.merged())
    known = np.flatnonzero(walk.dataset.learnt_end <= last)
    by_hand = line.resolve()(warm_steps=7).fit(walk.dataset.X[known], walk.dataset.y[known], start=start)
    now = walk.dataset.X[walk.dataset.bar == last]
    assert found.targets[0]["members"]["warm"] == pytest.approx(float(by_hand.predict(now)[0]), rel=1e-9)
    assert {path.name: path.read_bytes() for path in (kept / "models").iterdir()} == before
    assert quorate.predict(done.run_id, home=kept, kept=True).gone_on is None


def test_a_model_that_is_not_kept_is_fitted_again_back_to_the_first(done: Any, kept: Path) -> None:
    shutil.rmtree(kept / "models")
    one, other = quorate.predict(done.run_id, home=kept), quorate.predict(done.run_id, home=kept)
    assert one.targets == other.targets
    assert {path.stem for path in (kept / "models").glob("*.json")} == {*keys_of(done, "warm"), *keys_of(done, "other")}


def test_the_audit_runs_it_as_the_recipe_does(tmp_path: Path) -> None:
    found = quorate.audit(RECIPE, home=tmp_path / "home", plugins=[PLUGIN])
    assert found.clean, found.findings


def test_an_option_of_that_name_of_a_model_itself_is_no_key_of_a_recipe(tmp_path: Path) -> None:
    """scikit-learn's models have one; a recipe that was stored with it is still read."""
    plugin = tmp_path / "forest.py"
    plugin.write_text(
        "import quorate\n\n@quorate.hookimpl\ndef quorate_models():\n"
        '    yield quorate.ModelSpec("forest", "sklearn.ensemble:RandomForestRegressor", task="regression")\n'
    )
    for given in ({}, {"warm_start": False}):
        session = open_session({**RECIPE, "models": {"forest": given}}, plugins=[plugin])
        assert session.recipe.models["forest"].warm_start is None  # type: ignore[union-attr]
        assert "warm_start" not in session.recipe.models["forest"].options  # type: ignore[union-attr]

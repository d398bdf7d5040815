"""Training and evaluating one model of several steps, as it is typed."""

from __future__ import annotations

import csv
import json
import tomllib

import numpy as np
import pytest

import quorate
from quorate.dataset.folds import NEVER
from quorate.dataset.rows import Dataset
from quorate.errors import RecipeError
from quorate.pipeline import evaluate as evaluating
from quorate.pipeline import rows as rows_module
from quorate.pipeline.request import gather, steps_of
from quorate.pipeline.translation import opened
from quorate.runs.swept import load_sweep
from quorate.statistics._naive import naive_forecasts
from quorate_data.simulated import simulated
from quorate_plugins.models.linear import ridge
from support.command import call, message_of

LAST = "2019-12-31"
TEST = ("--test-start", "2020-01-01", "--test-end", "2020-02-29")
ASKED = ("train", "model", "BTC", "--architecture", "ridge", "--data", "btc.csv", "--set", "data.calendar=24x7")
FEW = ("--set", 'features.use=["return_1", "return_2", "zscore_20"]')
FIGURES = ("mse", "rmse", "mae", "direction_accuracy", "mase")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, _leased):
    """A model of steps 1, 5 and 30, trained and evaluated once."""
    folder = tmp_path_factory.mktemp("steps")
    bars = simulated(signal=0.3, n_bars=460, seed=4, start="2019-01-01", calendar="24x7")
    frame = bars.to_frame().assign(date=bars.sessions.astype(str), symbol="BTC").drop(columns="time")
    frame.to_csv(folder / "btc.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for arguments in (
            (*ASKED, *FEW, "--steps", "1,5,30", "--train-end", LAST, "--output-dir", "m"),
            ("evaluate", "--model", "m", *TEST, "--output-dir", "r"),
        ):
            result = call(*arguments, "--home", folder / "home")
            assert result.exit_code == 0, result.output
        (folder / "shown").write_text(result.stdout)
    return folder


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def known(folder):
    """All bars with their rows, those after training, too, as a test has them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        given = {
            "architecture": "ridge",
            "steps": (1, 5, 30),
            "data": {"source": "csv", "path": "btc.csv", "calendar": "24x7"},
            "sets": FEW[1:],
        }
        found = opened(gather("train", given), {}, None, {})
        dataset, _ = rows_module.dataset_of(found.session, "ridge", found.bars, lambda _: 400)
    return found.bars, dataset


def document(path):
    return json.loads(path.read_text())


def test_no_label_of_any_step_that_trains_reaches_into_the_test(here, known):
    bars, dataset = known
    last = np.datetime64(LAST).item()
    rows, begin = rows_module.training_rows(bars, dataset, last), rows_module.before(bars, last)
    assert str(bars.sessions[begin]) == "2020-01-01"
    assert dataset.steps == (1, 5, 30)
    assert dataset.path_end[rows].max(axis=0).tolist() == [begin - 30, begin - 26, begin - 1]
    assert dataset.path_end[rows[-1] + 1].max() == begin  # the next row's longest label would
    trained = document(here / "m/model.json")
    assert trained["training"]["rows"] == len(rows)
    assert trained["training"]["label_end"] == LAST
    assert trained["label"]["steps"] == [1, 5, 30]


def test_a_test_that_a_longer_label_reaches_into_is_refused(here, monkeypatch, tmp_path):
    def by_the_traded_step(bars, dataset: Dataset, last):
        return np.flatnonzero((dataset.end != NEVER) & (dataset.end < rows_module.before(bars, last)))

    monkeypatch.setattr(evaluating, "training_rows", by_the_traded_step)
    result = call("evaluate", "--model", "m", *TEST, "--output-dir", tmp_path / "r")
    assert "no label interval of a training row may overlap" in result.stderr
    assert not (tmp_path / "r").exists()


def test_each_step_is_measured_on_the_labels_that_have_ended(here, known):
    bars, dataset = known
    found = document(here / "r/metrics.json")
    with (here / "r/forecasts.csv").open() as file:
        written = list(csv.DictReader(file))
    assert list(written[0]) == ["date", "mean", "mean@5", "mean@30", "label", "label@5", "label@30"]
    assert [row["step"] for row in found["steps"]] == [1, 5, 30]
    days = 31 + 29
    assert [row["n"] for row in found["steps"]] == [days - 2, days - 6, days - 31]
    close = dict(zip(bars.sessions.astype(str), bars.close[:, 0], strict=True))
    names, place = list(close), {name: k for k, name in enumerate(close)}
    for column, (row, end) in enumerate(zip(found["steps"], ("", "@5", "@30"), strict=True)):
        ended = [one for one in written if one[f"label{end}"]]
        y, yhat = (np.array([float(one[name + end]) for one in ended]) for name in ("label", "mean"))
        first = np.array([close[names[place[one["date"]] + 1]] for one in ended])
        then = np.array([close[names[place[one["date"]] + 1 + row["step"]]] for one in ended])
        assert y == pytest.approx(then / first - 1, rel=1e-9)
        naive = naive_forecasts(dataset.path[:, column], dataset.path_end[:, column], dataset.bar)
        at = [int(np.flatnonzero(dataset.bar == place[one["date"]])[0]) for one in ended]
        error = np.abs(y - yhat)
        by_hand = (np.mean(error**2), np.mean(error**2) ** 0.5, error.mean(), np.mean((y > 0) == (yhat > 0)))
        assert [row[name] for name in FIGURES] == pytest.approx([*by_hand, error.mean() / np.abs(y - naive[at]).mean()])
    assert found["mae"] > 0  # what is said of prices is of the first step
    assert found["forecasts"] == days - 2


def test_the_steps_are_shown_in_a_table_of_80_columns(here):
    shown = (here / "shown").read_text()
    lines = shown.splitlines()
    [heading] = [k for k, line in enumerate(lines) if "bars ahead" in line and "MASE" in line]
    assert [line.split()[0] for line in lines[heading + 2 : heading + 5]] == ["1", "5", "30"]
    assert max(len(line.rstrip()) for line in lines[heading : heading + 5]) <= 80
    assert "forecasts.csv" in shown


def test_steps_that_end_after_a_short_test_are_told(here, tmp_path):
    short = ("--test-start", "2020-01-01", "--test-end", "2020-01-20", "--output-dir", tmp_path)
    result = call("evaluate", "--model", "m", *short, "--json")
    assert [row["step"] for row in json.loads(result.stdout)["steps"]] == [1, 5]
    assert "from 30 bars ahead on no forecast is measured" in result.stderr


def test_a_network_learns_all_steps_at_once_from_a_configuration(here, tmp_path):
    config = {
        "data": {"path": "btc.csv", "calendar": "24x7"},
        "training": {"architecture": "dlinear", "steps": 8, "epochs": 1, "train_end": LAST},
    }
    (tmp_path / "c.json").write_text(json.dumps(config))
    assert call("train", "--config", tmp_path / "c.json", *FEW, "--output-dir", tmp_path / "m").exit_code == 0
    trained = document(tmp_path / "m/model.json")
    assert trained["label"]["steps"] == [*range(1, 9)]
    assert call("evaluate", "--model", tmp_path / "m", *TEST, "--output-dir", tmp_path / "r").exit_code == 0
    steps = document(tmp_path / "r/metrics.json")["steps"]
    assert [row["step"] for row in steps] == [*range(1, 9)]
    assert len({row["rmse"] for row in steps}) == 8


def test_a_model_of_one_step_has_no_table_of_steps(here, tmp_path):
    assert call(*ASKED, *FEW, "--train-end", LAST, "--output-dir", tmp_path / "m").exit_code == 0
    result = call("evaluate", "--model", tmp_path / "m", *TEST, "--output-dir", tmp_path / "r")
    assert "bars ahead" not in result.stdout
    assert "steps" not in document(tmp_path / "r/metrics.json")
    assert (tmp_path / "r/forecasts.csv").read_text().startswith("date,mean,label\n2020-01-01,")


@pytest.mark.parametrize("given", ["5,1", "1,1", "0,5", "1", "1.5,3", "1,x", "", 0, [5, True], [3], "99999999"])
def test_steps_that_are_not_increasing_whole_numbers_are_refused(given):
    with pytest.raises(RecipeError, match="--steps must be at least two whole numbers of bars from 1 on, ascending"):
        steps_of(given, "--steps")


def test_steps_are_listed_or_counted():
    assert steps_of("3", "--steps") == steps_of(3, "--steps") == steps_of("1, 2,3", "--steps") == (1, 2, 3)
    given = quorate.create_config_from_preset("quick", "BTC", steps=[1, 30])
    assert given.steps == (1, 30)


@pytest.mark.parametrize(
    "more, said",
    [
        (
            ("--steps", "1,400"),
            "a label 400 bars ahead is longer than the training period, the first bar to 2019-12-31",
        ),
        (("--steps", "1,350"), "no label of 350 bars had ended by 2019-12-31"),
        (("--steps", "5,1"), "ascending, e.g. 1,5,30"),
    ],
)
def test_steps_that_cannot_be_learnt_are_told(here, tmp_path, more, said):
    result = call(*ASKED, *FEW, *more, "--train-end", LAST, "--output-dir", tmp_path / "m")
    assert said in message_of(result, result.exit_code)
    assert result.exit_code in (1, 2)
    assert not (tmp_path / "m").exists()


def test_a_horizon_that_is_none_of_the_steps_is_the_first(here):
    result = call(*ASKED, *FEW, "--steps", "5,30", "--train-end", LAST, "--show-recipe")
    assert "horizon = 5" in result.stdout
    assert "several steps are learnt by one process" in message_of(
        call("train", "--model", "dlinear", "--data", "btc.csv", "--steps", "3", "--workers", "2"), 2
    )


def test_tuning_learns_all_steps_and_is_judged_by_the_one_that_is_traded(here, known, tmp_path):
    """Here five bars ahead: its loss on validation is that of a fit by hand, on rows whose longest label had ended."""
    asked = ("tune", "--architecture", "ridge", "--asset-id", "BTC", *ASKED[5:], *FEW, "--steps", "1,5,30")
    days = ("--train-end", LAST, "--val-end", "2020-02-29", "--n-trials", "1")
    place = ("--set", "labels.horizon=5", "--home", tmp_path / "home", "--output-dir", tmp_path / "m")
    result = call(*asked, *days, *place, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert any(
        "judged by its forecast 5 bars ahead, which is traded; how it forecasts 1, 30" in one for one in told["told"]
    )
    [search] = load_sweep(told["sweep"], home=tmp_path / "home").document["searches"].values()
    [verdict] = search["verdicts"]

    bars, dataset = known
    train = rows_module.training_rows(bars, dataset, np.datetime64(LAST).item())
    day = bars.sessions[dataset.bar].astype(str)
    end = dataset.path_end[:, 1]
    test = (day >= "2020-01-01") & (end < rows_module.before(bars, np.datetime64("2020-02-29").item()))
    model = ridge(alpha=search["own"]["params"]["alpha"]).fit(dataset.X[train], dataset.path[train])
    loss = np.mean((dataset.path[test, 1] - model.predict(dataset.X[test])[:, 1]) ** 2)
    assert verdict["rows"] == test.sum()
    assert verdict["own"] == pytest.approx(loss, rel=1e-6)
    assert verdict["own"] != pytest.approx(np.mean((dataset.path[test] - model.predict(dataset.X[test])) ** 2), rel=0.1)

    further = call(
        "train",
        "--params",
        tmp_path / "m/best_params.json",
        "--home",
        tmp_path / "home",
        "--output-dir",
        tmp_path / "t",
    )
    assert further.exit_code == 0, further.output
    assert document(tmp_path / "t/model.json")["label"]["steps"] == [1, 5, 30]


def test_tuning_tells_of_steps_that_cannot_be_learnt_and_takes_those_of_a_configuration(here, tmp_path):
    days = ("--train-end", LAST, "--val-end", "2020-02-29")
    asked = ("tune", "--architecture", "ridge", "--asset-id", "BTC", *ASKED[5:], *FEW, *days, "--show-recipe")
    assert "ascending, e.g. 1,5,30" in message_of(call(*asked, "--steps", "5,1"), 2)
    said = message_of(call(*asked, "--steps", "1,400"), 2)
    assert "a label 400 bars ahead is longer than the training period, the first bar to 2019-12-31" in said
    (tmp_path / "c.json").write_text(json.dumps({"training": {"steps": [1, 5]}}))
    shown = tomllib.loads(call(*asked, "--config", tmp_path / "c.json").stdout)
    assert shown["labels"]["steps"] == [1, 5]

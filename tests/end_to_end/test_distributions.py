"""One run whose labels have several steps and whose members give quantiles: kept, judged, told and repeated."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

import quorate
from quorate import statistics
from quorate.errors import RecipeError
from quorate.report.sections import sections_of
from quorate.report.sections.model import Heat, Table
from quorate.report.sections.steps import some_of
from quorate.report.written import as_html
from support import homes

STEPS = [1, 2, 3, 4, 5, 6, 7, 8]
LEVELS = [0.04, 0.06, 0.5, 0.94, 0.96]
AROUND = [0.1, 0.5, 0.9]


def recipe(**labels):
    tiny = homes.recipe("tiny")
    models = {
        **dict.fromkeys(tiny["models"], False),
        "ridge": {},
        "lightgbm": {"n_estimators": 8, "quantiles": LEVELS},
    }
    return {
        **tiny,
        "name": "paths",
        "labels": {"name": "return", "horizon": 2, "steps": STEPS, **labels},
        "models": models,
        "ensemble": {"interval": "adaptive", "quantiles": AROUND},
        "threshold": {},
        "gates": {"coverage": {"precision": 0.2}},
    }


@pytest.fixture(scope="module")
def report(tmp_path_factory, _leased):
    """The run, its holdout closed; no test writes to its home."""
    return quorate.run(recipe(), home=tmp_path_factory.mktemp("paths") / "home")


@pytest.fixture(scope="module")
def rows(report):
    """Out-of-fold rows with all labels known, by what the report's own tables hold."""
    found = report.predictions
    return found[found["label"].notna()]


def of(report, name, **wanted):
    rows = report.results["development"][name]
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def test_the_step_that_is_traded_is_the_horizon_and_the_others_are_kept_beside_it(report, rows):
    for member in ("ridge", "lightgbm"):
        output = "mean" if member == "ridge" else "q0.5"
        kept = {name for name in rows if name.startswith(f"member/{member}/")}
        assert {f"member/{member}/{output}@{step}" for step in STEPS if step != 2} <= kept
        assert f"member/{member}/{output}@2" not in kept
    assert {f"member/lightgbm/q{level:g}" for level in LEVELS if level != 0.5} <= set(rows)
    assert "member/lightgbm/q0.04@8" in rows
    ours = rows["member/ridge"].to_numpy(), rows["label"].to_numpy()
    [told] = of(report, "steps", series="ridge", step=2)
    known = np.isfinite(rows["naive"].to_numpy())
    assert told["mse"] == pytest.approx(np.mean((ours[0] - ours[1])[known] ** 2))
    [series] = [one for one in report.results["development"]["series"] if one["name"] == "ridge"]
    if known.all():
        assert told["mae"] == pytest.approx(series["metrics"]["mae"])


def test_the_label_of_a_longer_step_is_what_a_run_with_that_horizon_has(report):
    """The figures of step 5 are those of labels five bars long, by the bars alone."""
    [told] = of(report, "steps", series="ridge", step=5)
    found = report.predictions
    symbols = found["symbol"].unique()
    assert len(symbols) == 1
    # Two labels of two bars and one more bar make five: the return from t + 1 to t + 6.
    one = found["label"].to_numpy()
    shifted = (1 + one) * (1 + np.roll(one, -2)) - 1
    assert np.isfinite(shifted[:-6]).all()
    assert told["n"] <= len(found) - 5
    assert told["rmse"] > of(report, "steps", series="ridge", step=1)[0]["rmse"]


def test_a_row_trains_once_its_longest_label_has_ended(report):
    for fold in report.results["development"]["folds"]:
        days = np.busday_count(fold["train_last"], fold["test_first"])
        assert days >= max(STEPS) + 1
        assert fold["label_end"] < fold["test_first"]


def test_every_step_is_judged_by_errors_of_its_own_length(report):
    steps = report.results["development"]["steps"]
    names = {"ridge", "lightgbm", "past-mean", "persistence"}
    assert {(row["series"], row["step"]) for row in steps} == {(name, step) for name in names for step in STEPS}
    rmse = [row["rmse"] for row in steps if row["series"] == "past-mean"]
    assert rmse[0] < rmse[1] < rmse[2]
    assert all(row["verdict"] in ("better than naive", "worse than naive", "no evidence") for row in steps)
    assert len({row["n"] for row in steps if row["step"] == 8}) == 1


def test_quantiles_and_intervals_are_those_of_the_rows(report, rows):
    y = rows["label"].to_numpy()
    low, high = rows["member/lightgbm/q0.04"].to_numpy(), rows["member/lightgbm/q0.96"].to_numpy()
    [told] = of(report, "intervals", series="lightgbm", fold=None, low=0.04, step=2)
    assert told["nominal"] == 0.92
    assert told["coverage"] == pytest.approx(np.mean((y >= low) & (y <= high)))
    assert told["coverage_low"] < told["coverage"] < told["coverage_high"]
    assert told["width"] == pytest.approx(np.mean(high - low))
    assert told["effective"] <= told["n"] == len(y)
    for level in LEVELS:
        [row] = of(report, "quantiles", series="lightgbm", fold=None, level=level, step=2)
        q = rows["member/lightgbm" if level == 0.5 else f"member/lightgbm/q{level:g}"].to_numpy()
        assert row["pinball"] == pytest.approx(statistics.pinball(y, q, level))
        assert row["below"] == pytest.approx(np.mean(y <= q))
    by_fold = of(report, "intervals", series="lightgbm", low=0.04, step=2)
    assert sum(row["n"] for row in by_fold if row["fold"] is not None) == len(y)
    [series] = [one for one in report.results["development"]["series"] if one["name"] == "lightgbm"]
    assert series["metrics"]["coverage"] == pytest.approx(told["coverage"])
    assert series["metrics"]["pinball"] == pytest.approx(
        np.mean([row["pinball"] for row in of(report, "quantiles", series="lightgbm", fold=None, step=2)])
    )
    told = {one["name"] for one in report.results["development"]["series"] if "pinball" in one["metrics"]}
    assert told == {"lightgbm", "past-performance"}


def test_the_gate_judges_the_coverage_that_the_report_tells(report):
    [told] = of(report, "intervals", series="past-performance", fold=None)
    [gate] = [one for one in report.results["development"]["gates"] if one["gate"] == "coverage"]
    [judged] = gate["inputs"]["intervals"]
    assert judged["share"] == told["coverage"]
    # The gate allows for misses that come together for months: its interval is the wider one here.
    assert judged["low"] < told["coverage_low"] < told["coverage_high"] < judged["high"]
    assert (gate["verdict"] == "PASS") == (judged["low"] <= 0.8 <= judged["high"])
    assert gate["uncertainty"].startswith(f"80.0% held {told['coverage']:.1%}, 95.0% CI ")


def test_quantiles_of_past_errors_stand_beside_the_ensembles_forecast(report, rows):
    low, middle, high = (rows[f"ensemble/past-performance/q{level:g}"].to_numpy() for level in AROUND)
    known = np.isfinite(low)
    assert 0 < known.sum() < len(rows)  # none before a hundred labels had ended
    assert not known[:100].any()
    assert known[140:].all()
    y = rows["label"].to_numpy()
    [told] = of(report, "intervals", series="past-performance", fold=None)
    assert (told["n"], told["nominal"]) == (known.sum(), 0.8)
    assert told["coverage"] == pytest.approx(np.mean(((y >= low) & (y <= high))[known]))
    # Only labels that had ended: by then, errors of the forecasts before.
    errors = (rows["label"] - rows["ensemble/past-performance"]).to_numpy()
    first = int(known.argmax())
    assert low[first] >= rows["ensemble/past-performance"].to_numpy()[first] + errors[:first].min()
    assert (middle[known] < high[known]).all()


def test_a_prediction_of_the_next_bar_has_them_too(report):
    home = report.source.home.path
    predicted = quorate.predict(report.run_id, home=home)
    [target] = predicted.targets
    assert list(target["quantiles"]) == ["0.1", "0.5", "0.9"]
    assert target["quantiles"]["0.1"] < target["prediction"] < target["quantiles"]["0.9"]


def test_quantiles_of_the_other_steps_are_judged_by_their_own_labels(report):
    found = report.predictions
    one = found["label"].to_numpy()  # of two bars: two of them, two bars apart, make one of four
    y = ((1 + one) * (1 + np.roll(one, -2)) - 1)[:-2]
    low, high = (found[f"member/lightgbm/q{level}@4"].to_numpy()[:-2] for level in (0.04, 0.96))
    known = np.isfinite(y)
    [told] = of(report, "intervals", series="lightgbm", step=4, low=0.04)
    assert told["fold"] is None
    assert told["n"] == known.sum()
    assert told["coverage"] == pytest.approx(np.mean(((y >= low) & (y <= high))[known]))


def test_the_tail_that_quantiles_reach_is_told_and_no_other(report, rows):
    assert {row["step"] for row in report.results["development"]["tails"]} == set(STEPS)
    [told] = of(report, "tails", step=2)  # 0.05 lies between two levels, 0.01 beyond all
    assert told["confidence"] == 0.95
    edge = (rows["member/lightgbm/q0.04"] + rows["member/lightgbm/q0.06"]).to_numpy() / 2
    beyond = rows["label"].to_numpy() < edge
    assert told["value_at_risk"] == pytest.approx(-edge.mean())
    assert told["exceeded"] == beyond.sum()
    assert told["expected"] == pytest.approx(0.05 * len(beyond))
    assert told["kupiec_p"] == pytest.approx(statistics.kupiec(beyond[::2], 0.05).p_value)
    assert told["expected_shortfall"] is None  # no level is below half of 0.05


def test_the_sections_say_it_and_the_page_and_sql_too(report):
    found = {section.name: section for section in sections_of(report, ("distribution", "steps"))}
    steps = found["steps"]
    table, _, *grids = steps.blocks
    assert isinstance(table, Table)
    shown = {row[1].value for group in table.groups for row in group}
    assert {1, 2, 8} <= shown < set(STEPS)
    assert [grid.title for grid in grids if isinstance(grid, Heat)] == ["lightgbm", "ridge"]
    grid = grids[0]
    saved = [1 - row["mase_persistence"] for row in of(report, "steps", series="lightgbm")]
    assert grid.values[0][: len(STEPS)] == pytest.approx(saved)
    assert math.isnan(grid.values[0][8])
    assert "Step 2 is what the ensemble combines" in steps.sentence
    by_step = [b for b in found["distribution"].blocks if isinstance(b, Table) and b.columns[0].heading == "step"]
    assert [row[0].value for row in by_step[0].groups[0]] == some_of(STEPS, 2)
    page = as_html(report, static=True)
    assert "labels below" in page
    assert "against persistence" in page
    home = report.source.home.path
    asked = quorate.sql("select step, rmse from steps where series = 'ridge' order by step", home=home)
    assert asked["rmse"].tolist() == [row["rmse"] for row in of(report, "steps", series="ridge")]
    widest = quorate.sql("select coverage from intervals where fold is null and low = 0.04 and step = 2", home=home)
    assert widest["coverage"].tolist() == [of(report, "intervals", fold=None, low=0.04, step=2)[0]["coverage"]]
    assert report.typed.results.development.tails[0].confidence == 0.95


def test_the_run_is_repeated_to_the_bit_by_processes(report):
    again = quorate.reproduce(
        report.run_id, home=report.source.home.path, overrides=["execution.executor=processes", "execution.workers=2"]
    )
    assert (again.differing, again.differences) == (0, [])
    assert again.predictions > 0


@pytest.mark.full
def test_the_holdout_is_judged_alike(tmp_path):
    report = quorate.run(recipe(steps=[2, 4]), home=tmp_path / "home")
    opened = quorate.promote(report.run_id, home=tmp_path / "home")
    part = opened.results["holdout"]
    assert {row["step"] for row in part["steps"]} == {2, 4}
    [row] = [
        r for r in part["quantiles"] if (r["series"], r["step"], r["fold"], r["level"]) == ("lightgbm", 2, None, 0.5)
    ]
    rows = opened.predictions[opened.predictions["part"] == "holdout"]
    y = rows["label"].to_numpy()
    q = rows["member/lightgbm"].to_numpy()[np.isfinite(y)]
    assert row["n"] == len(q)
    assert row["pinball"] == pytest.approx(statistics.pinball(y[np.isfinite(y)], q, 0.5))
    assert {r["series"] for r in part["intervals"]} == {"lightgbm", "past-performance"}


def test_a_few_steps_of_many_are_the_near_ones_first():
    every = list(range(1, 65))
    few = some_of(every, 10)
    assert few[0] == 1
    assert few[-1] == 64
    assert 10 in few
    assert len(few) <= 6
    assert np.diff(few)[0] < np.diff(few)[-1]
    assert some_of([1, 5, 30], 5) == [1, 5, 30]


HASTY = """
import numpy as np
import quorate


def hasty(prices, horizon):
    # Of three bars it reads one bar more than it says.
    n, reach = len(prices), horizon + (horizon == 3)
    values = np.full_like(prices, np.nan)
    values[: n - 1 - reach] = prices[1 + reach :] / prices[1 : n - reach] - 1
    return values, np.broadcast_to(np.arange(n)[:, None] + 1 + horizon, prices.shape)


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("hasty", hasty, task="regression")
"""


def test_a_label_that_looks_past_its_end_at_one_step_alone_is_stopped(tmp_path):
    (tmp_path / "hasty.py").write_text(HASTY)
    table = {**recipe(), "labels": {"name": "hasty", "horizon": 1, "steps": [1, 3]}}
    with pytest.raises(quorate.IntegrityError, match="the label looks past its own end"):
        quorate.run(table, plugins=[tmp_path / "hasty.py"], home=tmp_path / "home")
    fine = {**table, "labels": {"name": "hasty", "horizon": 1, "steps": [1, 2]}}
    assert quorate.run(fine, plugins=[tmp_path / "hasty.py"], home=tmp_path / "home").results["development"]["steps"]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"name": "return", "steps": [1, 5]}, "labels steps must hold horizon"),
        ({"name": "return", "horizon": 1, "steps": [5, 1]}, "ascending, e.g. [1, 5, 30], or 30 for 1 to 30"),
        ({"name": "return", "horizon": 1, "steps": 1}, "at least two"),
        ({"name": "return", "horizon": 1, "steps": [0, 1]}, "from 1 on"),
        ({"name": "direction", "horizon": 1, "steps": [1, 5]}, "labels.steps is for labels that are numbers"),
    ],
)
def test_steps_that_cannot_be_are_refused(labels, said, tmp_path):
    with pytest.raises(RecipeError) as told:
        quorate.run({**recipe(), "labels": {"horizon": 3, **labels}}, home=tmp_path / "home")
    assert said in str(told.value)


@pytest.mark.parametrize(
    ("ensemble", "said"),
    [
        ({"quantiles": [0.1, 0.9]}, 'set ensemble.interval to "split" or "adaptive"'),
        ({"interval": "split", "quantiles": [0.9, 0.1]}, "ascending, e.g. [0.05, 0.5, 0.95]"),
        ({"interval": "split", "quantiles": [0.1, 1.0]}, "between 0 and 1"),
        ({"interval": "splt"}, "split"),
    ],
)
def test_intervals_that_cannot_be_are_refused(ensemble, said, tmp_path):
    with pytest.raises(RecipeError) as told:
        quorate.run({**recipe(), "ensemble": ensemble}, home=tmp_path / "home")
    assert said in str(told.value)


def test_an_interval_of_a_class_is_refused(tmp_path):
    with pytest.raises(RecipeError, match=r"ensemble\.interval is for labels that are numbers"):
        quorate.run({**homes.recipe("tiny"), "ensemble": {"interval": "split"}}, home=tmp_path / "home")


def test_a_number_of_steps_is_all_of_them(tmp_path: Path):
    from quorate.recipe.schema import Labels

    assert Labels(horizon=3, steps=64).path == tuple(range(1, 65))
    assert Labels(horizon=3, steps=[3, 5]).path == (3, 5)
    assert Labels().path == ()
    assert "steps" not in json.loads(Labels().model_dump_json(exclude_none=True))

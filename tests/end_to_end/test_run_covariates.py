"""Covariates through whole runs: from files to features, reports, forecasts, and to the same numbers again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.bars.us_equity import holidays as us_holidays
from quorate.errors import DataError, IntegrityError
from quorate.report.sections.about import data as data_section
from quorate.runs.doubts import check_recipe
from quorate.runs.held_out import hold_out
from quorate.runs.loading import load_bars
from quorate.runs.plan import plan
from quorate.runs.predict import predict
from quorate.runs.reproduce import reproduce
from quorate.runs.session import open_session
from quorate_data.simulated import simulated
from quorate_data.simulated_news import simulated_news

N = 600
MARKET = {"n_bars": N, "n_symbols": 2, "seed": 5, "signal": 0.0}


@pytest.fixture(scope="module")
def news(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("news") / "news.csv"
    simulated_news(**MARKET).to_csv(path, index=False)
    return path


def recipe_on(news: Path, **more: Any) -> dict[str, Any]:
    vix = {"source": "simulated", "bars": True, "n_bars": N, "seed": 9}
    return {
        "name": "news",
        "data": {"source": "simulated", **MARKET},
        "covariates": {"news": {"path": str(news), "max_age": "20d", **more}, "vix": vix},
        "holdout": {"bars": 100},
        "features": {"use": ["return_1", "news_age"]},
        "folds": {"initial": 250, "test": 120},
        "models": {"logistic": {}},
        "ensemble": {"compare": []},
        "execution": {"executor": "serial"},
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def report(news: Path, home: Path) -> quorate.Report:
    return quorate.run(recipe_on(news), home=home)


def test_a_model_learns_from_what_was_published(report: quorate.Report) -> None:
    assert report.provenance["features"] == ["news", "news_age", "return_1", "vix"]
    frame = report.predictions
    assert float(((frame["member/logistic"] > 0.5) == (frame["label"] > 0.5)).mean()) > 0.54


def test_a_report_tells_what_was_read_and_when_it_was_known(report: quorate.Report) -> None:
    news, vix = report.provenance["data"]["covariates"]
    assert (news["name"], news["source"], news["symbols"], news["values"]) == ("news", "csv", 2, ["score"])
    assert news["records"] < 2 * N + 2 * N // 5  # those that were published after the last bar are not read
    assert news["delay"]["median"] == pytest.approx(20 / 24)
    assert news["delay"]["max"] == pytest.approx(3 + 20 / 24)
    assert 0.99 < news["known"] < 1
    assert (vix["symbols"], vix["delay"]["max"], vix["known"]) == (0, 0.0, 1.0)
    told = dict(data_section(report).blocks[0].rows)
    assert told["covariate news"].startswith(f"{news['records']:,} records of 2 symbols from csv, 2000-01-03..")
    assert "known 20 h later, at most 3.83 days" in told["covariate news"]
    assert report.typed.provenance.data.covariates[0].name == "news"


def test_it_is_computed_again_from_what_the_home_keeps(report: quorate.Report, home: Path) -> None:
    again = reproduce(report.run_id, home=home)
    assert (again.differing, again.differences) == (0, [])
    assert again.predictions > 0


def test_sql_tells_what_was_read_of_covariates(report: quorate.Report, home: Path) -> None:
    rows = quorate.sql("from covariates order by name", home=home).to_dict("records")
    told = report.provenance["data"]["covariates"]
    assert [(row["run"], row["name"], row["records"]) for row in rows] == [
        (report.run_id, one["name"], one["records"]) for one in told
    ]
    news = rows[0]
    assert (news["delay"], news["age_max"], news["max_age"]) == (
        told[0]["delay"]["median"],
        told[0]["age"]["max"],
        "20d",
    )
    assert [*news["values"]] == ["score"]


def test_a_plan_and_a_check_tell_the_same(news: Path, report: quorate.Report, tmp_path: Path) -> None:
    file = tmp_path / "news.toml"
    stored = report.source.path / "recipe.toml"  # with every option written out
    file.write_text(stored.read_text())
    checked = check_recipe(file)
    assert checked["covariates"] == report.provenance["data"]["covariates"]
    assert checked["doubts"] == []
    assert plan(recipe_on(news), home=tmp_path).data["covariates"][0]["records"] == checked["covariates"][0]["records"]


def test_what_is_published_late_moves_no_forecast_before_its_time(
    news: Path, report: quorate.Report, home: Path, tmp_path: Path
) -> None:
    frame = pd.read_csv(news)
    predicted = report.predictions.reset_index()
    at = str(predicted["time"].iloc[len(predicted) // 2])
    late = frame[frame["published_at"] < at].assign(score=100.0, published_at=at)
    changed = tmp_path / "news.csv"
    pd.concat([frame, late]).to_csv(changed, index=False)
    other = quorate.run(recipe_on(changed), home=home)
    before, now = (one.predictions.reset_index().set_index(["time", "symbol"]) for one in (report, other))
    past = before.index.get_level_values("time") < pd.Timestamp(at)
    assert 100 < past.sum() < len(past)
    pd.testing.assert_frame_equal(before[past], now[past])
    assert not before[~past]["member/logistic"].equals(now[~past]["member/logistic"])


def test_a_forecast_says_that_the_records_were_rewritten(report: quorate.Report, home: Path, news: Path) -> None:
    told = predict(report.run_id, home=home)
    assert told.warnings == []
    text = news.read_text()
    try:
        lines = text.splitlines()
        lines[5] = lines[5].rsplit(",", 1)[0] + ",0.5"
        news.write_text("\n".join(lines) + "\n")
        [warned] = [line for line in predict(report.run_id, home=home).warnings if "covariate" in line]
        assert "not as in the run: covariate 'news': 1 of" in warned
    finally:
        news.write_text(text)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            {"missing": "error", "lag": "10d"},
            r"covariates.news: nothing is known of SIM001 on 2000-01-04.* set covariates.news.missing",
        ),
        ({"max_age": "12h", "stale": "error"}, r"covariates.news: what is known is stale of SIM001"),
        ({"columns": {"published_at": "score"}}, "covariates.news"),
        ({"values": ["scroe"]}, "covariates.news.values: 'scroe' is not there.*did you mean 'score'"),
    ],
)
def test_what_may_not_be_stops_the_run(news: Path, tmp_path: Path, more: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        plan(recipe_on(news, **more), home=tmp_path)


def test_without_a_publication_or_a_lag_nothing_is_used(news: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.csv"
    pd.read_csv(news).drop(columns="published_at").drop_duplicates(["symbol", "time"]).to_csv(bare, index=False)
    with pytest.raises(DataError, match=r"covariates.news: nothing says when the values were known.*lag = \"15d\""):
        plan(recipe_on(bare), home=tmp_path)
    assert plan(recipe_on(bare, lag="20h"), home=tmp_path).data["covariates"][0]["delay"]["max"] == pytest.approx(
        20 / 24
    )


@pytest.fixture(scope="module")
def hourly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a score for each hour, published five minutes later, and the dates of events, with when each was known."""
    folder = tmp_path_factory.mktemp("hourly")
    closes = pd.DatetimeIndex(simulated(**MARKET).times).tz_localize("UTC")
    hours = pd.date_range(closes[0].floor("h"), closes[-1], freq="h")
    frame = pd.DataFrame({"time": hours, "published_at": hours + pd.Timedelta(minutes=5), "score": range(len(hours))})
    frame.assign(items=1).to_csv(folder / "hourly.csv", index=False)
    days = closes[40::30]
    dates = pd.DataFrame({"date": days.strftime("%Y-%m-%d"), "announced": (days - pd.Timedelta(days=28)).astype("str")})
    dates.to_csv(folder / "events.csv", index=False)
    bars = simulated(n_bars=N * 13, seed=3, signal=0.0)
    half_hours = [day + pd.Timedelta(minutes=30 * k - 360) for day in closes for k in range(13)]
    bars.to_frame().assign(time=half_hours, symbol="IDX").to_csv(folder / "index.csv", index=False)
    return folder


def test_hours_are_read_by_the_day_bars_by_the_week_and_dates_by_how_far_off_they_are(
    hourly: Path, tmp_path: Path
) -> None:
    recipe = recipe_on(hourly / "none.csv")
    recipe["covariates"] = {
        "mood": {
            "path": str(hourly / "hourly.csv"),
            "values": ["score", "items"],
            "resample": "1d",
            "aggregate": {"score": "max", "items": "sum"},
        },
        "index": {"path": str(hourly / "index.csv"), "bars": True, "resample": "1w"},
        "events": {"path": str(hourly / "events.csv"), "values": [], "missing": 99},
    }
    recipe["features"] = {"use": ["return_1"]}
    report = quorate.run(recipe, home=tmp_path)
    assert report.provenance["features"] == ["events_next", "index", "mood_items", "mood_score", "return_1"]
    _, index, mood = report.provenance["data"]["covariates"]
    assert (mood["resample"], mood["aggregate"]) == ("1d", {"items": "sum", "score": "max"})
    assert index["resample"] == "1w"
    assert report.typed.provenance.data.covariates[2].aggregate == mood["aggregate"]
    told = dict(data_section(report).blocks[0].rows)
    assert told["covariate mood"].endswith("read by the day: max of score, sum of items")
    assert "known 28.3 days before" in told["covariate events"]
    # At each close the hours of that session count that were published by then.
    session = open_session(recipe, home=tmp_path)
    bars = load_bars(session)
    # The hours of half days after their close.
    assert session.warnings == [
        "covariates.index: 30 of 7,800 bars lie outside the session, 09:30 to 16:00, and are left out"
    ]
    closes = pd.DatetimeIndex(bars.times).tz_localize("UTC")
    frame = pd.read_csv(hourly / "hourly.csv", parse_dates=["time", "published_at"])
    open_days = ~np.isin(bars.sessions, us_holidays())
    known = [frame["score"][frame["published_at"] <= close].max() for close in closes[open_days]]
    np.testing.assert_array_equal(bars.covariate("mood.score")[open_days, 0], known)
    at = np.searchsorted(frame["published_at"], closes[open_days], side="right")
    ended = np.searchsorted(frame["time"], closes[open_days], side="right")
    assert bars.covariate("mood.items")[open_days, 0].tolist()[1:] == (at[1:] - ended[:-1]).tolist()
    weekly = bars.covariate("index")[:, 0]
    assert 0.19 < (weekly[1:] != weekly[:-1]).mean() < 0.21
    # It is computed again from what the home keeps.
    again = reproduce(report.run_id, home=tmp_path)
    assert (again.differing, again.differences) == (0, [])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"aggregate": {"scroe": "mean"}}, "covariates.mood.*aggregate: there is no value 'scroe'"),
        ({"bars": True, "path": "index.csv", "aggregate": "mean"}, "covariates.mood.*bars are made longer by rules"),
        ({"bars": True, "path": "index.csv", "resample": "1min"}, "covariates.mood: bars of 30min cannot be made"),
    ],
)
def test_periods_that_cannot_be_are_refused(hourly: Path, tmp_path: Path, change: dict[str, Any], told: str) -> None:
    recipe = recipe_on(hourly / "none.csv")
    mood = {"path": "hourly.csv", "values": ["score"], "resample": "1d", **change}
    if "scroe" in str(change):
        del mood["values"]
        frame = pd.read_csv(hourly / "hourly.csv").drop(columns="items")
        frame.to_csv(hourly / "one.csv", index=False)
        mood["path"] = "one.csv"
    if "bars" in mood:
        del mood["values"]
    recipe["covariates"] = {"mood": {**mood, "path": str(hourly / mood["path"])}}
    with pytest.raises(DataError, match=told):
        plan({**recipe, "features": {"use": ["return_1"]}}, home=tmp_path)


def test_dates_to_come_need_a_publication(tmp_path: Path) -> None:
    year = pd.Timestamp.now().year + 2
    (tmp_path / "expiry.csv").write_text(f"date,v\n2000-03-17,1\n{year}-03-17,2\n")
    recipe = {**recipe_on(tmp_path / "expiry.csv", lag="1d"), "features": {"use": ["return_1"]}}
    with pytest.raises(
        DataError, match=rf"1 record of 2 are of a time that has not come yet, the first of {year}-03-18"
    ):
        plan(recipe, home=tmp_path)


def test_months_written_as_their_first_day_are_asked_about(tmp_path: Path) -> None:
    def warned(times: list[str], **more: Any) -> list[str]:
        rows = "".join(f"{time},{place},2001-01-01\n" for place, time in enumerate(times))
        (tmp_path / "cpi.csv").write_text(f"time,cpi,{'published_at' if not more else 'other'}\n{rows}")
        recipe = recipe_on(tmp_path / "cpi.csv", values=["cpi"], **more)
        session = open_session({**recipe, "features": {"use": ["return_1"]}}, home=tmp_path)
        load_bars(session)
        return [line for line in session.warnings if "first day of a month" in line]

    first = ["2000-01-01", "2000-02-01", "2000-03-01"]
    assert warned(first, lag="15d")[0].startswith("covariates.news: every record is of the first day of a month, and ")
    assert warned(["2000-01-31", "2000-02-29", "2000-03-31"], lag="15d") == []
    assert warned(first) == []


def test_a_covariate_of_a_symbol_that_is_held_out_is_refused(tmp_path: Path) -> None:
    def held(symbol: str) -> None:
        recipe = {**recipe_on(tmp_path / "none.csv"), "holdout": {"bars": 100, "symbols": ["SIM002"]}}
        recipe["covariates"] = {"other": {"path": str(path), "bars": True, "symbols": [symbol]}}
        session = open_session({**recipe, "features": {"use": ["return_1"]}}, home=tmp_path)
        hold_out(session, load_bars(session))

    path = tmp_path / "bars.csv"
    simulated(**MARKET).to_frame().to_csv(path, index=False)
    held("SIM001")
    with pytest.raises(
        IntegrityError, match=r"covariates\.other is the price of SIM002 \(value 'close'\), which holdout\.symbols"
    ):
        held("SIM002")

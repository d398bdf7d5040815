"""Records of covariates are read from files and databases: stamps, dates, columns, and what is wrong."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pandas as pd
import pytest

import quorate
from quorate_data import records
from quorate_data.simulated import simulated
from quorate_data.simulated_news import simulated_news

DATED = """Date,Release Date,ticker,CPI
2020-01-01,2020-02-13,,1.5
2020-03-01,2020-03-28,AAA,.
2020-02-01,2020-03-11,AAA,2.5
"""


def written(folder: Path, text: str, name: str = "x.csv") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def stamps(frame: pd.DataFrame, name: str) -> list[str]:
    return [str(stamp.tz_convert("UTC").tz_localize(None)) for stamp in frame[name]]


def test_a_date_is_the_end_of_that_day_in_the_zone(tmp_path: Path) -> None:
    path = written(tmp_path, DATED)
    frame = records.csv(path, zone="America/New_York")
    assert stamps(frame, "time") == ["2020-01-02 05:00:00", "2020-03-02 05:00:00", "2020-02-02 05:00:00"]
    assert stamps(frame, "published_at") == ["2020-02-14 05:00:00", "2020-03-29 04:00:00", "2020-03-12 04:00:00"]
    assert stamps(records.csv(path, timezone="UTC", zone="America/New_York"), "time")[0] == "2020-01-02 00:00:00"
    assert frame["CPI"].tolist()[::2] == [1.5, 2.5]
    assert frame["CPI"].isna().tolist() == [False, True, False]
    assert frame["symbol"].tolist() == ["", "AAA", "AAA"]


@pytest.mark.parametrize(
    ("months", "options"),
    [
        (("2020-02", "2020-03"), {}),
        (("Feb 2020", "Mar 2020"), {}),
        (("02/2020", "03/2020"), {"date_format": "%m/%Y"}),
        (("Feb-20", "Mar-20"), {"date_format": "%b-%y"}),
    ],
)
def test_a_month_alone_is_its_last_day(months: tuple[str, str], options: dict[str, str], tmp_path: Path) -> None:
    path = written(tmp_path, f"period,v\n{months[0]},1\n{months[1]},2\n")
    assert stamps(records.csv(path, zone="UTC", **options), "time") == ["2020-03-01 00:00:00", "2020-04-01 00:00:00"]
    years = records.csv(written(tmp_path, "time,v\n2019,1\n2020,2\n"), zone="UTC", date_format="%Y")
    assert stamps(years, "time") == ["2020-01-01 00:00:00", "2021-01-01 00:00:00"]


@pytest.mark.parametrize(
    ("written_as", "ends"),
    [
        (("2019Q1", "2020Q4"), ("2019-04-01", "2021-01-01")),
        (("2019-Q1", "Q4 2020"), ("2019-04-01", "2021-01-01")),
        (("1Q2019", "2020 q4"), ("2019-04-01", "2021-01-01")),
        (("2019M01", "2019-02"), ("2019-02-01", "2019-03-01")),
        (("2019", "2020"), ("2020-01-01", "2021-01-01")),
        (("2019-W05", "2020W53"), ("2019-02-04", "2021-01-04")),
        (("2019Q4", "2019"), ("2020-01-01", "2020-01-01")),
    ],
)
def test_a_span_is_its_end(written_as: tuple[str, str], ends: tuple[str, str], tmp_path: Path) -> None:
    rows = "".join(f"{span},{k}\n" for k, span in enumerate(written_as))
    frame = records.csv(written(tmp_path, f"period,v\n{rows}"), zone="Europe/Berlin")
    local = frame["time"].dt.tz_convert("Europe/Berlin").dt.tz_localize(None)
    assert local.tolist() == [pd.Timestamp(one) for one in ends]
    table = pd.DataFrame({"time": [2019, 2020], "v": [1.0, 2.0]})
    table.to_parquet(tmp_path / "years.parquet")
    assert stamps(records.parquet(str(tmp_path / "years.parquet")), "time")[1] == "2021-01-01 00:00:00"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("2019Q5", r"line 4: the span '2019Q5' cannot be read \(1 of 3\); it must be a quarter 1 to 4"),
        ("2019-W53", r"line 4: the span '2019-W53' .* a week that its year has"),
        ("2019-13", "line 4: the span '2019-13'"),
        ("2019-05-01", "line 4: the span '2019-05-01'"),
        ("", "line 4: the span ''"),
    ],
)
def test_a_wrong_span_is_named_by_its_row(wrong: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(quorate.DataError, match=told):
        records.csv(written(tmp_path, f"time,v\n2019Q1,1\n2019Q2,2\n{wrong},3\n"))


def test_dates_to_come_are_read_and_publications_to_come_are_not(tmp_path: Path) -> None:
    year = pd.Timestamp.now().year + 2
    calendar = written(tmp_path, f"date,announced,ticker\n{year}-05-05,2020-01-01,AAA\n")
    frame = records.csv(calendar, values=[])
    assert stamps(frame, "time") == [f"{year}-05-06 00:00:00"]
    assert [*frame] == ["time", "published_at", "symbol"]
    with pytest.raises(quorate.DataError, match=r"data.values = \[\], if dates alone are meant"):
        records.csv(calendar)
    with pytest.raises(quorate.DataError, match=r"has not come yet.*published_at"):
        records.csv(written(tmp_path, f"date,announced,v\n2020-01-01,{year}-01-01,1\n"))


def test_times_are_moments_and_those_without_a_zone_are_of_the_exchange(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "time,published_at,v\n2020-01-02T10:00:00Z,2020-01-02 06:30,1\n2020-07-02T10:00:00Z,2020-07-02 06:30,2\n",
    )
    frame = records.csv(path, zone="America/New_York")
    assert stamps(frame, "time") == ["2020-01-02 10:00:00", "2020-07-02 10:00:00"]
    assert stamps(frame, "published_at") == ["2020-01-02 11:30:00", "2020-07-02 10:30:00"]


def test_parquet_and_databases_give_the_same(tmp_path: Path) -> None:
    frame = records.csv(written(tmp_path, DATED))
    table = pd.read_csv(tmp_path / "x.csv", na_values=["."], keep_default_na=True)
    table.to_parquet(tmp_path / "x.parquet")
    with sqlite3.connect(tmp_path / "x.db") as database:
        table.to_sql("cpi", database, index=False)
    columns = {"published_at": "Release Date"}
    for other in (
        records.parquet(str(tmp_path / "x.parquet")),
        records.sql(f"sqlite:///{tmp_path / 'x.db'}", table="cpi", columns=columns, values=["cpi"]).rename(
            columns={"cpi": "CPI"}
        ),
    ):
        pd.testing.assert_frame_equal(
            other.fillna({"symbol": ""})[[*frame]], frame, check_dtype=False, check_column_type=False
        )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("date,a,b\n2020-01-01,1,2\n", r"which are values, as several could be: data.values = \[\"a\"\]"),
        ("date\n2020-01-01\n", "which are values, as none could be"),
        ("a,b\n1,2\n", "there is no column for 'time'"),
        ("date,a\n2020-01-01,1\n2020-01-02,x\n", "line 3"),
        (
            "date,published,a\n2020-01-01,2020-01-05,1\n2020-01-02,soon,2\n",
            "line 3: .*'soon' cannot be read.*published_at",
        ),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(quorate.DataError, match=told):
        records.csv(written(tmp_path, text))


def test_values_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(quorate.DataError, match=r"data.values: 'scroe' is not there; .*did you mean 'score'"):
        records.csv(written(tmp_path, "date,score\n2020-01-01,1\n"), values=["scroe"])


def test_simulated_news_come_a_day_late_and_tell_what_is_earned_then() -> None:
    news = simulated_news(strength=0.5, n_bars=1500, signal=0.0, seed=2)
    bars = simulated(signal=0.0, n_bars=1503, seed=2)
    first = news.drop_duplicates(["symbol", "time"])
    assert len(news) == 1500 + 300
    assert ((first["published_at"] - first["time"]) == pd.Timedelta(hours=20)).all()
    earned = bars.open[3:, 0] / bars.open[2:-1, 0]
    assert abs(float(first["score"].corr(pd.Series(earned))) - 0.5) < 0.06

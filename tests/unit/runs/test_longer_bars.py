"""What a recipe makes of the source's bars: which hours, which length, and shorter ones where features read them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.bars.panel import Bars
from quorate.errors import RecipeError
from quorate.recipe.schema import Recipe
from quorate.runs.resampling import resampled, within_hours


def recipe(use: tuple[str, ...] = ("return_1",), **data: Any) -> Recipe:
    return Recipe.model_validate({"data": data, "features": {"use": list(use)}})


@pytest.fixture(scope="module")
def bars() -> Bars:
    """Ten days of half-hours from 08:00 to 18:00; the second symbol has bars in the evening alone."""
    days = pd.bdate_range("2024-03-04", periods=10).to_numpy()[:, None]
    local = pd.DatetimeIndex((days + pd.to_timedelta(np.arange(510, 1081, 30), unit="min").to_numpy()).ravel())
    times, price = local.tz_localize("America/New_York"), np.arange(len(local)) + 10.0
    frame = pd.DataFrame({"symbol": "A", "time": times, **dict.fromkeys(("open", "high", "low", "close"), price)})
    return quorate.Bars.from_frame(pd.concat([frame, frame[local.hour > 16].assign(symbol="B")]))


def test_without_being_asked_nothing_changes(bars: Bars) -> None:
    assert within_hours(bars, recipe().data) == (bars, ())
    assert resampled(bars, recipe()) == (bars, ())


def test_the_hours_are_those_that_are_asked_for(bars: Bars) -> None:
    regular, told = within_hours(bars, recipe(hours="regular").data)
    assert (regular.symbols, len(regular)) == (("A",), 130)  # the other one has no bar then
    assert told == ("100 of 230 bars lie outside the session, 09:30 to 16:00, and are left out",)
    for_days, told = within_hours(bars, recipe(resample="1d").data)
    assert for_days.fingerprint == regular.fingerprint
    assert told[0].endswith(': data.hours = "all" keeps them')
    around, told = within_hours(bars, recipe(hours="all", resample="1d").data)
    assert (len(around), told) == (len(bars), ())
    days, _ = resampled(around, recipe(resample="1d"))
    assert (days.symbols, len(days), str(days.times[0])[:16]) == (("A", "B"), 9, "2024-03-05T05:00")


def test_shorter_bars_are_kept_where_features_read_them(bars: Bars) -> None:
    regular, _ = within_hours(bars, recipe(hours="regular").data)
    days, told = resampled(regular, recipe(resample="1d"))
    assert (len(days), days.finer, told) == (10, None, ())
    with_finer, _ = resampled(regular.until(125), recipe(("return_1@source",), resample="1d"))
    assert (len(with_finer), with_finer.frequency) == (9, "1d")
    assert with_finer.finer is not None
    assert with_finer.finer.times[-1] == with_finer.times[-1]  # nothing of the day that is not over
    same, _ = resampled(regular, recipe(("return_1@source",), resample="30min"))
    assert same.finer is not None


def test_several_markets_had_their_hours_and_their_length_before_they_met(bars: Bars) -> None:
    several = replace(bars, fills=cast("Any", object()))
    for data in ({"hours": "regular"}, {"resample": "1d"}):
        assert within_hours(several, recipe(**data).data) == (several, ())
        assert resampled(several, recipe(**data)) == (several, ())
    with pytest.raises(RecipeError, match=r"features.frequency asks for shorter bars.*several markets keeps none"):
        resampled(several, recipe(("return_1@source",), resample="1d"))

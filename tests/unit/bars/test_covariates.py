"""Records of covariates are joined as they were known at the close of each bar, and at no time before."""

from __future__ import annotations

import pickle
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from quorate.bars.covariates import Covariate
from quorate.bars.periods import Periods
from quorate.bars.records import covariate_of, records_of_bars, restored, to_frame
from quorate.dataset.covariates import where_known
from quorate.errors import DataError
from quorate.plugins.specs import FeatureSpec
from quorate.runs.audit import null_bars
from quorate.testing import market

BARS = market(30, 2)
CLOSES = pd.DatetimeIndex(BARS.times).tz_localize("UTC")
HOUR = pd.Timedelta(hours=1)


def records(*rows: tuple[int, float, float, str]) -> pd.DataFrame:
    """Return records: of which bar, how many hours after its close published, value, symbol."""
    return pd.DataFrame(
        {
            "symbol": [symbol for *_, symbol in rows],
            "time": [CLOSES[bar] for bar, *_ in rows],
            "published_at": [CLOSES[bar] + hours * HOUR for bar, hours, *_ in rows],
            "score": [value for _, _, value, _ in rows],
        }
    )


def joined(covariate: Covariate, name: str = "news") -> np.ndarray:
    return BARS.with_covariates({"news": covariate}).covariate(name)


def test_at_the_very_close_a_record_is_known_and_a_moment_later_it_is_not() -> None:
    told = joined(covariate_of(records((3, 0.0, 7.0, ""), (4, 1 / 3600, 8.0, ""))))
    assert told[3, 0] == 7.0
    assert told[4, 0] == 7.0
    assert told[5, 0] == 8.0
    assert np.isnan(told[2, 0])


def test_a_revision_counts_from_its_own_publication_and_an_old_one_not_at_all() -> None:
    told = joined(covariate_of(records((5, 1, 1.0, ""), (5, 49, 2.0, ""), (6, 200, 4.0, ""), (9, 1, 3.0, ""))))
    assert told[6, 0] == 1.0
    assert told[8, 0] == 2.0
    assert (told[10:, 0] == 3.0).all()  # that of bar 6 comes when bar 9 is known already


def test_a_symbols_own_record_counts_before_one_of_all() -> None:
    told = joined(covariate_of(records((5, 1, 1.0, ""), (5, 1, 2.0, "BBB"))))
    assert told[8].tolist() == [1.0, 2.0]


def test_values_that_a_record_does_not_have_are_those_before() -> None:
    frame = records((5, 1, 1.0, ""), (6, 1, np.nan, "")).assign(count=[4.0, 5.0])
    bars = BARS.with_covariates({"news": covariate_of(frame)})
    assert bars.covariate("news.score")[9, 0] == 1.0
    assert bars.covariate("news.count")[9, 0] == 5.0
    with pytest.raises(DataError, match=r"news.count or news.score or news.age or news.known or news.next, not 'news'"):
        bars.covariate("news")


def test_a_lag_counts_from_the_time_or_from_the_publication() -> None:
    frame = records((5, 30, 1.0, ""))
    late = covariate_of(frame, lag=timedelta(hours=2))
    assert late.known[0] - late.time[0] == np.timedelta64(32, "h")
    of_time = covariate_of(frame.drop(columns="published_at"), lag=timedelta(hours=2))
    assert of_time.known[0] - of_time.time[0] == np.timedelta64(2, "h")
    with pytest.raises(DataError, match="not the time at which it was known"):
        covariate_of(frame.drop(columns="published_at"))


def test_what_is_missing_or_stale_is_not_known() -> None:
    frame = records((5, 1, 3.0, ""))
    plain = covariate_of(frame, max_age=timedelta(days=4))
    assert np.isnan(joined(plain)[[4, 20], 0]).all()
    assert joined(plain)[7, 0] == 3.0
    assert joined(plain, "news.known")[[4, 7, 20], 0].tolist() == [0.0, 1.0, 0.0]
    days = (BARS.times[7] - BARS.times[5]) / np.timedelta64(1, "D")
    assert joined(plain, "news.age")[7, 0] == days
    filled = covariate_of(frame, missing=-1, max_age=timedelta(days=4))
    for name in ("news", "news.age"):
        assert joined(filled, name)[[4, 20], 0].tolist() == [-1.0, -1.0]


def dates(*rows: tuple[int, int, str]) -> pd.DataFrame:
    """Return dates to come: of which bar, at the close of which bar it was known, symbol."""
    return pd.DataFrame(
        {
            "symbol": [symbol for *_, symbol in rows],
            "time": [CLOSES[bar] + 4 * HOUR for bar, *_ in rows],
            "published_at": [CLOSES[known] for _, known, _ in rows],
            "amount": [float(bar) for bar, *_ in rows],
        }
    )


def test_the_next_date_is_told_from_when_it_was_known_until_it_is_over() -> None:
    frame = dates((10, 4, "AAA"), (14, 2, "AAA"), (12, 12, ""), (20, 25, "AAA"))
    until = joined(covariate_of(frame), "news.next")

    def days(bar: int, of: int) -> float:
        return float((CLOSES[of] + 4 * HOUR - CLOSES[bar]) / pd.Timedelta(days=1))

    due = [np.nan] * 2 + [days(2, 14), days(3, 14)] + [days(bar, 10) for bar in range(4, 11)]
    due += [days(11, 14), days(12, 12), days(13, 14), days(14, 14)] + [np.nan] * 15
    np.testing.assert_allclose(until[:, 0], due)
    assert np.flatnonzero(np.isfinite(until[:, 1])).tolist() == [12]  # that of all
    filled = joined(covariate_of(frame, missing=99.0), "news.next")
    assert (filled[15:] == 99.0).all()
    # Cut off, no later date is known.
    part = BARS.with_covariates({"news": covariate_of(frame)}).take(0, 4)
    np.testing.assert_allclose(part.covariate("news.next")[:, 0], due[:4])


def test_on_a_market_without_anything_to_find_dates_and_counts_are_others() -> None:
    far = covariate_of(dates(*((bar, 0, "") for bar in range(5, 30, 5))))
    over = Periods("1d", BARS.calendar, {"score": "count"})
    regular = covariate_of(records(*((bar, 0.0, 1.0, "") for bar in range(30))), over=over)
    bars = BARS.with_covariates({"far": far, "regular": regular})
    other = null_bars(bars, 1)
    assert [one.known.tolist() == sorted(one.known) for one in other.covariates.values()] == [True, True]
    for name in ("far.next", "regular"):
        assert not np.array_equal(bars.covariate(name), other.covariate(name), equal_nan=True)
    unknown = covariate_of(dates((10, 4, "")), missing="error")
    feature = FeatureSpec("next", "quorate.dataset.covariates:as_known", inputs=("news.next",))
    bars, whole = BARS.with_covariates({"news": unknown}), np.ones(BARS.close.shape, dtype=bool)
    with pytest.raises(DataError, match=r"covariates.news: nothing is known to come of AAA .* \(\d+ rows\)"):
        where_known(bars, [feature], whole, lambda x: x, lambda x: x)


def test_two_records_known_at_once_must_agree() -> None:
    assert len(covariate_of(records((5, 1, 1.0, "AAA"), (5, 1, 1.0, "AAA")))) == 1
    with pytest.raises(DataError, match=r"two records of AAA .* with other values of 'score', 1 and 2"):
        covariate_of(records((5, 1, 1.0, "AAA"), (5, 1, 2.0, "AAA")))


def test_parts_of_bars_know_what_was_known_by_their_end() -> None:
    news = covariate_of(records((2, 1, 1.0, "AAA"), (3, 1, 2.0, "BBB"), (20, 1, 3.0, "")))
    bars = BARS.with_covariates({"news": news})
    assert bars.fingerprint not in (BARS.fingerprint, BARS.with_covariates({"other": news}).fingerprint)
    part = bars.take(10, 15)
    assert len(part.covariates["news"]) == 2
    np.testing.assert_array_equal(part.covariate("news"), bars.covariate("news")[10:15])
    one = bars.select(["BBB"])
    np.testing.assert_array_equal(one.covariate("news"), bars.covariate("news")[:, [1]])
    assert len(one.covariates["news"]) == 2
    assert pickle.loads(pickle.dumps(bars)).fingerprint == bars.fingerprint


def test_stored_records_are_the_same() -> None:
    news = covariate_of(records((2, 1, 1.0, "AAA"), (3, 1, np.nan, ""), (4, 1, 3.0, "")).assign(n=1.0))
    assert restored(to_frame(news), "drop", None, "missing").sha256 == news.sha256


def test_bars_of_one_symbol_hold_for_all_and_of_several_each_for_its_own() -> None:
    one, two = (covariate_of(records_of_bars(bars)) for bars in (BARS.select(["BBB"]), BARS))
    np.testing.assert_array_equal(joined(one), BARS.close[:, [1, 1]])
    np.testing.assert_array_equal(joined(two), BARS.close)
    with pytest.raises(DataError, match=r"no field 'clsoe'.*did you mean 'close'"):
        records_of_bars(BARS, ["clsoe"])

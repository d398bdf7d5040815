"""Bars that a recipe leaves out at either end: nothing knows of them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

import quorate
from quorate.errors import DataError, RecipeError
from quorate.evidence.ledger import lineage_of, related
from quorate.recipe.digest import recipe_digest
from quorate.recipe.load import validate
from quorate.recipe.resolve import to_plain, to_toml
from quorate.runs.loading import load_bars
from quorate.runs.session import open_session
from quorate.store.bars.appending import append
from quorate.store.bars.imports import Origin

TABLE = {"data": {"source": "simulated", "n_bars": 300, "start": "2000-01-03"}, "models": {"logistic": {}}}


def session(**data):
    return open_session({**TABLE, "data": {**TABLE["data"], **data}})


@pytest.mark.parametrize(
    "data, span",
    [
        ({}, "2000-01-03..2001-02-23"),
        ({"since": dt.date(2000, 2, 5)}, "2000-02-07..2001-02-23"),
        ({"until": "2000-12-31"}, "2000-01-03..2000-12-29"),
        ({"since": "2000-02-07", "until": "2000-12-29"}, "2000-02-07..2000-12-29"),
    ],
)
def test_sessions_before_and_after_are_left_out(data, span):
    assert load_bars(session(**data)).span == span


def test_bars_are_those_that_a_shorter_file_would_have():
    cut = load_bars(session(until="2000-03-31"))
    assert cut.fingerprint == load_bars(session(n_bars=len(cut))).fingerprint


def test_symbols_without_a_bar_there_are_left_out(tmp_path):
    rows = [f"{day},{s},1,2,1,1.5,9" for s, days in (("A", range(10, 20)), ("B", range(18, 28))) for day in
            (f"2000-02-{d:02d}" for d in days)]  # fmt: skip
    (tmp_path / "two.csv").write_text("\n".join(["date,symbol,open,high,low,close,volume", *rows]))
    data = {"source": "csv", "path": str(tmp_path / "two.csv"), "calendar": "24x7"}
    table = {"data": {**data, "until": "2000-02-15"}, "models": {"logistic": {}}}
    assert load_bars(open_session(table)).symbols == ("A",)


def test_a_span_without_bars_is_told_with_that_of_the_bars():
    with pytest.raises(DataError, match=r"no bar from 2010-01-01 to the last .*2000-01-03\.\.2001-02-23"):
        load_bars(session(since="2010-01-01"))


def test_what_is_no_date_is_refused():
    with pytest.raises(RecipeError, match=r"data\.since"):
        validate({"data": {"since": "soon"}, "models": {}}, "given")


def test_a_recipe_that_says_nothing_of_it_is_the_one_that_it_was_and_others_are_not():
    plain, cut = session(), session(until="2000-12-31")
    assert "since" not in to_plain(plain.recipe)["data"]
    assert "until" not in to_toml(plain.recipe, plain.registry)
    assert "until = 2000-12-31" in to_toml(cut.recipe, cut.registry)
    assert recipe_digest(plain.recipe, plain.registry) != recipe_digest(cut.recipe, cut.registry)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A home whose store has days of a market of its own."""
    home = tmp_path_factory.mktemp("span") / "home"
    append(quorate.BarStore(None, home).collection("sim", new=True), load_bars(session()), Origin("simulated", {}))
    return home


@pytest.mark.parametrize("frequency", ["1w", "1mo"])
@pytest.mark.parametrize("since", ["2000-03-01", "2000-03-04", "2000-04-30", "2000-05-31"])
@pytest.mark.parametrize("until", ["2001-02-01"])
@pytest.mark.filterwarnings("ignore:the last bar of")
def test_longer_bars_are_whole_whoever_makes_them(stored, frequency, since, until):
    data = {"source": "store", "collection": "sim", "since": since, "until": until}

    def read(**more):
        return load_bars(open_session({"data": {**data, **more}, "models": {"logistic": {}}}, home=stored))

    made, asked = read(resample=frequency), read(frequency=frequency)
    assert made.fingerprint == asked.fingerprint
    for one in (made, asked) if frequency == "1w" else (made,):  # of months there is no whole year
        assert related(lineage_of(one), lineage_of(read()))
    assert str(made.sessions[0]) >= since
    whole = load_bars(session(resample=frequency))
    first = int(np.searchsorted(whole.times, made.times[0]))
    assert first == int(np.searchsorted(whole.sessions.astype(str), since))
    for one, other in ((made.open, whole.open), (made.high, whole.high), (made.volume, whole.volume)):
        assert one.tobytes() == other[first : first + len(one)].tobytes()

"""Categories of rows: what models read of them depends on the training rows alone."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.dataset.categories import Categories, rows_categories
from quorate.errors import DataError
from quorate.testing.markets import panel

ROWS = np.arange(6)
CODES = np.array([[0, 2], [1, 2], [2, -1], [0, 0], [3, 1], [-1, 2]], dtype=np.int32)
SOME = Categories(("place", "kind"), (("a", "b", "c", "d"), ("x", "y", "z")), CODES)


def test_a_frame_has_the_features_as_they_are_and_the_levels_of_the_training_rows():
    X = np.arange(12, dtype=np.float32).reshape(6, 2)
    frame = SOME.beside(X, ("one", "two"), SOME.known(ROWS[:3]), ROWS)
    assert frame.columns.tolist() == ["one", "two", "place", "kind"]
    assert frame[["one", "two"]].to_numpy().dtype == np.float32
    assert frame["place"].tolist() == ["a", "b", "c", "a", "", ""]
    assert frame["kind"].tolist() == ["z", "z", "", "", "", "z"]
    assert frame["place"].cat.categories.tolist() == ["", "a", "b", "c"]
    assert frame["kind"].cat.categories.tolist() == ["", "z"]


@given(st.lists(st.integers(-1, 3), min_size=2, max_size=20), st.integers(1, 19), st.permutations(list("abcd")))
def test_neither_later_levels_nor_their_order_change_what_is_read(codes, cut, names):
    rows, column = np.arange(len(codes)), np.array(codes, dtype=np.int32)[:, None]
    train, X = rows[: min(cut, len(codes) - 1)], np.zeros((len(codes), 1), dtype=np.float32)
    plain = Categories(("c",), (tuple("abcd"),), column)
    # The same texts, with other positions among more levels.
    levels = ("0", *names)
    moved = np.array([-1 if code < 0 else levels.index("abcd"[code]) for code in codes], dtype=np.int32)[:, None]
    other = Categories(("c",), (levels,), moved)
    one, two = (c.beside(X, ("x",), sorted_levels(c.known(train)), rows) for c in (plain, other))
    pd.testing.assert_frame_equal(one, two)
    seen = set(one["c"].iloc[: len(train)])
    assert set(one["c"]) <= seen | {""}


def sorted_levels(known):
    return [tuple(sorted(levels)) for levels in known]


def test_symbols_are_a_category_of_every_panel():
    bars = panel(5, 3)
    row, column = np.nonzero(bars.present)
    found = rows_categories(bars, ["symbol"], ("return_1",), row, column)
    assert [found.levels[0][code] for code in found.codes[:, 0]] == [bars.symbols[j] for j in column]
    assert rows_categories(bars, [], (), row, column).names == ()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["symbo"], "the bars have no 'symbo'.*did you mean 'symbol'.*data.categories"),
        (["return_1"], "'return_1' is the name of a feature, too"),
    ],
)
def test_unknown_categories_are_named(names, message):
    bars = panel(5, 3)
    with pytest.raises(DataError, match=message):
        rows_categories(bars, names, ("return_1",), *np.nonzero(bars.present))

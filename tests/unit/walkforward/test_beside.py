"""Forecasts of one walk-forward on the rows of another."""

import numpy as np

from quorate.walkforward.beside import _on_rows


class Rows:
    """Rows of a dataset by bar and symbol."""

    def __init__(self, *pairs):
        self.bar, self.symbol = np.array(pairs).T
        self.dataset = self

    def __len__(self):
        return len(self.bar)


def test_forecasts_meet_by_bar_and_symbol_and_what_is_not_there_is_unknown():
    own = Rows((0, 0), (0, 1), (1, 0), (2, 1))
    other = Rows((0, 1), (1, 0), (1, 1), (2, 1))
    predictions = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0]])
    moved = _on_rows(own, predictions, other)
    np.testing.assert_array_equal(moved, [[2.0, 20.0], [3.0, 30.0], [np.nan, np.nan], [4.0, 40.0]])
    assert _on_rows(own, predictions, own) is predictions

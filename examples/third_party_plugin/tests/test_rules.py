"""Quorate's conformance kit: one test per plugin of the package and rule of its kind."""

from quorate import testing


@testing.parametrize_with_checks("quorate-analogues")
def test_the_rules_hold(check):
    check()


class TestAnalogues(testing.ModelTests):
    """The same as a class, for whoever wants to add tests beside the rules."""

    target = "model:analogues"

    def test_fewer_rows_than_neighbours_are_enough(self, quorate_market):
        import numpy as np
        from quorate_analogues.model import Analogues

        change = np.diff(np.log(quorate_market.close[:41, 0]))
        windows = np.lib.stride_tricks.sliding_window_view(change, 5)[:-1, :, None]
        y = (change[5:] > 0).astype(int)
        assert len(y) < Analogues().neighbours
        p = Analogues().fit(windows, y).predict_proba(windows)
        assert p.shape == (len(y), 2)
        np.testing.assert_allclose(p.sum(axis=1), 1.0)

"""The first sentence of a comparison."""

import pytest

from quorate.report.views.compare import sentence, shown

SAME, PART = {"same": True, "bars": 300}, {"same": False, "bars": 300}


def of(a, b, low=None, high=None):
    difference = None if None in (a, b) else b - a
    return [{"metric": "sharpe", "a": a, "b": b, "difference": difference, "low": low, "high": high}]


@pytest.mark.parametrize(
    "metrics,data,equal,said",
    [
        (
            of(0.44, 0.61, -0.1, 0.44), SAME, False,
            "B earned more for its risk than A (Sharpe 0.61 against 0.44), but the difference is within chance "
            "(90% CI -0.10 to +0.44).",
        ),
        (
            of(0.61, 0.44, -0.3, -0.1), PART, False,
            "B earned less for its risk than A on the 300 bars that both have (Sharpe 0.44 against 0.61), and the "
            "difference is more than chance explains (90% CI -0.30 to -0.10).",
        ),
        (of(0.5, 0.5, -0.1, 0.1), SAME, False, "B earned as much for its risk as A (Sharpe 0.50 against 0.50), but "
         "the difference is within chance (90% CI -0.10 to +0.10)."),
        (of(0.5, 0.5, 0.0, 0.0), SAME, True, "B earned the same as A on every bar (Sharpe 0.50)."),
        ([], SAME, True, "B earned the same as A on every bar."),
        (of(None, 0.5), SAME, False, "B cannot be compared with A by its Sharpe ratio: A has none."),
        ([], PART, False, "B cannot be compared with A by its Sharpe ratio: A and B have none on the 300 bars that "
         "both have."),
        (of(0.1, 0.5), SAME, False, "B earned more for its risk than A (Sharpe 0.50 against 0.10); how much of that "
         "is chance is not known."),
    ],
)  # fmt: skip
def test_it_says_which_earned_more_and_whether_beyond_chance(metrics, data, equal, said):
    assert sentence("A", "B", metrics, data, equal, 0.9) == said


@pytest.mark.parametrize(
    "metric,value,text",
    [("cagr", 0.297, "29.7%"), ("cagr", 0.022, "2.20%"), ("sharpe", 2.528, "2.53"), ("costs", 20775.4, "20,775"),
     ("mse", 0.0123, "0.012"), ("mse", 0.0, "0"), ("cagr", 0.0, "0%"), ("auc", None, "-")],
)  # fmt: skip
def test_a_metric_is_shown_as_it_is_read(metric, value, text):
    assert shown(metric, value) == text

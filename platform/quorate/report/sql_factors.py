"""The columns of the views of SQL that tell of the recipe's own benchmark and factors."""

from __future__ import annotations

from quorate.report.columns import PART, Described
from quorate.report.sql_forecasts import RUN

_PERIODS = [
    Described("series", "str", "the judged one, or buy-and-hold/hold"),
    Described("periods, bars, left_out", "int64", "in common, the bars that they span, and the bars in none"),
]

OF_FACTORS: dict[str, tuple[str, list[Described]]] = {
    "benchmark": (
        "One row per series: what it earned beside the recipe's own benchmark.",
        [
            RUN,
            PART,
            Described("name", "str", "of the benchmark"),
            *_PERIODS,
            Described("active, active_low, active_high", "float64", "mean return less the benchmark's, annual, 90 %"),
            Described("tracking_error, information_ratio", "float64", "annual"),
            Described("up_capture, down_capture", "float64", "mean over the benchmark's, as that rose and as it fell"),
            Described("max_drawdown, correlation", "float64", "over the same periods"),
            Described("alpha, alpha_low, alpha_high, p_value", "float64", "annual; p of none, one-sided"),
            Described("beta, beta_low, beta_high", "float64", "with its 90 % interval"),
        ],
    ),
    "factors": (
        "One row per series and factor: its beta, beside what the series has that no factor explains.",
        [
            RUN,
            PART,
            *_PERIODS,
            Described("factor", "str", "its column"),
            Described("beta, beta_low, beta_high, beta_p_value", "float64", "90 % interval; p of zero, two-sided"),
            Described("alpha, alpha_low, alpha_high, p_value", "float64", "annual; p of none, one-sided"),
            Described("r_squared, residual, appraisal", "float64", "share explained; volatility left; alpha over it"),
        ],
    ),
}

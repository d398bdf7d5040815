"""The columns of the views of SQL that tell of forecasts: of a distribution, of several steps, with several seeds."""

from __future__ import annotations

from quorate.report.columns import PART, Described

RUN = Described("run", "str", "its id: the key in every view")
TEXTS = "VARCHAR[]"

OF_FOLDS = [
    Described("series", "str", "the member, or the ensembler"),
    Described("step", "int64", "bars from the fill; those that are not traded are told of all folds"),
    Described("fold", "int64", "its number; NULL: of all folds"),
    Described("n", "int64", "forecasts with a label"),
]

OF_FORECASTS: dict[str, tuple[str, list[Described]]] = {
    "quantiles": (
        "One row per quantile that a series forecasts, and fold.",
        [
            RUN,
            PART,
            *OF_FOLDS,
            Described("level", "float64", "of the quantile"),
            Described("below", "float64", "share of labels at or below it: of a true quantile its level"),
            Described("pinball", "float64", "its loss; half the absolute error at level 0.5"),
        ],
    ),
    "intervals": (
        "One row per interval between two quantiles as far from both ends, and fold.",
        [
            RUN,
            PART,
            *OF_FOLDS,
            Described("low, high", "float64", "levels of its ends"),
            Described("nominal", "float64", "share of labels that it should hold"),
            Described("coverage", "float64", "share that it held"),
            Described("coverage_low, coverage_high", "float64", "95 % interval of that"),
            Described("effective", "float64", "independent bars that it rests on"),
            Described("width", "float64", "mean, in the unit of the labels"),
        ],
    ),
    "tails": (
        "One row per level of loss that the quantiles of a series reach.",
        [
            RUN,
            PART,
            *OF_FOLDS[:2],
            Described("n", "int64", "forecasts with a label"),
            Described("confidence", "float64", "0.95 or 0.99"),
            Described("value_at_risk, expected_shortfall", "float64", "forecast, mean over rows; losses above zero"),
            Described("exceeded", "int64", "labels below the forecast bound"),
            Described("expected", "float64", "how many there should be"),
            Described("mean_excess", "float64", "mean loss of those"),
            Described("kupiec, kupiec_p", "float64", "test that they are as many as they should be"),
            Described("christoffersen, christoffersen_p", "float64", "test that one tells nothing of the next"),
        ],
    ),
    "steps": (
        "One row per member and step, where labels have several.",
        [
            RUN,
            PART,
            *OF_FOLDS[:1],
            Described("step", "int64", "bars from the fill"),
            Described("n", "int64", "forecasts with a label"),
            Described("mse, rmse, mae, direction_accuracy", "float64", "as in metrics"),
            Described("mase", "float64", "absolute error over that of the mean of the labels so far"),
            Described("mase_persistence", "float64", "absolute error over that of the forecast that nothing changes"),
            Described("dm, p_value", "float64", "test of Diebold and Mariano; below zero where it errs less"),
            Described("verdict", "str", "better than naive, worse than naive or no evidence, at 5 %"),
        ],
    ),
    "networks": (
        "One row per network and linear or boosted model beside it.",
        [
            RUN,
            PART,
            Described("network, rival", "str", "the two members that are compared"),
            Described("family", "str", "of the rival: linear or boosting"),
            Described("loss", "str", "squared error, or Brier score of classes"),
            Described("bars, freedom", "int64", "bars with forecasts of all, and degrees of freedom of the test"),
            Described("effective", "float64", "independent bars that the difference rests on"),
            Described("network_loss, rival_loss", "float64", "their means"),
            Described("change, change_low, change_high", "float64", "of the loss, as a share; its 95 % interval"),
            Described("dm, p_value", "float64", "test of Diebold and Mariano; below zero the network errs less"),
            Described("p_among", "float64", "that it is not better, adjusted for all networks"),
            Described("networks", "int64", "how many"),
            Described("spa_p, block", "float64", "that none is better, by resampling in blocks of that mean"),
            Described("verdict", "str", "better, no better, worse or not tested, at 5 %"),
        ],
    ),
    "seeds": (
        "One row per model and seed, where a model is fitted with several.",
        [
            RUN,
            PART,
            *OF_FOLDS[:1],
            Described("replicate", "int64", "which seed, from 0 on"),
            Described("seed", "int64", "what its fits were seeded with"),
            Described("n", "int64", "forecasts with a label"),
            Described("log_loss, rmse", "float64", "NULL where the label is a number, and where it is a class"),
            Described("direction_accuracy", "float64", "as in metrics"),
            Described("sharpe", "float64", "annual, of the model traded alone with the default threshold"),
        ],
    ),
    "seed_spread": (
        "One row per model and figure: how far it differs over the model's seeds.",
        [
            RUN,
            PART,
            *OF_FOLDS[:1],
            Described("seeds", "int64", "how many there are"),
            Described("metric", "str", "log_loss, rmse, direction_accuracy or sharpe"),
            Described("of_mean", "float64", "of the mean forecast, which is the model's"),
            Described("mean, lowest, highest, sd", "float64", "over the seeds"),
            Described("disagree", "float64", "share of rows on whose direction not all seeds agree"),
            Described("blurred", TEXTS, "of a loss, the forecasts that it separates from the model by less than sd"),
        ],
    ),
}

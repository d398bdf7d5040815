"""The schema of a recipe. Every default of the platform that a user can change is in this folder."""

from quorate.recipe.schema.alerts import Alerts, Told
from quorate.recipe.schema.base import Day, Open, Params, Section, span_of
from quorate.recipe.schema.covariates import Covariate
from quorate.recipe.schema.data import Data
from quorate.recipe.schema.holdout import Holdout
from quorate.recipe.schema.learning import Ensemble, Features, Folds, Labels, Model
from quorate.recipe.schema.rates import Rate, RateOf
from quorate.recipe.schema.references import Benchmark, Factors
from quorate.recipe.schema.trading import (
    RETURN_DEFAULT,
    RETURN_THRESHOLDS,
    SCORE_DEFAULT,
    SCORE_THRESHOLDS,
    Backtest,
    Costs,
    Gates,
    Risk,
    Strategy,
    Threshold,
)
from quorate.recipe.schema.tuning import RANGE, TUNED, Tuning
from quorate.recipe.schema.whole import Execution, Recipe

READ = ("data", "covariates", "benchmark", "factors")  # tables whose series sources read

__all__ = [
    "RANGE",
    "READ",
    "RETURN_DEFAULT",
    "RETURN_THRESHOLDS",
    "SCORE_DEFAULT",
    "SCORE_THRESHOLDS",
    "TUNED",
    "Alerts",
    "Backtest",
    "Benchmark",
    "Costs",
    "Covariate",
    "Data",
    "Day",
    "Ensemble",
    "Execution",
    "Factors",
    "Features",
    "Folds",
    "Gates",
    "Holdout",
    "Labels",
    "Model",
    "Open",
    "Params",
    "Rate",
    "RateOf",
    "Recipe",
    "Risk",
    "Section",
    "Strategy",
    "Threshold",
    "Told",
    "Tuning",
    "span_of",
]

"""The mean over seeds, and what becomes of it where one has failed."""

from __future__ import annotations

import numpy as np

from quorate.execution.task import FitResult
from quorate.walkforward.seeds import mean_of, means


def fit(replicate: int, *values: float, fold: int = 0, error: str = "", **outputs: list[float]) -> FitResult:
    told = {name.replace("_at_", "@"): np.array(numbers) for name, numbers in outputs.items()}
    found = np.array(values)
    more = {"in_sample": 0.5 + replicate / 10, "seconds": 2.0, "cached": replicate == 0, "notes": ("same",)}
    return FitResult("m", fold, found, told, f"key{replicate}", error=error, replicate=replicate, **more)  # type: ignore[arg-type]


def test_the_forecast_is_the_mean_over_seeds() -> None:
    found = mean_of([fit(0, 0.2, 0.4), fit(1, 0.4, 0.8)])
    assert found.predictions.tolist() == [0.30000000000000004, 0.6000000000000001]
    assert (found.in_sample, found.seconds, found.cached, found.notes) == (0.55, 4.0, False, ("same",))
    assert [one.key for one in found.replicates] == ["key0", "key1"]
    assert found.key == "key0"


def test_a_deviation_is_that_of_the_mixture_and_a_quantile_a_mean() -> None:
    one = fit(0, 1.0, sd=[0.3], q0=[0.0], mean_at_5=[4.0], sd_at_5=[1.0])
    two = fit(1, 3.0, sd=[0.3], q0=[2.0], mean_at_5=[4.0], sd_at_5=[1.0])
    found = mean_of([one, two])
    draws = np.concatenate([np.random.default_rng(0).normal(mean, 0.3, 100_000) for mean in (1.0, 3.0)])
    assert abs(found.outputs["sd"][0] - draws.std()) < 0.01
    assert found.outputs["q0"].tolist() == [1.0]
    assert found.outputs["sd@5"].tolist() == [1.0]


def test_a_model_that_lacks_a_seed_has_failed_there_and_says_which() -> None:
    found = mean_of([fit(0, 0.2), fit(1, np.nan, error="the loss was not finite"), fit(2, 0.4)])
    assert found.error == "with seed 2 of 3: the loss was not finite"
    assert np.isnan(found.predictions).all()


def test_one_seed_is_what_it_is_and_folds_stay_apart() -> None:
    alone = fit(0, 0.2)
    assert mean_of([alone]) is alone
    found = means([fit(0, 0.0), fit(1, 1.0), fit(0, 2.0, fold=1), fit(1, 4.0, fold=1)])
    assert [(one.fold, one.predictions[0]) for one in found] == [(0, 0.5), (1, 3.0)]

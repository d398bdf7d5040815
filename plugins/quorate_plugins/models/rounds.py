"""Boosting and forests that tell the loss of their rounds, and add further ones to what another model has learnt."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from quorate_plugins.models import states, tree_states

if TYPE_CHECKING:
    from numpy.typing import NDArray

EVERY = 5  # of XGBoost and LightGBM, rounds from one loss to the next: that of each round would be a tenth of a fit
Grow = Callable[[Callable[..., Any], Any, Any, Any, Any], list[float]]


def growing(name: str, kind: Any, rounds: int) -> Callable[..., Any]:
    """Return what makes models of a library's kind that can go on from a fitted one.

    Their ``fit`` takes weights of the rows, and `start`, whose trees it keeps and adds `rounds` to, or none. Where
    `start` has learnt other classes, or other levels of categories, that is told, and the model begins afresh. What the
    rounds lost on the training rows is kept as ``losses_``, NaN where it was not computed.

    Parameters
    ----------
    name : str
        Of the library, as in `GROW`.
    """
    if rounds < 0:
        option = "warm_trees" if name == "forest" else "warm_rounds"
        raise ValueError(f"{option} must be 0 or more; it was {rounds}")
    return partial(_made, _growing(name, kind), rounds)


def _made(kind: Any, rounds: int, **params: Any) -> Any:
    model = kind(**params)
    model.warm_rounds = rounds
    return model


@cache
def _growing(name: str, kind: Any) -> Any:
    grow, state_of, load = GROW[name]

    def fit(model: Any, X: Any, y: NDArray[Any], start: Any = None, sample_weight: NDArray[Any] | None = None) -> Any:
        if start is not None and (why := _unlike(start, X, y)):
            warnings.warn(f"it begins afresh on this fold: {why}", stacklevel=2)
            start = None
        if start is not None and not model.warm_rounds:
            return load(model, state_of(start))
        more: dict[str, Any] = {} if sample_weight is None else {"sample_weight": sample_weight}
        if more and name == "xgboost":  # the losses that are told weigh the rows, too
            more["sample_weight_eval_set"] = [sample_weight]
        model.losses_ = grow(partial(kind.fit, model, **more), model, X, y, start)
        return model

    def reduced(model: Any) -> tuple[Any, ...]:
        return _unmade, (name, kind), model.__getstate__()

    about = {"__module__": kind.__module__, "__doc__": kind.__doc__}
    return type(kind.__name__, (kind,), {**about, "fit": fit, "losses_": [], "__reduce__": reduced})


def _unmade(name: str, kind: Any) -> Any:
    """Return a model that pickle fills."""
    found = _growing(name, kind)
    return found.__new__(found)


def history(model: Any) -> Mapping[str, Any] | None:
    """Return the loss of each round on the training rows; of quantiles, one model for each, their mean.

    None, where the library records none, as of a forest, and of a model that is made of a file.
    """
    losses = [_losses_of(one) for one in getattr(model, "models_", [model])]
    if not all(losses):
        return None
    means = [math.fsum(some) / len(some) for some in zip(*losses, strict=True)]
    return {"epochs": {"train_loss": means}, "stopped": "all rounds"}


def _losses_of(model: Any) -> list[float]:
    if hasattr(model, "losses_"):
        return list(model.losses_)
    return [-float(score) for score in getattr(model, "train_score_", ())[1:]]  # the first is that of no tree


def _unlike(start: Any, X: Any, y: NDArray[Any]) -> str:
    """Return in what the rows differ from those of a fitted model so that its trees cannot be gone on with."""
    import numpy as np

    if len(getattr(start, "classes_", ())):
        before, now = (np.unique(some).tolist() for some in (start.classes_, y))
        if before != now:
            return f"the fold before had the classes {before}, this one has {now}"
    levels = _levels_of(X)
    for column, before in (getattr(start, "levels_", None) or {}).items():
        if before != levels.get(column):
            return f"{column} has other levels than in the fold before"
    return ""


def _levels_of(X: Any) -> dict[str, list[Any]]:
    """Return the levels of each category, whose places are what trees know of it."""
    return {
        name: X[name].cat.categories.tolist() for name in getattr(X, "columns", ()) if X[name].dtype.name == "category"
    }


# --- how each library grows, which gives the losses of the rounds that it added


def _xgboost(train: Callable[..., Any], model: Any, X: Any, y: NDArray[Any], start: Any) -> list[float]:
    from xgboost.callback import TrainingCallback

    if start is not None:  # where it goes on, draws would follow those of the process's last fit, whatever that was
        model.set_params(n_estimators=model.warm_rounds, seed_per_iteration=True)
    rounds = model.n_estimators

    class Seldom(TrainingCallback):  # type: ignore[misc]
        """Has most rounds pass without a loss, of which XGBoost computes one for each round."""

        def before_training(self, model: Any) -> Any:
            evaluate = model.eval_set
            model.eval_set = lambda sets, number, *more: (
                evaluate(sets, number, *more) if _told(number + 1, rounds) else f"[{number}]"
            )
            return model

        def after_training(self, model: Any) -> Any:
            del model.eval_set
            return model

    model.set_params(callbacks=[Seldom()])
    train(X, y, eval_set=[(X, y)], verbose=False, xgb_model=None if start is None else start.get_booster())
    model.set_params(callbacks=None)
    model.levels_ = _levels_of(X)
    [[losses]] = [metrics.values() for metrics in model.evals_result().values()]
    told = iter(losses)
    return [float(next(told)) if _told(number, rounds) else math.nan for number in range(1, rounds + 1)]


def _lightgbm(train: Callable[..., Any], model: Any, X: Any, y: NDArray[Any], start: Any) -> list[float]:
    if start is not None:
        model.set_params(n_estimators=model.warm_rounds)
    rounds = model.n_estimators
    losses = [math.nan] * rounds

    def after(round_: Any) -> None:
        number = round_.iteration - round_.begin_iteration + 1
        if _told(number, rounds):
            [(_, _, losses[number - 1], _)] = round_.model.eval_train()

    train(X, y, callbacks=[after], init_model=None if start is None else start.booster_)
    model.levels_ = _levels_of(X)
    return losses


def _told(number: int, rounds: int) -> bool:
    """Return whether the loss of a round, counted from 1, is computed."""
    return number % EVERY == 0 or number == rounds


def _catboost(train: Callable[..., Any], model: Any, X: Any, y: NDArray[Any], start: Any) -> list[float]:
    if start is not None:
        if model.get_param("cat_features") and "MultiQuantile" in (model.get_param("loss_function") or ""):
            raise ValueError(
                "CatBoost goes on wrongly from a model of quantiles that reads categories: leave out quantiles, "
                "features.categories, or warm_start"
            )
        model.set_params(iterations=model.warm_rounds)
    train(X, y, init_model=start)
    [losses] = model.get_evals_result()["learn"].values()
    return list(losses)


def _boosting(train: Callable[..., Any], model: Any, X: Any, y: NDArray[Any], start: Any) -> list[float]:
    import numpy as np

    before = 0 if start is None else len(start.estimators_)
    if start is not None:
        tree_states.load_boosting(model, tree_states.boosting_state(start))
        model.set_params(warm_start=True, n_estimators=before + model.warm_rounds)
        model.train_score_, model._rng = np.zeros(before), np.random.RandomState(model.random_state)
    train(X, y)
    model.set_params(warm_start=False)  # the next fit begins afresh
    return [float(loss) for loss in model.train_score_[before:]]


def _forest(train: Callable[..., Any], model: Any, X: Any, y: NDArray[Any], start: Any) -> list[float]:
    if start is not None:
        tree_states.load_forest(model, tree_states.forest_state(start))
        model.set_params(warm_start=True, n_estimators=len(start.estimators_) + model.warm_rounds)
    train(X, y)
    model.set_params(warm_start=False)
    return []  # a forest computes none


# By library: how it grows, and what keeps its models.
GROW: Mapping[str, tuple[Grow, Callable[[Any], states.State], Callable[[Any, Mapping[str, Any]], Any]]] = {
    "xgboost": (_xgboost, states.xgboost_state, states.load_xgboost),
    "lightgbm": (_lightgbm, states.lightgbm_state, states.load_lightgbm),
    "catboost": (_catboost, states.catboost_state, states.load_catboost),
    "boosting": (_boosting, tree_states.boosting_state, tree_states.load_boosting),
    "forest": (_forest, tree_states.forest_state, tree_states.load_forest),
}

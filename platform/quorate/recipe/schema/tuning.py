"""The table of a recipe that says what a sweep tries."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from quorate.recipe.environment import mask
from quorate.recipe.schema.base import Params, Section

TUNED = ("models", "features", "labels", "ensemble", "threshold", "strategy")  # sections with keys that can be tuned
RANGE = ("low", "high", "log", "values", "when")  # what says which values are tried


class Tuning(Section):
    """What ``quorate sweep`` tries; a run takes no notice of it.

    Parameters
    ----------
    models : list of str or false
        Members that are tuned; without any, all that have a search space; false: none.
    trials : int
        Trials of each model.
    folds : int
        Inner folds that share the history that trials see.
    scope : str
        What that history is: all before the first bar that the walk-forward predicts, or what lies before each
        of its folds.
    objective : str or list of str
        What is made best: the ``loss``, a metric, or several.
    deviation : float, standard deviations
        So many standard deviations over the folds are taken off a metric.
    choose : str
        How one trial is picked where there are several objectives.
    weights : list of float
        One for each objective, for ``weighted``.
    sampler : str
        The plugin that says what is tried next, of kind sampler.
    sampler_options : dict
        Options of the sampler.
    pruner : str
        Stops trials early: ``race`` when the chance to beat the best on the inner folds is below `level`;
        ``auto`` races where there is one loss.
    level : float, probability
        A trial that wins with less than this has lost its race.
    stop : str
        ``noise`` ends a search when what is left to gain is below the noise.
    keep : str
        What was found is kept where there is evidence that it helps, at `keep_level`, or in any case
        (``best``).
    keep_level : float, probability
        Level of the test that what was found helps: the smaller, the more is asked.
    max_failures : int
        Failed trials of a model that a sweep bears; one more ends it.
    timeout : float, seconds
        No more trials are fitted after so many; 0: no limit.
    max_cost : float, processor seconds
        No more trials are fitted after so many; 0: no limit.
    storage : str
        URL of a database, by which several sweeps share one study.
    study : str
        What that study is called.
    space : dict
        Changes what is tried of a model, or of any key of the recipe by its dotted name: a range ``{ low, high,
        log }``, a list of values, or false; with ``when`` it counts only with some values of others.
    """

    models: list[str] | Literal[False] = []
    trials: int = Field(default=50, ge=1, le=100_000)
    folds: int = Field(default=8, ge=2, le=100)
    scope: Literal["first_window", "per_fold"] = "first_window"
    objective: str | Annotated[list[str], Field(min_length=1)] = "loss"
    deviation: float = Field(default=0.0, ge=0)
    choose: Literal["knee", "lexicographic", "weighted"] = "knee"
    weights: list[Annotated[float, Field(ge=0)]] = []
    sampler: str = "tpe"
    sampler_options: Params = {}
    pruner: Literal["auto", "race", "median", "hyperband", "wilcoxon", "none"] = "auto"
    level: float = Field(default=0.05, gt=0, lt=0.5)
    stop: Literal["never", "noise"] = "never"
    keep: Literal["evidence", "best"] = "evidence"
    keep_level: float = Field(default=0.01, gt=0, lt=0.5)
    max_failures: int = Field(default=10, ge=0)
    timeout: float = Field(default=0.0, ge=0)
    max_cost: float = Field(default=0.0, ge=0)
    storage: str = ""
    study: str = Field(default="", pattern=r"^[A-Za-z0-9_.-]*$", max_length=60)
    space: Params = {}

    @field_validator("storage")
    @classmethod
    def _no_secret(cls, url: str) -> str:
        if mask(url) != url:
            raise ValueError("holds a password, and it would be stored: write ${NAME} in its place")
        return url

    @field_validator("space", mode="before")
    @classmethod
    def _dotted(cls, given: Any) -> Any:
        """Return models as tables, and keys of the recipe by their dotted names, also where they are tables in TOML."""
        if not isinstance(given, dict):
            return given
        found: Params = {}
        for name, value in given.items():
            if name.partition(".")[0] not in TUNED:
                if not isinstance(value, dict):
                    raise ValueError(f"takes a table for each model; {name} was {value!r}")
                found.setdefault(name, {}).update(value)
                continue
            for key, wanted in _leaves(name, value):
                if not key.startswith("models."):
                    found[key] = wanted
                    continue
                model, _, parameter = key.removeprefix("models.").partition(".")
                if not parameter:
                    raise ValueError(f"takes models.MODEL.PARAMETER; it has {key}")
                found.setdefault(model, {})[parameter] = wanted
        return found


def _leaves(key: str, value: Any) -> list[tuple[str, Any]]:
    """Return the dotted names of a table of tables with what is wanted of each: what is a range has ends."""
    ends = isinstance(value, dict) and any(not isinstance(value.get(end, {}), dict) for end in RANGE)
    if not isinstance(value, dict) or ends or not value:
        return [(key, value)]
    return [leaf for name, inner in value.items() for leaf in _leaves(f"{key}.{name}", inner)]

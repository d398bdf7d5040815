"""The schema of a recipe. Every default of the platform that a user can change is in this file."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from quorate.plugins.guard import IMPORT_SECONDS
from quorate.recipe.environment import mask

SCORE_THRESHOLDS = (0.0, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.10, 0.15, 0.20)
RETURN_THRESHOLDS = (0.0005, 0.001, 0.0015, 0.002, 0.0025, 0.003, 0.004, 0.005, 0.007, 0.01)
SCORE_DEFAULT, RETURN_DEFAULT = 0.02, 0.001  # thresholds, while there is too little to choose from

Params = dict[str, Any]


def _iso(value: Any) -> Any:
    with suppress(ValueError, TypeError):  # of what is no date the type is wrong
        return dt.date.fromisoformat(value)
    return value


Day = Annotated[dt.date, BeforeValidator(_iso)]


class Section(BaseModel):
    """A table of the recipe: unknown keys are errors, values are never converted silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Open(BaseModel):
    """A table that names a plugin: every key it does not know is an option of that plugin."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)

    @property
    def options(self) -> Params:
        """The plugin's options."""
        return dict(self.model_extra or {})


class Data(Open):
    """Where the bars come from, and what becomes of doubts about them; every other key is an option of the source.

    Sessions before `since` and after `until` are cut off as soon as the bars are read: nothing knows of them.
    """

    source: str = "bundled"
    quality: Literal["warn", "refuse"] = "warn"
    since: Day | None = None
    until: Day | None = None


class Holdout(Section):
    """The last part of the history, cut off before anything else. Give one of the three."""

    start: Day | None = None
    bars: int | None = Field(default=None, ge=0)
    fraction: float | None = Field(default=None, ge=0, lt=1)

    @model_validator(mode="after")
    def _one(self) -> Holdout:
        given = [k for k in ("start", "bars", "fraction") if getattr(self, k) is not None]
        if len(given) > 1:
            raise ValueError(f"takes one of start, bars and fraction; it has {' and '.join(given)}")
        return self


class Labels(Section):
    """What the models predict, `horizon` bars ahead of the fill."""

    name: str = "direction"
    horizon: int = Field(default=1, ge=1)
    params: Params = {}


class Features(Section):
    """Which features: names or patterns such as ``return_*``, or ``group:momentum``.

    ``*`` alone is all that are installed or given; what lies in a plugin folder is named. `categories` are
    texts that models which take such read beside the features: ``symbol``, or what ``data.categories`` names.
    """

    use: list[str] = ["*"]
    exclude: list[str] = []
    categories: list[str] = []


class Folds(Open):
    """The walk-forward; every other key is an option of the splitter.

    No training label ends within the `embargo` bars before a fold; purging by the labels' ends needs none.
    """

    splitter: str = "expanding"
    embargo: int = Field(default=0, ge=0)


class Model(Open):
    """One member; every other key is a parameter of the model."""

    plugin: str | None = None


class Ensemble(Section):
    """How members are combined: `method` is judged, `compare` are shown beside it.

    `calibration` brings members of different scales to one before they are combined, by rows whose label had
    ended at the fold's first bar.
    """

    method: str = "past-performance"
    compare: list[str] = ["mean"]
    params: Params = {}
    calibration: Literal["none", "isotonic", "platt", "z-score"] = "none"


class Threshold(Section):
    """The least score that is traded, chosen per fold from earlier out-of-fold rows.

    `default` serves until `min_bars` bars of such rows exist. Without a `grid`, the standard one
    of the label's task is used.
    """

    default: float | None = Field(default=None, ge=0)
    grid: list[Annotated[float, Field(ge=0)]] | None = Field(default=None, min_length=1)
    min_bars: int = Field(default=250, ge=2)


class Risk(Section):
    """Limits on each symbol's position, for every strategy; 0 is off.

    `stop`, `trailing` and `atr` end a position that has lost this fraction since entry, is this fraction below
    its best close, or this many average true ranges below the price of entry (above, for shorts); `max_bars`
    ends it after so many bars. A smaller change of weight than `band` is not made. Weights are scaled down
    where the realised volatility is above `volatility`, per year.
    """

    stop: float = Field(default=0.0, ge=0, lt=1)
    trailing: float = Field(default=0.0, ge=0, lt=1)
    atr: float = Field(default=0.0, ge=0)
    atr_window: int = Field(default=14, ge=1)
    max_bars: int = Field(default=0, ge=0)
    band: float = Field(default=0.0, ge=0, le=2)
    volatility: float = Field(default=0.0, ge=0)
    volatility_window: int = Field(default=20, ge=2)


class Strategy(Section):
    """How scores become desired weights: `name` is judged, `compare` are shown beside it.

    `risk` limits the positions of all of them. `grid` holds values of options, and of limits as ``risk.NAME``,
    of which each fold chooses the best from the past, together with the threshold.
    """

    name: str = "long-flat"
    compare: list[str] = ["long-short"]
    params: Params = {}
    risk: Risk = Risk()
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}

    @field_validator("grid", mode="before")
    @classmethod
    def _dotted(cls, given: Any) -> Any:
        """Return the grid with limits as ``risk.NAME``, also where they are a table of their own, as TOML has it."""
        limits = given.get("risk") if isinstance(given, dict) else None
        if not isinstance(limits, dict):
            return given
        return {**{k: v for k, v in given.items() if k != "risk"}, **{f"risk.{k}": v for k, v in limits.items()}}

    @field_validator("grid")
    @classmethod
    def _comparable(cls, grid: dict[str, list[Any]]) -> dict[str, list[Any]]:
        for key, values in grid.items():
            if not (all(isinstance(v, str) for v in values) or all(isinstance(v, bool | int | float) for v in values)):
                raise ValueError(f"must hold numbers, or texts, to choose from; {key} has {values!r}")
        return grid


class Costs(Open):
    """What trading costs; every other key is an option of the cost model."""

    model: str = "fixed"


class Backtest(Section):
    """How desired weights are traded."""

    fill: Literal["open", "close"] = "open"
    capital: float = Field(default=100_000.0, gt=0)


class Gates(BaseModel):
    """What is judged: the gates of a preset, and every other key one more, or one changed; false takes one away."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)
    __pydantic_extra__: dict[str, Params | Literal[False]]

    preset: Literal["headline", "standard", "strict"] = "standard"

    @property
    def named(self) -> dict[str, Params | Literal[False]]:
        """The gates that the recipe names itself."""
        return dict(self.__pydantic_extra__ or {})

    @property
    def judging(self) -> dict[str, Params]:
        """The gates that the recipe names and does not take away: all of them, once it is resolved."""
        return {name: params for name, params in self.named.items() if params is not False}


TUNED = ("models", "features", "labels", "ensemble", "threshold", "strategy")  # sections with keys that can be tuned
RANGE = ("low", "high", "log", "values", "when")  # what says which values are tried


class Tuning(Section):
    """What ``quorate sweep`` tries; a run takes no notice of it.

    `models` are those that are tuned; without any, all members that have a search space; false: none. `space` changes
    what is tried of a model, or of any key of the recipe by its dotted name: a range ``{ low, high, log }``, a list of
    values, or false; with `when` it counts only with some values of others. The `objective` is the ``loss``, a metric,
    or several, of which `choose` and `weights` pick one trial; of metrics `deviation` deviations over the folds are
    taken off. `folds` inner folds share the history before the first bar that the walk-forward predicts
    (`scope` ``first_window``), or before each of its folds (``per_fold``). The `sampler`, with its `sampler_options`,
    says what is tried next. The `pruner` stops trials early: ``race`` when the chance to beat the best on the inner
    folds is below `level`; ``auto`` races where there is one loss. ``stop = "noise"`` ends a search when what is left
    to gain is below the noise. What was found is kept where there is `evidence` that it helps, at `keep_level`, or in
    any case (``best``). `timeout` (seconds) and `max_cost` (processor seconds) end a sweep early; 0 is never.
    `storage`, a URL of a database, has several sweeps share one study, called `study`.
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


class Execution(Section):
    """Where fits run; it never changes a result. `workers` 0 means one per CPU.

    ``auto`` takes one process, several, or Ray, by how much there is to do. A fit that takes longer than
    `fit_seconds` or more than `fit_memory` GiB (0: its share of what is free) is stopped and has failed.
    A call of any other plugin may take `fit_seconds`, too, and its import `import_seconds`.
    With `cache`, a fit that this home has finished before is not computed again. `address`, ``HOST:PORT``,
    is a Ray cluster to run on; one elsewhere must ask for a token, unless `allow_insecure`.
    """

    executor: Literal["auto", "serial", "processes", "ray"] = "auto"
    workers: int = Field(default=0, ge=0, le=1024)
    fit_seconds: float = Field(default=600.0, gt=0)
    import_seconds: float = Field(default=IMPORT_SECONDS, gt=0)
    fit_memory: float = Field(default=0.0, ge=0)
    cache: bool = True
    address: str = ""
    allow_insecure: bool = False


class Recipe(Section):
    """A whole experiment."""

    schema_version: Literal[1] = 1
    name: str = Field(default="unnamed", pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)
    description: str = ""
    seed: int = Field(default=7, ge=0)
    on_failure: Literal["stop", "drop"] = "stop"  # when a fit fails: stop, or go on without that member
    plugins: list[str] = []
    data: Data = Data()
    holdout: Holdout = Holdout()
    labels: Labels = Labels()
    features: Features = Features()
    folds: Folds = Folds()
    models: dict[str, Model | Literal[False]] = {}
    ensemble: Ensemble = Ensemble()
    threshold: Threshold = Threshold()
    strategy: Strategy = Strategy()
    costs: Costs = Costs()
    backtest: Backtest = Backtest()
    gates: Gates = Field(default_factory=lambda: Gates.model_validate({}))
    tuning: Tuning = Tuning()
    execution: Execution = Execution()

"""A whole recipe, and where it is executed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from quorate.plugins.guard import IMPORT_SECONDS
from quorate.recipe.schema.alerts import Alerts
from quorate.recipe.schema.base import Section
from quorate.recipe.schema.covariates import Covariate, Name
from quorate.recipe.schema.data import Data
from quorate.recipe.schema.holdout import Holdout
from quorate.recipe.schema.learning import Ensemble, Features, Folds, Labels, Model
from quorate.recipe.schema.references import Benchmark, Factors
from quorate.recipe.schema.trading import Backtest, Costs, Gates, Strategy, Threshold
from quorate.recipe.schema.tuning import Tuning


class Execution(Section):
    """Where fits run; it never changes a result.

    Parameters
    ----------
    executor : str
        ``auto`` takes one process, several, or Ray, by how much there is to do.
    workers : int, processes
        How many fit at a time; 0 means one per CPU.
    fit_seconds : float, seconds
        A fit, or a call of any other plugin, that takes longer is stopped and has failed.
    import_seconds : float, seconds
        The same for the import of a plugin.
    fit_memory : float, GiB
        A fit that takes more is stopped and has failed; 0: its share of what is free.
    cache : bool
        A fit that this home has finished before is not computed again.
    address : str
        ``HOST:PORT`` of a Ray cluster to run on; one elsewhere must ask for a token, unless `allow_insecure`.
    allow_insecure : bool
        Whether a cluster elsewhere may do without a token.
    keep_models : str
        Which fitted models are kept in the home, to be used or exported later: ``no`` model, the one of each
        member's ``last`` fold, or ``all``. A fit whose model is wanted but not kept is computed again.
    checkpoint_seconds : float, seconds
        How often, at most, a training that takes longer keeps where it stands, to go on from there when the run is
        resumed; 0: never.
    """

    executor: Literal["auto", "serial", "processes", "ray"] = "auto"
    workers: int = Field(default=0, ge=0, le=1024)
    fit_seconds: float = Field(default=600.0, gt=0)
    import_seconds: float = Field(default=IMPORT_SECONDS, gt=0)
    fit_memory: float = Field(default=0.0, ge=0)
    cache: bool = True
    address: str = ""
    allow_insecure: bool = False
    keep_models: Literal["no", "last", "all"] = "no"
    checkpoint_seconds: float = Field(default=30.0, ge=0)


class Recipe(Section):
    """A whole experiment. In a file, ``extends`` names a recipe that this one changes.

    Parameters
    ----------
    schema_version : int
        Version of the form of recipes; there is one so far.
    name : str
        What runs of it are called: lower case letters, digits, ``-`` and ``_``.
    description : str
        What it is for, in a sentence.
    seed : int
        Where all that is random begins: the same seed gives the same numbers.
    on_failure : str
        When a fit fails: stop, or go on without that member.
    plugins : list of str
        Plugin files or folders, relative to the recipe's file.
    data : Data
        Where the bars come from.
    covariates : dict of Covariate
        Series beside the bars, by name.
    benchmark : Benchmark
        What the returns are held against, beside buy and hold.
    factors : Factors
        Returns of factors that the returns are explained by.
    holdout : Holdout
        The last part of the history.
    labels : Labels
        What the models predict.
    features : Features
        What the models see.
    folds : Folds
        The walk-forward.
    models : dict of Model or false
        The members, by name.
    ensemble : Ensemble
        How they are combined.
    threshold : Threshold
        The least score that is traded.
    strategy : Strategy
        How scores become desired weights.
    costs : Costs
        What trading costs.
    backtest : Backtest
        How desired weights are traded.
    gates : Gates
        What is judged.
    tuning : Tuning
        What a sweep tries.
    execution : Execution
        Where fits run.
    alerts : Alerts
        Who is told what happened.
    artefacts : str
        Folder, or place such as ``s3://bucket/folder``, in which a finished run also writes metrics, timing, pictures
        and the like, each by the name that training packages use, in ``run_YYYYMMDD_HHMMSS``; empty: nowhere.
    """

    schema_version: Literal[1] = 1
    name: str = Field(default="unnamed", pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)
    description: str = ""
    seed: int = Field(default=7, ge=0)
    on_failure: Literal["stop", "drop"] = "stop"
    plugins: list[str] = []
    data: Data = Data()
    covariates: dict[Name, Covariate] | None = None  # not {}: recipes without any are as they were before
    benchmark: Benchmark | None = None  # these too
    factors: Factors | None = None
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
    alerts: Alerts | None = None  # recipes without any are as they were before
    artefacts: str = ""

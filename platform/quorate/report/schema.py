"""What ``report.json`` holds, typed. Imported only where the schema is asked for: to show a report needs none of it.

A field that earlier versions did not write has a default. A number is null where it is not known.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from quorate.report import schema_compared as told
from quorate.report import schema_factors as held
from quorate.report import schema_firmness as firm
from quorate.report import schema_forecasts as of
from quorate.report.schema_base import Dashed as _Dashed
from quorate.report.schema_base import Number
from quorate.report.schema_base import Object as _Object
from quorate.report.schema_data import Covariate, Day, Market, Plugin
from quorate.report.schema_training import Telemetry
from quorate.store.documents import REPORT_VERSION

Word = Literal["PASS", "FAIL", "INSUFFICIENT"]


class Data(_Object):
    """The bars."""

    source: str
    fingerprint: str
    """SHA-256 of the bars as they were read."""
    symbols: list[str]
    frequency: str
    """``1d``, ``1h``, ..."""
    bars_per_year: float
    calendar: str
    bars: int
    first: Day
    last: Day
    market: Market
    ended: int | None = None
    """How many symbols end before the bars do; none is told, if none does."""
    read: list[dict[str, Any]] | None = None
    """What the source has read, where it tells: statements, or addresses with the hashes of what was there."""
    quality: dict[str, Any] | None = None
    """Where the recipe has checks: what each rule found, the worst symbols, how many bars were set apart, and the files
    of the run that hold all of it."""
    read_by: dict[str, str] | None = None
    """The libraries that the source needs, and their versions, where numbers of other sources do not depend on them."""
    covariates: list[Covariate] | None = None
    """The series beside the bars."""
    references: list[held.Reference] | None = None
    """The series that returns are held against."""


class Entry(_Object):
    """An entry of the ledger."""

    seq: int
    hash: str
    began: str
    """When the ledger began."""


class Holdout(_Object):
    """The last bars, and whether they were opened."""

    start: Day | None
    opened: str | None
    """When."""
    recipes_that_opened_it: int | None = None
    ledger: Entry | None = None
    libraries: dict[str, str] | None = None
    machine: dict[str, str] | None = None
    symbols: list[str] | None = None
    """That are held out of all that is learnt."""


class Departures(_Object):
    """How the gates differ from the preset ``standard``."""

    preset: str
    without: list[str]
    changed: dict[str, dict[str, Any]]


class Categories(_Object):
    """Features that are words."""

    names: list[str]
    models: list[str]
    """That read them."""


class Provenance(_Object):
    """Where the numbers came from."""

    run: str
    created: str
    recipe_digest: str
    recipe: dict[str, Any]
    """With every default written out; docs/recipe.md."""
    plugins: list[Plugin]
    data: Data
    holdout: Holdout
    features: list[str]
    categories: Categories | None = None
    gates: Departures | None = None
    seeds: dict[str, int]
    """By model."""
    libraries: dict[str, str]
    machine: dict[str, str]
    ledger: Entry | None = None
    results_digest: str | None = None


class Span(_Object):
    """The bars of a part."""

    first: Day
    last: Day
    bars: int


class Gate(_Object):
    """What a gate said."""

    gate: str
    verdict: Word
    value: Number
    condition: str
    threshold: Number
    margin: Number
    """By how much the bound is met; below zero it is not."""
    benchmark: Number
    """The same figure of buying and holding."""
    unit: str
    """``ratio``, ``fraction``, ``p-value``, ``count``, ``currency``, ``bars``, or a plugin's own."""
    uncertainty: str
    sample: str
    reason: str
    warning: str
    required: bool
    """Whether it counts for the verdict."""
    tier: Literal["A", "B", "C", "D"]
    inputs: dict[str, Any]
    """What it was computed from."""


class Series(_Object):
    """What was traded, and what came of it."""

    name: str
    role: Literal["ensemble", "alternative", "member", "baseline", "benchmark"]
    strategy: str
    metrics: dict[str, Number]
    """By name; docs/plugins/metrics.md."""


class SymbolFigures(_Dashed):
    """The judged series on a symbol alone."""

    symbol: str
    rows: int
    sharpe: Number
    max_drawdown: Number
    closed_trades: int
    contribution: Number = None
    """Its part of the total return; null in reports made before it was told."""
    turnover: Number = None
    accuracy: Number
    mase: Number
    pct_mae: Number
    pct_naive: Number
    price_mae: Number = None
    """In the symbol's own currency, which no other's is added to; null in reports made before it was told."""


class Fold(_Object):
    """A step of the walk-forward."""

    fold: int
    train_first: Day
    train_last: Day
    train_rows: int
    label_end: Day
    """When the last label of the training rows was known."""
    test_first: Day
    test_last: Day
    test_rows: int
    threshold: float
    chosen: dict[str, Any] | None = None
    """Options of the strategy, where the recipe has a grid."""
    weights: dict[str, Number]
    """By member."""


class Rows(_Object):
    """How much was computed."""

    features: int
    categories: int = 0
    predicted: int
    label_bars: dict[str, Number] | None = None
    """Of a horizon in sessions: the bars after the fill until labels are known, usually, and at most."""


class Failure(_Object):
    """A fit that failed."""

    model: str
    plugin: str
    version: str | None
    fold: int
    test_first: Day
    train_rows: int
    reason: str


class Trials(_Object):
    """How much was tried on these bars."""

    n: int
    effective: float
    """Independent ones that they are worth."""


class UnseenSymbols(_Object):
    """What a part comes to on the symbols that are held out; all but the first two are there if rows were predicted."""

    symbols_held_out: list[str]
    predicted: int
    """Rows."""
    independent: Number = None
    """As how many independent symbols they count."""
    verdict: Word | None = None
    """Of the gates on them; the part's own does not rest on it."""
    gates: list[Gate] = Field(default=[])
    series: list[Series] = Field(default=[])
    carry: list[firm.CarryFigures] = Field(default=[])
    symbols: list[SymbolFigures] = Field(default=[])
    quantiles: list[of.QuantileFigures] = Field(default=[])
    intervals: list[of.IntervalFigures] = Field(default=[])
    tails: list[of.TailFigures] = Field(default=[])
    paths: list[told.PathsOfBoth] = Field(default=[])
    """For each set of paths that gates ask for."""
    market: Market | None = None
    gap: told.Gap | None = None
    alike: list[told.LookAlike] = Field(default=[])
    warnings: list[str] = Field(default=[])
    digests: dict[str, str] = Field(default={})


class Part(_Object):
    """Development or holdout."""

    verdict: Word
    span: Span
    gates: list[Gate]
    series: list[Series]
    """The judged one first, buying and holding last."""
    symbols: list[SymbolFigures] = Field(default=[])
    cross_section: list[of.CrossSection] = Field(default=[])
    quantiles: list[of.QuantileFigures] = Field(default=[])
    intervals: list[of.IntervalFigures] = Field(default=[])
    tails: list[of.TailFigures] = Field(default=[])
    steps: list[of.StepFigures] = Field(default=[])
    seeds: list[of.SeedFigures] = Field(default=[])
    seed_spread: list[of.SeedSpread] = Field(default=[])
    warm_starts: list[of.WarmStart] = Field(default=[])
    pretrained: list[of.PretrainedFigures] = Field(default=[])
    """Members whose weights were trained elsewhere, and how many of the judged rows these may have seen."""
    networks: list[of.NetworkFigures] = Field(default=[])
    regimes: list[firm.RegimeFigures] = Field(default=[])
    mean_break: firm.MeanBreak | None = None
    ladders: list[firm.LadderStep] = Field(default=[])
    capacity: list[firm.CapacityLevel] = Field(default=[])
    """Where the size of orders costs something."""
    benchmark: held.BenchmarkTable | None = None
    factors: held.FactorTable | None = None
    carry: list[firm.CarryFigures] = Field(default=[])
    """Where the recipe has ``data.cash``, ``costs.borrow`` or ``costs.funding``."""
    market: Market
    members: told.Members
    folds: list[Fold]
    rows: Rows
    failures: list[Failure] = Field(default=[])
    warnings: list[str]
    digests: dict[str, str]
    """SHA-256 of arrays: predictions, features, targets, equity."""
    unseen: UnseenSymbols | None = None
    trials: Trials
    trials_before: Trials | None = None
    """Of a holdout: what was tried on the walk-forward's bars by the time that it was opened."""
    null_market: dict[str, Any] | None = None
    """What the audit found on markets without anything to find."""


class Results(_Object):
    """What was computed: equal for equal recipe, data and seed."""

    development: Part
    holdout: Part | None


class Override(_Object):
    """A run that is used in spite of its verdict: when, over which verdict and why, and where the ledger says so."""

    time: str
    verdict: Word
    reason: str
    seq: int
    hash: str


class ReportDocument(_Object):
    """The report of a run: ``report.json``, and ``quorate report --json``."""

    schema_version: Literal[1]
    provenance: Provenance
    results: Results
    telemetry: Telemetry
    files: dict[str, str]
    """SHA-256 of each table, by its path in the run's folder."""
    seal: str
    """SHA-256 of all the rest, without what was overridden later."""
    override: Override | None = None
    """That it is used in spite of its verdict; not part of the file."""


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of the report, draft 2020-12."""
    found = ReportDocument.model_json_schema(by_alias=True)
    draft = "https://json-schema.org/draft/2020-12/schema"
    about = {"$schema": draft, "$id": f"urn:quorate:report:{REPORT_VERSION}"}
    return {**about, **found}

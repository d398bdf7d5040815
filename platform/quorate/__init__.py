"""Quorate: backtests ensembles of models on market data and judges them on evidence.

The names below are the public interface; importing the package loads none of them.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

# OpenMP threads that spin while they wait make small fits many times slower beside a busy
# neighbour. Native libraries read this when they load, so it is set before any of them can.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"

_PUBLIC = {
    "Bars": "quorate.bars.panel",
    "Calendar": "quorate.bars.calendar",
    "get_calendar": "quorate.bars.calendar",
    "QuorateError": "quorate.errors",
    "RecipeError": "quorate.errors",
    "PluginError": "quorate.errors",
    "DataError": "quorate.errors",
    "DataWarning": "quorate.errors",
    "FitError": "quorate.errors",
    "StoreError": "quorate.errors",
    "IntegrityError": "quorate.errors",
    "hookimpl": "quorate.plugins.hooks",
    "ModelSpec": "quorate.plugins.specs",
    "FeatureSpec": "quorate.plugins.specs",
    "LabelSpec": "quorate.plugins.specs",
    "SplitterSpec": "quorate.plugins.specs",
    "CostSpec": "quorate.plugins.specs",
    "Span": "quorate.plugins.specs",
    "Float": "quorate.plugins.space",
    "Int": "quorate.plugins.space",
    "Choice": "quorate.plugins.space",
    "EnsemblerSpec": "quorate.plugins.specs",
    "StrategySpec": "quorate.plugins.specs",
    "MetricSpec": "quorate.plugins.specs",
    "GateSpec": "quorate.plugins.specs",
    "SourceSpec": "quorate.plugins.specs",
    "RecipeSpec": "quorate.plugins.specs",
    "Performance": "quorate.evidence.evidence",
    "Evidence": "quorate.evidence.evidence",
    "GateResult": "quorate.evidence.evidence",
    "judge": "quorate.evidence.evidence",
    "EnsembleHistory": "quorate.ensemble.combiner",
    "EnsembleRows": "quorate.ensemble.combiner",
    "Combiner": "quorate.ensemble.combiner",
    "Recipe": "quorate.recipe.schema",
    "Report": "quorate.report.report",
    "Interrupted": "quorate.errors",
    "executor": "quorate.runs.session",
    "run": "quorate.runs.run",
    "resume": "quorate.runs.run",
    "promote": "quorate.runs.run",
    "load_report": "quorate.runs.stored",
    "audit": "quorate.runs.audit",
    "Audit": "quorate.runs.audit",
    "explain": "quorate.runs.explain",
    "Explanation": "quorate.runs.explain",
    "read_parquet": "quorate.store.parquet",
}
_MODULES = ("rolling", "statistics")

if TYPE_CHECKING:
    from quorate import rolling as rolling
    from quorate import statistics as statistics
    from quorate.bars.calendar import Calendar as Calendar
    from quorate.bars.calendar import get_calendar as get_calendar
    from quorate.bars.panel import Bars as Bars
    from quorate.ensemble.combiner import Combiner as Combiner
    from quorate.ensemble.combiner import EnsembleHistory as EnsembleHistory
    from quorate.ensemble.combiner import EnsembleRows as EnsembleRows
    from quorate.errors import DataError as DataError
    from quorate.errors import DataWarning as DataWarning
    from quorate.errors import FitError as FitError
    from quorate.errors import IntegrityError as IntegrityError
    from quorate.errors import Interrupted as Interrupted
    from quorate.errors import PluginError as PluginError
    from quorate.errors import QuorateError as QuorateError
    from quorate.errors import RecipeError as RecipeError
    from quorate.errors import StoreError as StoreError
    from quorate.evidence.evidence import Evidence as Evidence
    from quorate.evidence.evidence import GateResult as GateResult
    from quorate.evidence.evidence import Performance as Performance
    from quorate.evidence.evidence import judge as judge
    from quorate.plugins.hooks import hookimpl as hookimpl
    from quorate.plugins.space import Choice as Choice
    from quorate.plugins.space import Float as Float
    from quorate.plugins.space import Int as Int
    from quorate.plugins.specs import CostSpec as CostSpec
    from quorate.plugins.specs import EnsemblerSpec as EnsemblerSpec
    from quorate.plugins.specs import FeatureSpec as FeatureSpec
    from quorate.plugins.specs import GateSpec as GateSpec
    from quorate.plugins.specs import LabelSpec as LabelSpec
    from quorate.plugins.specs import MetricSpec as MetricSpec
    from quorate.plugins.specs import ModelSpec as ModelSpec
    from quorate.plugins.specs import RecipeSpec as RecipeSpec
    from quorate.plugins.specs import SourceSpec as SourceSpec
    from quorate.plugins.specs import Span as Span
    from quorate.plugins.specs import SplitterSpec as SplitterSpec
    from quorate.plugins.specs import StrategySpec as StrategySpec
    from quorate.recipe.schema import Recipe as Recipe
    from quorate.report.report import Report as Report
    from quorate.runs.audit import Audit as Audit
    from quorate.runs.audit import audit as audit
    from quorate.runs.explain import Explanation as Explanation
    from quorate.runs.explain import explain as explain
    from quorate.runs.run import promote as promote
    from quorate.runs.run import resume as resume
    from quorate.runs.run import run as run
    from quorate.runs.session import executor as executor
    from quorate.runs.stored import load_report as load_report
    from quorate.store.parquet import read_parquet as read_parquet

__all__ = ["__version__", *_PUBLIC, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"quorate.{name}")
    try:
        module = _PUBLIC[name]
    except KeyError:
        raise AttributeError(f"module 'quorate' has no attribute {name!r}") from None
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

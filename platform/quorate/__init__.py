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
    "Bars": "quorate.bars",
    "Calendar": "quorate.calendar",
    "get_calendar": "quorate.calendar",
    "QuorateError": "quorate.errors",
    "RecipeError": "quorate.errors",
    "PluginError": "quorate.errors",
    "DataError": "quorate.errors",
    "DataWarning": "quorate.errors",
    "FitError": "quorate.errors",
    "StoreError": "quorate.errors",
    "IntegrityError": "quorate.errors",
    "hookimpl": "quorate.hooks",
    "ModelSpec": "quorate.specs",
    "FeatureSpec": "quorate.specs",
    "LabelSpec": "quorate.specs",
    "SplitterSpec": "quorate.specs",
    "CostSpec": "quorate.specs",
    "Span": "quorate.specs",
    "Float": "quorate.space",
    "Int": "quorate.space",
    "Choice": "quorate.space",
    "EnsemblerSpec": "quorate.specs",
    "StrategySpec": "quorate.specs",
    "MetricSpec": "quorate.specs",
    "GateSpec": "quorate.specs",
    "SourceSpec": "quorate.specs",
    "RecipeSpec": "quorate.specs",
    "Performance": "quorate.evidence",
    "Evidence": "quorate.evidence",
    "GateResult": "quorate.evidence",
    "judge": "quorate.evidence",
    "EnsembleHistory": "quorate.combiner",
    "EnsembleRows": "quorate.combiner",
    "Combiner": "quorate.combiner",
    "Recipe": "quorate.recipe.schema",
    "Report": "quorate.report.model",
    "Interrupted": "quorate.errors",
    "executor": "quorate.session",
    "run": "quorate.api",
    "resume": "quorate.api",
    "promote": "quorate.api",
    "load_report": "quorate.api",
    "audit": "quorate.auditing",
    "Audit": "quorate.auditing",
    "explain": "quorate.explaining",
    "Explanation": "quorate.explaining",
    "read_parquet": "quorate.store.parquet",
}
_MODULES = ("rolling", "statistics")

if TYPE_CHECKING:
    from quorate import rolling as rolling
    from quorate import statistics as statistics
    from quorate.api import load_report as load_report
    from quorate.api import promote as promote
    from quorate.api import resume as resume
    from quorate.api import run as run
    from quorate.auditing import Audit as Audit
    from quorate.auditing import audit as audit
    from quorate.bars import Bars as Bars
    from quorate.calendar import Calendar as Calendar
    from quorate.calendar import get_calendar as get_calendar
    from quorate.combiner import Combiner as Combiner
    from quorate.combiner import EnsembleHistory as EnsembleHistory
    from quorate.combiner import EnsembleRows as EnsembleRows
    from quorate.errors import DataError as DataError
    from quorate.errors import DataWarning as DataWarning
    from quorate.errors import FitError as FitError
    from quorate.errors import IntegrityError as IntegrityError
    from quorate.errors import Interrupted as Interrupted
    from quorate.errors import PluginError as PluginError
    from quorate.errors import QuorateError as QuorateError
    from quorate.errors import RecipeError as RecipeError
    from quorate.errors import StoreError as StoreError
    from quorate.evidence import Evidence as Evidence
    from quorate.evidence import GateResult as GateResult
    from quorate.evidence import Performance as Performance
    from quorate.evidence import judge as judge
    from quorate.explaining import Explanation as Explanation
    from quorate.explaining import explain as explain
    from quorate.hooks import hookimpl as hookimpl
    from quorate.recipe.schema import Recipe as Recipe
    from quorate.report.model import Report as Report
    from quorate.session import executor as executor
    from quorate.space import Choice as Choice
    from quorate.space import Float as Float
    from quorate.space import Int as Int
    from quorate.specs import CostSpec as CostSpec
    from quorate.specs import EnsemblerSpec as EnsemblerSpec
    from quorate.specs import FeatureSpec as FeatureSpec
    from quorate.specs import GateSpec as GateSpec
    from quorate.specs import LabelSpec as LabelSpec
    from quorate.specs import MetricSpec as MetricSpec
    from quorate.specs import ModelSpec as ModelSpec
    from quorate.specs import RecipeSpec as RecipeSpec
    from quorate.specs import SourceSpec as SourceSpec
    from quorate.specs import Span as Span
    from quorate.specs import SplitterSpec as SplitterSpec
    from quorate.specs import StrategySpec as StrategySpec
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

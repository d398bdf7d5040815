# The public names of quorate, each with where it is defined: the only list of them, for the interpreter, which imports
# a name when it is first asked for, and for type checkers.

from . import rolling as rolling
from . import statistics as statistics
from .bars.calendar import Calendar as Calendar
from .bars.calendar import get_calendar as get_calendar
from .bars.panel import Bars as Bars
from .ensemble.combiner import Combiner as Combiner
from .ensemble.combiner import EnsembleHistory as EnsembleHistory
from .ensemble.combiner import EnsembleRows as EnsembleRows
from .errors import DataError as DataError
from .errors import DataWarning as DataWarning
from .errors import FitError as FitError
from .errors import IntegrityError as IntegrityError
from .errors import Interrupted as Interrupted
from .errors import PluginError as PluginError
from .errors import QuorateError as QuorateError
from .errors import RecipeError as RecipeError
from .errors import StoreError as StoreError
from .evidence.evidence import Evidence as Evidence
from .evidence.evidence import GateResult as GateResult
from .evidence.evidence import Performance as Performance
from .evidence.evidence import judge as judge
from .plugins.hooks import hookimpl as hookimpl
from .plugins.space import Choice as Choice
from .plugins.space import Float as Float
from .plugins.space import Int as Int
from .plugins.specs import CostSpec as CostSpec
from .plugins.specs import EarlierTrial as EarlierTrial
from .plugins.specs import EnsemblerSpec as EnsemblerSpec
from .plugins.specs import FeatureSpec as FeatureSpec
from .plugins.specs import GateSpec as GateSpec
from .plugins.specs import LabelSpec as LabelSpec
from .plugins.specs import MetricSpec as MetricSpec
from .plugins.specs import ModelSpec as ModelSpec
from .plugins.specs import RecipeSpec as RecipeSpec
from .plugins.specs import SamplerSpec as SamplerSpec
from .plugins.specs import SourceSpec as SourceSpec
from .plugins.specs import Span as Span
from .plugins.specs import SplitterSpec as SplitterSpec
from .plugins.specs import StrategySpec as StrategySpec
from .recipe.schema import Recipe as Recipe
from .report.report import Report as Report
from .runs.audit import Audit as Audit
from .runs.audit import audit as audit
from .runs.explain import Explanation as Explanation
from .runs.explain import explain as explain
from .runs.loaded import load_report as load_report
from .runs.plan import Plan as Plan
from .runs.plan import plan as plan
from .runs.predict import predict as predict
from .runs.reproduce import reproduce as reproduce
from .runs.run import promote as promote
from .runs.run import resume as resume
from .runs.run import run as run
from .runs.session import executor as executor
from .runs.stored import trust_home as trust_home
from .runs.submit import submit as submit
from .runs.sweep import resume_sweep as resume_sweep
from .runs.sweep import sweep as sweep
from .runs.swept import Sweep as Sweep
from .runs.swept import load_sweep as load_sweep
from .store.parquet import read_parquet as read_parquet
from .sweeps.translation import ask_optuna as ask_optuna

__version__: str
__all__: list[str]

"""What a plugin yields: one frozen spec per thing it offers.

Nothing heavy is imported here, so that listing plugins stays instant. A function or factory is
given as ``"module:attribute"`` (imported when first used) or as a callable.
"""

from __future__ import annotations

from quorate.plugins.specs.alerting import Alert, AlertSpec
from quorate.plugins.specs.base import Lazy, Spec
from quorate.plugins.specs.combining import EnsemblerSpec
from quorate.plugins.specs.judging import CostSpec, GateSpec, MetricSpec, RecipeSpec, SourceSpec, StrategySpec
from quorate.plugins.specs.labelling import LabelSpec
from quorate.plugins.specs.learning import ModelSpec, Task
from quorate.plugins.specs.preparing import FeatureSpec, TransformSpec
from quorate.plugins.specs.pretrained import Pretrained
from quorate.plugins.specs.searching import EarlierTrial, SamplerSpec
from quorate.plugins.specs.splitting import Span, SplitterSpec
from quorate.plugins.specs.weighing import WeightSpec

__all__ = [
    "KINDS", "SPECS", "Alert", "AlertSpec", "CostSpec", "EarlierTrial", "EnsemblerSpec", "FeatureSpec", "GateSpec",
    "LabelSpec", "Lazy", "MetricSpec", "ModelSpec", "Pretrained", "RecipeSpec", "SamplerSpec", "SourceSpec", "Span",
    "Spec", "SplitterSpec", "StrategySpec", "Task", "TransformSpec", "WeightSpec",
]  # fmt: skip

SPECS: tuple[type[Spec], ...] = (
    ModelSpec,
    FeatureSpec,
    TransformSpec,
    LabelSpec,
    WeightSpec,
    SplitterSpec,
    EnsemblerSpec,
    StrategySpec,
    CostSpec,
    MetricSpec,
    GateSpec,
    SamplerSpec,
    SourceSpec,
    RecipeSpec,
    AlertSpec,
)
KINDS: dict[str, type[Spec]] = {spec.kind: spec for spec in SPECS}

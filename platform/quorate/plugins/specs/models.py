"""What of a model's spec goes together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.errors import PluginError
from quorate.plugins.specs.base import check_known, check_one_of
from quorate.plugins.specs.outputs import is_output
from quorate.plugins.specs.places import PLACES, UNTOLD

if TYPE_CHECKING:
    from quorate.plugins.specs.learning import ModelSpec

SETTINGS = ("lookback", "validation", "validation_blocks", "device")  # what of a model's spec its parameters may say


def check_model(spec: ModelSpec) -> None:
    """Raise `PluginError`, unless what a spec says goes together."""
    _check_offers(spec)
    _check_fits(spec)
    _check_reads(spec)


def _check_offers(spec: ModelSpec) -> None:
    if (spec.state_dict is None) != (spec.load_state_dict is None):
        raise PluginError(f"{spec}: state_dict and load_state_dict belong together: give both, or neither")
    if spec.warm and spec.state_dict is None:
        raise PluginError(f"{spec}: warm needs state_dict and load_state_dict")
    if spec.onnx is not None and (spec.state_dict is None or spec.input == "bars"):
        raise PluginError(f"{spec}: onnx needs state_dict and load_state_dict, and input='rows' or 'windows'")
    if spec.parallel is not None and spec.state_dict is None:
        raise PluginError(f"{spec}: parallel needs state_dict and load_state_dict")
    if spec.labels and spec.input != "bars":
        raise PluginError(f"{spec}: labels are of a model of prices: they need input='bars'; it was {spec.input!r}")


def _check_fits(spec: ModelSpec) -> None:
    check_one_of(spec, "task", ("classification", "regression", "any"))
    if spec.task == "any" and spec.named:
        told = f"outputs must be a function of the parameters; it was {spec.outputs}"
        raise PluginError(f"{spec}: task='any': {told}")
    for name in ("cpus", "validation_blocks"):
        if (value := getattr(spec, name)) < 1 or int(value) != value:
            raise PluginError(f"{spec}: {name} must be a whole number from 1 on; it was {value}")
    if not (0 <= spec.gpus < 1 or spec.gpus == int(spec.gpus) >= 1):
        raise PluginError(f"{spec}: gpus must be a share below 1, or whole GPUs; it was {spec.gpus}")
    if spec.memory < 0:
        raise PluginError(f"{spec}: memory must be GiB, 0 or more; it was {spec.memory}")
    check_one_of(spec, "input", ("rows", "windows", "bars"))
    check_one_of(spec, "family", ("", "network", "linear", "boosting"))
    if spec.categories and spec.input != "rows":
        raise PluginError(f"{spec}: categories are of single rows: they need input='rows'; it was {spec.input!r}")
    if not 0 <= spec.validation < 1:
        raise PluginError(f"{spec}: validation must be a share, 0 <= share < 1; it was {spec.validation}")


def _check_reads(spec: ModelSpec) -> None:
    for name in spec.places:
        check_known(spec, "places", name, PLACES)
    if spec.places and (other := next((name for name in UNTOLD if getattr(spec, name)), "")):
        raise PluginError(f"{spec}: {other} is told no places: leave it out, or places")
    if spec.ranks and spec.task != "regression":
        raise PluginError(f"{spec}: ranks is of task='regression'; it was {spec.task!r}")
    for name in spec.settings:
        check_known(spec, "settings", name, SETTINGS)
    for name in spec.named:
        if not is_output(name):
            raise PluginError(
                f"{spec}: an output must be p, p_<class>, mean, sd or q<level>, e.g. q0.1; it was {name!r}"
            )
    if spec.named and spec.prediction not in spec.named:
        both = "p or p_1" if spec.task == "classification" else "mean or q0.5"
        raise PluginError(f"{spec}: outputs must hold {both}; they were {spec.outputs}")

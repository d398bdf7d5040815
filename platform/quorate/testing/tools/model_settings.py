"""The settings of the process that all models share, and what puts them back."""

from __future__ import annotations

import decimal
import gc
import logging
import os
import socket
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

# What libraries note in the environment for themselves, and what only makes them quiet.
_HARMLESS = ("KMP_", "PL_", "TF_CPP_", "TQDM_", "TOKENIZERS_", "MPLBACKEND", "PYTORCH_")
_SKLEARN = {"assume_finite": False, "transform_output": "default", "enable_metadata_routing": False}


PANDAS = ("compute.use_numexpr", "compute.use_bottleneck")


def _leave(value: Any) -> None:
    """Put nothing back: somebody else does."""


@dataclass(frozen=True)
class Setting:
    """One setting: what it is, what puts it back, and what it is where its library has just been loaded."""

    value: Any
    restore: Callable[[Any], Any] = _leave
    default: Any = None


def settings() -> dict[str, Setting]:
    """Return the settings of the process by name; those of a library only where it is loaded."""
    found = {
        "NumPy's error handling": Setting(np.geterr(), lambda value: np.seterr(**value)),
        "the working folder": Setting(os.getcwd(), os.chdir),
        "the recursion limit": Setting(sys.getrecursionlimit(), sys.setrecursionlimit),
        "logging.disable": Setting(logging.root.manager.disable, logging.disable),
        "garbage collection": Setting(gc.isenabled(), lambda value: gc.enable() if value else gc.disable()),
        "the filters of warnings": Setting(tuple(warnings.filters)),
        "the environment": Setting(dict(_environment(tuple(vars(os.environ)["_data"].items()))), _restore_environment),
    }
    found["the switch interval of threads"] = Setting(sys.getswitchinterval(), sys.setswitchinterval)
    found["the default timeout of sockets"] = Setting(socket.getdefaulttimeout(), socket.setdefaulttimeout)
    numbers = decimal.getcontext().copy()
    told = f"{numbers.prec} digits, {numbers.rounding}"
    found["the context of decimal numbers"] = Setting(told, lambda _: decimal.setcontext(numbers))
    if "pandas" in sys.modules:
        pandas = sys.modules["pandas"]
        known = {name: pandas.get_option(name) for name in PANDAS}
        found["pandas' options"] = Setting(known, lambda v: [pandas.set_option(*item) for item in v.items()])
    torch, sklearn = sys.modules.get("torch"), sys.modules.get("sklearn")
    if torch is not None and hasattr(torch, "set_grad_enabled"):
        found |= {
            "torch's default type": Setting(torch.get_default_dtype(), torch.set_default_dtype, torch.float32),
            "torch's recording of gradients": Setting(torch.is_grad_enabled(), torch.set_grad_enabled, True),
            "torch's number of threads": Setting(torch.get_num_threads()),
            "torch's demand for deterministic algorithms": Setting(
                torch.are_deterministic_algorithms_enabled(), torch.use_deterministic_algorithms, False
            ),
        }
    if sklearn is not None and hasattr(sklearn, "get_config"):
        config = {k: v for k, v in sklearn.get_config().items() if k in _SKLEARN}
        found["scikit-learn's configuration"] = Setting(config, lambda v: sklearn.set_config(**v), _SKLEARN)
    return found


def put_back(before: Mapping[str, Setting]) -> None:
    """Put back what has changed since; a library that was loaded since gets its own defaults."""
    for name, now in settings().items():
        wanted = before[name].value if name in before else now.default
        if wanted is not None and now.value != wanted:
            before.get(name, now).restore(wanted)


def changed(before: Mapping[str, Setting], after: Mapping[str, Setting]) -> tuple[str, Any, Any] | None:
    """Return the name of a setting that has changed, and its two values; None, if there is none."""
    for name, old in before.items():
        one, two = old.value, after[name].value
        if one == two or (name == "torch's number of threads" and two < one):
            continue  # to ask for fewer threads than were granted harms nobody
        if isinstance(one, dict):
            key = next(k for k in {**one, **two} if one.get(k) != two.get(k))
            return f"{key!r} in {name}", one.get(key, "not set"), two.get(key, "not set")
        if name == "the filters of warnings":
            return name, f"{len(one)} filters", f"{len(two)} filters, the first {two[0] if two else None}"
        return name, one, two
    return None


@lru_cache(maxsize=1)
def _environment(raw: tuple[tuple[bytes, bytes], ...]) -> Mapping[str, str]:
    """Return the variables that count; between most calls none has changed, and decoding them takes its time."""
    found = {os.fsdecode(key): os.fsdecode(value) for key, value in raw}
    return {key: value for key, value in found.items() if not key.startswith(_HARMLESS)}


def _restore_environment(value: Mapping[str, str]) -> None:
    for key in [k for k in os.environ if k not in value and not k.startswith(_HARMLESS)]:
        del os.environ[key]
    os.environ.update(value)

"""Which heavy libraries a plugin's file loads, seen where it is loaded for the first time."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from quorate.plugins.local import LocalSource

# Libraries that take seconds to import: nobody wants to wait for them where plugins are merely listed.
HEAVY = (
    "arch", "cartopy", "catboost", "cupy", "darts", "dask", "duckdb", "gluonts", "jax", "keras", "lightgbm",
    "lightning", "matplotlib", "optuna", "polars", "prophet", "pyspark", "pytorch_lightning", "ray", "river", "sklearn",
    "statsmodels", "tensorflow", "torch", "transformers", "vectorbt", "xarray", "xgboost",
)  # fmt: skip

BEGUN = dict(os.environ)  # before any plugin was loaded
_seen: dict[str, set[str] | None] = {}


@contextmanager
def watched(source: LocalSource) -> Iterator[None]:
    """Note what is loaded inside; nothing is noted where a heavy library was loaded before, which might hide it."""
    clean = not any(name in sys.modules for name in HEAVY) and source.module_name not in sys.modules
    known = _seen.get(source.module_name, set()) if source.module_name in _seen else set() if clean else None
    yield
    _seen[source.module_name] = None if known is None else {name for name in HEAVY if name in sys.modules}


def loaded_by(source: LocalSource | None) -> set[str] | None:
    """Return the heavy libraries that a file loaded, or None where that was not seen."""
    return None if source is None else _seen.get(source.module_name)

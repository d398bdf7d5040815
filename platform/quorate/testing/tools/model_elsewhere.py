"""Fitting a model, reading a stored one back, or making it of its state, in a process that knows nothing of this."""

from __future__ import annotations

import pickle

import numpy as np

from quorate.execution.outputs import Outputs
from quorate.execution.state import State, restored
from quorate.plugins.provider import Plugin, Reference, load_reference
from quorate.plugins.specs import ModelSpec
from quorate.testing._base import Violation, default_options, explain
from quorate.testing.tools.beside import beside
from quorate.testing.tools.model_data import Data, copied
from quorate.testing.tools.models import as_in_a_run, make, read_outputs, run_once, spec_of


def elsewhere(plugin: Plugin, data: Data, stored: bytes | State | None = None) -> Outputs:
    """Fit and predict in a fresh process, or only read a stored model back, or make it of its state, and predict."""
    where = plugin.provider
    reference = Reference(plugin.kind, plugin.name, where.module, where.local)
    try:
        sent = pickle.dumps((reference, spec_of(plugin).task, default_options(plugin), data, stored))
    except Exception as e:
        raise Violation(f"its parameters cannot be sent to another process: {explain(e, plugin)}") from e
    try:
        answer: Outputs = pickle.loads(beside().ask(f"{__name__}:answered", sent))
    except RuntimeError as e:
        raise Violation(
            f"in a fresh process it failed: {e}. Workers load the plugin anew, in another folder: whatever it needs "
            "must be in its file, its package, its parameters, or on self"
        ) from e
    return answer


def answered(sent: bytes) -> Outputs:
    """Answer in a fresh process: reference, parameters and data come in, outputs go out."""
    reference, task, params, data, stored = pickle.loads(sent)
    spec = load_reference(reference)
    assert isinstance(spec, ModelSpec)
    spec = spec.for_label(task, params)
    if stored is None:
        return run_once(spec, params, copied(data))
    with as_in_a_run(spec):
        model = restored(spec, make(spec, params), stored) if isinstance(stored, State) else pickle.loads(stored)
        return {n: np.array(v) for n, v in read_outputs(model, spec, data.X_test).items()}

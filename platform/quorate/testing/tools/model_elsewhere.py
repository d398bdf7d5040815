"""Fitting a model, or reading a stored one back, in a process that knows nothing of this one."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile

import numpy as np

from quorate.execution.outputs import Outputs, read_outputs
from quorate.plugins.provider import Plugin, Reference, load_reference
from quorate.plugins.specs import ModelSpec
from quorate.testing._base import Violation, default_options, explain
from quorate.testing.tools.model_data import Data, copied
from quorate.testing.tools.models import as_in_a_run, run_once, spec_of

_CHILD = "from quorate.testing.tools.model_elsewhere import serve; serve()"


def elsewhere(plugin: Plugin, data: Data, stored: bytes | None = None) -> Outputs:
    """Fit and predict in a fresh process, or only read a stored model back and predict."""
    where = plugin.provider
    reference = Reference(plugin.kind, plugin.name, where.module, where.local)
    path = os.pathsep.join(os.path.abspath(p) for p in sys.path)
    try:
        sent = pickle.dumps((reference, spec_of(plugin).task, default_options(plugin), data, stored))
    except Exception as e:
        raise Violation(f"its parameters cannot be sent to another process: {explain(e, plugin)}") from e
    with tempfile.TemporaryDirectory() as folder:
        # Another order of sets, another folder: what depends on them shows.
        environment = {**os.environ, "PYTHONHASHSEED": "4242", "PYTHONPATH": path, "TMPDIR": folder}
        command = [sys.executable, "-P", "-c", _CHILD]
        done = subprocess.run(command, input=sent, capture_output=True, cwd=folder, env=environment, check=False)
    if done.returncode:
        last = (done.stderr.decode(errors="replace").strip().splitlines() or [f"exit {done.returncode}"])[-1]
        raise Violation(
            f"in a fresh process it failed: {last}. Workers load the plugin anew, in another folder: whatever it needs "
            "must be in its file, its package, its parameters, or on self"
        )
    answer: Outputs = pickle.loads(done.stdout)
    return answer


def serve() -> None:
    """Answer in a fresh process: read reference, parameters and data from stdin, write the outputs."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get into the answer
    reference, task, params, data, stored = pickle.load(sys.stdin.buffer)
    spec = load_reference(reference)
    assert isinstance(spec, ModelSpec)
    spec = spec.for_label(task)
    if stored is None:
        pickle.dump(run_once(spec, params, copied(data)), out)
        return
    with as_in_a_run(spec):
        pickle.dump({n: np.array(v) for n, v in read_outputs(pickle.loads(stored), spec, data.X_test).items()}, out)

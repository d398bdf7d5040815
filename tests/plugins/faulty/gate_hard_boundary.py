"""Caught by: gate boundary-as-declared

It says >= and does not let what is equal pass.
"""

from __future__ import annotations

import quorate


def hard_boundary(evidence, least: int = 100):
    n = len(evidence.performance.closed)
    verdict = "PASS" if n > least else "FAIL"
    return quorate.GateResult("x", verdict, n, ">=", least, n - least, unit="count", reason=f"needs {least} trades")


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("hard-boundary", hard_boundary)

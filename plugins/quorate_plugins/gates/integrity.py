"""Whether the numbers can be believed at all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

import quorate
from quorate_plugins.gates._base import Count, Positive, counted


def integrity(evidence: quorate.Evidence) -> quorate.GateResult:
    """Pass, if nothing was found wrong; a look ahead or a broken account ends a run before it gets here.

    A member whose pre-trained weights may have seen judged rows is wrong: what it forecasts there may be remembered.
    """
    import numpy as np

    p = evidence.performance
    finite = bool(np.isfinite(p.equity).all()) and len(p.equity) > 0
    varies = finite and not math.isnan(evidence.metric("sharpe"))
    checked = ", ".join(f"{what} {count:,}" for what, count in evidence.checks.items())
    seen = {name: told["seen"] for name, told in evidence.pretrained.items() if told["seen"]}
    result = quorate.judge(
        "integrity",
        int(not finite) + int(not varies) + len(seen),
        "<=",
        0,
        unit="count",
        sample=checked or counted(len(p.returns), "bar"),
        inputs={
            "checks": dict(evidence.checks),
            "n_returns": len(p.returns),
            **({"seen": seen} if seen else {}),
        },
    )
    if not finite:
        return result.failed("the equity is not finite")
    if not varies:
        return result.failed("the returns do not vary: nothing was traded, or nothing came of it")
    if seen:
        return result.failed("; ".join(told["words"] for told in evidence.pretrained.values() if told["seen"]))
    return result


def null_market(
    evidence: quorate.Evidence,
    z: Positive = 4.0,
    rms: Positive = 1.7,
    draws: Count = 20,
    undefined: Annotated[int, Field(ge=0)] = 5,
) -> quorate.GateResult:
    """Pass, if the whole pipeline finds nothing where there is nothing: see ``quorate audit``.

    Parameters
    ----------
    z : float
        Most that the mean of the Sharpe ratios may be from zero, in its own standard deviations.
    rms : float
        Most that their root mean square may be, in the standard deviation of one of them.
    draws : int
        Least markets that must have been tried.
    undefined : int
        More of them than that without a Sharpe ratio tell nothing.
    """
    found: Mapping[str, Any] = evidence.null_market or {}
    known = {name: math.nan if found.get(name) is None else float(found[name]) for name in ("z", "rms")}
    result = quorate.judge(
        "null-market",
        abs(known["z"]),
        "<=",
        z,
        undefined="no draw has a Sharpe ratio",
        uncertainty=f"RMS {known['rms']:.2f}" if math.isfinite(known["rms"]) else "",
        sample=counted(found["draws"], "draw") if found else "no audit",
        inputs=dict(found),
    )
    if not found:
        return result.insufficient("this pipeline was not audited: quorate audit RECIPE")
    if found["draws"] < draws:
        tried = counted(found["draws"], "market")
        return result.insufficient(f"it was audited on {tried}, not {draws}: quorate audit RECIPE")
    if found["undefined"] > undefined or not math.isfinite(known["z"] + known["rms"]):
        return result.insufficient(f"{found['undefined']} of {found['draws']} draws have no Sharpe ratio")
    if result.verdict == "FAIL":
        return result.failed("it makes or loses money where there is nothing to find: something leaks")
    if not known["rms"] <= rms:
        return result.failed(f"the root mean square {known['rms']:.2f} must be <= {rms:g}: something leaks")
    return result

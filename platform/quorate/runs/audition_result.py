"""What an audition tells: the figures of each market as plain data, the verdict, and both in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quorate import statistics
from quorate.evidence.evidence import Performance
from quorate.evidence.marginal import ALIKE, BOUND, SIZE, Marginal, overall
from quorate.evidence.result import finite_or_none


def told_of(found: Marginal, loss: str) -> dict[str, Any]:
    """Return the figures of forecasts as plain data."""
    alike = {other: finite_or_none(value) for other, value in found.alike.items()}
    closest, value = found.closest
    return {
        "loss": {
            "name": loss,
            "with": found.joined,
            "without": found.without,
            "member": found.alone,
            "change": finite_or_none(found.change),
            "low": finite_or_none(found.low),
            "high": finite_or_none(found.high),
            "confidence": 1 - found.size,
            "p_better": finite_or_none(found.p_better),
            "p_worse": finite_or_none(found.p_worse),
            "p_knows": finite_or_none(found.p_knows),
            "bars": found.n,
            "more": found.more,
        },
        "set": {
            **dict(zip(("with", "without", "member"), found.in_set, strict=True)),
            "others": dict(found.others_in_set),
        },
        "alike": {
            "ensemble": alike.pop(""),
            "members": alike,
            "closest": closest or "ensemble",
            "correlation": finite_or_none(value),
        },
    }


def trading_of(judged: Sequence[Performance], found: Marginal) -> dict[str, Any]:
    """Return what both ensembles earn, and how much dearer each trade may be before the gain is gone."""
    joined, less, member = judged
    year = joined.bars_per_year
    gain = float((joined.returns - less.returns).mean()) * year
    pays = gain / joined.turnover * 1e4 if joined.turnover > 0 else None
    sharpes = [statistics.sharpe(one.returns, year) for one in judged]
    return {
        "sharpe": dict(zip(("with", "without", "member"), map(finite_or_none, sharpes), strict=True)),
        "turnover": {"with": joined.turnover, "without": less.turnover, "member": member.turnover},
        "gain": gain,
        "break_even_bp": pays,
        "p_poorer": finite_or_none(found.p_poorer),
    }


def concluded(name: str, params: Mapping[str, Any], markets: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the document: what follows from the markets, in words and figures."""
    given = [one for one in markets if one["kind"] == "recipe"] or [m for m in markets if m["kind"] == "planted"]
    noise = next((one for one in markets if one["kind"] == "noise"), None)
    verdict = overall([one["verdict"] for one in given], noise is not None and noise["verdict"] == "HARMFUL")
    deciding = [one for one in (*given, noise) if one and one["verdict"] == verdict]
    said = "; ".join(f"on {one['recipe']} {one['reason']}" for one in deciding)
    return {
        "schema_version": 1,
        "plugin": name,
        "params": dict(params),
        "verdict": verdict,
        "sentences": [f"{verdict}: {said}.", *_remarks(name, markets)],
        "rules": {"size": SIZE, "bound": BOUND, "alike": ALIKE},
        "markets": markets,
    }


def _remarks(name: str, markets: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what else is to be known."""
    kinds = {one["kind"]: one for one in markets}
    told = []
    if "recipe" not in kinds:
        told.append("That is of a simulated market alone: name a recipe of yours to see what it adds there.")
    if "noise" not in kinds:
        told.append("It was not tried on noise, so nothing says whether it loses where there is nothing to know.")
    elif kinds["noise"]["verdict"] != "HARMFUL":
        told.append("On noise it does no harm beyond chance.")
    if "recipe" in kinds and "planted" in kinds and kinds["planted"]["verdict"] == "HARMFUL":
        told.append(f"On {kinds['planted']['recipe']}, where the signal is known, {kinds['planted']['reason']}.")
    if "recipe" in kinds:
        new = sum(one["ledger"]["new"] for one in markets if one["ledger"])
        was = f"{new} series {'is' if new == 1 else 'are'} new to" if new else "nothing is new to"
        told.append(f"Holdouts stay closed; {was} the ledger of what was tried, where every look counts.")
    return told

"""What became of a run, in a paragraph of plain words: what it earned, why that does not suffice, what to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from quorate.errors import plural
from quorate.report.figures import figure
from quorate.report.report import Report
from quorate.report.sections.gates import binding, lost_money, remarks, worst_first

MOST = 3  # reasons that are given; the table has them all
LUCK = ("psr", "alpha", "selection", "spa", "stepm")  # gates that ask whether chance would do as well


def paragraph(report: Report) -> str:
    """Return what it earned, what is wrong, most basic first, what was decided, and by what it was judged."""
    part = _told_of(report)
    wrong = failings(part)
    told = [earned(part), *([f"{'; '.join(wrong)[:1].upper()}{'; '.join(wrong)[1:]}."] if wrong else [])]
    return " ".join([*told, decision(report)])


def _told_of(report: Report) -> Mapping[str, Any]:
    """Return the part that decided: the holdout, where the walk-forward had passed."""
    development, holdout = report.results["development"], report.results["holdout"]
    return holdout if holdout and development["verdict"] == "PASS" else development  # type: ignore[no-any-return]


def earned(part: Mapping[str, Any]) -> str:
    """Return what the judged series earned after costs, against buying and holding."""
    span = part["span"]
    own, held = part["series"][0]["metrics"], _held(part)
    years = (dt.date.fromisoformat(span["last"][:10]) - dt.date.fromisoformat(span["first"][:10])).days / 365.25
    over = f"{years:.1f} years" if years >= 1 else plural(span["bars"], "bar")
    told = f"Over {over}, after costs, it {_gained(own)}"
    if held:
        told += f", where buying and holding {_gained(held)}"
    sharpe = f"a Sharpe ratio of {figure(own.get('sharpe'), 'ratio')}"
    fall = f"a deepest fall of {figure(_size(own.get('max-drawdown')), 'fraction')}"
    if held:
        sharpe += f" against {figure(held.get('sharpe'), 'ratio')}"
        fall += f" against {figure(_size(held.get('max-drawdown')), 'fraction')}"
    return f"{told}: {sharpe}, {fall}."


def _gained(metrics: Mapping[str, Any]) -> str:
    total, yearly = metrics.get("total-return"), metrics.get("cagr")
    if total is None:
        return "came to nothing that can be measured"
    text = f"{'lost' if total < 0 else 'gained'} {figure(abs(total), 'fraction')}"
    return text if yearly is None else f"{text} ({figure(abs(yearly), 'fraction')} a year)"


def _size(value: float | None) -> float | None:
    return None if value is None else abs(value)


def _held(part: Mapping[str, Any]) -> Mapping[str, Any]:
    found = [one["metrics"] for one in part["series"] if one["role"] == "benchmark"]
    return found[0] if found else {}


def failings(part: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with what was earned, the most basic first; empty, where nothing is."""
    own, held = part["series"][0]["metrics"], _held(part)
    total, other = own.get("total-return"), held.get("total-return")
    gates = {gate["gate"]: gate for gate in part["gates"]}
    told = []
    if total is not None and total < 0:
        told.append("it lost money" + (", and costs are what it lost by" if _eaten(gates.get("cost-stress")) else ""))
    if total is not None and other is not None and 0 <= total < other:
        told.append("buying and holding would have earned more")
    luck = [name for name in LUCK if gates.get(name, {}).get("verdict") == "FAIL"]
    if luck and total is not None and total >= 0:
        told.append(f"what it earned cannot be told from luck ({', '.join(luck)})")
    if total is not None and total >= 0 and gates.get("cost-stress", {}).get("verdict") == "FAIL":
        told.append("little of it would be left if trading cost more")
    return told


def _eaten(gate: Mapping[str, Any] | None) -> bool:
    """Say whether a loss would have been a gain without costs: each further multiple of them takes as much."""
    inputs = (gate or {}).get("inputs") or {}
    told = inputs.get("own") or inputs.get("returns")  # of a holdout the latter are those of the walk-forward, too
    if gate is None or not told:
        return False
    once, twice = told[0]["mean"], told[1]["mean"]
    return bool(once < 0 < once + (once - twice) / (gate["inputs"]["factor"] - 1))


def decision(report: Report) -> str:
    """Return what was decided and why, from the worst reason on; then by what it was judged, and what to mind."""
    part = _told_of(report)
    counting = [gate for gate in part["gates"] if gate.get("required", True)]
    missed = [gate for gate in counting if gate["verdict"] != "PASS"]
    where = "holdout" if part is report.results["holdout"] else "walk-forward"
    lost = lost_money(part)
    decided = _missed(missed, counting, where, lost) if missed else _passed(report, len(counting))
    told = [decided, *judged_by(report.provenance.get("gates", {})), *_seen(report)]
    warned = [f"{gate['gate']}: {remarks(gate, lost)}" for gate in part["gates"] if gate.get("warning")]
    if warned and not missed:
        told.append(f"To mind: {'; '.join(warned[:MOST])}.")
    return " ".join(told)


def _missed(missed: Sequence[Mapping[str, Any]], counting: Sequence[Mapping[str, Any]], where: str, lost: bool) -> str:
    open_questions = all(gate["verdict"] == "INSUFFICIENT" for gate in missed)
    lead = "Not promoted, too little is known" if open_questions else "Not promoted"
    passed = f"{len(counting) - len(missed)} of {plural(len(counting), 'gate')}"
    return f"{lead}: {reasons(missed, lost)}. The {where} passed {passed}."


def _passed(report: Report, n: int) -> str:
    development, holdout = report.results["development"], report.results["holdout"]
    if holdout:
        return f"Promoted: walk-forward and holdout passed every gate, {_count(development, holdout)} in all."
    every = f"all {n} gates" if n > 1 else "its only gate"
    if report.provenance["holdout"]["start"] is None:
        return f"Not promoted: the walk-forward passed {every}, but no holdout confirms it."
    return f"Not promoted yet: the walk-forward passed {every}, and the holdout is closed."


def next_step(report: Report) -> str:
    """Return what to do now, with the command that does it."""
    run, holdout = report.run_id, report.results["holdout"]
    if report.verdict == "PASS":
        if holdout:
            return f"quorate predict {run} says what it would hold from the next bar on."
        if report.provenance["holdout"]["start"] is None:
            return "hold the last bars back, and run again: --set holdout.fraction=0.2."
        return f"quorate promote {run} judges it on the holdout, which can be unseen but once."
    if report.verdict == "INSUFFICIENT":
        return f"more bars, more symbols or more trades; quorate report {run} --section gates says how many."
    if holdout and report.results["development"]["verdict"] == "PASS":
        return "what passed on the past did not hold on the bars after it: other data, or another idea."
    return (
        f"quorate explain {run} says what its forecasts rest on; quorate compare {run} latest puts a changed recipe "
        "beside it. Each further try on these bars counts."
    )


def judged_by(gates: Mapping[str, Any]) -> list[str]:
    """Return how the recipe's gates differ from the preset ``standard``, in sentences; see `departures`."""
    without, told = gates.get("without", ()), []
    if without and gates["preset"] == "headline":
        are = "is" if len(without) == 1 else "are"
        told.append(f"Judged by the preset headline: {plural(len(without), 'gate')} of standard {are} left out.")
    elif without:
        told.append(f"Judged without {_listed(without)}.")
    changed = [
        f"{gate} ({', '.join(f'{name} {value}' for name, value in options.items())})"
        for gate, options in gates.get("changed", {}).items()
    ]
    return [*told, f"Judged with other options: {_listed(changed)}."] if changed else told


def _seen(report: Report) -> list[str]:
    """Return which look at the holdout this was, what it cost, and what the next one will; or that none costs any."""
    holdout, part = report.provenance["holdout"], report.results["holdout"]
    looks = holdout.get("recipes_that_opened_it", 0)
    gates: Sequence[Mapping[str, Any]] = (part or {}).get("gates", ())
    psr = next((gate for gate in gates if gate["gate"] == "psr" and "next" in gate["inputs"]), None)
    if holdout.get("opened") and psr is not None:
        own, following = 1 - psr["threshold"], psr["inputs"]["next"]
        return [
            f"It is the {_ordinal(looks)} recipe that was judged on this holdout, by a level of {own:.2%}; "
            f"the next one will have {following:.2%}."
        ]
    told = []
    if holdout.get("opened") and looks > 1:
        told.append(f"This is the {_ordinal(looks)} recipe that was judged on this holdout: it is no longer unseen.")
    if "psr" in report.provenance.get("gates", {}).get("without", ()) and holdout["start"] is not None:
        told.append("Without psr no gate charges for looks at the holdout: of many recipes one passes by chance.")
    return told


def _ordinal(n: int) -> str:
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def reasons(missed: Sequence[Mapping[str, Any]], lost: bool = False) -> str:
    """Return why gates were not passed: integrity first, what a gate says in words before mere figures."""
    ordered = sorted(worst_first(missed), key=lambda gate: (gate["tier"] != "A", _plain(gate)))
    told = [_reason(gate, lost) for gate in ordered[:MOST]]
    more = len(ordered) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more > 0 else "")


def _reason(gate: Mapping[str, Any], lost: bool) -> str:
    if gate["value"] is None or not _plain(gate):
        return f"{gate['gate']}: {remarks(gate, lost) or gate['reason']}"
    value, condition, bound = binding(gate)
    return f"{gate['gate']} is {figure(value, gate['unit'])} and must be {condition} {figure(bound, gate['unit'])}"


def _plain(gate: Mapping[str, Any]) -> bool:
    """Whether the gate says no more than that a figure missed its bound."""
    return gate["reason"] in ("", f"must be {gate['condition']} {gate['threshold']:g}")


def _count(*parts: Mapping[str, Any]) -> int:
    return sum(gate.get("required", True) for part in parts for gate in part["gates"])

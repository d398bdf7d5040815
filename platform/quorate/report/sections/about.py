"""What a run was: its verdict in words, its data, what it took, and how to have it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quorate.errors import plural
from quorate.report.covariates import covariate_text, reference_text
from quorate.report.figures import figure
from quorate.report.rates import rate_text
from quorate.report.report import PARTS, Report
from quorate.report.sections.gates import missed, said_of
from quorate.report.sections.model import Block, Facts, Section, Text
from quorate.report.sections.trading import costs_text, rules_text
from quorate.report.sections.words import next_step, paragraph

NAMED = 4  # symbols


def verdict(report: Report, part: str = "") -> Section:
    """Return what became of it, in words, and which gates were not passed."""
    recipe = report.provenance["recipe"]
    blocks: list[Block] = [Text(paragraph(report)), Text(f"Next: {next_step(report)}")]
    if found := report.override:
        told = f"overridden {found['time'][:10]}, used in spite of {found['verdict']}: {found['reason']}"
        blocks.append(Text(told, "warn"))
    blocks += [Text(f"warning: {text}", "warn") for text in warnings(report)]
    for name in PARTS:
        if report.results[name]:
            standing = report.results[name]["verdict"]
            blocks += [Text(f"{said_of(name).upper()} {standing}", "strong"), *missed(report, name)]
    title = f"{recipe['name']}: {report.verdict}"
    return Section("verdict", title, recipe.get("description", "") or "What became of this run.", blocks)


def warnings(report: Report) -> list[str]:
    """Return what was doubted, once each: of both parts, and of the fits."""
    told = [text for name in PARTS if report.results[name] for text in report.results[name]["warnings"]]
    noted = [f"{note} ({plural(n, 'fit')})" for note, n in report.telemetry.get("fit_warnings", {}).items()]
    return list(dict.fromkeys([*told, *noted]))


def data(report: Report, part: str = "") -> Section:
    """Return what it was tried on, and under which terms."""
    told, holdout = report.provenance["data"], report.provenance["holdout"]
    recipe = report.provenance["recipe"]
    more = f" and {len(told['symbols']) - NAMED} more" if len(told["symbols"]) > NAMED else ""
    bars = f"{told['bars']:,} x {told['frequency']}, {told['first']}..{told['last']}, {told['fingerprint'][:8]}"
    fill = f"filled at the next bar's {recipe['backtest']['fill']}{rules_text(recipe['backtest'])}"
    fill += f"; {told['bars_per_year']:g} bars a year"
    rows = [
        ("run", report.run_id),
        ("data", f"{', '.join(told['symbols'][:NAMED])}{more}: {bars}"),
        *_ended(told, recipe["data"]),
        *((f"covariate {one['name']}", covariate_text(one)) for one in told.get("covariates", ())),
        *((one["table"], reference_text(one)) for one in told.get("references", ())),
        ("market", _market(told["market"])),
        ("holdout", _holdout(holdout)),
        ("costs", f"{costs_text(recipe['costs'])}, {fill}"),
        *([("cash", f"earns {rate_text(cash)}")] if (cash := recipe["data"].get("cash")) is not None else ()),
    ]
    rows += [(said_of(name), _judged(found)) for name in PARTS if (found := report.results[name])]
    return Section("data", "Data", "What it was tried on, and under which terms.", [Facts(rows)])


def _ended(told: Mapping[str, Any], given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is said of symbols that end, if some do."""
    if not (count := told.get("ended")):
        return []
    less = f" less {given['haircut']:.0%}" if given.get("haircut") else ""
    paid = f"where no delisting is told, they are paid out 60 sessions later at the last close{less}"
    return [("ended", f"{count:,} of {plural(len(told['symbols']), 'symbol')} before the bars do; {paid}")]


def _judged(part: Mapping[str, Any]) -> str:
    span, judged, counts = part["span"], part["series"][0], part["rows"]
    told = [plural(span["bars"], "bar"), plural(len(part["folds"]), "fold"), plural(counts["features"], "feature")]
    texts = counts.get("categories", 0)
    if bars := counts.get("label_bars"):
        told.append(f"labels known after {bars['usual']:g} bars, at most {bars['most']:g}")
    told += ["1 category" if texts == 1 else f"{texts} categories"] * (texts > 0)
    return f"{judged['name']} ensemble, {judged['strategy']}, {span['first']}..{span['last']} ({', '.join(told)})"


def _market(m: Mapping[str, Any]) -> str:
    return (
        f"close to close, gross, {m['first']}..{m['last']}: Sharpe {figure(m['sharpe'], 'ratio')}, "
        f"max DD {figure(m['max-drawdown'], 'fraction')}, CAGR {figure(m['cagr'], 'fraction')}"
    )


def _holdout(holdout: Mapping[str, Any]) -> str:
    if holdout["start"] is None and not holdout.get("opened"):
        return "none"
    if not holdout.get("opened"):
        return f"closed, from {holdout['start']}"
    count = plural(holdout["recipes_that_opened_it"], "recipe")
    return f"opened {holdout['opened'][:10]}, from {holdout['start']}; {count} opened it on this data"


def audit(report: Report, part: str) -> Section:
    """Return what was looked at to see that nothing knows its future."""
    gates = {gate["gate"]: gate for gate in report.results[part]["gates"]}
    looked = [gates[name] for name in ("integrity", "null-market") if name in gates]
    rows = [(gate["gate"], f"{gate['verdict']}: {gate['sample'] or gate['reason']}") for gate in looked]
    if trials := report.results[part].get("trials"):
        worth = f"{trials['effective']:.3g}"
        rows.append(("tried", f"{trials['n']:,} series on these bars, worth {worth} independent ones"))
    ledger = report.provenance.get("ledger") or {}
    if "seq" in ledger:
        rows.append(("ledger", f"entry {ledger['seq']:,}, {ledger['hash'][:12]}; it began {ledger['began']}"))
    sentence = f"What was done on the {said_of(part)} to find numbers that know their future, and how much was tried."
    return Section("audit", "Audit and ledger", sentence, [Facts(rows)] if rows else [], part)


def timings(report: Report, part: str = "") -> Section:
    """Return how long it took, and where."""
    told = report.telemetry
    use = told.get("stage_use", {})
    stages = [(name, _stage_text(seconds, use.get(name))) for name, seconds in told["stages"].items()
              if seconds >= 0.05]  # fmt: skip
    memory = f"{told['peak_memory_mib']:.0f} MiB"
    if told.get("total_memory_mib"):
        memory = f"{told['total_memory_mib']:.0f} MiB, {told['cpu_seconds']:.1f} CPU s; without workers {memory}"
    rows = [("in all", f"{told['seconds']:.1f} s, peak {memory}"), ("fits", fits_text(told)), *stages]
    return Section("timings", "Timings", "How long it took, and where.", [Facts(rows)])


def _stage_text(seconds: float, use: Mapping[str, float] | None) -> str:
    if use is None:
        return f"{seconds:.1f} s"
    return f"{seconds:.1f} s, {use['cpu_seconds']:.1f} CPU s, {use['total_memory_mib']:.0f} MiB"


def fits_text(telemetry: Mapping[str, Any]) -> str:
    """Return how many fits there were, and what they took."""
    cpu = sum(telemetry["fit_cpu_seconds"].values())
    place = f"{cpu:.1f} CPU s on {telemetry['executor']} ({plural(telemetry['workers'], 'worker')})"
    done = "all kept from before" if 0 < telemetry["fits"] == telemetry["cached"] else place
    kept = telemetry.get("models_kept")
    models = f"; {plural(kept['models'], 'fitted model')} kept, {kept['bytes'] / 1e6:.1f} MB" if kept else ""
    return f"{plural(telemetry['fits'], 'fit')}, {done}{models}"


def provenance(report: Report, part: str = "") -> Section:
    """Return what makes the same numbers again."""
    told = report.provenance
    libraries = ", ".join(f"{name} {version}" for name, version in told["libraries"].items())
    rows = [
        ("results", report.digest),
        ("recipe", told["recipe_digest"]),
        ("data", told["data"]["fingerprint"]),
        ("created", told["created"]),
        ("libraries", libraries),
        ("machine", ", ".join(str(value) for value in told["machine"].values())),
        ("again", f"quorate reproduce {report.run_id}"),
    ]
    return Section("provenance", "Provenance", "What makes the same numbers again, bit for bit.", [Facts(rows)])

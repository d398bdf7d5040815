"""Several registered ensembles as one: sentences, what each adds, how they move together, and what to hold next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quorate.errors import plural
from quorate.report import console
from quorate.report.figures import figure
from quorate.report.sections.model import Block, Cell, Column, Section, Table, Text
from quorate.report.terminal import show

PARTS = ("walk-forward", "holdout")


def sentences(document: Mapping[str, Any]) -> list[str]:
    """Return what the ensembles are together, in plain words."""
    members, known = document["members"], document["registered"]
    found = [f"{_together(document)}: in the {_figures('walk-forward', document)}."]
    if document["parts"]["holdout"]:
        found.append(f"In the {_figures('holdout', document)}.")
    sets = "the only such set" if known["sets"] == 1 else f"one of {known['sets']:,} such sets"
    found.append(
        f"{len(members)} of {plural(known['versions'], 'registered version')}, {sets}: a choice by these figures is "
        "one more trial, which no figure here counts."
    )
    return found


def _together(document: Mapping[str, Any]) -> str:
    budget, scale = document["risk_budget"], document["scale"]
    told = f"{plural(len(document['members']), 'ensemble')} as one, weights {document['weights']}"
    if budget is None:
        return told
    return f"{told}, at most {figure(budget, 'fraction')} of volatility a year (scale {figure(scale, 'ratio')})"


def _figures(name: str, document: Mapping[str, Any]) -> str:
    part = document["parts"][name]
    lacking = "" if part["evidence"] == "SUFFICIENT" else f", {part['evidence']}"
    return (
        f"{name} Sharpe {_with_interval(part, 'ratio', 'sharpe', 'sharpe_low', 'sharpe_high')} on "
        f"{plural(part['returns'], 'joint return')}{lacking}"
    )


def _with_interval(row: Mapping[str, Any], unit: str, name: str, low: str, high: str) -> str:
    if row[low] is None:
        return figure(row[name], unit)
    return f"{figure(row[name], unit)} ({figure(row[low], unit)} to {figure(row[high], unit)})"


def sections(document: Mapping[str, Any]) -> list[Section]:
    """Return what a portfolio says; `document` is that of a `quorate.Portfolio`."""
    first, *more = sentences(document)
    blocks: list[Block] = [Text(first, "strong"), *map(Text, more)]
    blocks += [Text(told, "warn") for told in document["warnings"]]
    blocks.append(_shares(document))
    found = [Section("portfolio", "Portfolio", "", blocks)]
    found += [_part(name, document["parts"][name], document) for name in PARTS if document["parts"][name]]
    if document["next"]:
        found.append(_next(document["next"]))
    return found


def render(document: Mapping[str, Any]) -> None:
    """Print a portfolio."""
    target = console.out()
    for section in sections(document):
        show(section, target)


def _shares(document: Mapping[str, Any]) -> Table:
    columns = [
        Column("version", "left"),
        Column("share"),
        Column("stage", "left", keep=1),
        Column("verdict", "left", keep=2),
        Column("trials", keep=3),
        Column("looks", keep=3),
        Column("run", "left", keep=3),
    ]
    rows = [
        [
            Cell(one["label"]),
            _cell(document["shares"][one["label"]] * document["scale"], "fraction"),
            Cell(one["stage"]),
            Cell(f"{one['verdict']}, overridden" if one["override"] else one["verdict"]),
            _cell(one["trials"], "count"),
            _cell(one["looks"], "count"),
            Cell(one["run"]),
        ]
        for one in document["members"]
    ]
    return Table(columns, [rows])


def _part(name: str, part: Mapping[str, Any], document: Mapping[str, Any]) -> Section:
    columns = [
        Column("", "left"),
        Column("Sharpe"),
        Column("volatility"),
        Column("drawdown"),
        Column("share", keep=1),
        Column("risk", keep=1),
        Column("return", keep=2),
        Column("90 % CI", keep=2),
    ]
    whole = {**part, "share": document["scale"] if name == "holdout" else part["scale"], "risk": 1.0}
    groups = [[_row("together", whole)], [_row(one["label"], one) for one in part["members"]]]
    blocks: list[Block] = [Table(columns, groups)]
    deep, shallow = figure(part["drawdown_deep"], "fraction"), figure(part["drawdown_shallow"], "fraction")
    if part["drawdown_deep"] is not None:
        blocks.append(Text(f"resampled histories fall by {shallow} to {deep}, 90 % of them"))
    if fall := part["deepest"]:
        own = ", ".join(f"{label} {figure(value, 'fraction')}" for label, value in fall["members"].items())
        blocks.append(Text(f"the deepest fall, {fall['peak'][:10]} to {fall['trough'][:10]}: {own}"))
    if pairs := part["correlation"]["pairs"]:
        blocks.append(_pairs(pairs, part))
    chosen = "by the returns before each close" if name == "walk-forward" else "by the walk-forward"
    if document["chosen_on"]["first"]:
        after = f", after {part['warm_up']:,} returns" if part["warm_up"] else ""
        blocks.append(Text(f"shares and scale: chosen {chosen}{after}", "faint"))
    told = f"{part['first'][:10]}..{part['last'][:10]}, {plural(part['returns'], 'joint return')}."
    return Section(name, name.capitalize(), told, blocks)


def _row(label: str, row: Mapping[str, Any]) -> list[Cell]:
    interval = "" if row["sharpe_low"] is None else f"{row['sharpe_low']:.2f} to {row['sharpe_high']:.2f}"
    return [
        Cell(label),
        _cell(row["sharpe"], "ratio"),
        _cell(row["volatility"], "fraction"),
        _cell(row["max_drawdown"], "fraction"),
        _cell(row["share"], "fraction"),
        _cell(row["risk"], "fraction"),
        _cell(row["total_return"], "fraction"),
        Cell(interval),
    ]


def _pairs(pairs: list[Mapping[str, Any]], part: Mapping[str, Any]) -> Table:
    columns = [Column("pair", "left"), Column("correlation"), Column("90 % CI", keep=1)]
    rows = [
        [
            Cell(f"{one['a']}, {one['b']}"),
            _cell(one["correlation"], "ratio"),
            Cell("" if one["low"] is None else f"{one['low']:.2f} to {one['high']:.2f}"),
        ]
        for one in pairs
    ]
    return Table(columns, [rows], f"diversification ratio {figure(part['diversification_ratio'], 'ratio')}")


def _next(found: Mapping[str, Any]) -> Section:
    decided = ", ".join(
        f"{label} at {when[:16].replace('T', ' ')}, {found['fill'][label]}" for label, when in found["decided"].items()
    )
    columns = [Column("symbol", "left"), Column("weight"), Column("from", "left", keep=1)]
    rows = [
        [
            Cell(one["symbol"]),
            Cell(f"{one['weight']:+.4f}", one["weight"]),
            Cell(", ".join(f"{label} {weight:+.4f}" for label, weight in one["from"].items())),
        ]
        for one in found["targets"]
    ]
    told = f"gross {found['gross']:.1%}, net {found['net']:.1%}; {found['gross_apart']:.1%} before netting"
    blocks: list[Block] = [Table(columns, [rows]), Text(told), *(Text(one, "warn") for one in found["warnings"])]
    return Section("next", "Next bar", f"Decided: {decided}.", blocks)


def _cell(value: float | None, unit: str) -> Cell:
    return Cell(figure(value, unit), value)

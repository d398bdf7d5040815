"""What a part comes to on the symbols that are held out of all that is learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quorate.errors import plural
from quorate.report.figures import figure, signed
from quorate.report.report import Report
from quorate.report.sections.gates import COUNTED, said_of, word, worst_first
from quorate.report.sections.model import Block, Cell, Column, Section, Table, Text
from quorate.report.sections.series import each, traded

NAMED = 5  # symbols that a sentence names


def unseen(report: Report, part: str) -> Section | None:
    """Return what models and decisions came to on symbols that are held out; None where none is."""
    found = report.results[part].get("unseen")
    if not found:
        return None
    names = found["symbols_held_out"]
    told = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED:,} more" if len(names) > NAMED else "")
    if not found["predicted"]:
        sentence = f"No row of a symbol that is held out could be predicted on the {said_of(part)}: {told}."
        return Section("unseen", "Unseen symbols", sentence, (), part)
    judged = found["series"][0]
    sentence = (
        f"What {judged['name']}, {judged['strategy']} earned on the {said_of(part)} with "
        f"{plural(len(names), 'symbol')} that nothing was learnt from, neither models, weights nor thresholds: {told}."
    )
    blocks: list[Block] = [traded(found), Text(_gap(found["gap"])), Text(_evidence(found)), Text(_gates(found))]
    for one in found["alike"]:
        like = f"{one['symbol']} moves as {one['as']}, which models learn from (correlation {one['correlation']:.3f})"
        blocks.append(Text(f"{like}: it is hardly unseen."))
    blocks += [Text(f"{one[:1].upper()}{one[1:]}.", "warn") for one in found.get("warnings", ())]
    blocks += [Text(_along(one)) for one in found.get("paths", ())]
    blocks += _distribution(found, report.results[part], report.provenance["recipe"]["labels"]["horizon"])
    return Section("unseen", "Unseen symbols", sentence, [*blocks, *each(found["symbols"])], part)


def _along(paths: Mapping[str, Any]) -> str:
    """Return what combinatorial paths came to on both."""
    what = f"Combinatorial paths, {paths['tests']} of {paths['groups']} groups at a time"
    if paths["reason"]:
        return f"{what}: none, {paths['reason']}."
    told = [
        f"Sharpe p5 {figure(one['sharpe-p5'], 'ratio')}, median {figure(one['sharpe-median'], 'ratio')}, "
        f"{figure(one['gain'], 'fraction')} gain"
        for one in (paths["unseen"], paths["seen"])
    ]
    return f"{what}, {plural(paths['n'], 'path')}: {told[0]}; on the symbols that were learnt from {told[1]}."


def _distribution(found: Mapping[str, Any], others: Mapping[str, Any], traded: int) -> list[Block]:
    """Return how quantiles and intervals held on these symbols, each beside how it did on the others."""
    blocks: list[Block] = []
    for name, title, keys, figures in (
        ("intervals", "intervals", ("nominal",), (("coverage", "fraction"), ("width", "fine"))),
        ("quantiles", "quantiles", ("level",), (("below", "fraction"), ("pinball", "loss"))),
    ):
        rows, seen = (
            {(row["series"], *(row[key] for key in keys)): row for row in some.get(name, ()) if _is_whole(row, traded)}
            for some in (found, others)
        )
        if rows:
            blocks.append(_beside(rows, seen, title, figures))
    return blocks


def _is_whole(row: Mapping[str, Any], traded: int) -> bool:
    return row["step"] == traded and row["fold"] is None


def _beside(
    rows: Mapping[tuple[Any, ...], Any],
    seen: Mapping[tuple[Any, ...], Any],
    title: str,
    figures: Sequence[tuple[str, str]],
) -> Table:
    """Return rows of figures, each beside that of the same row of the others."""
    names = {"nominal": "interval", "level": "quantile", "below": "labels below"}
    which = "nominal" if title == "intervals" else "level"
    columns = [Column("series", "left"), Column(names[which])]
    columns += [Column(heading) for key, _ in figures for heading in (names.get(key, key), "others")]
    groups: dict[str, list[list[Cell]]] = {}
    for key, row in rows.items():
        label = figure(row[which], "fraction") if which == "nominal" else f"{row[which]:g}"
        cells = [Cell(row["series"]), Cell(label, row[which])]
        for name, unit in figures:
            cells += [Cell(figure(one.get(name), unit), one.get(name)) for one in (row, seen.get(key, {}))]
        groups.setdefault(row["series"], []).append(cells)
    return Table(columns, list(groups.values()), title)


def _gap(gap: Mapping[str, Any]) -> str:
    """Return how far the unseen symbols stay behind the others."""
    whole, alone, right = gap["sharpe"], gap["symbol-sharpe"], gap["accuracy"]
    interval = "" if whole["low"] is None else (
        f", {whole['confidence']:.0%} CI {signed(whole['low'], 'ratio')} to {signed(whole['high'], 'ratio')}"
    )  # fmt: skip
    parts = [
        f"Sharpe {figure(whole['unseen'], 'ratio')}, {figure(whole['seen'], 'ratio')} on the symbols that were learnt "
        f"from: difference {signed(whole['difference'], 'ratio')}{interval}"
    ]
    if alone["unseen"] is not None and alone["seen"] is not None:
        parts.append(
            f"mean Sharpe of a symbol by itself, which how many there are does not change: "
            f"{figure(alone['unseen'], 'ratio')} and {figure(alone['seen'], 'ratio')}"
        )
    parts.append(f"right directions {figure(right['unseen'], 'fraction')} and {figure(right['seen'], 'fraction')}")
    return f"{'; '.join(parts)}."


def _evidence(found: Mapping[str, Any]) -> str:
    """Return on how much this rests."""
    count = len(found["symbols_held_out"])
    return (
        "The dates are those of the other symbols, so that this is no further history: it says whether what was "
        "learnt holds for symbols of this market at large. By how they move together, "
        f"{plural(count, 'symbol')} count as {figure(found['independent'], 'ratio')} independent ones."
    )


def _gates(found: Mapping[str, Any]) -> str:
    """Return what gates say of these symbols."""
    by_word: dict[str, list[str]] = {}
    for gate in worst_first(found["gates"]):
        by_word.setdefault(word(gate), []).append(gate["gate"])
    told = [
        f"{len(names)} {COUNTED[verdict]}" + ("" if verdict == "PASS" else f" ({', '.join(names)})")
        for verdict, names in by_word.items()
    ]
    return (
        f"Gates on them: {found['verdict']}; {', '.join(told)}. The verdict "
        "of the run does not rest on these, unless the recipe has the gate unseen-symbols."
    )

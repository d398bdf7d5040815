"""What a part comes to on the symbols that are held out of all that is learnt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quorate.errors import plural
from quorate.report.figures import figure, signed
from quorate.report.report import Report
from quorate.report.sections.gates import COUNTED, said_of, word, worst_first
from quorate.report.sections.model import Block, Section, Text
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
    return Section("unseen", "Unseen symbols", sentence, [*blocks, *each(found["symbols"] or ())], part)


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
        f"Gates on them, but for those that ask for further fits: {found['verdict']}; {', '.join(told)}. The verdict "
        "of the run does not rest on these, unless the recipe has the gate unseen-symbols."
    )

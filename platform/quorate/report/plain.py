"""The report in whole lines, for screen readers: no drawing, no column, no colour; each number with its name."""

from __future__ import annotations

import math
from collections.abc import Sequence

from quorate.errors import visible
from quorate.report.figures import figure
from quorate.report.sections.gates import said_of
from quorate.report.sections.model import Block, Facts, Heat, Lines, Points, Section, Spans, Table, Text


def text_of(sections: Sequence[Section]) -> str:
    """Return sections as text, an item per line."""
    return "\n\n".join("\n".join(map(visible, _section(section))) for section in sections) + "\n"


def _section(section: Section) -> list[str]:
    part = f", {said_of(section.part)}" if section.part else ""
    return [f"{section.title}{part}.", section.sentence, *(line for b in section.blocks for line in lines_of(b))]


def lines_of(block: Block) -> list[str]:
    """Return what a block says, line by line."""
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Heat):
        return [
            f"{block.title}, {name}: "
            + ", ".join(
                f"{column}: {block.said(value)}"
                for column, value in zip(block.columns, values, strict=True)
                if math.isfinite(value) or not block.sums
            )
            for name, values in zip(block.rows, block.values, strict=True)
        ]
    if isinstance(block, Lines):
        return _curves(block)
    if isinstance(block, Facts):
        return [f"{name}: {told}" for name, told in block.rows]
    if isinstance(block, Text):
        return [block.text]
    assert isinstance(block, Points | Spans)  # what they draw is told in a table beside them
    return []


def _table(block: Table) -> list[str]:
    heads = [column.heading for column in block.columns]
    told = [
        f"{heads[0]} {row[0].text}: "
        + ", ".join(f"{head} {cell.text}" for head, cell in zip(heads[1:], row[1:], strict=True) if cell.text)
        for rows in block.groups
        for row in rows
    ]
    return [f"{block.title}:", *told] if block.title else told


def _curves(block: Lines) -> list[str]:
    told = []
    for name, values in block.values.items():
        known = [(value, place) for place, value in enumerate(values) if math.isfinite(value)]
        if known:
            points = known[0], known[-1], min(known), max(known)
            at = "at" if block.across else "on"
            said = [f"{figure(value, block.unit)} {at} {block.said(place)}" for value, place in points]
            told.append(f"{block.title}, {name}: first {said[0]}, last {said[1]}, lowest {said[2]}, highest {said[3]}")
    return told

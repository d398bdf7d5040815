"""The report as Markdown, as GitHub and others show it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from quorate.errors import visible
from quorate.report.figures import figure
from quorate.report.sections.gates import said_of
from quorate.report.sections.model import Block, Facts, Heat, Lines, Points, Section, Spans, Table


def page(title: str, sections: Sequence[Section]) -> str:
    """Return sections as one text; of curves where they end, and between what they lie."""
    parts = [f"# {_text(title)}"]
    for section in sections:
        part = f" ({said_of(section.part)})" if section.part else ""
        parts += [f"## {_text(section.title)}{part}", _text(section.sentence)]
        parts += [_block(block) for block in section.blocks]
    return "\n\n".join(part for part in parts if part) + "\n"


def _block(block: Block) -> str:
    if isinstance(block, Table):
        heads = [column.heading for column in block.columns]
        sides = [column.align for column in block.columns]
        rows = [[cell.text for cell in row] for group in block.groups for row in group]
        told = _table(heads, sides, rows)
        return f"{_text(block.title)}:\n\n{told}" if block.title else told
    if isinstance(block, Heat):
        rows = [[name, *map(block.said, values)] for name, values in zip(block.rows, block.values, strict=True)]
        return _table([block.title, *block.columns], ["left", *["right"] * len(block.columns)], rows)
    if isinstance(block, Lines):
        return _lines(block)
    if isinstance(block, Facts):
        return "\n".join(f"- **{_text(name)}**: {_text(told)}" for name, told in block.rows)
    if isinstance(block, Points | Spans):
        return ""  # drawings; their numbers stand in a table beside them
    return f"**{_text(block.text)}**" if block.tone == "strong" else _text(block.text)


def _lines(block: Lines) -> str:
    if not block.times:
        return ""
    rows = []
    for name, values in block.values.items():
        known = [value for value in values if math.isfinite(value)]
        ends = (known[0], known[-1], min(known), max(known)) if known else (math.nan,) * 4
        rows.append([name, *(figure(value, block.unit) for value in ends)])
    span = f"{block.said(0)}..{block.said(-1)}"
    heads = [f"{block.title}, {span}", "first", "last", "lowest", "highest"]
    return _table(heads, ["left", *["right"] * 4], rows)


def _table(heads: Sequence[str], sides: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    marks = ["---:" if side == "right" else "---" for side in sides]
    lines = [[_text(head) for head in heads], marks, *([_text(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return re.sub(r"([\\`*_{}\[\]<>|#~&])", r"\\\1", visible(text))

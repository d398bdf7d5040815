"""Whether a network beat the linear control and the boosted trees beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quorate.errors import plural
from quorate.report.figures import figure, signed
from quorate.report.report import Report
from quorate.report.sections.gates import said_of
from quorate.report.sections.model import Block, Cell, Column, Section, Table, Text, Tone

SIZE = 0.05  # of the test of all networks
FAMILIES = {"linear": "linear control", "boosting": "boosted trees"}
TONES: Mapping[str, Tone] = {"better": "good", "worse": "bad", "not tested": "faint"}

Rows = Sequence[Mapping[str, Any]]


def networks(report: Report, part: str) -> Section | None:
    """Return a line per network, one of all of them, and every pair; None where there are no networks, or no rivals."""
    rows: Rows = report.results[part].get("networks") or ()
    if not rows:
        return None
    hardest = _hardest(rows)
    blocks: list[Block] = []
    for name in dict.fromkeys(row["network"] for row in rows):
        own = [row for rival in hardest for row in rows if (row["network"], row["rival"]) == (name, rival)]
        alike = len({row["verdict"] for row in own}) == 1
        blocks.append(Text(f"{name}: {_told(own)}.", TONES.get(own[0]["verdict"], "") if alike else ""))
    blocks.append(Text(_together(rows, hardest)))
    blocks.append(_table(rows))
    one, worth = rows[0], [row["effective"] for row in rows if row["effective"] is not None]
    least = f" worth {figure(min(worth), 'count')} independent ones or more" if worth else ""
    sentence = (
        f"Whether networks forecast the {said_of(part)} better than linear controls and boosted trees: by the "
        f"{one['loss']} on {plural(one['bars'], 'bar')}{least}, with a variance that allows for losses that "
        "depend on each other."
    )
    return Section("networks", "Networks", sentence, blocks, part)


def _hardest(rows: Rows) -> list[str]:
    """Return the rival with the least loss of each family, the linear control first."""
    found = []
    for family in FAMILIES:
        own = [row for row in rows if row["family"] == family]
        found += [min(own, key=lambda row: float(row["rival_loss"]))["rival"]] if own else []
    return found


def _told(rows: Rows) -> str:
    """Return how a network compares with some rivals; what is alike of both is said once."""
    parts: list[str] = []
    for k, row in enumerate(rows):
        alike = k > 0 and row["verdict"] == rows[k - 1]["verdict"]
        said = {"no better": "no better than", "not tested": "not tested against"}.get(
            row["verdict"], f"{row['verdict']} than"
        )
        joined = (" nor " if row["verdict"] == "no better" else " and ") if alike else f"{', ' if k else ''}{said} "
        change = f"loss {signed(row['change'], 'fraction')} [{_interval(row)}]"
        tried = f", of {row['networks']} networks {_p(row['p_among'])}" if _is_ahead(row) else ""
        test = f"DM {figure(row['dm'], 'ratio')}, p {_p(row['p_value'])}{tried}"
        parts.append(f"{joined}{row['rival']} ({test}; {change})")
    return "".join(parts)


def _is_ahead(row: Mapping[str, Any]) -> bool:
    """Say whether the luck of trying several networks matters: one that errs less, among others."""
    return bool(row["networks"] > 1 and row["dm"] is not None and row["dm"] < 0)


def _interval(row: Mapping[str, Any]) -> str:
    return ", ".join(signed(row[name], "fraction") for name in ("change_low", "change_high"))


def _p(value: float | None) -> str:
    return figure(value, "p-value")


def _together(rows: Rows, hardest: Sequence[str]) -> str:
    """Return what the test of all networks at once says of each rival."""
    one = {row["rival"]: row for row in rows}
    told = []
    for name in hardest:
        row = one[name]
        better = row["spa_p"] is not None and row["spa_p"] < SIZE
        said = "better" if better else "not tested" if row["spa_p"] is None else "not shown to be better"
        told.append(f"SPA p {_p(row['spa_p'])} against {name}: {said}")
    of = next(iter(one.values()))
    head = f"Best of {of['networks']} networks" if of["networks"] > 1 else f"{of['network']}, by resampling"
    return f"{head}: {'; '.join(told)}."


def _table(rows: Rows) -> Table:
    columns = [
        Column("network", "left"), Column("against", "left"), Column("it is", "left", keep=2), Column("loss", keep=4),
        Column("change"), Column("95% interval", keep=3), Column("DM"), Column("p-value", keep=2),
        Column("p of all", keep=3), Column("bars' worth", keep=5), Column("finding", "left"),
    ]  # fmt: skip
    groups: dict[str, list[list[Cell]]] = {}
    for row in rows:
        groups.setdefault(row["network"], []).append(
            [
                Cell(row["network"]),
                Cell(row["rival"]),
                Cell(FAMILIES[row["family"]]),
                Cell(f"{row['network_loss']:.4g}", row["network_loss"]),
                Cell(signed(row["change"], "fraction"), row["change"]),
                Cell(_interval(row)),
                Cell(figure(row["dm"], "ratio"), row["dm"]),
                Cell(_p(row["p_value"]), row["p_value"]),
                Cell(_p(row["p_among"]), row["p_among"]),
                Cell(figure(row["effective"], "count"), row["effective"]),
                Cell(row["verdict"], tone=TONES.get(row["verdict"], "")),
            ]
        )
    return Table(columns, list(groups.values()))

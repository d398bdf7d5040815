"""What every threshold earned with every member, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quorate.report import console

ALONE = "{}"  # the options of a grid that has thresholds alone
GRID = ("role", "series", "options", "threshold", "sharpe")  # the columns of `Report.grid` that are shown


def thresholds(rows: Sequence[Sequence[Any]]) -> Any:
    """Return the Sharpe ratio of each member, a column per threshold, the judged series first.

    Parameters
    ----------
    rows : sequence of sequence
        Of one part, each with what `GRID` names.

    Returns
    -------
    Table or None
        None, if other options than the threshold were chosen, too: `Report.grid` has all of them.
    """
    shown = [row for row in rows if row[0] in ("ensemble", "member")]
    if not shown or any(options != ALONE for _, _, options, _, _ in shown):
        return None
    levels = sorted({level for _, _, _, level, _ in shown})
    found = {(role, series, level): sharpe for role, series, _, level, sharpe in shown}
    columns = [("Sharpe by threshold", "left"), *((f"{level:g}", "right") for level in levels)]
    groups = [
        [
            [name, *(console.figure(found.get((role, name, level)), ".2f") for level in levels)]
            for name in sorted({series for other, series, _ in found if other == role})
        ]
        for role in ("ensemble", "member")
    ]
    return console.table(columns, groups)

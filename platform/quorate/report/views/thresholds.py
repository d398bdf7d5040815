"""What every threshold earned with every member, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quorate.report import console

if TYPE_CHECKING:
    import pandas as pd

ALONE = "{}"  # the options of a grid that has thresholds alone


def thresholds(grid: pd.DataFrame) -> Any:
    """Return the Sharpe ratio of each member, a column per threshold, the judged series first.

    Parameters
    ----------
    grid : DataFrame
        Rows of one part, as `Report.grid` has them.

    Returns
    -------
    Table or None
        None, if other options than the threshold were chosen, too: `Report.grid` has all of them.
    """
    shown = grid[grid["role"].isin(["ensemble", "member"])]
    if shown.empty or (shown["options"] != ALONE).any():
        return None
    levels = sorted(shown["threshold"].unique())
    columns = [("Sharpe by threshold", "left"), *((f"{level:g}", "right") for level in levels)]
    groups = []
    for role in ("ensemble", "member"):
        table = shown[shown["role"] == role].pivot(index="series", columns="threshold", values="sharpe")
        rows = [[str(name), *(console.figure(value, ".2f") for value in values)] for name, values in table.iterrows()]
        groups.append(rows)
    return console.table(columns, groups)

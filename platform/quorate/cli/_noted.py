"""The command that notes what befell companies of the store: splits, dividends, ticker changes, delistings."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import typer

from quorate.cli import _store, options
from quorate.cli._base import command
from quorate.errors import RecipeError, near_misses

NEEDS = {  # what VALUE is of each
    "split": "new shares per old, e.g. 4",
    "dividend": "cash per share",
    "rename": "the new ticker",
    "delisting": "",
}


@command
def action(
    name: _store.Name,
    symbol: Annotated[str, typer.Argument(help="Whose; of a rename the old ticker.")],
    kind: Annotated[str, typer.Argument(help="split, dividend, rename or delisting.")],
    session: Annotated[
        str,
        typer.Argument(
            metavar="DATE", help="The ex date, the first session under the new ticker, or the last before a delisting."
        ),
    ],
    value: Annotated[
        str | None,
        typer.Argument(
            help="New shares per old; cash per share; the new ticker; or what a delisted share paid, if that is known."
        ),
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take back what was noted on that date.")] = False,
    store: _store.Store = None,
    home: options.Home = None,
) -> None:
    """Note a split, a dividend, a ticker change or a delisting; bars stay as they came, and are read with it."""
    from quorate.store.bars import noting
    from quorate.store.bars.store import BarStore

    if kind not in NEEDS:
        raise RecipeError(
            f"KIND must be split, dividend, rename or delisting; it was {kind!r}{near_misses(kind, NEEDS)}"
        )
    if undo and value is not None:
        raise RecipeError(f"--undo takes back what was noted of {symbol} on {session}: leave {value!r} out")
    if not undo and value is None and NEEDS[kind]:
        raise RecipeError(f"say what the {kind} was: after DATE, {NEEDS[kind]}; or --undo, to take it back")
    collection, day = BarStore(store, home).collection(name), _day(session)
    with _store.telling():
        if undo:
            noting.undo(collection, symbol, kind, day)
        elif kind == "rename":
            noting.rename(collection, symbol, str(value), day)
        elif kind == "delisting":
            noting.delist(collection, symbol, day, None if value is None else _number(value, "what it paid per share"))
        else:
            noting.act(collection, _table(symbol, kind, day, _number(str(value), NEEDS[kind])))
    if undo:
        print(f"taken back: {symbol} {kind} on {session}")
    else:
        print(f"noted: {symbol} {kind} {'' if value is None else f'{value} '}on {session}")


def _table(symbol: str, kind: str, day: dt.date, value: float) -> Any:
    import pandas as pd

    from quorate.bars.actions import check_actions

    return check_actions(pd.DataFrame({"symbol": [symbol], "session": [day], "kind": [kind], "value": [value]}))


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise RecipeError(f"DATE must be a date, YYYY-MM-DD; it was {text!r}") from None


def _number(text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise RecipeError(f"VALUE must be a number, {what}; it was {text!r}") from None

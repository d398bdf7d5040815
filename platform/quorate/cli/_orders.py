"""Orders for an account, and a broker's fills booked on it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from quorate.cli import options
from quorate.cli._base import command, show, trusting, working
from quorate.errors import RecipeError, plural

if TYPE_CHECKING:
    from quorate.serving.orders import Orders


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(orders)


@command
def orders(
    run: options.Run = "latest",
    version: Annotated[
        str | None, typer.Option(help="Use the models of a registered version: NAME, NAME@3, NAME@champion.")
    ] = None,
    prediction: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What quorate predict --json printed, in place of RUN.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="A file or folder to read instead of the recipe's.")] = None,
    kept: Annotated[bool, typer.Option("--kept", help="Refit nothing: use the kept models of the last fold.")] = False,
    account: Annotated[Path | None, typer.Option(metavar="FILE", help="Cash and positions: JSON or CSV.")] = None,
    capital: Annotated[float | None, typer.Option(help="An account of so much cash and nothing else.")] = None,
    lots: Annotated[
        list[str] | None, typer.Option(help="Units that are traded in multiples of: 10, or SPY=10, again for others.")
    ] = None,
    band: Annotated[
        float | None, typer.Option(min=0, max=2, help="A smaller change of weight is not traded; an exit always is.")
    ] = None,
    on: Annotated[
        Literal["every", "weekly", "monthly"] | None,
        typer.Option(help="Rebalance at every bar, or the first of a week or month; at others only end positions."),
    ] = None,
    least: Annotated[float, typer.Option(min=0, help="An order of less value is not given.")] = 0.0,
    reserve: Annotated[float, typer.Option(min=0, help="Cash that is kept.")] = 0.0,
    close_others: Annotated[
        bool, typer.Option("--close-others", help="Also close what the ensemble does not know.")
    ] = False,
    csv: Annotated[str | None, typer.Option(metavar="FILE", help="Write the orders as CSV; - for stdout.")] = None,
    fills: Annotated[
        Path | None, typer.Option("--book", metavar="FILE", help="Book a broker's fills on the account instead.")
    ] = None,
    ordered: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --book: the orders that the fills are compared with.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --book: write the account after the fills.")
    ] = None,
    trust: options.Trust = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Turn the weights for the next bar into orders for an account, or book a broker's fills on it."""
    if fills is not None:
        _book(account, fills, ordered, out, as_json)
        return
    _check(ordered, out, csv, as_json)
    from quorate.report.views.orders import render
    from quorate.serving.orders import Wished, make_orders

    wished = Wished(_lots(lots or []), band, on, least, reserve, close_others)
    holding = _account(account, capital)
    trusting(home, trust)
    found = make_orders(_predicted(run, version, prediction, data, kept, home), holding, wished)
    if csv is not None:
        _as_csv(found, csv)
    else:
        show(found.to_dict(), as_json, render)


def _check(ordered: Path | None, out: Path | None, csv: str | None, as_json: bool) -> None:
    """Raise `RecipeError` for options that do not go together."""
    for name, given in (("--ordered", ordered), ("--out", out)):
        if given is not None:
            raise RecipeError(f"{name} goes with --book FILLS.csv")
    if csv is not None and as_json:
        raise RecipeError("--csv and --json exclude each other")


def _as_csv(found: Orders, csv: str) -> None:
    """Write orders as CSV, to a file or stdout."""
    from quorate.report.views.orders import as_csv, warn
    from quorate.serving.orders import COLUMNS

    text = as_csv(found.orders, COLUMNS)
    if csv == "-":
        show(text, False, lambda shown: print(shown, end=""))
    else:
        _write(Path(csv), text, plural(len(found.orders), "order"))
    warn(found.warnings)


def _predicted(
    run: str, version: str | None, prediction: Path | None, data: str | None, kept: bool, home: Path | None
) -> dict[str, Any]:
    """Return what is desired, as plain data."""
    if sum(one is not None for one in (version, prediction)) + (run != "latest") > 1:
        raise RecipeError("RUN, --version and --prediction each say what is desired: leave out the others")
    if prediction is not None and (data is not None or kept):
        raise RecipeError("a prediction is made already: leave out --data and --kept, or --prediction")
    if prediction is not None:
        from quorate.serving.orders import read_prediction

        return read_prediction(prediction)
    with working() as progress:
        if version is not None:
            from quorate.runs.registering import ModelRegistry

            return asdict(ModelRegistry(home).get(version).predict(data, progress))
        from quorate.runs.predict import predict

        return asdict(predict(run, data=data, kept=kept, home=home, progress=progress))


def _account(path: Path | None, capital: float | None) -> Any:
    from quorate.serving.account_file import Account, number, read_account

    if (path is None) == (capital is None):
        raise RecipeError("say what the account holds: --account FILE, or --capital 100000 of cash alone")
    if path is not None:
        return read_account(path)
    return Account(number(str(capital), "--capital"))


def _lots(given: list[str]) -> float | dict[str, float] | None:
    """Return lots as they were given: one number, or SYMBOL=NUMBER each."""
    named = {}
    for text in given:
        symbol, equals, size = text.rpartition("=")
        try:
            lot = float(size)
        except ValueError:
            lot = float("nan")
        if not 0 < lot < float("inf"):
            raise RecipeError(f"--lots must be a number above 0, or SYMBOL=NUMBER; it was {text!r}")
        if not equals and len(given) > 1:
            raise RecipeError("--lots is one number for all, or SYMBOL=NUMBER each; it was both")
        if not equals:
            return lot
        named[symbol] = lot
    return named or None


def _book(account: Path | None, fills: Path, ordered: Path | None, out: Path | None, as_json: bool) -> None:
    if account is None:
        raise RecipeError("--book FILLS.csv books on an account: give --account FILE, too")
    from quorate.report.views.orders import render_booked
    from quorate.serving.account_file import read_account
    from quorate.serving.booking import book

    found = book(read_account(account), fills, ordered)
    if out is not None:
        import json

        _write(out, json.dumps(found.account, indent=1, allow_nan=False) + "\n", "the account")
    show(found.to_dict(), as_json, render_booked)


def _write(path: Path, text: str, what: str) -> None:
    from quorate.errors import visible
    from quorate.store.files import regular, write_text

    write_text(regular(path), text)
    print(visible(f"{what} written to {path}"), file=sys.stderr)

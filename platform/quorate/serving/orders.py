"""Orders for an account: from what it holds to what an ensemble wants, by the rules of the recipe's backtest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from quorate.errors import DataError, RecipeError, near_misses
from quorate.serving.account_file import Account, parsed, read_text
from quorate.statistics import Floats
from quorate.trading.order_rules import REBALANCE, Holdings, OrderRules, Rebalance, lots_of, orders_at

KEYS = ("run", "verdict", "decided", "fill", "warnings")  # of a prediction, that orders are made of
COLUMNS = (
    *("symbol", "side", "quantity", "type", "reference_price", "value", "reason"),
    *("weight_now", "weight_wanted"),
)


@dataclass(frozen=True)
class Wished:
    """What orders must be; None is as in the recipe.

    Parameters
    ----------
    lots : float or dict of str to float
        Units, of which orders are multiples; a table has them by symbol.
    band : float
        A change of weight smaller than this is not traded; an exit always is.
    on : {"every", "weekly", "monthly"}
        When positions are rebalanced; at other times they are only ended.
    least : float
        Currency; an order of less value is not given; an exit always is.
    reserve : float
        Currency; cash that is kept.
    close_others : bool
        Whether what the ensemble does not know is closed, too.
    """

    lots: float | dict[str, float] | None = None
    band: float | None = None
    on: Rebalance | None = None
    least: float = 0.0
    reserve: float = 0.0
    close_others: bool = False


@dataclass(frozen=True)
class Orders:
    """Orders, sells before buys, and what they were made of.

    Parameters
    ----------
    run, verdict, decided : str
        As of the `Prediction`.
    rules : dict
        ``lots``, ``band``, ``on``, ``least``, ``reserve`` and ``close_others`` that made them, and ``due``: whether
        positions were rebalanced.
    account : dict
        ``currency``, ``cash``, ``equity`` and ``gross`` (share of it) now, and ``cash_after``, costs included, at the
        prices of reference.
    orders : list of dict
        By `COLUMNS`.
    left : list of dict
        Symbols that are held and were left alone: symbol, quantity, and why.
    warnings : list of str
        What is to be known beside.
    """

    run: str
    verdict: str
    decided: str
    rules: dict[str, Any]
    account: dict[str, Any]
    orders: list[dict[str, Any]]
    left: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def make_orders(prediction: Mapping[str, Any], account: Account, wished: Wished | None = None) -> Orders:
    """Return the orders that bring an account to what is desired.

    Parameters
    ----------
    prediction : mapping
        A `quorate.runs.predict.Prediction` as plain data.

    Raises
    ------
    DataError
        If the account is worth nothing, or a short position that the ensemble does not know has no price.
    RecipeError
        If a lot is for no symbol, or the prediction does not tell prices.
    """
    wished = wished or Wished()
    market = prediction.get("market")
    if not market:
        raise RecipeError("the prediction tells no prices, as of an earlier version: make it again with predict --json")
    told = {one["symbol"]: one for one in market["symbols"]}
    others = [symbol for symbol in account.positions if symbol not in told]
    for symbol in others:
        if account.positions[symbol] < 0 and symbol not in account.prices:
            raise DataError(
                f"{symbol} is held short, and the ensemble does not know its price: give one in the account"
            )
    symbols = [*told, *others]
    rules, on = _rules(market, wished, symbols)
    due = on == "every" or on in market["begins"]
    held = _column([account.positions.get(one, 0) for one in symbols])
    price = _column([told[one]["price"] if one in told else account.prices.get(one, "nan") for one in symbols])
    cost = _column([told[one]["cost"] if one in told else 0.0 for one in symbols])
    wanted = _wanted(told, others, wished.close_others)
    at = Holdings(np.array([float(account.cash)]), held, price, cost)
    equity = float(at.equity[0])
    if not equity > 0:
        raise DataError(f"the account is worth {equity:,.2f}: there is nothing to trade with")
    units = np.add(*orders_at(rules, wanted, at, due))
    rows = [
        _order(symbols[k], prediction["fill"], units[k, 0], rules.lots[k, 0], at, wanted, equity, k)
        for k in np.flatnonzero(units[:, 0]).tolist()
    ]
    for row in rows:
        if row["symbol"] in others:
            row["reason"] = "closed"
    rows.sort(key=lambda row: row["side"] == "buy")
    traded = np.where(units == 0, 0.0, units * np.nan_to_num(price))
    spent = float((traded + np.abs(traded) * cost).sum())
    return Orders(
        prediction["run"],
        prediction["verdict"],
        prediction["decided"],
        {**asdict(wished), **_effective(market, wished), "due": due},
        {
            "currency": account.currency,
            "cash": float(account.cash),
            "equity": equity,
            "gross": float(np.abs(at.values).sum() / equity),
            "cash_after": float(account.cash) - spent,
        },
        rows,
        _left(told, account, others, wished.close_others),
        _warnings(prediction, account, others, wished),
    )


def read_prediction(path: Path) -> dict[str, Any]:
    """Return what `quorate predict --json` printed.

    Raises
    ------
    DataError
        If the file has something else.
    """
    text = read_text(path, "the prediction")
    parsed(text, str(path))  # which says what is wrong with it
    found = json.loads(text)
    lacking = [one for one in KEYS if one not in found] if isinstance(found, dict) else list(KEYS)
    if lacking:
        raise DataError(f"{path}: must be what quorate predict --json prints; it has no {lacking[0]!r}")
    return dict(found)


def _rules(market: Mapping[str, Any], wished: Wished, symbols: Sequence[str]) -> tuple[OrderRules, Rebalance]:
    told = _effective(market, wished)
    for name in told["lots"] if isinstance(told["lots"], dict) else ():
        if name not in symbols:
            raise RecipeError(f"lots: the ensemble has no symbol {name!r}{near_misses(name, symbols)}")
    lots = lots_of(symbols, told["lots"])
    return OrderRules(lots, told["band"] or 0.0, np.ones(1, dtype=bool), wished.least, wished.reserve), told["on"]


def _effective(market: Mapping[str, Any], wished: Wished) -> dict[str, Any]:
    """Return lots, band and calendar as they hold: as wished, or else as in the recipe."""
    of_recipe = market["rules"]
    return {
        "lots": of_recipe["lots"] if wished.lots is None else wished.lots,
        "band": of_recipe["band"] if wished.band is None else wished.band,
        "on": wished.on or of_recipe["rebalance"] or REBALANCE[0],
    }


def _column(values: Sequence[Any]) -> Floats:
    return np.array([[float(value)] for value in values]).reshape(-1, 1)


def _wanted(told: Mapping[str, Mapping[str, Any]], others: Sequence[str], close_others: bool) -> Floats:
    """Return the desired weights, NaN for what is left alone."""
    weights = [np.nan if one["weight"] is None else one["weight"] for one in told.values()]
    return _column([*weights, *([0.0 if close_others else np.nan] * len(others))])


def _order(
    symbol: str, fill: str, units: float, lot: float, at: Holdings, wanted: Floats, equity: float, k: int
) -> dict[str, Any]:
    held, price = float(at.held[k, 0]), float(at.price[k, 0])
    after = held + units
    reason = "rebalance" if after * held > 0 else "entry" if after else "exit"
    known = np.isfinite(price)
    # As it is written: lots of 0.1 make 0.3, and not 0.30000000000000004.
    steps = round(units / lot) if lot else 0
    quantity = float(steps * Decimal(str(lot))) if lot and abs(units - steps * lot) < 1e-9 * lot else float(units)
    return {
        "symbol": symbol,
        "side": "buy" if units > 0 else "sell",
        "quantity": abs(quantity),
        "type": f"market-on-{fill}",
        "reference_price": price if known else None,
        "value": abs(quantity) * price if known else None,
        "reason": reason,
        "weight_now": held * price / equity if known else None,
        "weight_wanted": float(wanted[k, 0]),
    }


def _left(
    told: Mapping[str, Mapping[str, Any]], account: Account, others: Sequence[str], close_others: bool
) -> list[dict[str, Any]]:
    found = []
    for symbol, units in account.positions.items():
        if symbol in others and not close_others:
            found.append({"symbol": symbol, "quantity": float(units), "why": "the ensemble does not know it"})
        elif symbol in told and told[symbol]["weight"] is None:
            found.append({"symbol": symbol, "quantity": float(units), "why": "it has no bar at this time"})
    return found


def _warnings(prediction: Mapping[str, Any], account: Account, others: Sequence[str], wished: Wished) -> list[str]:
    found = list(prediction["warnings"])
    if prediction["verdict"] != "PASS":
        found.append(f"the verdict on this ensemble is {prediction['verdict']}; it has not earned promotion")
    found += [
        f"{symbol} is held, and its price is not known: it counts for nothing in what the account is worth"
        for symbol in others
        if symbol not in account.prices
    ]
    of_recipe, now = prediction["market"]["rules"], _effective(prediction["market"], wished)
    if all(one is None for one in of_recipe.values()):
        found.append(
            "the backtest ordered where a desired weight changed, and here positions are brought to their weights: "
            "with backtest.rebalance, band or lots a run is judged by orders as these"
        )
        return found
    names = {"lots": "lots", "band": "band", "on": "rebalance"}
    judged = {**of_recipe, "on": of_recipe["rebalance"] or REBALANCE[0]}
    other = [f"backtest.{names[key]}" for key, value in now.items() if (value or None) != (judged[key] or None)]
    if other:
        found.append(f"the run was judged by another {', '.join(other)} than these orders are made by")
    return found

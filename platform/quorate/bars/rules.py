"""The rules that bars are looked at by: what each asks, from which limit on, and what becomes of what it finds."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

Action = Literal["warn", "refuse", "quarantine", "off"]
ACTIONS: tuple[Action, ...] = get_args(Action)
REST = "*"  # stands for every rule that is not named


class Rule(NamedTuple):
    """One rule.

    Parameters
    ----------
    asks : str
        What it finds, in a few words.
    limit : float, optional
        From where on it finds something; None: there is nothing to choose.
    unit : str
        Of the limit, and of the worst value that it finds.
    then : str
        What a run does, unless the recipe says: ``off`` is told by ``quorate data check`` alone.
    apart : bool
        Whether it names single bars by what is known when they close: these can be set apart.
    reading : bool
        No panel can hold such bars: they are refused or set apart when they are read.
    """

    asks: str
    limit: float | None
    unit: str
    then: Action
    apart: bool = False
    reading: bool = False


# The most serious first.
RULES: dict[str, Rule] = {
    "duplicates": Rule("two bars of a symbol at one time", None, "bars", "refuse", True, True),
    "bad-prices": Rule("a price that is missing, not positive or infinite", None, "price", "refuse", True, True),
    "ohlc-order": Rule("open or close outside low and high", None, "share beyond", "refuse", True, True),
    "bad-volume": Rule("a volume that is negative or infinite", None, "units", "refuse", True, True),
    "calendar": Rule("sessions that are not the calendar's", None, "sessions a year", "warn"),
    "lengths": Rule("symbols whose bars have different lengths", None, "lengths", "warn"),
    "successive": Rule("symbols of which no two have a bar at one time", None, "symbols", "warn"),
    "splits": Rule("an open that is a plain fraction or multiple of the close before", 8.0, "usual moves", "warn"),
    "gaps": Rule("more sessions in a row without a bar", 6.0, "sessions", "warn"),
    "wild-prices": Rule("a high or low so many times beyond open and close", 3.0, "times", "warn", True),
    "untraded": Rule("bars at one price without range and volume", 20.0, "bars", "warn", True),
    "extra-sessions": Rule("bars on weekends or holidays", None, "bars", "warn", True),
    "outside-hours": Rule("bars outside the hours of the market", None, "bars", "warn", True),
    "missing-bars": Rule("bars that are missing where a market never closes", None, "bars in a row", "warn"),
    "survivors": Rule("many symbols over years, none of which ever ends", None, "symbols", "warn"),
    "look-alikes": Rule("two symbols whose returns correlate so closely", 0.9999, "correlation", "off"),
    "rewritten": Rule("bars of the store that an import rewrote, by so large a share", 0.0, "share", "off"),
    "spikes": Rule("a close that jumps and comes back within three bars", 8.0, "deviations", "off"),
    "outliers": Rule("a close, high or low so far from the close before", 15.0, "deviations", "off", True),
    "stale": Rule("bars with the same close", 10.0, "bars", "off", True),
    "missing-sessions": Rule("sessions on which others, or the market, have bars", 1.0, "sessions", "off"),
    "volume-spikes": Rule("a volume so far above the usual", 10.0, "deviations", "off", True),
    "zero-volume": Rule("bars without volume", None, "bars", "off", True),
}


class Finding(NamedTuple):
    """What a rule finds of a symbol.

    Parameters
    ----------
    rule : str
        The rule.
    symbol : str
        Whose bars; empty: those of all.
    bars : int
        How many bars, or places.
    first : str
        The session of the first.
    at : str
        The session of the worst.
    worst : float
        How bad that is, in the rule's unit.
    told : str
        All of it in a sentence.
    """

    rule: str
    symbol: str
    bars: int
    first: str
    at: str
    worst: float
    told: str

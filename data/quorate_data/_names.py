"""What the names of columns say: which field of bars, and of which kind or symbol it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

PRICES = ("open", "high", "low", "close")
BEGINS = ("opentime", "starttime", "windowstart", "begin", "start")  # names of stamps that are a bar's open
CLOCKS = ("time", "timestamp", "hour", "tradetime", "localtime", "bartime", "timeofday")  # beside a date, its hour
ALIASES = {
    "symbol": ("symbol", "ticker"),
    "time": ("time", "date", "datetime", "timestamp"),
    "volume": ("volume", "vol"),
    "adj_close": ("adjclose", "adjustedclose", "closeadj", "closeadjusted"),
    "split": (
        *("split", "splits", "splitratio", "stocksplits", "stocksplit"),
        *("splitcoefficient", "splitfactor", "splitadjustment"),
    ),
    "adj_volume": ("adjvolume", "adjustedvolume", "volumeadj", "volumeadjusted"),
}
# Taken where none of the above is there.
SECOND = {
    "time": (
        *BEGINS,
        *("day", "tradedate", "tradeday", "tradingday", "tradingdate", "quotedate", "tsevent", "gmttime"),
        *("dtyyyymmdd", "yyyymmdd", "localtime", "tradetime", "bartime", "date1", "t", "ts"),
        *("datum", "fecha", "data", "日期"),
    ),
    "open": ("o", "eröffnung", "eröffnungskurs", "eröffn", "apertura", "ouverture", "abertura", "开盘", "开盘价"),
    "high": ("h", "hoch", "tageshoch", "máximo", "maximo", "massimo", "haut", "plushaut", "最高", "最高价"),
    "low": ("l", "tief", "tagestief", "mínimo", "minimo", "bas", "plusbas", "最低", "最低价"),
    "close": (
        *("closelast", "last", "price", "closeprice", "c"),
        *("schluss", "schlusskurs", "zuletzt", "cierre", "chiusura", "clôture", "cloture", "dernier", "fechamento"),
        *("último", "ultimo", "收盘", "收盘价"),
    ),
    "volume": (
        *("tickvol", "tickvolume", "totalvolume", "volumetraded", "v"),
        *("volumen", "volumes", "成交量", "tottrdqty", "ttltrdqnty", "totaltradequantity", "noofshares"),
    ),
}
# And these, where none of those is there either.
THIRD = {"close": ("settle", "settlement", "settlementprice", "settleprice", "latest")}
# Names by which a writer is known who stamps bars at their open.
STAMPED_AT_OPEN = (
    {"tickvol", "spread"},  # MetaTrader 5
    {"gmttime", *PRICES},  # Dukascopy
    {"localtime", *PRICES},
    {"tsevent", "rtype", "publisherid"},  # Databento
    {"unix", "date", "symbol"},  # CryptoDataDownload
    {"unixtimestamp", "date", "symbol"},
    {"average", "barcount"},  # Interactive Brokers
    {"tradecount", "vwap", "timestamp"},  # Alpaca
)
# Names of what tells bars of one stamp apart, the plainest first.
IDENTIFIERS = (
    *("sym", "tic", "ric", "tscode", "actsymbol", "stockcode", "securitycode", "code", "stock", "instrument"),
    *("instrumentid", "contract", "pair", "asset", "coin", "security", "permno", "isin", "cusip", "sedol", "figi"),
    *("gvkey", "secid", "company", "name"),
)
# What stands beside a field and is no symbol.
_KINDS = {
    *("price", "prices", "px", "bid", "ask", "offer", "mid", "trade", "trades", "mark", "spot", "rate", "quote"),
    *("value", "nominal", "raw", "unadj", "unadjusted", "split", "adj", "adjusted"),
}
_FIELD = r"(?i:(?P<adj>adj(?:usted)?[\s._-]*)?(?P<field>open|high|low|close|last|volume))"
_CAMEL = r"(?<=[a-z])(?=[A-Z])"
_FORMS = tuple(
    re.compile(form)
    for form in (
        _FIELD,
        rf"(?P<affix>.+?)(?:[:_./| -]+|{_CAMEL}){_FIELD}",
        rf"{_FIELD}(?:[:_./| -]*[(\[](?P<unit>.+)[)\]]|(?:[:_./| -]+|{_CAMEL})(?P<affix>.+))",
    )
)
_COUNTED = re.compile(r"\d{1,2}[a-z]?[.)]\s*(?=[A-Za-z])")  # as in "1. open"


@dataclass(frozen=True)
class Group:
    """What the columns of some bars have beside the field in their names.

    Parameters
    ----------
    affix : str
        A symbol, a kind of price such as ``Bid``, or nothing.
    adjusted : bool
        The name says so.
    unit : bool
        What stands beside the field is in brackets.
    """

    affix: str = ""
    adjusted: bool = False
    unit: bool = False

    @property
    def kind(self) -> bool:
        """Whether it tells a kind of price rather than a symbol."""
        return self.unit or all(word in _KINDS for word in re.split(r"[\W_]+", self.affix.lower()) if word)


PLAIN = Group()


def plain(name: str) -> str:
    """Return a name without what people put between its words, in small letters."""
    return re.sub(r"[\s_\-.<>/()*]+", "", _COUNTED.sub("", name)).lower()


def parsed(name: str) -> tuple[Group, str] | None:
    """Return whose or of which kind a column is, and which field; None, if its name has none."""
    bare = _COUNTED.sub("", name.strip("<>* "))
    for form in _FORMS:
        if found := form.fullmatch(bare):
            parts = found.groupdict()
            affix = parts.get("unit") or parts.get("affix") or ""
            told = affix.lower().strip(".") in ("adj", "adjusted")
            return (
                Group("" if told else affix, told or bool(parts["adj"]), bool(parts.get("unit"))),
                found["field"].lower(),
            )
    return None


def fields_of(names: Sequence[str]) -> dict[Group, dict[str, str]]:
    """Return the fields of each group of columns, as the file calls them; the last price is a close without one."""
    found: dict[Group, dict[str, str]] = {}
    for name in names:
        if one := parsed(name):
            found.setdefault(one[0], {}).setdefault(one[1], name)
    for fields in found.values():
        if "last" in fields:
            fields.setdefault("close", fields["last"])
    return found


def whole(names: Sequence[str]) -> dict[Group, dict[str, str]]:
    """Return the groups of columns that have all prices."""
    return {group: fields for group, fields in fields_of(names).items() if all(price in fields for price in PRICES)}


def most_fields(names: Sequence[str]) -> int:
    """Return how many different fields one group of columns has at most."""
    return max((len(fields) for fields in fields_of(names).values()), default=0)


def tells_open(header: Sequence[str], times: Sequence[int]) -> bool:
    """Whether what a file calls its columns says that its stamps are the open of a bar."""
    short = [plain(name) for name in header]
    named = len(times) == 1 and short[times[0]] in BEGINS
    return named or any(names <= {*short} for names in STAMPED_AT_OPEN)

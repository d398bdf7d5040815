"""What people write where a recipe wants a number, a date, true or false, or a list; and what they mean by it."""

from __future__ import annotations

import datetime as dt
import json
import re
from contextlib import suppress
from typing import Any

_NUMBER = re.compile(r"(?P<sign>[-+]?)[$€£]?(?P<digits>\d[\d,. ]*|[.,]\d+)\s*(?P<unit>%|bps?|k|[a-z]*)")
_UNITS = {"": 1.0, "%": 0.01, "bp": 1e-4, "bps": 1e-4, "k": 1e3}
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d.%m.%Y", "%Y-%m", "%Y")
_TRUTH = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}


def meant(kind: str, value: Any) -> str:
    """Return what was probably meant by a value of the wrong type, to be put after a message; or nothing.

    Parameters
    ----------
    kind : str
        The type of pydantic's error, which tells what was wanted.
    value : object
        What was given.
    """
    guess: str | None = None
    if kind.startswith(("float", "int", "finite")):
        return _number(value, kind.startswith("int"))
    if kind.startswith("bool"):
        guess = _TRUTH.get(str(value).strip().lower())
    elif kind.startswith("date"):
        guess = _date(str(value))
    elif kind.startswith(("list", "tuple")) and isinstance(value, str | int | float):
        parts = re.split(r"[,;\s]+", value.strip(" []()")) if isinstance(value, str) else [value]
        guess = json.dumps([part for part in parts if part != ""])
    elif kind.startswith("string") and isinstance(value, bool | int | float):
        guess = f'"{value}"'
    elif kind.startswith(("model", "dict")) and isinstance(value, list) and all(isinstance(v, str) for v in value):
        guess = "{ " + ", ".join(f"{name} = {{}}" for name in value) + " }"
    return "" if guess is None else f"; did you mean {guess}?"


def _number(value: Any, whole: bool) -> str:
    if isinstance(value, float) and whole and value.is_integer():
        return f"; did you mean {int(value)}?"
    found = _NUMBER.fullmatch(value.strip().lower().replace("_", "")) if isinstance(value, str) else None
    if found is None:
        return ""
    digits = found["digits"].replace(" ", "").rstrip(".,")
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", digits):
        digits = digits.replace(",", "")
    with suppress(ValueError, KeyError):
        number = float(found["sign"] + digits.replace(",", ".")) * _UNITS[found["unit"]]
        if not whole or number.is_integer():
            return f"; did you mean {number:.12g}?"
    return f"; a number stands alone, without a unit, e.g. {digits}"


def _date(text: str) -> str | None:
    for form in _DATES:
        with suppress(ValueError):
            return dt.datetime.strptime(text.strip(), form).date().isoformat()
    return None

"""What ``[data]`` takes from the environment: filled in for the source alone, and told by nobody."""

from __future__ import annotations

import base64
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from quorate.errors import QuorateError, RecipeError, near_misses

VARIABLE = re.compile(r"\$\{([^}]*)\}")
SHOWN = 4  # characters in a row, of letters and digits, from which on a text may hold a part of a value
# Public, whatever a value is: keys of a recipe, names of variables, and words that are in every other message.
_PUBLIC = re.compile(
    r"\bdata\.\w+|\$\{[^}]*\}|\b(?:bars?|data|dates?|time|prices?|open|high|low|close|volume|daily|symbols?|files?|"
    r"lines?|csv|parquet|columns?|home|markets?|stocks?|path)\b",
    re.IGNORECASE,
)
_SECRET = re.compile(
    r"pass(?!ed|ive|through)|pwd|secret|token|credential|bearer|signature|cookie|"
    r"(api|access|private|account|secret|shared)_?key|^key$|auth(?!ors?(_|$))",
    re.IGNORECASE,
)
# What is secret in the text of an address: the password of a user, a token in a user's place, a query's value.
_PARTS = (
    re.compile(r"(?<=\w://)[^\s:/@]*:(?P<secret>\S+)@"),
    re.compile(r"https?://(?P<secret>[^\s:/@]+)@"),
    re.compile(r"(?:[?&;\s]|^)(?P<name>[\w.-]+)\s*=\s*(?P<secret>[^\s&;'\"]+)"),
)


def names_in(value: Any) -> list[str]:
    """Return the variables that a value's texts name, sorted."""
    return sorted(set(VARIABLE.findall(str(value))))


def substitute(value: Any, where: str = "recipe") -> Any:
    """Return `value` with every ``${NAME}`` in its texts replaced from the environment.

    Raises
    ------
    RecipeError
        If a variable is not set; the message names the key, never a value.
    """
    if isinstance(value, str):
        return VARIABLE.sub(lambda m: _environment(m[1], where), value)
    if isinstance(value, Mapping):
        return {k: substitute(v, f"{where}.{k}") for k, v in value.items()}
    if isinstance(value, list):
        return [substitute(v, where) for v in value]
    return value


def _environment(name: str, where: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        near = near_misses(name, os.environ)
        raise RecipeError(f"{where} needs the environment variable {name}, which is not set{near}") from None


def mask(value: Any, key: str = "") -> Any:
    """Return options with what looks like a literal secret as ``***``; what names a variable is none."""
    if isinstance(value, dict):
        # What lies below a secret key is secret, whatever its own name.
        return {k: mask(v, key if _SECRET.search(key) else k) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [mask(v, key) for v in value]
    for start, end in reversed(list(_literals(value, key))):
        value = f"{value[:start]}***{value[end:]}"
    return value


def _literals(value: Any, key: str) -> Iterator[tuple[int, int]]:
    """Yield where a text holds a secret that was written into the recipe, in order."""
    if not isinstance(value, str):
        return
    if _SECRET.search(key):
        if not names_in(value):
            yield 0, len(value)
        return
    spans = []
    for pattern in _PARTS:
        for found in pattern.finditer(value):
            named = found.groupdict().get("name")
            if not names_in(found["secret"]) and (named is None or _SECRET.search(named)):
                spans.append(found.span("secret"))
    last = 0
    for start, end in sorted(spans):
        if start >= last:
            yield start, end
            last = end


def holds_secrets(options: Mapping[str, Any]) -> bool:
    """Return whether some option is, or takes, what must not be told."""
    return any(_secrets(options))


def tell(text: str, options: Mapping[str, Any]) -> str | None:
    """Return a text about a source as it may be told, or None, where it may hold what came from the environment.

    A path that was filled in is written as the recipe has it. Nothing else is replaced, because a word that happens
    to equal a value would tell it. What is left is compared with every value, whatever its case, its quoting or its
    encoding: four letters or digits in a row that agree are enough.

    Parameters
    ----------
    text : str
        Of an error or a warning.
    options : mapping
        The source's, as the recipe has them.
    """
    for typed, filled in sorted(_filled(options), key=lambda pair: -len(pair[1])):
        if "/" in filled.strip("/"):
            for form in sorted(_forms_of_path(filled), key=len, reverse=True):
                text = re.sub(rf"(?<![\w/.~-]){re.escape(form)}(?!\w)", typed.replace("\\", r"\\"), text)
    rest = _PUBLIC.sub(" ", text)
    return None if any(_shares(rest, value) for value in _secrets(options) if value) else text


def is_value(text: str, options: Mapping[str, Any]) -> bool:
    """Return whether a short text, the name of a symbol or a calendar, is a value from the environment, or of one."""
    plain = _plain(text)
    for name in names_in(options):
        value = os.environ.get(name, "")
        whole, parts = _plain(value), [_plain(part) for part in re.split(r"[/\\]", value)]
        stems = [_plain(Path(part).stem) for part in re.split(r"[/\\]", value)]
        inside = (len(whole) >= SHOWN and whole in plain) or (len(plain) >= SHOWN and plain in whole)
        if plain and (inside or plain in {whole, *parts, *stems}):
            return True
    return False


def retold(error: QuorateError, what: str, options: Mapping[str, Any]) -> QuorateError:
    """Return the error to raise instead of one of a source, with no cause: a traceback would tell what it hides.

    It is of the nearest class that the platform knows; its text is that of `tell`, or says where to look.
    """
    kind = next(c for c in type(error).__mro__ if c.__module__ == QuorateError.__module__)
    text = tell(str(error), options)
    if text is None:
        keys = ", ".join(f"data.{key}" for key, value in options.items() if any(_secrets({key: value})))
        text = (
            f"{what} failed; what it said may hold a value that must not be told, and is not shown: look at {keys}, or "
            "try it with values that may be shown"
        )
    made: QuorateError = kind(text)
    return made


def _secrets(value: Any, key: str = "") -> Iterator[str]:
    """Yield what must not be told: the values of variables, and secrets that were written into the recipe."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _secrets(one, key if _SECRET.search(key) else name)
    elif isinstance(value, list):
        for one in value:
            yield from _secrets(one, key)
    elif isinstance(value, str):
        yield from (os.environ.get(name, "") for name in names_in(value))
        yield from (value[start:end] for start, end in _literals(value, key))


def _filled(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the texts of options that name variables, as typed and filled in."""
    if isinstance(value, str):
        if names_in(value):
            yield value, VARIABLE.sub(lambda m: os.environ.get(m[1], ""), value)
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _filled(one)
    elif isinstance(value, list):
        for one in value:
            yield from _filled(one)


def _forms_of_path(path: str) -> set[str]:
    """Return how a path may be written in a message."""
    forms = {path, str(Path(path)), os.path.normpath(path), os.path.expanduser(path)}
    forms |= {os.path.abspath(form) for form in (path, os.path.expanduser(path))}
    forms |= {repr(form)[1:-1] for form in forms}
    return {form for form in forms if "/" in form.strip("/") and len(form) >= 2 * SHOWN}


def _shares(text: str, value: str) -> bool:
    """Return whether a text has something of a value."""
    grams = set()
    for form in {value, value[::-1], _bytes(value).hex(), *_base64(value)}:
        plain = _plain(form)
        if len(plain) < SHOWN and form == value and (plain in _plain(text) if plain else value.strip() in text):
            return True
        grams |= {plain[i : i + SHOWN] for i in range(len(plain) - SHOWN + 1)}
    for seen in (text, unquote(text), unquote(unquote(text))):
        plain = _plain(seen)
        if any(plain[i : i + SHOWN] in grams for i in range(len(plain) - SHOWN + 1)):
            return True
    return False


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")


def _base64(value: str) -> Iterator[str]:
    """Yield what base64 makes of a value at each place of three bytes, without what its neighbours change."""
    for skip in range(3):
        text = base64.b64encode(b"\0" * skip + _bytes(value)).decode().rstrip("=")
        yield text[4 if skip else 0 : -1]


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())

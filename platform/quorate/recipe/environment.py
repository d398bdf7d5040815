"""What ``[data]`` takes from the environment: filled in for the source alone, and told by nobody."""

from __future__ import annotations

import base64
import html
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from quorate.errors import QuorateError, RecipeError, near_misses

VARIABLE = re.compile(r"\$\{([^}]*)\}")
SHOWN = 4  # characters in a row, of letters and digits, from which on a text may hold a part of a value
# Keys of a recipe and words that stand in every other message: they are there whatever a value is.
_KEYS = (
    r"path|source|quality|start|end|columns(?:\.(?:timestamp|symbol|open|high|low|close|volume))?|symbols?|timezone|"
    "calendar|stamp|frequency|mixed|date_format|separator|decimal|skip_rows|sort|invalid|adjusted|categories"
)
_COMMON = """
bar bars data date dates time price prices open high low close volume daily symbol symbols file files line lines csv
parquet column columns home market markets stock stocks path source
"""
_WORDS = frozenset(_COMMON.split())
_SECRET = re.compile(
    r"pass(?!ed|ive|through)|pwd|secret|token|credential|bearer|signature|cookie|jwt|psk|"
    r"(api|access|private|account|shared|encryption|license|subscription|client|consumer)key|keyid|"
    r"^(key|pat|pw|sig|sas|otp|pin)$|auth(?!ors?$)"
)


def _is_secret(name: str) -> bool:
    """Return whether an option of that name holds a secret, however its words are joined."""
    return _SECRET.search("".join(c for c in name.casefold() if c.isalnum())) is not None


# What is secret in the text of an address: the password of a user, a token in a user's place, a query's value.
_PARTS = (
    re.compile(r"(?<=\w://)[^\s:/@]*:(?P<secret>\S+)@"),
    re.compile(r"(?:https?|rediss?)://(?P<secret>[^\s:/@]+)@"),
    re.compile(
        r"(?:[?&;\s]|^)(?P<name>[\w.-]+)\s*=\s*"
        r"(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|(?P<secret>[^\s&;'\"]+))"
    ),
)


# Letters as programs write them where they do not trust the reader with them, and lists of bytes.
_ESCAPE = re.compile(r"\\x([0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\[abfnrtv\\]")
_WITHIN = re.compile(r"[^\s'\"<>()\[\]{},:;]+")  # signs that join two words to one
_NUMBERS = re.compile(r"\d{1,3}(?:[,;\s]+\d{1,3}){3,}")


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
    """Return options with what looks like a literal secret as ``***``; what names a variable stays."""
    if isinstance(value, dict):
        # What lies below a secret key is secret, whatever its own name.
        return {k: mask(v, key if _is_secret(key) else k) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [mask(v, key) for v in value]
    if _is_secret(key) and isinstance(value, int | float) and not isinstance(value, bool):
        return "***"
    for start, end in reversed(list(_literals(value, key))):
        value = f"{value[:start]}***{value[end:]}"
    return value


def _literals(value: Any, key: str) -> Iterator[tuple[int, int]]:
    """Yield where a text holds a secret that was written into the recipe, in order; variables within are none."""
    if not isinstance(value, str):
        return
    spans = [(0, len(value))] if _is_secret(key) else []
    for pattern in () if spans else _PARTS:
        for found in pattern.finditer(value):
            parts = found.groupdict()
            if parts.get("name") is None or _is_secret(parts["name"]):
                spans.append(next(found.span(n) for n in ("secret", "single", "double") if parts.get(n) is not None))
    last = 0
    for start, end in sorted(spans):
        if start < last:
            continue
        last = end
        for variable in (*VARIABLE.finditer(value, start, end), None):
            stop = variable.start() if variable else end
            if stop > start:
                yield start, stop
            start = variable.end() if variable else end


def holds_secrets(options: Mapping[str, Any]) -> bool:
    """Return whether some option is, or takes, what must not be told."""
    return any(_secrets(options))


def tell(text: str, options: Mapping[str, Any]) -> str | None:
    """Return a text about a source as it may be told, or None, where it may hold what came from the environment.

    A path that was filled in, or a folder above it, is written as the recipe has it. Nothing else is replaced, because
    a word that happens to equal a value would tell it. What is left is compared with every value, whatever its case,
    its quoting or its encoding: four letters or digits in a row that agree are enough.

    Parameters
    ----------
    text : str
        Of an error or a warning.
    options : mapping
        The source's, as the recipe has them.
    """
    for form, typed in sorted(_paths(options).items(), key=lambda pair: -len(pair[0])):
        text = re.sub(rf"(?<![\w/.~-]){re.escape(form)}(?!\w)", typed.replace("\\", r"\\"), text)
    variables = "|".join(map(re.escape, names_in(options))) or "(?!)"
    rest = re.sub(rf"\$\{{(?:{variables})\}}", "\0", text)
    values = [value for value in _secrets(options) if value]
    return None if any(_shares(_without_words(rest, value), value) for value in values) else text


def blotted(text: str, options: Mapping[str, Any]) -> str:
    """Return a text in which what must not be told stands as ``***``; values of fewer than 4 characters are left."""
    values = {form for value in _secrets(options) for form in (value, unquote(value)) if len(value) >= SHOWN}
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, "***")
    return text


def tell_all(read: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a source says it has read, without what must not be told; hashes of ours tell nothing."""

    def shown(name: str, value: Any) -> Any:
        return (tell(value, options) or "not told") if isinstance(value, str) and name != "sha256" else value

    return [{name: shown(name, value) for name, value in one.items()} for one in read]


def _without_words(text: str, value: str) -> str:
    """Return a text without keys and the words that are everywhere, where they stand alone and are not the value."""
    keys = rf"(?<![\w./~+%-])data\.(?:{_KEYS})\b(?![./~+%-]\w)"
    plain = _plain(value)

    def of_value(key: re.Match[str]) -> bool:
        """Say whether a key is in the value, or its end goes on in the text as in the value."""
        after = _plain(key.string[key.end() :])[:1]
        return _plain(key[0]) in plain or (bool(after) and _plain(key[0].rpartition(".")[2]) + after in plain)

    text = re.sub(keys, lambda key: key[0] if of_value(key) else "\0", text)
    words = re.findall(r"[^\W_]+|[\W_]+", text)
    common = [word.casefold() in _WORDS and not _of_value(words, i, plain) for i, word in enumerate(words)]

    def alone(i: int) -> bool:
        """Say whether a word has no common one beside it, and is not a part of another, as in ``hz.low``."""
        beside = [(i + side, i + 2 * side) for side in (-1, 1) if 0 <= i + 2 * side < len(words)]
        return not any(common[word] or _WITHIN.fullmatch(words[sign]) for sign, word in beside)

    return "".join("\0" if common[i] and alone(i) else word for i, word in enumerate(words))


def _of_value(words: Sequence[str], i: int, value: str) -> bool:
    """Say whether a word is the value, or goes on in the text as in the value: then it is a piece of that."""
    word = _plain(words[i])
    before, after = (words[k] if 0 <= k < len(words) else "" for k in (i - 2, i + 2))
    longer = {_plain(before)[-1:] + word, word + _plain(after)[:1]} - {word}
    return word == value or any(one in value for one in longer)


def is_value(text: str, options: Mapping[str, Any]) -> bool:
    """Return whether the name of a symbol or a calendar has something of a value from the environment.

    What stands in the recipe as it is comes from there.
    """
    plain = _plain(text)
    if not plain or any(plain in _plain(VARIABLE.sub(" ", typed)) for typed in _texts(options)):
        return False
    for name in names_in(options):
        value = os.environ.get(name, "")
        parts = re.split(r"[/\\]", value)
        if value and (_shares(text, value) or plain in {_plain(form) for p in parts for form in (p, Path(p).stem)}):
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
            yield from _secrets(one, key if _is_secret(key) else name)
    elif isinstance(value, list):
        for one in value:
            yield from _secrets(one, key)
    elif isinstance(value, str):
        yield from (os.environ.get(name, "") for name in names_in(value))
        yield from (value[start:end] for start, end in _literals(value, key))
    elif mask(value, key) == "***":
        yield str(value)


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts of options."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _paths(options: Mapping[str, Any]) -> dict[str, str]:
    """Return how the paths that were filled in, and the folders above them, may be written, and how they were typed."""
    found: dict[str, str] = {}
    for typed in _texts(options):
        filled = VARIABLE.sub(lambda m: os.environ.get(m[1], ""), typed)
        if filled == typed or "/" not in filled.strip("/"):
            continue
        for form in _forms_of_path(filled):
            found.setdefault(form, typed)
        above, filled = os.path.normpath(typed), os.path.normpath(filled)
        for _ in range(3):
            for form in _forms_of_path(filled):
                found.setdefault(form, above)
            filled = os.path.dirname(filled)
            head, _, last = above.rpartition("/")
            above = head if head and last != ".." and not names_in(last) else f"{above}/.."
    return found


def _forms_of_path(path: str) -> set[str]:
    """Return how a path may be written in a message; one that is too short could be a word."""
    forms = {path, str(Path(path)), os.path.normpath(path), os.path.expanduser(path)}
    forms |= {os.path.abspath(form) for form in (path, os.path.expanduser(path))}
    forms |= {repr(form)[1:-1] for form in forms}
    return {form for form in forms if "/" in form.strip("/") and len(form) >= 2 * SHOWN}


def _shares(text: str, value: str) -> bool:
    """Return whether a text has something of a value, in one of the forms that libraries give both."""
    if not _plain(value) and not _signs(value):
        return value.strip() in text
    data, wide = _bytes(value), value.encode("utf-16-le", "surrogatepass")
    forms = {value, value[::-1], data.hex(), wide.hex(), data.decode("latin-1"), *_base64(data), *_base64(wide)}
    forms.add(base64.b32encode(data).decode().rstrip("="))
    seen = {text, html.unescape(text), _ESCAPE.sub(_unescaped, text), _NUMBERS.sub(_lettered, text)}
    for _ in range(4):
        seen |= {unquote(one) for one in seen}
    for read in (_plain, _signs):
        grams = {part for form in forms for part in _runs(read(form))}
        if any(part in grams for one in seen for part in _runs(read(one))):
            return True
        short = read(value)
        if 0 < len(short) < SHOWN and (read is _plain or not _plain(value)) and any(short in read(one) for one in seen):
            return True
    return False


def _runs(text: str) -> Iterator[str]:
    return (text[i : i + SHOWN] for i in range(len(text) - SHOWN + 1))


def _signs(text: str) -> str:
    """Return a text's signs, without the letters and digits that `_plain` looks at."""
    return "".join(c for c in text if not c.isalnum() and not c.isspace() and c not in "\\\0")


def _unescaped(found: re.Match[str]) -> str:
    code = next(filter(None, found.groups()), None)
    return chr(int(code, 16)) if code else " "  # the letter of a line break or a tab is none of the value's


def _lettered(found: re.Match[str]) -> str:
    return "".join(chr(int(n)) for n in re.findall(r"\d+", found[0]) if int(n) < 256)


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")


def _base64(data: bytes) -> Iterator[str]:
    """Yield what base64 makes of a value at each place of three bytes, without what its neighbours change."""
    for skip in range(3):
        text = base64.b64encode(b"\0" * skip + data).decode().rstrip("=")
        yield text[4 if skip else 0 : -1]


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())

"""Files that a path names on other machines: objects of S3 and its like, and what web servers give."""

from __future__ import annotations

import datetime as dt
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from glob import has_magic
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import quorate
from quorate_data._fetched import BLOCK, Found, fetch
from quorate_data._paths import find_files
from quorate_data._text import listed, near

STORES = {"s3": "AWS", "s3a": "AWS", "gs": "GOOGLE", "az": "AZURE", "azure": "AZURE", "abfs": "AZURE", "abfss": "AZURE"}
WEB = ("http", "https")
_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+]*)://(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
TRIES = 4
WAIT = 0.5  # seconds before the second try, twice as many before each further one
LONGEST = 60.0  # that a server may ask to wait
SILENT = 60.0  # after which a connection that says nothing is given up
AGAIN = (429, 500, 502, 503, 504)
NO_HEAD = (403, 405, 501)  # what servers answer who give a file, but not what would be said of it
CUT = "the connection ended before the file did, and nothing of it is used"
NEAR = 1000  # names that are looked through for one like that which is not there


def found_files(
    path: str | os.PathLike[str] | Sequence[str],
    endings: tuple[str, ...],
    options: Mapping[str, Any],
    home: Path | None,
) -> tuple[list[Path], list[dict[str, Any]]]:
    """Return the files that a path names, here, and what is told of those that came from elsewhere.

    Parameters
    ----------
    path : str or sequence of str
        Files, folders or patterns, here or as addresses.
    endings : tuple of str
        Of the files of a folder.
    options : mapping
        Of the stores; see `csv`.
    home : Path or None
        Where what is fetched is kept.

    Raises
    ------
    DataError
        If one of them names no file, or one cannot be fetched.
    """
    parts = [path] if isinstance(path, str | os.PathLike) else list(path)
    urls = [found for part in parts if isinstance(part, str) and (found := _URL.fullmatch(part))]
    if not urls:
        if options:
            raise quorate.DataError("data.storage_options are of addresses such as s3://..., and data.path has none")
        return find_files(path, endings), []
    every: list[Found] = []
    for url in urls:
        scheme = url["scheme"].lower()
        if scheme in STORES:
            every += _stored(url[0], endings, options)
        elif scheme in WEB:
            every.append(_on_the_web(url[0], options))
        else:
            raise quorate.DataError(
                f"{url[0]}: data.path is read from s3://, gs://, az://, https:// and http://; it began with {scheme}://"
            )
    seen: set[str] = set()
    for one in every:
        if one.key in seen:
            raise quorate.DataError(f"{one.url}: data.path names this file twice")
        seen.add(one.key)
    here = [part for part in parts if not (isinstance(part, str) and _URL.fullmatch(part))]
    files, told = fetch(every, home)
    return [*(find_files(here, endings) if here else []), *files], told


def _stored(url: str, endings: tuple[str, ...], options: Mapping[str, Any]) -> list[Found]:
    """Return the objects that an address names: one, all below it that end so, or those of a pattern."""
    try:
        import obstore
        from obstore.store import from_url
    except ImportError as e:
        raise quorate.DataError(f"{url}: needs obstore: pip install 'quorate[objects]'") from e
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    root = f"{scheme.lower()}://{bucket}"
    try:
        opening: Any = from_url  # what each store takes is for the store to check
        store = opening(
            root,
            config={str(name): str(value) for name, value in options.items()},
            client_options={"allow_http": True, "timeout": dt.timedelta(seconds=SILENT)},
            retry_config={"max_retries": TRIES - 1, "retry_timeout": dt.timedelta(seconds=LONGEST)},
        )
        found = _objects(obstore, store, root, key, endings)
    except quorate.QuorateError:
        raise
    except Exception as e:  # the errors of all stores have nothing else in common
        raise quorate.DataError(f"{url}: {_reason(e, bucket, scheme)}") from None

    def content(path: str, size: int) -> Iterator[bytes]:
        try:
            answer = obstore.get(store, path)
        except Exception as e:
            raise quorate.DataError(f"{root}/{path}: {_reason(e, bucket, scheme)}") from None
        if answer.meta["size"] != size:
            raise quorate.DataError(f"{root}/{path}: it was changed while it was fetched; read it again")
        try:
            yield from (bytes(block) for block in answer.stream(min_chunk_size=BLOCK))
        except Exception as e:
            raise quorate.DataError(f"{root}/{path}: {CUT} ({_reason(e, bucket, scheme)})") from None

    return [
        Found(
            f"{root}/{one['path']}",
            f"{root}/{one['path']}|{options.get('endpoint', '')}",
            one["path"].rpartition("/")[2],
            str(one["e_tag"] or one["last_modified"]),
            one["size"],
            lambda path=one["path"], size=one["size"]: content(path, size),  # type: ignore[misc]
        )
        for one in found
    ]


def _objects(obstore: Any, store: Any, root: str, key: str, endings: tuple[str, ...]) -> list[Any]:
    if has_magic(key):
        below = re.split(r"[*?\[]", key)[0].rpartition("/")[0]
        wanted = re.compile(_pattern(key))
        found = [one for one in _listed(obstore, store, below) if wanted.fullmatch(one["path"])]
        if not found:
            raise quorate.DataError(f"{root}/{key}: no object matches this pattern")
        return found
    if key and not key.endswith("/"):
        try:
            return [obstore.head(store, key)]
        except FileNotFoundError:
            pass
    folder = key.rstrip("/")
    inside = list(_listed(obstore, store, folder))
    depth = len(folder) + 1 if folder else 0
    found = [one for one in inside if "/" not in one["path"][depth:] and one["path"].lower().endswith(endings)]
    if found:
        return found
    if inside:
        names = listed(one["path"][depth:] for one in inside)
        raise quorate.DataError(
            f"{root}/{key}: the folder holds no {' or '.join(endings[:2])} object; there are {names}"
        )
    above = folder.rpartition("/")[0]
    beside = [one["path"] for one, _ in zip(_listed(obstore, store, above), range(NEAR), strict=False)]
    raise quorate.DataError(f"{root}/{key}: there is no such object or folder{near(folder, beside)}")


def _listed(obstore: Any, store: Any, below: str) -> Iterator[Any]:
    """Yield all objects below a folder, by name."""
    every = [one for chunk in obstore.list(store, below or None) for one in chunk]
    yield from sorted(every, key=lambda one: one["path"])


def _pattern(key: str) -> str:
    """Return a pattern of paths as a regular expression: ``*`` stays within a folder, ``**/`` is any number of them."""
    told = ""
    for part in re.findall(r"\*\*/|\*+|\?|\[!?\]?[^\]]*\]|.", key, re.DOTALL):
        if part == "**/":
            told += "(?:[^/]+/)*"
        elif part.startswith("*"):
            told += "[^/]*" if part == "*" else ".*"
        elif part == "?":
            told += "[^/]"
        elif len(part) > 1:
            told += f"[{'^' if part[1] == '!' else ''}{re.escape(part[1:-1].lstrip('!')).replace(re.escape('-'), '-')}]"
        else:
            told += re.escape(part)
    return told


def _reason(error: Exception, bucket: str, scheme: str) -> str:
    """Return in a line what a store says, and what to do."""
    text = str(error)
    code = re.search(r"<Code>(\w+)</Code>", text)
    status = re.search(r"status(?: code)?:? (\d{3})|\b(40[0-9]|50[0-9])\b", text)
    number = next(filter(None, status.groups()), "") if status else ""
    variables = {
        "AWS": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (AWS_ENDPOINT_URL, AWS_REGION)",
        "GOOGLE": "GOOGLE_SERVICE_ACCOUNT",
        "AZURE": "AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_ACCOUNT_KEY",
    }[STORES[scheme.lower()]]
    keys = f"credentials come from {variables}, or from data.storage_options"
    name = type(error).__name__
    if "NoSuchBucket" in text:
        return f"there is no bucket {bucket!r}"
    if "169.254.169.254" in text or "metadata.google" in text:
        public = "a public bucket is read with data.storage_options = { skip_signature = true }"
        return f"no credentials were found; {keys}; {public}"
    if name in ("PermissionDeniedError", "UnauthenticatedError") or number in ("401", "403"):
        return f"access is denied ({code[1] if code else number or name}); {keys}"
    if name == "UnknownConfigurationKeyError":
        return f"data.storage_options: {text.splitlines()[0]}"
    if isinstance(error, FileNotFoundError):
        return f"there is no such object, or no bucket {bucket!r}"
    first = re.sub(r"Error performing \w+ \S+ in \S+,? ?", "", text.splitlines()[0])
    return re.sub(r"^Generic \w+ error: ", "", first)


def _on_the_web(url: str, options: Mapping[str, Any]) -> Found:
    """Return what a web server gives at an address."""
    if unknown := [name for name in options if name != "headers"]:
        raise quorate.DataError(f"data.storage_options of an address on the web take headers; it had {unknown[0]!r}")
    parts = urlsplit(url)
    if has_magic(parts.path):
        raise quorate.DataError(
            f"{parts.scheme}://{parts.hostname}{parts.path}: a web server does not list its files, so there is no "
            "pattern; name them: data.path = [...]"
        )
    headers = {"User-Agent": "quorate", **options.get("headers", {})}
    shown = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))
    if parts.username is not None:
        import base64

        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(user.encode()).decode()}"
    address = quote(shown, safe="%/:=&?~#+!$,;'@()*[]")

    def answer(method: str) -> HTTPResponse:
        return _opened(urllib.request.Request(address, headers=headers, method=method), _without_query(shown))

    try:
        with answer("HEAD") as head:
            told = head.headers
    except _NoHead:
        with answer("GET") as body:
            told = body.headers
    size = told.get("Content-Length")
    plain = told.get("Content-Encoding", "identity") == "identity"

    def content() -> Iterator[bytes]:
        with answer("GET") as body:
            try:
                while block := body.read(BLOCK):
                    yield block
            except (OSError, HTTPException) as e:
                raise quorate.DataError(f"{_without_query(shown)}: {CUT} ({_said(e)})") from None

    name = unquote(parts.path.rpartition("/")[2]) or str(parts.hostname)
    etag = told.get("ETag") or told.get("Last-Modified") or ""
    return Found(_without_query(shown), shown, name, etag, int(size) if size and plain else None, content)


class _NoHead(Exception):
    """A server tells nothing of a file without giving it."""


def _opened(request: urllib.request.Request, shown: str) -> HTTPResponse:
    """Return a server's answer; where it is busy or not there for a moment, it is asked again."""
    reason = ""
    for left in reversed(range(TRIES)):
        wait = WAIT * 2 ** (TRIES - 1 - left)
        try:
            found: HTTPResponse = urllib.request.urlopen(request, timeout=SILENT)
            return found
        except urllib.error.HTTPError as e:
            if request.method == "HEAD" and e.code in NO_HEAD:
                raise _NoHead from None
            asked = e.headers.get("Retry-After", "")
            reason = f"the server says {e.code} {e.reason}"
            if e.code in (401, 403):
                reason += "; credentials go into the address, https://USER:${PASSWORD}@..., or storage_options.headers"
            if e.code not in AGAIN:
                break
            wait = min(float(asked), LONGEST) if asked.isdigit() else wait
        except (OSError, HTTPException) as e:
            reason = f"the server cannot be reached: {_said(e)}"
        if left:
            time.sleep(wait)
    raise quorate.DataError(f"{shown}: {reason}") from None


def _said(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    return str(getattr(reason, "strerror", None) or reason or type(error).__name__)


def _without_query(url: str) -> str:
    """Return an address without what may hold a key."""
    return url.partition("?")[0]

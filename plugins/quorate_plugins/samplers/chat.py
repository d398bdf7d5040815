"""One question to an OpenAI-compatible endpoint: where it goes, how long it may take, what is kept of it."""

from __future__ import annotations

import datetime as dt
import json
import os
import stat
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import quorate
from quorate_plugins.web import is_loopback, opener

URL = "OPENAI_BASE_URL"
KEY = "OPENAI_API_KEY"
USUAL = "https://api.openai.com/v1"
LARGEST = 1 << 20  # bytes of an answer


class NoAnswer(Exception):
    """The endpoint gave nothing that can be used; the text names the kind of trouble."""


@dataclass(frozen=True)
class Endpoint:
    """Where questions go.

    Parameters
    ----------
    url : str
        Of the API, without an end, e.g. ``https://api.openai.com/v1``.
    key : str
        Goes along in a header, and is shown and kept nowhere.
    """

    url: str
    key: str = field(repr=False)

    @classmethod
    def of_environment(cls, allow_insecure: bool) -> Endpoint:
        """Return the endpoint that the environment names.

        Raises
        ------
        RecipeError
            If the key, or what is asked, could be read on the way, or there is no key for an endpoint elsewhere.
        """
        url = (os.environ.get(URL) or USUAL).strip().rstrip("/")
        key = os.environ.get(KEY, "").strip()
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            parts, host = urlsplit(""), ""
        if parts.scheme not in ("http", "https") or not host or not url.isascii() or not url.isprintable():
            raise quorate.RecipeError(f"{URL} must be the URL of an API, e.g. {USUAL} or http://127.0.0.1:11434/v1")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise quorate.RecipeError(f"{URL} must be a plain URL, e.g. {USUAL}: a key belongs into {KEY}")
        near = is_loopback(host)
        if parts.scheme == "http" and not near and not allow_insecure:
            raise quorate.RecipeError(
                f"{URL} names {parts.scheme}://{host}, where everybody on the way can read the key and what is asked: "
                "use https, or a tunnel to this machine, or, on a network that you trust, "
                "tuning.sampler_options.allow_insecure = true"
            )
        if not key and not near:
            raise quorate.RecipeError(f"the endpoint at {host} wants a key: put it into the variable {KEY}")
        if not key.isascii() or not key.isprintable() or any(c in key for c in '"\\ '):
            raise quorate.RecipeError(f"{KEY} must be one word of ASCII characters without quotes")
        return cls(url, key)

    def ask(self, body: Mapping[str, Any], seconds: float) -> str:
        """Return the text of the message that a chat completion answers with.

        No redirect is followed: the key would go along to wherever it leads.

        Raises
        ------
        NoAnswer
            If there is none within that time, or it is no chat completion.
        """
        request = urllib.request.Request(
            f"{self.url}/chat/completions",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "User-Agent": "quorate"},
        )
        if self.key:
            request.add_unredirected_header("Authorization", f"Bearer {self.key}")
        until = time.monotonic() + seconds
        try:
            with opener(self.url).open(request, timeout=seconds) as answer:
                text = _read(answer, until)
        except urllib.error.HTTPError as e:
            e.close()
            raise NoAnswer(f"it answered with status {e.code}") from None
        except (OSError, HTTPException, ValueError) as e:  # also of a host that is no name
            late = isinstance(e, TimeoutError) or isinstance(getattr(e, "reason", None), TimeoutError)
            raise NoAnswer("it took too long" if late else "it could not be reached") from None
        try:
            content = json.loads(text)["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError, RecursionError):
            content = None
        if not isinstance(content, str):
            raise NoAnswer("its answer is no chat completion")
        return content


def _read(answer: Any, until: float) -> bytes:
    """Return what is sent until a time; a server that sends little by little has no longer than another."""
    found = bytearray()
    while part := answer.read1(1 << 16):
        found += part
        if len(found) > LARGEST:
            raise NoAnswer(f"its answer is larger than {LARGEST // 2**20} MiB")
        if time.monotonic() > until:
            raise TimeoutError
    return bytes(found)


@dataclass(frozen=True)
class Log:
    """A file with a line of JSON for each question; without a path, none.

    Parameters
    ----------
    path : str
        It must end with ``.jsonl``: a recipe that somebody sent must not write into other files.
    key : str
        Is taken out of whatever is written, should the endpoint repeat it.
    """

    path: str
    key: str = field(repr=False)

    def write(self, entry: Mapping[str, Any]) -> None:
        """Add a line.

        Raises
        ------
        RecipeError
            If it cannot be written.
        """
        if not self.path:
            return
        where = f"tuning.sampler_options.log = {self.path!r}"
        if Path(self.path).suffix != ".jsonl":
            raise quorate.RecipeError(f"{where}: its name must end with .jsonl")
        line = json.dumps({"time": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), **entry})
        if self.key:
            line = line.replace(self.key, "***")
        try:
            how = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
            with open(os.open(self.path, how, 0o600), "a", encoding="utf-8") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise OSError("it is no file")
                file.write(line + "\n")
        except OSError as e:
            raise quorate.RecipeError(f"{where} cannot be written: {e.strerror or e}") from e

"""Alerts that are sent to an address as JSON."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import asdict
from http.client import HTTPException
from ssl import SSLCertVerificationError
from urllib.parse import urlsplit

import quorate
from quorate_plugins.web import is_loopback, opener

WAIT = 0.5  # seconds before the second try; each later one waits twice as long
AGAIN = (408, 425, 429, 500, 502, 503, 504)  # states of a server that may pass


def webhook(
    alert: quorate.Alert, url: str, timeout: float = 10.0, retries: int = 3, allow_insecure: bool = False
) -> None:
    """Send an alert by POST: a JSON object with its fields, of which ``text`` begins with the subject.

    It is delivered when the server answers with a status from 200 to 299. Certificates are verified, redirects are not
    followed.

    Parameters
    ----------
    url : str
        Where it is sent; one that has a token in it comes from the environment, ``"${ALERT_URL}"``.
    timeout : float, seconds
        For all tries together.
    retries : int
        How often it is tried again where there is no answer, or the server says that it cannot now.
    allow_insecure : bool
        Whether the address may be on another machine without https.
    """
    _check(url, timeout, retries, allow_insecure)
    body = json.dumps({**asdict(alert), "text": f"{alert.subject}\n{alert.text}"}).encode()
    until = time.monotonic() + timeout
    for tried in range(retries + 1):
        wrong, again = _posted(url, body, max(until - time.monotonic(), 0.01))
        wait = WAIT * 2**tried
        if not wrong:
            return
        if not again or tried == retries or time.monotonic() + wait >= until:
            tries = "" if tried == 0 else f", tried {tried + 1} times"
            raise quorate.PluginError(f"{wrong}{tries}")
        time.sleep(wait)


def _posted(url: str, body: bytes, seconds: float) -> tuple[str, bool]:
    """Return why it was not taken, or nothing, and whether trying again may help; no address is told."""
    headers = {"Content-Type": "application/json", "User-Agent": "quorate"}
    try:
        with opener(url).open(urllib.request.Request(url, body, headers, method="POST"), timeout=seconds) as answer:
            status = answer.status
    except urllib.error.HTTPError as e:
        e.close()
        status = e.code
    except (OSError, HTTPException, ValueError) as e:
        reason = getattr(e, "reason", e)
        if isinstance(reason, SSLCertVerificationError):
            return "the certificate of the other side is not valid", False
        if isinstance(reason, TimeoutError):
            return f"there was no answer within {seconds:.3g} s", True
        return "it could not be reached", True
    return ("", False) if 200 <= status < 300 else (f"the answer was status {status}", status in AGAIN)


def _check(url: str, timeout: float, retries: int, allow_insecure: bool) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not host or not url.isascii() or not url.isprintable() or " " in url:
        raise quorate.PluginError("url must be an address that begins with https://")
    if parts.scheme == "http" and not is_loopback(host) and not allow_insecure:
        raise quorate.PluginError(
            "without https everybody on the way can read it: use https, or, on a network that you trust, "
            "allow_insecure = true"
        )
    if not timeout > 0 or retries < 0:
        raise quorate.PluginError(f"timeout must be above 0, and retries 0 or more; they were {timeout} and {retries}")

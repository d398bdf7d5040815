"""What all plugins that ask another machine over HTTP share."""

from __future__ import annotations

import ipaddress
import urllib.request
from typing import Any
from urllib.parse import urlsplit


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow none: it ends as an error with its status."""


def opener(url: str) -> urllib.request.OpenerDirector:
    """Return what opens a URL: certificates are verified, and no redirect is followed, as secrets would go along."""
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if is_loopback(urlsplit(url).hostname or ""):
        handlers.append(urllib.request.ProxyHandler({}))  # what is here is asked directly
    return urllib.request.build_opener(*handlers)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

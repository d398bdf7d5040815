"""The tokens of Ray clusters.

Whoever reaches the ports of a Ray cluster can run code on it, so a token is always used, its file is
its owner's alone, and a cluster elsewhere is not joined without one. Nothing here imports Ray.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from quorate.errors import RecipeError
from quorate.execution.ray.own_cluster import known_cluster

DEFAULT_TOKEN = Path("~/.ray/auth_token")


def known_token(address: str, home: Path | None) -> Path | None:
    """Return the token file of our own cluster, if it is the one at that address; without a home there is none."""
    cluster = known_cluster(home) if home else None
    host, port = _split(address)
    for own in (cluster.address, cluster.jobs) if cluster else ():
        if own and port == _split(own)[1] and (host == _split(own)[0] or _is_loopback(host)):
            return cluster.token if cluster else None
    return None


def _split(address: str) -> tuple[str, int]:
    """Return host, without its brackets, and port of ``HOST:PORT`` or a URL; raise `RecipeError`, if one is missing."""
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        if parts.hostname and port:
            return parts.hostname, port
    except ValueError:
        pass
    raise RecipeError(
        f"the address of a cluster must be HOST:PORT, e.g. 10.0.0.5:6379, that of its job server a URL, e.g. "
        f"http://10.0.0.5:8265; it was {address!r}"
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_token_file(path: Path) -> None:
    """Check that a token file is there, not empty, and readable by its owner only.

    Raises
    ------
    RecipeError
        If it is not, with what to do.
    """
    try:
        mode, empty = path.stat().st_mode, not path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as e:
        raise RecipeError(f"cannot read the token file {path}: {getattr(e, 'strerror', None) or e}") from e
    if mode & 0o077:
        raise RecipeError(
            f"the token file {path} must be readable by its owner only; its mode is {mode & 0o777:o}: chmod 600 {path}"
        )
    if empty:
        raise RecipeError(f"the token file {path} must hold a token; it is empty")


def _check_own(path: Path) -> None:
    """Refuse a token of the home that is a link, or lies behind one: what it leads to is somebody else's."""
    if path.is_symlink() or path.parent.is_symlink():
        raise RecipeError(f"the token {path} of the home's own cluster is a link, which is not followed: remove it")


def require_secrecy(url: str, token: str, insecure: bool) -> None:
    """Refuse to send a token to another machine as plain text, unless this user says that the network may see it.

    Raises
    ------
    RecipeError
        With what to do.
    """
    if token and urlsplit(url).scheme == "http" and not _is_loopback(_split(url)[0]) and not insecure:
        raise RecipeError(
            f"the token would go to {url} unencrypted, where everybody on the way can read it: use https, or a tunnel "
            "to this machine (ssh -L 8265:localhost:8265 HOST), or, on a network that you trust, --set "
            "execution.allow_insecure=true"
        )


def authentication(address: str, home: Path | None, allow_insecure: bool) -> dict[str, str]:
    """Return the environment variables to set before this process connects to the cluster at `address`.

    A token is looked for where Ray does, ``RAY_AUTH_TOKEN``, ``RAY_AUTH_TOKEN_PATH``, ``~/.ray/auth_token``; our
    own cluster has its own. Without any, nothing is set: so only a cluster on the loopback can be reached.

    Raises
    ------
    RecipeError
        If a cluster elsewhere would be joined without a token and `allow_insecure` is not set, or the token's file
        can be read by others.
    """
    own = known_token(address, home)
    if own is not None:
        _check_own(own)
        check_token_file(own)
        found = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(own)}
        if "RAY_AUTH_TOKEN" in os.environ:  # that of another cluster, which Ray would prefer to the file
            found["RAY_AUTH_TOKEN"] = own.read_text(encoding="utf-8").strip()
        return found
    if os.environ.get("RAY_AUTH_TOKEN", "").strip():
        return {"RAY_AUTH_MODE": "token"}
    given = os.environ.get("RAY_AUTH_TOKEN_PATH")
    path = Path(given) if given else DEFAULT_TOKEN.expanduser()
    if given or path.exists():
        check_token_file(path)
        return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(path)}
    if _is_loopback(_split(address)[0]) or allow_insecure:
        return {}
    raise RecipeError(
        f"the cluster at {address} is on another machine and there is no token for it: without one, whoever reaches "
        "its ports can run code there, and it could run code here. Put the cluster's token into ~/.ray/auth_token "
        "(mode 600) or RAY_AUTH_TOKEN_PATH; or, on a network that you trust, --set execution.allow_insecure=true"
    )


def token_text(found: Mapping[str, str]) -> str:
    """Return the token that `authentication` found; "" if none."""
    if not found:
        return ""
    path = found.get("RAY_AUTH_TOKEN_PATH")
    text = found.get("RAY_AUTH_TOKEN") or (
        Path(path).read_text(encoding="utf-8") if path else os.environ["RAY_AUTH_TOKEN"]
    )
    return text.strip()

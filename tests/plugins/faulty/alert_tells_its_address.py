"""Caught by: alert tells-no-secret

Its error has the address in it, and that the token.
"""

import quorate


def post(alert, url, timeout=5.0):
    from urllib.request import Request, urlopen

    try:
        urlopen(Request(url, alert.subject.encode()), timeout=timeout).close()
    except OSError as e:
        raise RuntimeError(f"cannot post to {url}: {type(e).__name__}") from e


@quorate.hookimpl
def quorate_alerts():
    yield quorate.AlertSpec("zoo-tells", post)

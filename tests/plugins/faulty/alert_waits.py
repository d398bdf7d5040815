"""Caught by: alert ends-in-time

It waits for an answer as long as it takes.
"""

import quorate


def post(alert, url):
    from urllib.request import Request, urlopen

    try:
        urlopen(Request(url, alert.subject.encode())).close()
    except OSError:
        raise quorate.PluginError("it could not be reached") from None


@quorate.hookimpl
def quorate_alerts():
    yield quorate.AlertSpec("zoo-waits", post)

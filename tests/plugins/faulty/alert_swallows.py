"""Caught by: alert raises

It catches whatever goes wrong, so that an alert that nobody got counts as delivered.
"""

import json

import quorate


def post(alert, url, timeout=5.0):
    from dataclasses import asdict
    from urllib.request import Request, urlopen

    try:
        urlopen(Request(url, json.dumps(asdict(alert)).encode()), timeout=timeout).close()
    except OSError:
        return


@quorate.hookimpl
def quorate_alerts():
    yield quorate.AlertSpec("zoo-swallows", post)

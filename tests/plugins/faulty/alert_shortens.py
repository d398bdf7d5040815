"""Caught by: alert untouched

It shortens the subject in place, for a pager that takes twenty letters; what is told after it is cut, too.
"""

import quorate


def page(alert, most=20):
    object.__setattr__(alert, "subject", alert.subject[:most])


@quorate.hookimpl
def quorate_alerts():
    yield quorate.AlertSpec("zoo-pager", page)

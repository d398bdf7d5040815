"""What tells people that something happened, and what it is given to tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from quorate.plugins.specs.base import Spec

Event = Literal["promotion-failed", "promoted", "run-failed", "run-finished", "stalled", "withdrawn", "doubt"]
EVENTS: tuple[Event, ...] = get_args(Event)
USUAL: tuple[Event, ...] = ("promotion-failed", "run-failed", "stalled", "withdrawn")  # unless a recipe says otherwise
TEST = "test"  # the event of ``quorate alerts test``, which goes through each


@dataclass(frozen=True)
class Alert:
    """What happened, in words; it holds no secret.

    Parameters
    ----------
    event : str
        ``promotion-failed``, ``promoted``, ``run-failed``, ``run-finished``, ``stalled``, ``withdrawn``, ``doubt`` or
        ``test``.
    time : str
        When, ISO 8601, UTC.
    what : str
        The id of the run or sweep, or the version, such as ``nasdaq@3``; empty, where none was stored yet.
    recipe : str
        The recipe's name.
    verdict : str
        PASS, FAIL or INSUFFICIENT; of a version at work WITHDRAW or DOUBT; empty, where nothing was judged.
    subject : str
        All of it in one line.
    text : str
        A few lines, the last of which is the command that looks into it.
    """

    event: str
    time: str
    what: str
    recipe: str
    verdict: str
    subject: str
    text: str


@dataclass(frozen=True)
class AlertSpec(Spec):
    """An alert: ``function(alert, **options)`` tells people what happened, or raises.

    `alert` is an `Alert`, plain text in all of its fields. What comes back is None; whatever keeps the alert from being
    delivered is raised, and noted in ``alerts.jsonl`` of the home. It changes no result and no exit code.

    It is called once for each alert, after the report was stored, in the process of the run, and is stopped after a
    minute. Options whose texts have ``${NAME}`` in the recipe come filled in from the environment: they are secret, and
    must stand in no error, no output and no file.
    """

    kind: ClassVar[str] = "alert"

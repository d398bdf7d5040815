"""What becomes of what the rules find in bars."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from quorate.bars.rules import ACTIONS, REST, RULES, Action
from quorate.errors import near_misses
from quorate.recipe.schema.base import Section


class Check(Section):
    """What becomes of what one rule finds, and from where on it finds something; a text stands for `then` alone.

    Parameters
    ----------
    then : str
        Tell it, refuse the bars, set those bars apart, or do not ask; without it, what the rule does by default.
    limit : float
        In the unit of the rule; without it, the rule's own.
    """

    then: Action | None = None
    limit: float | None = Field(default=None, ge=0)


def _check(value: Any) -> Any:
    if isinstance(value, str):
        if value not in ACTIONS:
            told = ", ".join(f'"{one}"' for one in ACTIONS)
            raise ValueError(
                f"must be {told}, or a table with then and limit; it was {value!r}{near_misses(value, ACTIONS)}"
            )
        return {"then": value}
    return value


def _rules(given: dict[str, Check]) -> dict[str, Check]:
    """Return what is said of rules, or raise `ValueError` for what a rule cannot do."""
    for name, check in given.items():
        if name == REST:
            if check.limit is not None:
                raise ValueError(f'"{REST}" stands for all rules, which have limits of their own: it takes then alone')
            continue
        rule = RULES.get(name)
        if rule is None:
            known = f'{", ".join(RULES)}, and "{REST}" for the rest'
            raise ValueError(f"has no rule {name!r}: the rules are {known}{near_misses(name, RULES)}")
        if check.limit is not None and rule.limit is None:
            raise ValueError(f"{name} has no limit to choose: it finds {rule.asks}")
        if rule.reading and check.then in ("warn", "off"):
            raise ValueError(
                f'{name} finds {rule.asks}, which no bars can hold: it takes "refuse" or "quarantine"; it was '
                f"{check.then!r}"
            )
        if check.then == "quarantine" and not rule.apart:
            raise ValueError(
                f"{name} cannot set bars apart: it names none that is known to be wrong when it closes; take "
                '"warn" or "refuse"'
            )
    return given


Checks = Annotated[dict[str, Annotated[Check, BeforeValidator(_check)]], AfterValidator(_rules)]

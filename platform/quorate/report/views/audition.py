"""What a new member would add to an ensemble: the verdict in words, then the figures of each market."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quorate.errors import plural
from quorate.report import console
from quorate.report.figures import figure, signed

STYLES = {
    "JOIN": "bold green",
    "HARMFUL": "bold red",
    "REDUNDANT": "bold yellow",
    "TOO EARLY": "bold yellow",
    "HARMLESS": "bold",
}
NAMES = {"recipe": "", "planted": ", with a known signal", "noise": ", with nothing to know"}
ALIKE = 3  # members, the most alike first


def render(document: Mapping[str, Any], target: console.Console | None = None) -> None:
    """Print what an audition found."""
    target = target or console.out()
    first, *more = document["sentences"]
    verdict = document["verdict"]
    line = console.Text(f"{document['plugin']}  ", style="bold")
    line.append(verdict, style=STYLES[verdict]).append(first.removeprefix(verdict), style="")
    target.print(line)
    for sentence in more:
        target.print(sentence, markup=False)
    for one in document["markets"]:
        target.print()
        title = console.Text(f"{one['recipe']}{NAMES[one['kind']]}  ", style="bold")
        target.print(title.append(one["verdict"], style=STYLES[one["verdict"]]))
        target.print(console.facts(_rows(document["plugin"], one)))


def _rows(name: str, one: Mapping[str, Any]) -> list[tuple[str, str]]:
    span, loss, fits = one["span"], one["loss"], one["fits"]
    bars = f"{plural(span['folds'], 'fold')}, {plural(loss['bars'], 'bar')}"
    return [
        ("judged on", f"{span['first']}..{span['last']}, {bars}"),
        (loss["name"], _three(loss, "loss")),
        ("change", _change(loss)),
        ("new to them", _knows(loss)),
        ("best set", _set(name, one["set"])),
        ("correlation", _alike(one["alike"])),
        ("Sharpe", _three(one["trading"]["sharpe"], "ratio")),
        ("return", _return(one["trading"])),
        ("fits", _fits(name, fits)),
        *([("ledger", _ledger(one["ledger"]))] if one["ledger"] else []),
        *(("warning", warning) for warning in one["warnings"]),
    ]


def _three(values: Mapping[str, Any], unit: str) -> str:
    told = (("without", "without"), ("with", "with"), ("member", "alone"))
    return ", ".join(f"{figure(values[key], unit)} {word}" for key, word in told)


def _change(loss: Mapping[str, Any]) -> str:
    if loss["low"] is None:
        return f"not tested, at least {plural(loss['more'], 'bar')} more"
    interval = f"{signed(loss['low'], 'fine')} to {signed(loss['high'], 'fine')}"
    p = f"p {figure(loss['p_better'], 'p-value')} better, {figure(loss['p_worse'], 'p-value')} worse"
    return f"{signed(loss['change'], 'fine')} ({100 * loss['confidence']:.4g} %: {interval}), {p}"


def _knows(loss: Mapping[str, Any]) -> str:
    p = loss["p_knows"]
    return "its forecasts do not vary" if p is None else f"p {figure(p, 'p-value')} that it tells nothing they miss"


def _set(name: str, inside: Mapping[str, Any]) -> str:
    """Return who is in the model confidence set."""
    told = [("with", inside["with"]), ("without", inside["without"]), (name, inside["member"])]
    there = [one for one, held in (*told, *inside["others"].items()) if held]
    return f"{', '.join(there) or 'not known'} (90 %)"


def _alike(alike: Mapping[str, Any]) -> str:
    known = sorted(((v, n) for n, v in alike["members"].items() if v is not None), reverse=True)
    told = [f"{figure(value, 'ratio')} {name}" for value, name in known[:ALIKE]]
    return ", ".join([f"{figure(alike['ensemble'], 'ratio')} the ensemble", *told])


def _return(trading: Mapping[str, Any]) -> str:
    told = f"{signed(trading['gain'], 'fine')} a year (p {figure(trading['p_poorer'], 'p-value')} worse)"
    pays = trading["break_even_bp"]
    if pays is None:
        return f"{told}, without a trade"
    each = f"pays for {pays:.1f} bp more" if pays > 0 else f"would take {-pays:.1f} bp less"
    return f"{told}: {each} on each of {figure(trading['turnover']['with'], 'bars')} times the capital traded a year"


def _fits(name: str, fits: Mapping[str, Any]) -> str:
    member, others = fits["member"], fits["others"]
    seconds = console.span(member["cpu_seconds"])
    new = f"{member['computed'] + member['kept']} of {name}, {seconds} of processor time each"
    kept = f" ({member['kept']} kept from before)" if member["kept"] else ""
    rest = f"{others['kept']} of others kept from before"
    return f"{new}{kept}; {rest}" + (f", {others['computed']} computed once" if others["computed"] else "")


def _ledger(ledger: Mapping[str, Any]) -> str:
    return f"{ledger['new']} new of {plural(ledger['trials'], 'trial')} on these days"

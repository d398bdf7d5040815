"""Whether what is at work still earns what its backtest promised: KEEP, DOUBT or WITHDRAW, at every look.

The forward returns of each version, `quorate.serving.account`, are held against those that it was judged by. The
hypothesis is that their mean is no lower; the evidence against it exceeds 20 in 5 % of all that keep their promise, at
most, however often one looks: `quorate.statistics._shift`, and docs/monitor.md for how often in simulations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from quorate.evidence.ledger import Standing, record_stage, stages_of
from quorate.evidence.ledger.chain import Entry
from quorate.evidence.ledger.forward import check_record, last_noted, note_record
from quorate.execution.progress import Progress
from quorate.runs.alerting import Teller
from quorate.runs.loaded import load_report
from quorate.runs.registering import ModelRegistry
from quorate.runs.stored import reopen
from quorate.runs.surroundings import in_usual_surroundings
from quorate.serving.account import Forward, Market, forward_of
from quorate.serving.watched import WITHDRAW, Watched, compared_with, watched
from quorate.store import Home

ORDER = ("WITHDRAW", "DOUBT", "KEEP", "TOO EARLY")


@dataclass
class Monitoring:
    """What was found of an ensemble.

    Parameters
    ----------
    name : str
        The ensemble.
    verdict : str
        Of its champion; where there is none, of the version that was asked for, or the latest.
    judged : str
        Which version that is.
    versions : list of Watched
        The judged one first, then those beside it.
    compared : list of dict
        The judged version against each other one: ``other``, ``bars``, ``better`` (evidence that the other earns more)
        and ``worse``.
    demoted : bool
        Whether it was retired for it now.
    """

    name: str
    verdict: str
    judged: str
    versions: list[Watched] = field(default_factory=list)
    compared: list[dict[str, Any]] = field(default_factory=list)
    demoted: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


@in_usual_surroundings
def monitor(
    which: str | None = None,
    *,
    data: str | Path | None = None,
    home: str | Path | None = None,
    dry_run: bool = False,
    demote: bool = True,
    revised: bool = False,
    progress: Progress | None = None,
) -> list[Monitoring]:
    """Score the forecasts that versions recorded beforehand on the bars that came, and say which are to be kept.

    A champion that is to be withdrawn is retired, on record, and that is told by its recipe's alerts. Champion,
    candidates and shadows are scored side by side. How far the record goes is noted in the ledger.

    Parameters
    ----------
    which : str, optional
        ``NAME``, or ``NAME@VERSION`` for one version alone; default: every ensemble that has a record.
    data : path, optional
        A file or folder, or a collection of the store, to read instead of the recipe's.
    dry_run : bool
        Nothing is changed, noted or told.
    demote : bool
        Whether a champion is retired.
    revised : bool
        Entries whose prices are others now count all the same.

    Raises
    ------
    StoreError
        If there is no such version.
    IntegrityError
        If the record, the ledger or a version is not as it was written.
    """
    place = Home(home)
    told = progress or Progress()
    entries = check_record(place)
    market = Market(place, None if data is None else str(data))
    known = stages_of(place)
    recorded = dict.fromkeys(str(e["name"]) for e in entries)
    names = [which] if which else [name for name in known.names if name in recorded]
    found = []
    for one in names:
        name, _, number = one.partition("@")
        if number:
            standings = [known.get(name, number)]
        else:
            first = known.champion(name) or known.get(name)
            standings = [first, *(s for s in known.of(name) if s is not first and s.stage != "retired")]
        found.append(_monitored(place, standings, entries, market, revised, told))
    if not dry_run:
        _noted(place, found, demote, told)
    told.close()
    return found


def _monitored(
    home: Home,
    standings: Sequence[Standing],
    entries: Sequence[Entry],
    market: Market,
    revised: bool,
    told: Progress,
) -> Monitoring:
    registry = ModelRegistry(home.path)
    accounts: dict[str, Forward | None] = {}
    versions = []
    for one in standings:
        own = [e for e in entries if (e.get("name"), e.get("version")) == (one.name, one.version)]
        account = forward_of(registry.get(one.label), own, market, revised=revised, progress=told)
        accounts[one.label] = account
        versions.append(watched(one, account))
    first = versions[0]
    champion = accounts.pop(first.label)
    compared = [
        compared_with(champion, account, label)
        for label, account in accounts.items()
        if champion is not None and account is not None
    ]
    return Monitoring(first.name, first.verdict, first.label, versions, [c for c in compared if c])


def _noted(home: Home, found: Sequence[Monitoring], demote: bool, told: Progress) -> None:
    """Retire what is to be withdrawn, note how far the record goes and what was said, and tell what is new."""
    before = (last_noted(home) or {}).get("verdicts", {})
    news = []
    for one in found:
        first = one.versions[0]
        if first.stage != "champion":
            continue
        if one.verdict == "WITHDRAW" and demote:
            reason = (
                f"quorate monitor: WITHDRAW; evidence that it earns less than promised above {WITHDRAW:g} on "
                f"{first.withdrawn}, at most {first.highest:,.0f}; {first.bars} bars, {first.first} to {first.last}, "
                f"Sharpe ratio {_figure(first.sharpe)}, promised {_figure(first.promised)}"
            )
            record_stage(home, first.name, str(first.version), "retired", reason)
            one.demoted = True
        if one.verdict in ("WITHDRAW", "DOUBT") and before.get(first.label) != one.verdict:
            news.append(one)
    note_record(home, {one.judged: one.verdict for one in found})
    for one in news:
        _tell(home, one, told)


def _tell(home: Home, found: Monitoring, told: Progress) -> None:
    first = found.versions[0]
    version = ModelRegistry(home.path).get(first.label)
    session, _ = reopen(load_report(first.run, home=version.path), told)
    session.home = home
    event = "withdrawn" if found.verdict == "WITHDRAW" else "doubt"
    what = "it is withdrawn" + (", and retired" if found.demoted else "") if event == "withdrawn" else "it is in doubt"
    lines = [
        f"evidence that it earns less than promised: {first.evidence:.1f}, at most {first.highest:.1f}",
        f"{first.bars} bars, {first.first} to {first.last}: Sharpe ratio {_figure(first.sharpe)}, promised "
        f"{_figure(first.promised)}",
        f"inputs {first.inputs['verdict']}, calibration {first.calibration['verdict']}",
        f"quorate monitor {first.name}{home.option}",
    ]
    Teller(session, "monitor").tell(event, f"{first.label}: {what}", lines, what=first.label, verdict=found.verdict)


def worst(found: Sequence[Monitoring]) -> str:
    """Return the worst verdict of several ensembles."""
    return min((one.verdict for one in found), key=ORDER.index, default="TOO EARLY")


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"

"""What a sweep tells while it goes on, and what it leaves: verdicts, trials, and every trial's series in the ledger."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from quorate.bars.panel import Bars
from quorate.evidence.ledger import count, ledger_of
from quorate.evidence.ledger.candidates import Candidate, record_candidates
from quorate.evidence.result import finite_or_none
from quorate.execution.progress import Progress
from quorate.plugins.described import to_plain as plain_distribution
from quorate.recipe.digest import recipe_digest
from quorate.runs.session import Session
from quorate.store import Run
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.members import Fitting

if TYPE_CHECKING:
    from quorate.sweeps.asked import Asked
    from quorate.sweeps.inner import Window
    from quorate.sweeps.search import Search
    from quorate.sweeps.subject import Earned
    from quorate.sweeps.trial import Trial
    from quorate.sweeps.tuning import Tuner
    from quorate.sweeps.verdict import Judgement

    Tuned = Sequence[tuple[Window, Tuner]]


class Live:
    """Tells how the searches of a window stand, trial by trial, and what a trial has cost in evidence.

    Parameters
    ----------
    suffix : str
        Of the window's searches.
    """

    tuner: Tuner

    def __init__(self, session: Session, bars: Bars, window: Window, progress: Progress, suffix: str) -> None:
        from quorate.sweeps.price import Deflation

        first, last = window.bars.sessions[window.initial + 1], window.bars.sessions[-1]
        self._window = window
        self._tried = count(ledger_of(session.home), bars, str(first)[:10], str(last)[:10]).keys
        self._price = Deflation(len(window.bars) - window.initial - 1, bars.bars_per_year, len(self._tried))
        self._progress, self._suffix = progress, suffix
        self._counted: set[tuple[str, int]] = set()
        self._began, self._before = time.monotonic(), 0

    def told(self, name: str, trial: Trial) -> None:
        """Hear of a trial that was decided, and tell it."""
        from quorate.sweeps.price import standing

        search = self.tuner.searches[name]
        # Trading models by themselves takes time that workers would wait for: each of their trials counts as one.
        if search.rules.objectives.metrics:
            self._count(name)
            asked = self._price.asked
        else:
            asked = self._price.at(float(sum(len(one.done) for one in self.tuner.searches.values()) + 1))
        told = standing(name + self._suffix, search, trial, self.tuner.subjects[name].chosen(trial))
        self._progress.trial({**told, "sharpe_asked": asked, "left_seconds": self._left()})

    def _count(self, name: str) -> None:
        for one in self.tuner.earned_by(name):
            if (name, one.trial.number) not in self._counted:
                self._counted.add((name, one.trial.number))
                key = candidate_of(one, self._window, "", self.tuner.subjects[name].role, "").key
                self._price.add(one.returns, key in self._tried)

    def _left(self) -> float | None:
        """Return the seconds that the trials to come will take, as those so far did."""
        searches = self.tuner.searches.values()
        done, of = sum(len(s.done) for s in searches), sum(s.rules.trials for s in searches)
        fresh = done - self.tuner.known
        passed = time.monotonic() - self._began
        return passed / fresh * max(of - done, 0) if fresh > 0 else None


def judged_of(asked: Asked, outer: WalkForward, tuned: Tuned, fitting: Fitting) -> dict[str, Judgement]:
    """Return what is judged of what was found, on the recipe's own walk-forward."""
    from quorate.sweeps.variant import variant
    from quorate.sweeps.verdict import judge_models, judge_whole, options_of, with_params

    recipe = outer.recipe
    if not asked.whole:
        chosen = [
            (with_params(recipe, {n: {**options_of(recipe, n), **best_of(t, n)} for n in asked.spaces}), window.outer)
            for window, t in tuned
        ]
        return judge_models(outer, chosen, fitting)
    [name] = asked.spaces
    chosen = []
    for window, tuner in tuned:
        params = best_of(tuner, name)
        chosen.append((variant(recipe, outer.registry, params) if params else recipe, window.outer))
    return {name: judge_whole(outer, chosen, asked.objectives, fitting)}


def best_of(tuner: Tuner, name: str) -> dict[str, Any]:
    """Return what the best trial of a search sets; nothing, where that is the recipe's own."""
    return tuner.subjects[name].chosen(tuner.searches[name].best)


def span_of(walk: WalkForward) -> dict[str, Any]:
    """Return what a walk-forward predicts, for a report."""
    first, last = walk.folds[0], walk.folds[-1]
    return {
        "first": str(walk.bars.sessions[first.first]),
        "last": str(walk.bars.sessions[last.stop - 1]),
        "folds": len(walk.folds),
        "rows": int(sum(len(fold.test) for fold in walk.folds)),
    }


def found_of(asked: Asked, outer: WalkForward, tuned: Tuned, judged: Mapping[str, Judgement]) -> dict[str, Any]:
    """Return what a report holds of what was tried and found."""
    from quorate.sweeps.verdict import sentences

    loss = "log loss" if outer.binary else "squared error"
    searches = {name: _search(asked, tuned, name, judged[name]) for name in asked.spaces}
    stopped = next((tuner.ended for _, tuner in tuned if tuner.ended), "")
    first, last = tuned[0][0], tuned[-1][0]
    aims = asked.objectives
    return {
        "whole": asked.whole,
        "loss": loss,
        "objectives": [
            {"name": name, "higher_is_better": up} for name, up in zip(aims.names, aims.higher, strict=True)
        ],
        "inner": {
            "first": str(first.bars.sessions[first.initial]),
            "last": str(last.bars.sessions[-1]),
            "folds": (len(first.bars) - first.initial) // first.test,
            "windows": len(tuned),
        },
        "outer": span_of(outer),
        "searches": searches,
        "stopped": stopped,
        "sentences": sentences(judged, searches, loss, stopped),
    }


def _search(asked: Asked, tuned: Tuned, name: str, judgement: Judgement) -> dict[str, Any]:
    """Return what a report holds of a search; of several windows the best is that of the last."""
    from quorate.sweeps.importance import importance
    from quorate.sweeps.objectives import front

    _, tuner = tuned[-1]
    search, subject, aims = tuner.searches[name], tuner.subjects[name], asked.objectives
    own = {key: value for key in subject.space if (value := subject.own.get(key)) is not None}
    best = search.best
    found = dict(subject.chosen(best)) if best.number >= 0 else own
    several = len(tuned) > 1
    told: dict[str, Any] = {
        "space": {key: plain_distribution(one) for key, one in subject.space.items()},
        "own": {"params": own, **_values(search, search.reference)},
        "best": {"trial": best.number if best.number >= 0 else None, "params": found, **_values(search, best)},
        "kept": judgement.kept,
        "kept_params": found if judgement.kept == "tuned" else own,
        "better": judgement.better,
        "helped": judgement.helped,
        "verdicts": [verdict.to_plain() for verdict in judgement.verdicts],
        "importance": importance(subject.space, search.done, aims),
        "trials": [_trial(t, name, trial, w if several else None) for w, t in tuned for trial in t.searches[name].done],
    }
    if aims.several:
        complete = [search.reference, *(trial for trial in search.done if trial.state == "complete")]
        told["front"] = [trial.number if trial.number >= 0 else None for trial in front(complete)]
    if several:
        told["windows"] = [
            {"judged_from": _from(w), "trial": t.searches[name].best.number, "params": best_of(t, name)}
            for w, t in tuned
        ]
    return told


def _values(search: Search, trial: Trial) -> dict[str, Any]:
    """Return what a trial came to, with the signs that its objectives have."""
    values = [finite_or_none(value) for value in search.rules.objectives.turned(trial.values)] if trial.used else [None]
    return {"value": values[0], **({"values": values} if search.rules.objectives.several else {})}


def _trial(tuner: Tuner, name: str, trial: Trial, window: Window | None) -> dict[str, Any]:
    return {
        "trial": trial.number,
        **({"judged_from": _from(window)} if window else {}),
        "state": trial.state,
        **_values(tuner.searches[name], trial),
        "folds": trial.used,
        "cpu_seconds": round(trial.seconds, 3),
        "params": tuner.subjects[name].chosen(trial),
        **({"error": trial.error} if trial.error else {}),
    }


def _from(window: Window) -> str:
    """Return the last bar that a window's trials know."""
    return str(window.bars.sessions[-1])


def candidate_of(one: Earned, window: Window, strategy: str, role: str, suffix: str) -> Candidate:
    """Return what a trial earned as the ledger has it."""
    days = window.bars.sessions[window.initial + 1 :][: len(one.returns)].astype("datetime64[D]").astype(np.int32)
    return Candidate(one.name + suffix, strategy, role, one.returns, days, window.bars.bars_per_year)


def record(session: Session, stored: Run, bars: Bars, tuned: Tuned) -> dict[str, Any]:
    """Enter the series of every trial in the ledger: whoever chooses among them has seen them all.

    Returns the last entry; of a copy that a job was sent with, nothing.
    """
    strategy = session.recipe.strategy.name
    candidates = []
    for window, tuner in tuned:
        suffix = f"@{_from(window)}" if len(tuned) > 1 else ""
        for name, subject in tuner.subjects.items():
            earned = [one for one in tuner.earned_by(name) if one.returns.any()]
            candidates += [candidate_of(one, window, strategy, subject.role, suffix) for one in earned]
    digest = recipe_digest(session.recipe, session.registry)
    head = record_candidates(stored.home, bars, candidates, run=stored.id, part="development", recipe_digest=digest)
    return {} if ledger_of(stored.home).borrowed else head._asdict()


def told_of(tuned: Tuned) -> dict[str, Any]:
    """Return what all searches took."""
    told = [tuner.told() for _, tuner in tuned]
    return {
        **told[-1],
        **{key: round(sum(one[key] for one in told), 3) for key in ("fits", "cached", "fit_cpu_seconds")},
    }

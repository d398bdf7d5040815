"""A sampler that asks a language model; where that gives nothing of use, the Parzen estimator takes its place."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

import quorate
from quorate_plugins.samplers.by_optuna import Space, Trials, check_least, tpe
from quorate_plugins.samplers.chat import Endpoint, Log, NoAnswer

Distribution = quorate.Float | quorate.Int | quorate.Choice
Proposed = dict[int, dict[str, Any] | None]  # by the trial's number; None: the endpoint gave nothing

TASK = (
    "You tune the parameters of a model of market data. Each trial has a loss, the mean over time windows, or one for "
    "each of several objectives; less is better, also where it is negative. A trial that is 'raced' was stopped early, "
    "as it could not become the best: its loss is over fewer windows. Trial -1 has the parameters that are to be "
    "beaten. Propose other parameters than those that were tried or are running: some near the best, some where little "
    "is known."
)
STUDIES = 64  # whose answers are kept

_proposed: dict[int, tuple[str, Proposed]] = {}  # by the study's seed: what the answers were to, and what was proposed


def llm(
    space: Space,
    known: Trials,
    running: Trials,
    number: int,
    seed: int,
    model: str,
    guidance: str = "",
    candidates: int = 4,
    history: int = 100,
    temperature: float = 1.0,
    timeout: float = 60.0,
    log: str = "",
    allow_insecure: bool = False,
) -> dict[str, Any]:
    """Ask a chat model what to try next, at `OPENAI_BASE_URL` with the key `OPENAI_API_KEY`.

    It is told the space, as the JSON schema of its answer, the latest trials with their losses, and the guidance.
    What it proposes is checked: values outside of the space, and what was tried before, are dropped. Where nothing
    is left, or the endpoint fails, `tpe` is asked instead, and a warning says so. Such a sweep cannot be repeated.

    Parameters
    ----------
    model : str
        As the endpoint calls it.
    guidance : str
        What you know of the problem, in your words.
    candidates : int
        Trials that are proposed in one answer. Those of a generation, 4, know the same.
    history : int
        Latest trials that it is told of.
    temperature : float
        How freely it answers.
    timeout : float
        Seconds that an answer may take.
    log : str
        A file, NAME.jsonl, to which questions and answers are appended; empty: none.
    allow_insecure : bool
        Whether the endpoint may be on another machine without https.
    """
    for name, value, least in (("candidates", candidates, 1), ("history", history, 0), ("temperature", temperature, 0)):
        check_least(name, value, least)
    if not timeout > 0:
        raise quorate.RecipeError(f"tuning.sampler_options.timeout must be above 0; it was {timeout}")
    endpoint = Endpoint.of_environment(allow_insecure)
    body = {
        "model": model,
        "temperature": temperature,
        "messages": [
            {"role": "system", "content": TASK},
            {"role": "user", "content": json.dumps(_told(space, known, running, candidates, history, guidance))},
        ],
        "response_format": {"type": "json_schema", "json_schema": _schema(space, candidates)},
    }
    # An answer serves the trials that know the same.
    same = json.dumps([endpoint.url, {**body, "messages": ""}, guidance, _rows(space, known, history)])
    before, proposed = _proposed.get(seed, ("", {}))
    if before != same:
        proposed = {}
        if len(_proposed) >= STUDIES:
            _proposed.clear()
        _proposed[seed] = (same, proposed)
    if number not in proposed:
        tried = [trial.params for trial in (*known, *running)]
        found = _ask(endpoint, body, timeout, Log(log, endpoint.key), number, space, tried, candidates)
        # One question for as many trials, also where nothing came of it: a dead endpoint is not asked for each.
        proposed |= dict(enumerate(found, number)) if found else dict.fromkeys(range(number, number + candidates))
    if (params := proposed[number]) is not None:
        return dict(params)
    drawn = np.random.SeedSequence([seed, number]).generate_state(1)[0]
    return tpe(space, known, running, number, int(drawn))


def _ask(
    endpoint: Endpoint,
    body: Mapping[str, Any],
    timeout: float,
    log: Log,
    number: int,
    space: Space,
    tried: Iterable[Mapping[str, Any]],
    candidates: int,
) -> list[dict[str, Any]]:
    """Return what of an answer can be tried; a warning says why, if that is nothing."""
    text, trouble = None, ""
    found: list[dict[str, Any]] = []
    refused: list[str] = []
    try:
        text = endpoint.ask(body, timeout)
        found, refused = _usable(text, space, tried, candidates)
        if not found:
            raise NoAnswer("nothing that it proposed can be tried")
    except NoAnswer as e:
        trouble = str(e)
    log.write(
        {
            "trial": number,
            "url": endpoint.url,
            "request": body,
            "answer": text,
            "taken": len(found),
            "refused": refused,
            "error": trouble,
        }
    )
    if trouble:
        warnings.warn(
            f"the language model gave no trial, and tpe took its place: {trouble}", quorate.DataWarning, stacklevel=3
        )
    return found


def _told(space: Space, known: Trials, running: Trials, candidates: int, history: int, guidance: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "trials": _rows(space, known, history),
        "running": [_shown(space, t.params) for t in sorted(running, key=lambda trial: trial.number)],
        "propose": candidates,
    }
    return {**told, "guidance": guidance} if guidance else told


def _rows(space: Space, known: Trials, history: int) -> list[dict[str, Any]]:
    ordered = sorted(known, key=lambda trial: trial.number)
    return [
        {
            "trial": trial.number,
            "state": trial.state,
            "loss": losses[0] if len(losses := [_finite(v) for v in trial.values]) == 1 else losses,
            "parameters": _shown(space, trial.params),
        }
        for trial in ordered[max(len(ordered) - history, 0) :]
    ]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _shown(space: Space, params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _label(one, params[name]) for name, one in sorted(space.items())}


def _label(one: Distribution, value: Any) -> Any:
    """Return a value as the model sees it: of choices that are no plain texts, their JSON."""
    if isinstance(one, quorate.Choice) and not all(isinstance(v, str) for v in one.values):
        return json.dumps(value)
    return value


def _schema(space: Space, candidates: int) -> dict[str, Any]:
    """Return the space as the schema of an answer."""
    one = {
        "type": "object",
        "properties": {name: _property(space[name]) for name in sorted(space)},
        "required": sorted(space),
        "additionalProperties": False,
    }
    whole = {
        "type": "object",
        "properties": {"candidates": {"type": "array", "items": one, "minItems": 1, "maxItems": candidates}},
        "required": ["candidates"],
        "additionalProperties": False,
    }
    return {"name": "candidates", "strict": True, "schema": whole}


def _property(one: Distribution) -> dict[str, Any]:
    found: dict[str, Any]
    if isinstance(one, quorate.Choice):
        found = {"type": "string", "enum": list(dict.fromkeys(_label(one, value) for value in one.values))}
    else:
        kind = "integer" if isinstance(one, quorate.Int) else "number"
        found = {"type": kind, "minimum": one.low, "maximum": one.high}
    said = [] if isinstance(one, quorate.Choice) or not one.log else ["its order of magnitude counts (log scale)"]
    said += [f"it counts only where {name} is one of {json.dumps(values)}" for name, values in one.when.items()]
    return {**found, "description": "; ".join(said)} if said else found


def _usable(
    text: str, space: Space, tried: Iterable[Mapping[str, Any]], candidates: int
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return what an answer proposes that lies in the space and is new, and why the rest does not count."""
    try:
        given = json.loads(text)["candidates"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise NoAnswer("its answer is not the JSON that was asked for") from None
    if not isinstance(given, list):
        raise NoAnswer("its answer is not the JSON that was asked for")
    found: list[dict[str, Any]] = []
    refused = []
    seen = [_shown(space, params) for params in tried]
    for candidate in given:
        try:
            params = _read(candidate, space)
        except ValueError as e:
            refused.append(str(e))
            continue
        if _shown(space, params) in seen:
            refused.append("it was tried before")
            continue
        seen.append(_shown(space, params))
        found.append(params)
    return found[:candidates], refused


def _read(candidate: Any, space: Space) -> dict[str, Any]:
    if not isinstance(candidate, dict) or set(candidate) != set(space):
        raise ValueError(f"its parameters are not {', '.join(sorted(space))}")
    return {name: _value(name, space[name], candidate[name]) for name in sorted(space)}


def _value(name: str, one: Distribution, given: Any) -> Any:
    if isinstance(one, quorate.Choice):
        for value in one.values:
            if isinstance(given, str) and given == _label(one, value):
                return value
    elif isinstance(given, int | float) and not isinstance(given, bool) and one.low <= given <= one.high:
        if isinstance(one, quorate.Float):
            return float(given)
        if given == int(given):
            return int(given)
    raise ValueError(f"{name} is {given!r:.80}, which is not in the space")

"""From what a command is asked for to a recipe, and to its bars."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from quorate.bars.held_out import chosen_symbols
from quorate.bars.panel import Bars
from quorate.errors import RecipeError, near_misses, one_of
from quorate.execution.progress import Progress
from quorate.pipeline.names import ATTENTION, DIRECTION, RECURRENT, check_heads, one_size, ours
from quorate.pipeline.presets import SEED, preset, takes
from quorate.pipeline.request import LOOP, Request
from quorate.plugins.options import defaults_of, options_of
from quorate.plugins.registry import Registry
from quorate.plugins.specs import FeatureSpec, ModelSpec, SourceSpec
from quorate.recipe.environment import names_in
from quorate.recipe.load import merge, nested_override
from quorate.recipe.schema import Holdout
from quorate.runs.loading import load_bars
from quorate.runs.session import Session, open_session

OWN = ["group:momentum", "group:trend"]  # features of the price's own past
TRADED = ("open", "close")
OTHER = ("high", "low", "volume")
# What no file of an earlier step decides: it may come from elsewhere, and plugin files are code.
NOT_TAKEN = ("plugins", "folds", "tuning", "execution")
_SERIES = re.compile(r"^covariates\.([^.=]+)")
Table = dict[str, Any]


class Opened(NamedTuple):
    """A recipe, what it is opened as, its bars, and what is not done as it was asked for."""

    table: Table
    session: Session
    bars: Bars
    told: list[str]


def opened(request: Request, base: Mapping[str, Any], home: Path | None, more: Mapping[str, Any]) -> Opened:
    """Return the recipe that a request stands for, resolved, and the bars that it reads.

    Parameters
    ----------
    base : mapping
        The recipe of an earlier step, or nothing.
    more : mapping
        Tables to lay on top: what the command itself needs of the recipe.

    Raises
    ------
    QuorateError
        For what is not there, or not valid.
    """
    registry = Registry.load(request.plugins)
    base = {key: part for key, part in base.items() if key not in NOT_TAKEN}
    told = list(request.told)
    table = _table(request, base, registry, told)
    for key, part in more.items():
        table = merge(table, {key: part}, key)
    for item in request.sets:
        table = merge(table, nested_override(item), f"--set {item}")
    silent = Progress()  # what is to be told of the bars is told when they are used
    session = open_session(table, home=home, progress=silent)
    every = bars = load_bars(session)
    wanted = symbol_of(request.target)
    if wanted is not None or len(bars.symbols) > 1:
        bars = _settle(table, bars, wanted, home)
    _check_not_held_out(session.recipe.holdout, every.symbols, bars.symbols)
    _check_timeframe(request.timeframe, bars)
    return Opened(table, open_session(table, home=home, progress=silent), bars, told)


def _check_not_held_out(holdout: Holdout, every: Sequence[str], wanted: Sequence[str]) -> None:
    """Raise `RecipeError`, if nothing is to be learnt from a symbol that a recipe holds out."""
    if holdout.symbols is None or len(every) < 2:
        return
    if held := sorted({*wanted} & {*chosen_symbols(every, holdout.symbols, holdout.seed or 0)}):
        raise RecipeError(
            f"the recipe holds out {held[0]} (holdout.symbols), so no model is trained on it: name another symbol"
        )


def _check_timeframe(timeframe: str | None, bars: Bars) -> None:
    """Raise `RecipeError`, if bars are not as far apart as was said."""
    if timeframe is None:
        return
    found = re.fullmatch(r"(\d+)(m|min|h|d)", timeframe.strip().lower())
    if found is None:
        raise RecipeError(f"timeframe must be a number and m, h or d, e.g. 15m, 1h, 1d; it was {timeframe!r}")
    count, unit = int(found[1]), found[2][0]
    wanted = f"{count}d" if unit == "d" else f"{count * (60 if unit == 'h' else 1)}min"
    if bars.frequency != wanted:
        raise RecipeError(f"timeframe {timeframe}: the bars are {bars.frequency} apart: give others, or leave it out")


def check_model(request: Request, base: Mapping[str, Any]) -> str:
    """Return the name of the model that is asked for, before anything else is looked at.

    Raises
    ------
    RecipeError
        If no plugin at hand offers it, or it does not forecast prices.
    """
    return _model(request, base, Registry.load(request.plugins)).name


def _table(request: Request, base: Mapping[str, Any], registry: Registry, told: list[str]) -> Table:
    table: Table = {
        "seed": SEED,
        "labels": {"name": "return", "horizon": 1},
        "features": {"use": OWN},
        "holdout": {"bars": 0},
        "backtest": {"fill": "close"},
        **base,
    }
    spec = _model(request, table, registry)
    if request.target is not None or not str(base.get("name", "")).startswith(f"{spec.name}-"):
        table["name"] = _name(f"{spec.name}-{symbol_of(request.target) or 'bars'}")
    if plugins := [*map(str, request.plugins)]:
        table["plugins"] = plugins
    if request.data is not None:
        table["data"] = dict(request.data)
    elif request.no_bars and "data" not in base:
        raise RecipeError(f"{request.no_bars}: give bars, --data FILE, or a source plugin's name")
    elif names := names_in(base.get("data", {})):
        raise RecipeError(
            f"the bars of the step before take {', '.join(names)} from the environment, which files from elsewhere "
            "must not ask for: give them anew, --data FILE, or --config FILE"
        )
    elif "data" in base:
        told += [f"{request.no_bars}: the bars are those of the step before"] * bool(request.no_bars)
    else:
        raise RecipeError("it must be known where the bars come from: --data FILE, --data SOURCE, or --config FILE")
    if request.seed is not None:
        table["seed"] = request.seed
    if request.target is not None:
        table["backtest"] = {**table["backtest"], "fill": _field(request.target)}
    if request.steps is not None:
        table["labels"] = _labels(table["labels"], request.steps)
    if request.covariates is not None:
        given = {*base.get("covariates", {}), *(name for item in request.sets for name in _SERIES.findall(item))}
        table["features"] = {"use": [*OWN, *(_covariate(name, registry, given) for name in request.covariates)]}
    table["models"] = {spec.name: _params(request, table, spec, told)}
    return table


def _labels(table: Table, steps: tuple[int, ...]) -> Table:
    """Return the labels with steps; where their horizon is none of these, it is the first."""
    horizon = table.get("horizon", 1)
    return {**table, "horizon": horizon if horizon in steps else steps[0], "steps": list(steps)}


def _model(request: Request, table: Mapping[str, Any], registry: Registry) -> ModelSpec:
    """Return the model that is asked for, or that the earlier step had."""
    specs = {n: registry.get(ModelSpec, n) for n in registry.names("model")}
    at_hand = [n for n, one in specs.items() if not one.baseline and one.task != "classification"]
    if request.architecture is None and request.preset is None and "models" not in table:
        raise RecipeError(
            f"--architecture must name a model, or --preset a training preset; at hand are {one_of(at_hand)}"
        )
    chosen = preset(request.preset) if request.preset else None
    if chosen and chosen.task == "classification":
        raise RecipeError(
            f"--preset {chosen.name}: it tells classes apart, and the target is a price: take another preset, or "
            "--npz FILE with labels 0 and 1"
        )
    name = request.architecture or (
        chosen.model if chosen else next(n for n, m in table["models"].items() if m is not False)
    )
    models = {plugin.name: plugin for plugin in registry if plugin.kind == "model"}
    found = next((n for n in (name, name.lower().replace("_", "-")) if n in models), None)
    if found is None:
        near = near_misses(name, at_hand)
        raise RecipeError(
            f"no plugin at hand offers the model {name!r}; at hand are {one_of(at_hand)}; others come as a package, or "
            f"with --plugin FILE{near}"
        )
    if models[found].state != "ok":
        raise RecipeError(f"the model {found!r} cannot be used: it {models[found].reason}")
    spec = registry.get(ModelSpec, found)
    if spec.task == "classification":
        raise RecipeError(
            f"the model {found!r} tells classes apart, and the target is a price: take one of {one_of(at_hand)}"
        )
    return spec


def _params(request: Request, table: Mapping[str, Any], spec: ModelSpec, told: list[str]) -> Table:
    """Return the model's parameters: those given, over a loop's settings, over a preset's, over the earlier step's."""
    before = dict((table.get("models") or {}).get(spec.name) or {})
    before.pop("plugin", None)
    known, typed = options_of(spec), Table()
    if request.preset is not None:
        before |= _of_preset(request.preset, spec, known, told)
    for name, value in request.loop.items():
        option = next((n for n in LOOP[name] if n in known), None)
        if option is not None:
            before[option] = value
            if name in request.said:  # what was typed counts more than a file of parameters
                typed[option] = value
        elif name in request.said:
            raise RecipeError(f"--{name.replace('_', '-')}: the model {spec.name!r} has no such option")
        else:
            told.append(f"{name} {value}: the model {spec.name!r} has no such option")
    if spec.name in (*RECURRENT, *ATTENTION) and "loss" in known:
        before.setdefault("loss", DIRECTION)
    given = ours(request.params or {}, known, spec.name)
    params = one_size({**before, **given, **typed}, {*request.loop, *given})
    check_heads({**defaults_of(spec), **params}, known, spec.name)
    return params


def _of_preset(name: str, spec: ModelSpec, known: list[str], told: list[str]) -> Table:
    """Return what a model takes of a preset, and note what it does not."""
    found, whole = takes(known, name), preset(name).params
    if left := [key for key in whole if key not in found]:
        told.append(f"--preset {name}: of it the model {spec.name!r} takes {one_of(found)}, and not {one_of(left)}")
    own = preset(name)
    return found | ({"seeds": own.seeds} if own.seeds > 1 and spec.name == own.model else {})


def _covariate(name: str, registry: Registry, given: Collection[str]) -> str:
    """Return what is used of the features for a covariate: a group, a feature, or a series beside the bars."""
    if any(name == one or name.startswith(f"{one}_") for one in given):
        return name
    features = registry.at_hand("feature")
    groups = {registry.get(FeatureSpec, n).group for n in features}
    if name in groups or name.removeprefix("group:") in groups:
        return f"group:{name.removeprefix('group:')}"
    if fnmatch.filter(features, name):
        return name
    near = near_misses(name, [*groups, *features, *given])
    series = name if re.fullmatch(r"[a-z][a-z0-9_]*", name) else "NAME"
    raise RecipeError(
        f"no feature at hand is of the covariate {name!r}: it must be a group ({one_of(groups)}) or a feature; a "
        f"series beside the bars is given with --set covariates.{series}.path=FILE, and when it was known, in a column "
        f"published_at or with --set covariates.{series}.lag=1d; a feature of one's own with --plugin FILE{near}"
    )


def symbol_of(target: str | None) -> str | None:
    """Return the symbol of a target such as ``btc_close``; None, if it names none."""
    return (target.rpartition("_")[0] or None) if target else None


def _field(target: str) -> str:
    name = target.rpartition("_")[2].lower()
    if name in TRADED:
        return name
    if name in OTHER:
        raise RecipeError(f"--target {target}: forecasts are of prices that can be traded at, open and close")
    raise RecipeError(f"--target must be SYMBOL_close or SYMBOL_open, e.g. btc_close; it was {target!r}")


def _settle(table: Table, bars: Bars, wanted: str | None, home: Path | None) -> Bars:
    """Return the bars of one symbol, and note in the recipe which one it is."""
    names = list(bars.symbols)
    if wanted is None:
        raise RecipeError(f"there are bars of {one_of(names)}: say of which, e.g. --target {names[0]}_close")
    found = [n for n in names if n == wanted] or [n for n in names if n.casefold() == wanted.casefold()]
    if len(found) != 1:
        rename = f"; if they are {wanted}, --set data.symbol={wanted}" if len(names) == 1 else ""
        raise RecipeError(
            f"there are no bars of {wanted!r}: they are of {one_of(names)}{rename or near_misses(wanted, names)}"
        )
    if len(names) == 1:
        return bars
    session = open_session(table, home=home, progress=Progress())
    if "symbols" not in options_of(session.registry.get(SourceSpec, session.recipe.data.source)):
        raise RecipeError(
            f"source {table['data']['source']!r} gives bars of {one_of(names)}: have it give those of {found[0]} "
            "alone, by an option of it (--set data.OPTION=VALUE)"
        )
    table["data"] = {**table["data"], "symbols": found}
    return load_bars(open_session(table, home=home, progress=Progress()))


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-")[:60]

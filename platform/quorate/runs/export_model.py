"""A fitted model of a run as ONNX, and how far what it predicts there is from what it predicted here."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from quorate import __version__
from quorate.dataset.folds import Fold
from quorate.errors import FitError, PluginError, RecipeError, one_of, plural
from quorate.execution import portable
from quorate.execution.fit import model_of
from quorate.execution.inputs import inputs_of, reads_categories
from quorate.execution.keeping import exported
from quorate.execution.progress import Progress
from quorate.execution.state import MOST
from quorate.execution.task import FitData
from quorate.execution.transforms import transform_of
from quorate.plugins.specs import ModelSpec
from quorate.runs.loaded import load_report
from quorate.runs.models import Fitted, RunModels, models_of
from quorate.runs.stored import reopen
from quorate.runs.surroundings import in_usual_surroundings
from quorate.store import Home
from quorate.store.files import regular, replacing
from quorate.store.trust import require
from quorate.walkforward.chains import chains_of
from quorate.walkforward.layout import fold_facts

INT8 = ".int8.onnx"


@dataclass(frozen=True)
class ExportedModel:
    """A model that was written as ONNX.

    Parameters
    ----------
    run, model, plugin, key : str
        The run, the member, its plugin, and the key of its fit.
    fold : int
        Which of the run's folds trained it.
    seed, seeds : int
        Which of its seeds, from 1 on, and how many the member has: of several its forecast in the run is the mean.
    fitted_again : bool
        Its model was not kept.
    file : str
        What was written.
    bytes, opset : int
        Its size, and the version of its operators.
    input, output : str
        Their names.
    shape : list
        Of the input; the first is of any length.
    features : list of str
        What the model reads, in this order.
    rows, unseen : int
        Rows that both predicted, and how many of them did not train the model.
    largest, mean, allowed, turned : float
        How what they predicted differs: the largest and the mean difference, what is allowed, and the share of rows
        of which the direction is another.
    int8 : dict or None
        The same of the quantised one.
    """

    run: str
    model: str
    plugin: str
    key: str
    fold: int
    seed: int
    seeds: int
    fitted_again: bool
    file: str
    bytes: int
    opset: int
    input: str
    output: str
    shape: list[Any]
    features: list[str]
    rows: int
    unseen: int
    largest: float
    mean: float
    allowed: float
    turned: float
    int8: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what the terminal does."""
        from quorate.report.console import as_html
        from quorate.report.views.model import render

        return as_html(lambda: render(self.to_dict()))


@in_usual_surroundings
def export_model(
    name: str = "latest",
    file: str | Path = "model.onnx",
    *,
    model: str | None = None,
    fold: int | None = None,
    seed: int | None = None,
    int8: bool = False,
    home: str | Path | None = None,
    progress: Progress | None = None,
) -> ExportedModel:
    """Write a fitted model of a run as ONNX, after its predictions there were found to be the same.

    Parameters
    ----------
    name : str
        The run's id, an unambiguous part of it, or ``latest``.
    file : path
        What to write.
    model : str, optional
        The member; it may be left out where there is one.
    fold : int, optional
        Whose model: default, the last fold's. One that is not kept is fitted again on the same rows.
    seed : int, optional
        Of a member with several seeds the model of which, from 1 on: default, the first.
    int8 : bool
        Also write a network with weights of 8 bits, beside the file.

    Raises
    ------
    PluginError
        If the plugin cannot export its models.
    FitError
        If the exported model predicts something else; nothing is written then.
    """
    portable.check_installed()
    file = regular(Path(file))
    report = load_report(name, home=home)
    require(Home(home).path, f"run {report.run_id} would be fitted again, or its kept models loaded")
    session, bars = reopen(report, progress or Progress(), changes="not as in the run")
    session.home.check_outside(file)
    models = models_of(report, session, bars)
    one = _chosen(models, model)
    _check_exports(models, one, models.walk.members[one])
    found = models.of(one, models.fold(fold), _replicate(models, one, seed))
    spec = model_of(found.task)
    content, own, difference = _written(models, found, spec)
    smaller = portable.quantised(content) if int8 else None
    with replacing(file) as temporary:
        temporary.write_bytes(content)
    dataset = models.walk.dataset
    quantised = None
    if smaller is not None:
        quantised = _quantised(models, found, spec, smaller, own, file)
    session.progress.close()
    return ExportedModel(
        run=report.run_id,
        model=one,
        plugin=spec.name,
        key=found.key,
        fold=found.task.fold,
        seed=found.task.replicate + 1,
        seeds=models.seeds(one),
        fitted_again=found.again,
        file=str(file),
        bytes=len(content),
        opset=portable.opset_of(content),
        input=portable.input_name(spec),
        output=portable.OUTPUT,
        shape=["batch", *([] if spec.input == "rows" else [spec.lookback]), len(dataset.feature_names)],
        features=list(dataset.feature_names),
        rows=len(own),
        unseen=len(models.fold(found.task.fold).test),
        **difference._asdict(),
        int8=quantised,
    )


def _chosen(models: RunModels, name: str | None) -> str:
    if name is not None:
        models.check(name)
        return name
    names = models.walk.voting
    if len(names) > 1:
        raise RecipeError(
            f"run {models.report.run_id} has {plural(len(names), 'model')}: give --model, one of {one_of(names)}"
        )
    return names[0]


def _replicate(models: RunModels, name: str, seed: int | None) -> int:
    count = models.seeds(name)
    if seed is not None and not 1 <= seed <= count:
        asked = f"model {name!r} of run {models.report.run_id} has {plural(count, 'seed')}"
        raise RecipeError(f"{asked}: --seed must be 1{f' to {count}' if count > 1 else ', or left out'}; it was {seed}")
    return (seed or 1) - 1


def _check_exports(models: RunModels, name: str, spec: ModelSpec) -> None:
    """Raise `PluginError`, if the model of a member cannot be exported; says which of the run's can."""
    if spec.onnx is None:
        able = [other for other, one in models.walk.members.items() if one.onnx is not None]
        others = f"of this run {one_of(able)} can" if able else "no other of this run can"
        raise PluginError(f"model {name!r} cannot be exported: {spec} has no onnx hook; {others}")
    chains = chains_of(models.walk.recipe, models.walk.registry, models.walk.dataset.feature_names, spec)
    unable = sorted({str(one) for chain in chains for one in map(transform_of, chain.steps) if one.onnx is None})
    if unable:
        raise PluginError(
            f"model {name!r} cannot be exported: its features go through {' and '.join(unable)} (features.transforms), "
            f"which {'have' if len(unable) > 1 else 'has'} no onnx hook; export that of a run with other transforms, "
            "or give its plugin the hook"
        )
    if reads_categories(spec, models.walk.dataset):
        names = ", ".join(models.walk.dataset.categories.names)
        raise PluginError(
            f"model {name!r} cannot be exported: it reads categories as texts ({names}), and the input of an exported "
            "model is numbers; export that of a run without features.categories"
        )


def _written(models: RunModels, found: Fitted, spec: ModelSpec) -> tuple[bytes, Any, portable.Difference]:
    """Return a model as ONNX, its own outputs on the fold's rows, and how far those of the ONNX are from them."""
    data = FitData(models.walk.dataset, (_asked(models, found),))
    content, own = exported(data, found.task, found.state, models.session.recipe.execution.fit_seconds)
    n_features = len(models.walk.dataset.feature_names)
    content = portable.finished(content, spec, n_features, _facts(models, found, spec))
    difference = _compare(models, found, spec, content, own)
    if difference.largest > difference.allowed:
        raise FitError(
            f"the ONNX of model {found.task.model!r} predicts something else: on {plural(len(own), 'row')} of "
            f"fold {found.task.fold} the largest difference is {difference.largest:.3g}, and at most "
            f"{difference.allowed:.3g} is allowed; nothing is written: see quorate check"
        )
    return content, own, difference


def _asked(models: RunModels, found: Fitted) -> Fold:
    """Return the model's fold, with its latest training rows among those that are predicted."""
    fold = models.fold(found.task.fold)
    return replace(fold, test=np.concatenate((fold.train[-MOST:], fold.test)))


def _compare(models: RunModels, found: Fitted, spec: ModelSpec, content: bytes, own: Any) -> portable.Difference:
    fold = _asked(models, found)
    X = np.asarray(inputs_of(spec, models.walk.dataset, fold.test, fold.train))
    column = spec.named.index(spec.prediction) if spec.named else 0
    return portable.difference(own, portable.answers(content, X), 0.5 if models.walk.binary else 0.0, column)


def _quantised(
    models: RunModels, found: Fitted, spec: ModelSpec, content: bytes, own: Any, file: Path
) -> dict[str, Any]:
    """Write the quantised model beside the other, and return what that costs."""
    path = regular(file.with_name(file.name.removesuffix(".onnx") + INT8))
    difference = _compare(models, found, spec, content, own)
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    told = difference._asdict()
    del told["allowed"]
    return {"file": str(path), "bytes": len(content), **told}


def _facts(models: RunModels, found: Fitted, spec: ModelSpec) -> dict[str, str]:
    """Return what is noted in the file."""
    walk, fold = models.walk, models.fold(found.task.fold)
    facts = fold_facts(walk, fold)
    recipe = walk.recipe
    return {
        "quorate": __version__,
        "run": models.report.run_id,
        "model": found.task.model,
        "plugin": spec.name,
        "fold": str(fold.index),
        **({"seed": str(found.task.replicate + 1)} if models.seeds(found.task.model) > 1 else {}),
        "fit_key": found.key,
        "features": json.dumps(list(walk.dataset.feature_names)),
        "outputs": json.dumps(list(spec.named) or [spec.prediction]),
        "label": json.dumps({"name": recipe.labels.name, "horizon": recipe.labels.horizon, "task": spec.task}),
        "trained": json.dumps({k: facts[k] for k in ("train_first", "train_last", "train_rows", "label_end")}),
    }

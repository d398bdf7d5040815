"""Configuration files: JSON or YAML of the described forms, read, checked and told apart."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError

from quorate.errors import RecipeError, near_misses, one_of
from quorate.pipeline import variables
from quorate.recipe import yaml_text
from quorate.recipe.schema import Day, Open, Section
from quorate.recipe.text import check_shape
from quorate.store.plain import check_plain

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+")


def _number(value: Any) -> Any:
    """Return ``1e-3`` as a number: YAML takes it for a text."""
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


def _device(value: str | None) -> str | None:
    """Return what computes, if it is one that there may be."""
    if value is not None and not re.fullmatch(r"auto|cpu|gpu|mps|tpu|cuda(:\d+)?", value):
        raise ValueError("must be auto, cpu, gpu, cuda, cuda:N or mps")
    return value


def _precision(value: Any) -> Any:
    """Return in which precision a network computes, as its option has it."""
    name = str(value).lower()
    found = next((own for own, names in PRECISIONS.items() if name in names), None)
    if value is not None and found is None:
        raise ValueError("must be 32, 16-mixed or bf16-mixed, as fp32, fp16 and bf16")
    return found


PRECISIONS = {
    "fp32": ("fp32", "32", "32-true", "float32"),
    "fp16": ("fp16", "16", "16-mixed", "16-true", "float16"),
    "bf16": ("bf16", "bf16-mixed", "bf16-true", "bfloat16"),
}
Device = Annotated[str | None, AfterValidator(_device)]
Precision = Annotated[str | None, BeforeValidator(_precision)]
Number = Annotated[float, BeforeValidator(_number)]
Metric = Literal["rmse", "mae", "mape", "direction_accuracy"]
METRICS: tuple[Metric, ...] = ("rmse", "mae", "mape", "direction_accuracy")
BARS = ("data", "database")  # sections that take variables of the environment
PLOTS = Literal["png", "svg", "pdf"]


class Database(Section):
    """Where bars are queried from, unless `data` says it: of `credentials_env` the last has the password."""

    type: str | None = None
    host: str | None = None
    port: int | str | None = None
    database: str | None = None
    name: str | None = None
    db_schema: str | None = Field(default=None, alias="schema")
    table: str | None = None
    user: str | None = None
    password: str | None = None
    credentials_env: str | list[str] | None = None


class Data(Open):
    """Bars: a source and its options, as in a recipe; or an array file, which no source reads yet."""

    source: str | None = None
    npz_path: str | None = None
    valid_from_train: Number | None = None
    norm: Literal["zscore", "none"] | None = None
    shuffle_train: bool | None = None


class Loop(Section):
    """How a model is trained, where it has such options."""

    epochs: int | None = None
    n_epochs: int | None = None
    max_epochs: int | None = None
    batch_size: int | None = None
    batch: int | None = None
    batch_tokens: int | None = Field(default=None, ge=1)
    lr: Number | None = None
    learning_rate: Number | None = None
    weight_decay: Number | None = None
    early_stop_patience: int | None = None
    early_stopping_patience: int | None = None
    early_stop_metric: str | None = None
    seed: int | None = Field(default=None, ge=0)
    accelerator: Device = None
    device: Device = None
    devices: int | str | None = None
    workers: int | None = Field(default=None, ge=1)
    checkpoints: int | None = Field(default=None, ge=1)
    precision: Precision = None


class Asked(Section):
    """What model of what is asked for."""

    architecture: str | None = None
    model_name: str | None = None
    target: str | None = None
    asset_id: str | None = None
    covariates: list[str] | str | None = None


class Training(Loop, Asked):
    """The section ``training``."""

    params: dict[str, Any] | str | None = None
    steps: int | list[int] | None = None
    train_start: Day | None = None
    train_end: Day | None = None
    output_dir: str | None = None


class Tuning(Asked):
    """The section ``tuning``."""

    n_trials: int | None = Field(default=None, ge=1)
    timeout: Number | None = Field(default=None, ge=0)
    n_jobs: int | None = None
    train_start: Day | None = None
    train_end: Day | None = None
    val_start: Day | None = None
    val_end: Day | None = None
    seed: int | None = Field(default=None, ge=0)
    output_dir: str | None = None


class Evaluation(Section):
    """The section ``evaluation``."""

    metrics: list[Metric] | None = Field(default=None, min_length=1)
    plot_format: PLOTS | None = None
    test_start: Day | None = None
    test_end: Day | None = None
    output_dir: str | None = None


class Model(Open):
    """The section ``model``: its kind, and every other key a parameter of it."""

    type: str | None = None
    name: str | None = None
    architecture: str | None = None
    input_dim: int | str | None = None


class Thresholds(Section):
    """The section ``eval``, of classes."""

    threshold: Number | None = None
    save_cm: bool | None = None


class Output(Section):
    """The section ``output``."""

    save_dir: str | None = None
    run_name: str | None = None


class File(Section):
    """A configuration file; sections of both forms may stand in one."""

    database: Database | None = None
    data: Data | None = None
    training: Training | None = None
    train: Loop | None = None
    tuning: Tuning | None = None
    evaluation: Evaluation | None = None
    eval: Thresholds | None = None
    model: Model | None = None
    output: Output | None = None


def read_config(path: Path, bars: bool = True) -> File:
    """Read and check a configuration file, and the ``.env`` file beside it.

    What names a variable, ``${NAME}``, keeps its name, in ``data`` and in ``database``.

    Parameters
    ----------
    bars : bool
        Whether the bars that it names are read: else their variables need not be set.

    Raises
    ------
    RecipeError
        For an unknown section or key, a wrong type, a variable that is not set.
    """
    table = _parsed(path)
    variables.read_beside(path)
    for section, value in table.items():
        if section not in BARS and (key := variables.named(value, section)):
            raise RecipeError(
                f"{path}: {key} takes no ${{NAME}}: what it says is stored; data and database alone take variables"
            )
    try:
        file = File.model_validate(table)
    except ValidationError as e:
        told = sorted({_explain(error) for error in e.errors()})
        raise RecipeError(f"{path} is not valid:\n" + "\n".join(f"  {line}" for line in told)) from None
    if not bars:
        return file
    for section in BARS:
        variables.check_set(table.get(section), f"{path}: {section}")
    names = (file.database and file.database.credentials_env) or []
    for name in [names] if isinstance(names, str) else names:
        variables.require(name, f"{path}: database.credentials_env")
    return file


def _parsed(path: Path) -> dict[str, Any]:
    check_plain(path, links=True)
    if path.suffix == ".toml":
        raise RecipeError(f"{path} is a recipe: quorate sweep {path}, quorate run {path}; --config takes JSON or YAML")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise RecipeError(f"cannot read the configuration {path}: {getattr(e, 'strerror', None) or e}") from None
    try:
        table = yaml_text.load(text) if path.suffix.lower() in (".yaml", ".yml") else json.loads(text)
    except RecursionError:
        raise RecipeError(f"{path} is nested too deeply") from None
    except ValueError as e:
        raise RecipeError(f"{path} is not valid: {e}") from None
    if not isinstance(table, dict) or not all(isinstance(key, str) for key in table):
        raise RecipeError(f"{path} must hold sections: {one_of(File.model_fields)}")
    check_shape(table, str(path))
    return table


def _explain(error: Mapping[str, Any]) -> str:
    path = [str(part) for part in error["loc"]]
    key = ".".join(path)
    if error["type"] == "extra_forbidden":
        known = _keys(path[:-1])
        what = f"section {path[0]!r} takes" if path[:-1] else "unknown section; there are"
        return f"{key}: {'unknown key; ' if path[:-1] else ''}{what} {one_of(known)}{near_misses(path[-1], known)}"
    message = error["msg"].removeprefix("Value error, ").replace("Input should", "must")
    return f"{key}: {message}"  # without the value, which may be secret


def _keys(path: list[str]) -> list[str]:
    model: Any = File
    for part in path:
        kinds = getattr(model.model_fields[part].annotation, "__args__", ())
        model = next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))
    return [field.alias or name for name, field in model.model_fields.items()]

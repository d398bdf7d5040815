"""A tracking server, by MLflow's own client: the one module that imports it.

MLflow sends no telemetry from here, waits seconds and not minutes for a server that is gone, and draws no bars. What
it says when it fails is told without what the address and the environment hold of secrets.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from quorate.errors import RecipeError, StoreError, reason_of
from quorate.recipe.environment import mask
from quorate.serving.mlflow_content import Content

URI = "MLFLOW_TRACKING_URI"
EXPERIMENT = "MLFLOW_EXPERIMENT_NAME"
SECRETS = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME")
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
ID, KIND, SEAL, STAGE = "quorate.id", "quorate.kind", "quorate.mirrored", "quorate.stage"
ABOVE = "mlflow.parentRunId"
FILES = "report"  # the folder of what is stored beside a run
DATABASES = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}  # with the port that each has, if none is named
CONNECT = 10.0  # seconds
BATCH, PARAMS = 1000, 100  # metrics, and parameters or tags, that MLflow takes at a time


Pieces = tuple[Mapping[str, Path | str], Sequence[Content]]


class Server:
    """The tracking server that the environment names, and its registry of models.

    Raises
    ------
    RecipeError
        If it names none, or MLflow is not installed.
    StoreError
        If it does not answer.
    """

    def __init__(self) -> None:
        uri = os.environ.get(URI, "")
        if not uri:
            raise RecipeError(f"{URI} names the tracking server, and is not set: export {URI}=sqlite:///mlflow.db")
        with _asking():
            _reach(uri)
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        try:
            from mlflow import MlflowClient
        except ImportError:
            raise RecipeError(f"{URI} is set, and MLflow is not installed: pip install 'quorate[mlflow]'") from None
        with _asking():
            self._client: Any = MlflowClient(uri)
        self._experiments: dict[str, str] = {}

    def experiment(self, recipe: str) -> str:
        """Return the id of the experiment that a recipe's runs belong to; it is made, if there is none."""
        found = self.known_experiment(recipe)
        if found is None:
            with _asking():
                found = self._experiments[recipe] = str(self._client.create_experiment(_experiment_of(recipe)))
        return found

    def known_experiment(self, recipe: str) -> str | None:
        """Return the id of the experiment that a recipe's runs belong to; None, if there is none yet."""
        if recipe not in self._experiments:
            name = _experiment_of(recipe)
            with _asking():
                found = self._client.get_experiment_by_name(name)
            if found is None:
                return None
            if found.lifecycle_stage == "deleted":
                raise StoreError(f"the experiment {name!r} was deleted: restore it, or name another in {EXPERIMENT}")
            self._experiments[recipe] = str(found.experiment_id)
        return self._experiments[recipe]

    def state(self, experiment: str | None, content: Content) -> str:
        """Return ``missing``, ``there``, or ``changed``: there as it was before."""
        with _asking():
            known = self._find(experiment, content)
        return "missing" if known is None else "there" if known.data.tags.get(SEAL) == content.seal else "changed"

    def send(self, experiment: str, content: Content, pieces: Callable[[], Pieces]) -> tuple[str, bool]:
        """Send a run, unless it is there as it is now; return the server's id of it, and whether it was sent.

        What was sent in part, or differs, is completed: values that are there stay as they are.

        Parameters
        ----------
        pieces : callable
            Returns files to store beside it, by name, as texts or paths, and runs that belong below it.
        """
        with _asking():
            known = self._find(experiment, content)
        if known is not None and known.data.tags.get(SEAL) == content.seal:
            return str(known.info.run_id), False
        files, below = pieces()
        with _asking():
            run = known.info.run_id if known else self._begin(experiment, content, {ID: content.name})
            self._fill(run, content)
            self._send_below(experiment, run, below)
            for name, file in files.items():
                if isinstance(file, Path):
                    self._client.log_artifact(run, str(file), FILES)
                else:
                    self._client.log_text(run, file, f"{FILES}/{name}")
            self._end(run, content)
            self._client.set_tag(run, SEAL, content.seal)  # the last: what was stopped before is sent again
        return str(run), True

    def _find(self, experiment: str | None, content: Content) -> Any:
        if experiment is None:
            return None
        found = self._client.search_runs([experiment], f"tags.`{ID}` = '{content.name}'", max_results=1)
        return found[0] if found else None

    def _send_below(self, experiment: str, above: str, contents: Sequence[Content]) -> None:
        there = self._pages(experiment, f"tags.`{ABOVE}` = '{above}'") if contents else ()
        known = {one.info.run_name: one for one in there}
        for content in contents:
            before = known.get(content.name)
            if before is not None and before.info.status == content.status:
                continue
            run = before.info.run_id if before else self._begin(experiment, content, {ABOVE: above})
            self._fill(run, content)
            self._end(run, content)

    def _pages(self, experiment: str, wanted: str) -> Iterator[Any]:
        token = None
        while True:
            page = self._client.search_runs([experiment], wanted, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _begin(self, experiment: str, content: Content, tags: Mapping[str, str]) -> str:
        began = _milliseconds(content.began)
        tags = {**tags, KIND: content.kind, "mlflow.source.name": "quorate"}
        return str(self._client.create_run(experiment, began, tags, content.name).info.run_id)

    def _fill(self, run: str, content: Content) -> None:
        from mlflow.entities import Metric, Param, RunTag

        at = _milliseconds(content.began)
        params = [Param(name, value) for name, value in content.params.items()]
        tags = [RunTag(name, value) for name, value in content.tags.items()]
        metrics = [Metric(name, value, at, step) for name, value, step in content.metrics]
        for first in range(0, max(len(params), len(tags)), PARAMS):
            rows = slice(first, first + PARAMS)
            self._client.log_batch(run, params=params[rows], tags=tags[rows])
        for first in range(0, len(metrics), BATCH):
            self._client.log_batch(run, metrics=metrics[first : first + BATCH])

    def _end(self, run: str, content: Content) -> None:
        self._client.set_terminated(run, content.status, _milliseconds(content.began + content.seconds))

    # --- versions

    def versions(self, name: str) -> dict[str, Any]:
        """Return the versions of a registered model that were sent from here, by their seal."""
        with _asking():
            found = self._client.search_model_versions(f"name = '{name}'")
        return {one.tags[SEAL]: one for one in found if SEAL in one.tags}

    def send_version(self, run: str, name: str, folder: Path, model: Path, tags: Mapping[str, str], seal: str) -> None:
        """Store a version's folder, and what MLflow loads it by, with its run, and register it.

        Parameters
        ----------
        folder : Path
            The version's.
        model : Path
            A folder with ``MLmodel``, which names the place of the other one.
        """
        where = f"versions/{seal[:16]}"
        with _asking():
            self._client.log_artifacts(run, str(folder), f"{where}/home")
            self._client.log_artifacts(run, str(model), where)
            with _unless_there():
                self._client.create_registered_model(name)
            source = f"{self._client.get_run(run).info.artifact_uri}/{where}"
            self._client.create_model_version(name, source, run, tags={**tags, SEAL: seal})

    def stage(self, name: str, version: Any, stage: str) -> bool:
        """Note the stage of a version; return whether that is news."""
        if version.tags.get(STAGE) == stage:
            return False
        with _asking():
            self._client.set_model_version_tag(name, version.version, STAGE, stage)
        return True

    def alias(self, name: str, aliases: Mapping[str, str | None]) -> None:
        """Have aliases point to versions of a model, or to none."""
        with _asking():
            now = {alias: str(version) for alias, version in self._client.get_registered_model(name).aliases.items()}
            for alias, version in aliases.items():
                if version is None and alias in now:
                    self._client.delete_registered_model_alias(name, alias)
                elif version is not None and now.get(alias) != version:
                    self._client.set_registered_model_alias(name, alias, version)


@contextmanager
def _unless_there() -> Iterator[None]:
    """Leave aside that something is there already."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as e:
        if e.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def write_model(folder: Path, facts: Mapping[str, Any], loader: str, requirements: Sequence[str]) -> None:
    """Write what MLflow loads a version by: ``MLmodel``, which names a module of ours, and its requirements."""
    import platform

    from mlflow.models import Model

    model = Model(metadata=dict(facts))
    model.add_flavor("python_function", loader_module=loader, python_version=platform.python_version(), data="home")
    model.save(str(folder / "MLmodel"))
    (folder / "requirements.txt").write_text("\n".join([*requirements, ""]), encoding="utf-8")


def _reach(uri: str) -> None:
    """Raise `OSError`, if no database listens where the address says: MLflow would go on trying for ten minutes."""
    place = urlsplit(uri)
    port = next((port for name, port in DATABASES.items() if place.scheme.startswith(name)), None)
    if port is not None and place.hostname:
        socket.create_connection((place.hostname, place.port or port), CONNECT).close()


def _experiment_of(recipe: str) -> str:
    return os.environ.get(EXPERIMENT) or recipe


def _shown() -> str:
    """Return the server's address as it may be told."""
    return str(mask(_bare(os.environ.get(URI, ""))))


@contextmanager
def _asking() -> Iterator[None]:
    """Tell what fails without anything secret, as one line."""
    try:
        yield
    except StoreError:
        raise
    except Exception as e:  # MLflow's, and those of its stores: SQLAlchemy, requests, boto
        lines = reason_of(e).strip().splitlines()
        text = _blotted(lines[0] if lines else "")
        raise StoreError(f"the tracking server {_shown()} cannot be used: {text[:400]}") from None


def _bare(uri: str) -> str:
    """Return an address without the name and the password in it."""
    scheme, sign, rest = uri.partition("://")
    if not sign:
        return uri
    place, slash, path = rest.partition("/")
    return f"{scheme}{sign}{place.rpartition('@')[2]}{slash}{path}"


def _blotted(text: str) -> str:
    uri = os.environ.get(URI, "")
    values = [os.environ.get(name, "") for name in SECRETS]
    with suppress(ValueError):
        parts = urlsplit(uri)
        values += [parts.netloc.rpartition("@")[0], parts.password or "", *(v for _, v in parse_qsl(parts.query))]
    forms = {form for value in values if value for form in (value, unquote(value))}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "***")
    return text


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)

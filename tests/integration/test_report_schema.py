"""The schema of the report holds for every run there is, and refuses what is none."""

from __future__ import annotations

import copy
import json
import tarfile
from pathlib import Path

import jsonschema
import pydantic
import pytest

import quorate
from quorate.report.schema import json_schema
from quorate.runs.loaded import load_report
from quorate.store import Home
from support.command import call

OLD = Path(__file__).parents[1] / "end_to_end" / "stored" / "home-before-rooms.tar.xz"
SNAPSHOT = Path(__file__).parents[1] / "snapshots" / "report.json"

BROKEN = """
import quorate


class Broken:
    def fit(self, X, y):
        if len(X) > 260:
            raise ValueError("too much for me")

    def predict_proba(self, X):
        import numpy as np
        return np.full((len(X), 2), 0.5)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("broken", Broken)
"""


@pytest.fixture(scope="module")
def validator():
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def agree(validator, report):
    """Both the published schema and the types take a document, and the types keep all that it says."""
    document = json.loads(json.dumps(report.document))
    assert [error.message for error in validator.iter_errors(document)] == []
    again = report.typed.model_dump(by_alias=True, exclude_unset=True, mode="json")
    assert again == document


def test_every_kind_of_run_is_as_the_schema_says(validator, finished, tiny, panel, tmp_path):
    agree(validator, load_report(home=finished.path))
    agree(validator, quorate.promote(home=finished.path))
    agree(validator, quorate.run({**panel, "models": {"logistic": {}}}, home=finished.path))
    file = tmp_path / "broken.py"
    file.write_text(BROKEN)
    models = {"logistic": {}, "broken": {}}
    report = quorate.run({**tiny, "models": models, "on_failure": "drop"}, home=finished.path, plugins=[file])
    assert report.typed.results.development.failures
    agree(validator, report)


def test_what_was_overridden_is_as_the_schema_says_too(validator, finished):
    call("override", "latest", "--reason", "on paper only", "--home", finished.path)
    document = json.loads(call("report", "--json", "--home", finished.path).stdout)
    assert document["override"]["reason"] == "on paper only"
    assert [error.message for error in validator.iter_errors(document)] == []
    agree(validator, load_report(home=finished.path))


def test_reports_of_earlier_versions_are_as_the_schema_says(validator, tmp_path):
    with tarfile.open(OLD) as archive:
        archive.extractall(tmp_path, filter="data")
    found = [run for run in Home(tmp_path / "home").runs() if run.state == "finished"]
    assert len(found) == 2
    for run in found:
        agree(validator, quorate.Report(run.report(), run))


def test_what_is_no_report_is_refused(validator):
    sound = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    assert validator.is_valid(sound)
    for spoil in (
        lambda d: d.pop("seal"),
        lambda d: d.update(schema_version=2),
        lambda d: d["results"]["development"].update(verdict="MAYBE"),
        lambda d: d["results"]["development"]["gates"][0].pop("margin"),
        lambda d: d["results"]["development"]["market"].update({"max_drawdown": 0.1}),
        lambda d: d["results"]["development"]["folds"][0].update(train_rows="many"),
    ):
        spoilt = copy.deepcopy(sound)
        spoil(spoilt)
        assert not validator.is_valid(spoilt)
        with pytest.raises(pydantic.ValidationError):
            _ = quorate.Report(spoilt).typed


def test_the_command_prints_the_schema_without_a_run(tmp_path, monkeypatch):
    monkeypatch.setenv("QUORATE_HOME", str(tmp_path / "none"))
    assert json.loads(call("report", "--schema").stdout) == json_schema()

"""Whole runs with a plugin of each kind that raises, answers nonsense or hangs: one error that says whose it is."""

from __future__ import annotations

import pytest

import quorate

HEAD = "import time\nimport numpy as np\nimport quorate\n\n\n"
HOOK = "\n\n@quorate.hookimpl\ndef quorate_{hook}():\n    yield quorate.{spec}\n"
# By kind: the function's arguments, how it is offered, and what of a recipe names it.
KINDS = {
    "source": ("", 'SourceSpec("bad", bad)', {"data": {"source": "bad"}}),
    "feature": ("close", 'FeatureSpec("bad", bad, lookback=1)', {"features": {"use": ["bad"]}}),
    "label": ("prices, horizon", 'LabelSpec("bad", bad, task="classification")', {"labels": {"name": "bad"}}),
    "weight": ("rows", 'WeightSpec("bad", bad)', {"labels": {"weights": "bad"}}),
    "splitter": ("sessions, start", 'SplitterSpec("bad", bad)', {"folds": {"splitter": "bad"}}),
    "cost": ("bars", 'CostSpec("bad", bad)', {"costs": {"model": "bad"}}),
    "ensembler": ("history", 'EnsemblerSpec("bad", bad)', {"ensemble": {"method": "bad"}}),
    "strategy": ("score, threshold", 'StrategySpec("bad", bad)', {"strategy": {"name": "bad"}}),
    "metric": ("performance", 'MetricSpec("bad", bad)', {}),
    "gate": ("evidence", 'GateSpec("bad", bad)', {"gates": {"bad": {}}}),
}
FAULTS = {
    "raises": ("1 / 0", "ZeroDivisionError: division by zero"),
    "leaves": ("raise SystemExit(3)", "SystemExit: 3"),
    "gives": ("return 'nonsense'", "."),
    "hangs": ("time.sleep(60)", r"did not finish on .* within 4 s \(execution.fit_seconds\), line 7"),
    "spins": ("while True: pass", r"did not finish on .* within 4 s \(execution.fit_seconds\), line 7"),
}


def run(kind, body, tmp_path, small, seconds=600.0):
    arguments, spec, names = KINDS[kind]
    hook = "strategies" if kind == "strategy" else f"{kind}s"
    path = tmp_path / "bad_plugin.py"
    path.write_text(f"{HEAD}def bad({arguments}):\n    {body}\n{HOOK.format(hook=hook, spec=spec)}")
    table = {**small, "models": {"logistic": {}}, "execution": {"fit_seconds": seconds}, **names}
    return quorate.run(table, plugins=[path]), path


@pytest.mark.parametrize("fault", ["raises", "gives"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_names_plugin_version_what_it_was_called_on_and_the_reason(kind, fault, tmp_path, small):
    body, reason = FAULTS[fault]
    with pytest.raises(quorate.PluginError, match=reason) as told:
        run(kind, body, tmp_path, small)
    message = str(told.value)
    assert message.count(f"{kind} 'bad'") == 1
    assert "bad_plugin.py, sha256 " in message
    assert " on " in message or "(on " in message
    assert message.count("bad_plugin.py") == 1


@pytest.mark.parametrize("fault", ["leaves", pytest.param("hangs", marks=pytest.mark.full), "spins"])
def test_a_label_that_leaves_or_hangs_ends_the_run_in_words(fault, tmp_path, small):
    body, reason = FAULTS[fault]
    with pytest.raises(quorate.PluginError, match=rf"label 'bad' .*{reason}"):
        run("label", body, tmp_path, small, 4.0)

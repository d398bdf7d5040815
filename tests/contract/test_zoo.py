"""The zoo: every faulty plugin is named by its rule; no sound one, and no built-in, is accused."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest

from quorate.plugins.provider import Plugin
from quorate.plugins.registry import Registry
from quorate.plugins.specs import KINDS, ModelSpec
from quorate.testing import runner
from quorate.testing.runner import Outcome, Target, ask, check, load_target, rules

HERE = Path(__file__).parents[1]
ZOO = sorted((HERE / "plugins/faulty").glob("*.py"))
SOUND = sorted((HERE / "plugins/sound").glob("*.py"))
NETWORKS = "quorate_plugins.deep"
BRIEF = {"epochs": 2, "lookback": 8, "batch_size": 32, "patience": 2}  # a network is no other for more of them
FEW = {
    "random-forest": {"n_estimators": 10},
    "gradient-boosting": {"max_iter": 10},
    "gradient-boosting-exact": {"n_estimators": 10},
    "xgboost": {"n_estimators": 10},
    "catboost": {"iterations": 10},
}  # nor a forest for more trees


def brief(plugin: Plugin) -> Plugin:
    """Return a network or a forest that trains in a moment; any other plugin as it is."""
    spec = plugin.spec
    if plugin.provider.module == NETWORKS:
        assert isinstance(spec, ModelSpec)
        params = {name: value for name, value in BRIEF.items() if name != "lookback" or spec.input == "windows"}
    elif plugin.kind == "model" and plugin.name in FEW and spec is not None:
        params = FEW[plugin.name]
    else:
        return plugin
    return replace(plugin, spec=replace(spec, params={**spec.params, **params}).with_params(params))


def stands_for_itself(plugin: Plugin) -> bool:
    """Whether all rules are asked: two networks stand for the others, which differ in layers alone (unit/deep)."""
    return plugin.provider.module != NETWORKS or plugin.name in ("gru", "tabm")


OWN = [p for p in Registry.load(environment=False) if p.provider.distribution == "quorate"]
BUILT_IN = [brief(plugin) for plugin in OWN if stands_for_itself(plugin)]
SLOW = (
    "random-forest",
    "gradient-boosting",
    "gradient-boosting-exact",
    "catboost",
    "xgboost",
    "max-drawdown",
    "gp",
    "nsga2",
    "cma-es",
    "lasso",
    "elastic-net",
    "fracast",
)  # all rules together take more than five seconds, or some, and another is much like it
NEEDY = "arrow ccxt csv databento dbn excel freqtrade lean markets parquet postgresql sql store yfinance"
NEED_AN_OPTION = {*(("source", name) for name in NEEDY.split()), ("sampler", "llm")}
# Those that kill or hang the process that checks them, and the seconds that a rule has.
DANGEROUS = {"plugin_hangs": 20.0, "plugin_dies": 60.0}


def family(name: str) -> str:
    """Return the name of a feature without its numbers: ``sma_ratio`` of ``sma_ratio_20``."""
    return re.sub(r"(_\d+)+$", "", name)


def marks_of(plugin: Plugin) -> list[pytest.MarkDecorator]:
    """Return how the test of a built-in is marked; one whose library is optional, and not there, cannot be asked."""
    absent = [pytest.mark.skip(reason=f"it {plugin.reason}")] if plugin.state == "disabled" else []
    # Of features that differ in their numbers alone one is asked every time.
    names = [p.name for p in BUILT_IN if p.kind == "feature" and family(p.name) == family(plugin.name)]
    like = plugin.kind == "feature" and plugin.name != names[0]
    like = like or plugin.provider.module == NETWORKS
    return [*absent, *([pytest.mark.full] if plugin.name in SLOW or like else [])]


def named(path: Path) -> set[tuple[str, str]]:
    """Return the rules that the file's docstring says it is caught by."""
    first = first_line(path)
    assert first.startswith("Caught by: "), f"{path}: the docstring must begin with 'Caught by: kind rule'"
    pairs = [part.split() for part in first.removeprefix("Caught by: ").rstrip(".").split(", ")]
    return {(kind, rule) for kind, rule in pairs}


def first_line(path: Path) -> str:
    """Return the first line of the docstring, also of a file that is no Python."""
    text = path.read_text(encoding="utf-8")
    try:
        return (ast.get_docstring(ast.parse(text)) or "").splitlines()[0]
    except SyntaxError:
        return text.splitlines()[0].strip('"#').strip()


def told(outcomes: list[Outcome]) -> str:
    return "\n".join(f"{o.kind} {o.plugin} {o.rule} {o.state}: {o.message}" for o in outcomes if o.state != "passed")


def of_named_rules(path: Path) -> list[Outcome]:
    """Return what the rules say that the file names, and those whose failing would keep them quiet."""
    target = Target.of(str(path), None)
    loaded, steps = load_target(target)
    wanted = named(path)
    while rests := {(s.kind, root) for s in steps if (s.kind, s.rule) in wanted for root in s.after} - wanted:
        wanted |= rests
    answers = ((step, runner._ask(target, step)) for step in steps if (step[0], step[2]) in wanted)
    return [*loaded, *runner._telling(answers)]


def first_of_their_rules() -> set[str]:
    """Return the animals that are asked every time: enough of them for each rule to catch one."""
    caught: set[tuple[str, str]] = set()
    first = set()
    for path in ZOO:
        if path.stem != "plugin_hangs" and not named(path) <= caught:  # that one takes its twenty seconds
            caught |= named(path)
            first.add(path.stem)
    return first


FIRST = first_of_their_rules()


@pytest.mark.parametrize(
    "path", [pytest.param(p, id=p.stem, marks=[] if p.stem in FIRST else pytest.mark.full) for p in ZOO]
)
def test_a_faulty_plugin_is_named_by_its_rule_with_a_message(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # some leave files there
    outcomes = check(path, seconds=DANGEROUS[path.stem]) if path.stem in DANGEROUS else of_named_rules(path)
    failed = {(o.kind, o.rule) for o in outcomes if o.state == "failed"}
    assert named(path) <= failed, told(outcomes)
    assert all(len(o.message) > 20 for o in outcomes if o.state == "failed")


@pytest.mark.full
@pytest.mark.parametrize("path", SOUND, ids=lambda p: p.stem)
def test_a_sound_but_unusual_plugin_is_not_accused(path: Path) -> None:
    outcomes = check(path, isolate=False)
    assert {o.state for o in outcomes} <= {"passed", "not-applicable"}, told(outcomes)
    kinds = {o.kind for o in outcomes} - {"plugin"}
    assert any(o.state == "passed" and o.rule not in ("resolves", "options", "light-import") for o in outcomes)
    assert kinds <= set(KINDS)


@pytest.mark.parametrize(
    "plugin",
    [pytest.param(p, id=f"{p.kind}-{p.name}", marks=marks_of(p)) for p in BUILT_IN],
)
def test_no_built_in_is_accused(plugin) -> None:
    outcomes = [ask(rule, plugin) for rule in rules(plugin.kind) if rule.name != "light-import"]
    assert {o.state for o in outcomes} <= {"passed", "not-applicable"}, told(outcomes)
    if (plugin.kind, plugin.name) not in NEED_AN_OPTION:
        own = [o for o in outcomes if o.rule not in ("resolves", "options")]
        assert any(o.state == "passed" for o in own), told(outcomes)


@pytest.mark.parametrize("module", sorted({p.provider.module for p in BUILT_IN}))
def test_no_built_in_module_is_heavy(module: str) -> None:
    plugin = next(p for p in BUILT_IN if p.provider.module == module)
    [rule] = [rule for rule in rules(plugin.kind) if rule.name == "light-import"]
    outcome = ask(rule, plugin)
    assert outcome.state == "passed", outcome.message


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_two_rules_of_a_kind_share_a_name(kind: str) -> None:
    names = [rule.name for rule in rules(kind)]
    assert sorted(set(names)) == sorted(names)
    assert all(rule.summary.endswith(".") for rule in rules(kind))


def test_the_zoo_is_large_and_every_rule_has_its_animal() -> None:
    caught = set().union(*(named(path) for path in ZOO))
    assert len(ZOO) >= 25
    without = {(kind, rule.name) for kind in KINDS for rule in rules(kind)} - caught
    shared = {(kind, rule.name) for kind in KINDS for rule in rules(kind) if rule.shared}
    assert not without - shared, f"no animal for {sorted(without - shared)}"
    assert {name for _, name in shared} <= {rule for _, rule in caught}

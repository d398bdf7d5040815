"""The plugin author's guide: up to date, every example sound and in use, every hook tested, documented and used."""

from __future__ import annotations

import importlib.util
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import quorate
from quorate.plugins import hooks
from quorate.plugins.registry import Registry
from quorate.plugins.specs import KINDS
from quorate.recipe.load import load_recipe
from quorate.recipe.resolve import resolve
from quorate.testing import check, market

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "plugins"
PAGES = {page.stem: page.read_text(encoding="utf-8") for page in sorted(GUIDE.glob("*.md"))}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMPLETE = {"python": r"^@quorate.hookimpl", "toml": r"^(extends|plugins) = "}
NAMED = re.compile(r"\((\**`[\w-]+`\**(?:,\s+\**`[\w-]+`\**)*)\)")  # rules in brackets, e.g. (`computes`, `margin`)
SLOW = {
    "my_ridge.py",
    "extra_trees.py",
    "recurrent.py",
    "quantiles.py",
    "neighbours.py",
    "places.py",
}  # models: fitted again and again
OPTIONS = {"from_sqlite.py": {"path": "bars.db"}}
QUICK = ["folds.initial=400", "threshold.min_bars=50", "holdout.fraction=0.2"]


def _generator():
    found = importlib.util.spec_from_file_location("generate_guide", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


generate = _generator()


def blocks(page, language):
    """Return the files that a page shows, by the name in their first line."""
    named = {}
    for spoken, code in BLOCK.findall(PAGES[page]):
        if spoken == language and re.search(COMPLETE[language], code, re.MULTILINE):
            title = re.match(rf"# (\w+\.{'py' if language == 'python' else 'toml'})\b", code)
            assert title, f"{page}.md: a complete file begins with its name: {code.splitlines()[0]}"
            named[title[1]] = code
    return named


# Those that are generated from the hooks are tried at the end.
PLUGINS = [(page, name) for page in PAGES for name in blocks(page, "python") if name != f"my_{page}.py"]
RECIPES = [(page, name) for page in PAGES for name in blocks(page, "toml")]


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """Write all files that a page shows into the current folder, which also has bars in a database."""
    monkeypatch.chdir(tmp_path)

    def write(page):
        for name, code in {**blocks(page, "python"), **blocks(page, "toml")}.items():
            (tmp_path / name).write_text(code, encoding="utf-8")
        if page == "source":
            bars = market(900)
            frame = bars.to_frame().drop(columns="time").assign(session=bars.sessions.astype(str))
            with sqlite3.connect("bars.db") as connection:
                frame.to_sql("bars", connection, index=False)

    return write


def said(outcomes):
    return [f"{o.rule}: {o.message}" for o in outcomes if o.state not in ("passed", "not-applicable")]


# --- pages


def test_there_is_a_page_for_every_kind_and_the_first_one_leads_to_it():
    assert set(PAGES) == {"README", *KINDS}
    assert all(f"({kind}.md)" in PAGES["README"] for kind in KINDS)


def test_no_page_is_stale():
    assert [page.name for page in generate.stale()] == [], "run: python docs/generate.py"


@pytest.mark.parametrize("page", sorted(KINDS))
def test_a_page_has_every_generated_part(page):
    parts = set(re.findall(r"<!-- generated: (\w+)", PAGES[page]))
    assert {"contract", "example", "fields", "rules", "builtins"} <= parts


@pytest.mark.parametrize("page", PAGES)
def test_links_resolve(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", PAGES[page]):
        assert target.startswith("https://") or (GUIDE / target).exists(), target


@pytest.mark.parametrize("page", sorted(KINDS))
def test_the_rules_that_the_mistakes_name_exist(page):
    mistakes = PAGES[page].partition("## Common mistakes")[2].partition("## Fields")[0]
    causal = {rule.name: rule.causal for rule in generate.rules(page)}
    named = [found for group in re.findall(NAMED, mistakes) for found in re.findall(r"(\**)`([\w-]+)`", group)]
    assert named
    # In bold what no known gap excuses, as in the table.
    assert {rule: bool(bold) for bold, rule in named} == {rule: causal.get(rule) for _, rule in named}


def test_a_page_that_was_changed_by_hand_is_stale(tmp_path, monkeypatch):
    page = tmp_path / "metric.md"
    page.write_text(PAGES["metric"].replace("`annualised` | bool", "`annualised` | int"), encoding="utf-8")
    monkeypatch.setattr(generate, "PAGES", tmp_path)
    assert generate.stale() == {page: PAGES["metric"]}
    assert (generate.main(check=True), generate.main(check=False), generate.main(check=True)) == (1, 0, 0)
    assert page.read_text(encoding="utf-8") == PAGES["metric"]


# --- examples


@pytest.mark.parametrize(
    "page, name", [pytest.param(*p, marks=pytest.mark.full if p[1] in SLOW else ()) for p in PLUGINS]
)
def test_an_example_keeps_every_rule(shown, tmp_path, page, name):
    shown(page)
    outcomes = check(tmp_path / name, isolate=False, options=OPTIONS.get(name))
    assert any(o.state == "passed" and o.kind != "plugin" for o in outcomes)
    assert said(outcomes) == []


@pytest.mark.parametrize("page, name", RECIPES)
def test_a_recipe_is_valid(shown, page, name):
    shown(page)
    registry = Registry.load()
    recipe = load_recipe(name, registry)
    for path in recipe.plugins:
        registry.add(path)
    _, warnings = resolve(recipe, registry)
    assert warnings == []


@pytest.mark.full
@pytest.mark.parametrize("page, name", RECIPES)
def test_a_recipe_runs(shown, page, name):
    shown(page)
    more = {"source": ["folds.test=200"], "splitter": ["data.n_bars=900"]}
    overrides = [*QUICK, *more.get(page, ["data.n_bars=900", "folds.test=200"])]
    if page == "sampler":
        told = quorate.sweep(name, overrides=overrides).document
    else:
        report = quorate.run(name, overrides=overrides)
        told = report.provenance
        assert "failures" not in report.results["development"]
    used = {p["file"] for p in told["plugins"]}
    assert {str(Path(path).resolve()) for path in told["recipe"]["plugins"]} <= used


@pytest.mark.full
def test_the_tests_that_the_first_page_shows_pass(shown, tmp_path):
    shown("README")
    [code] = [code for _, code in BLOCK.findall(PAGES["README"]) if "parametrize_with_checks" in code]
    (tmp_path / "test_mine.py").write_text(code, encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "failed" not in done.stdout


@pytest.mark.parametrize("name, most", [("extra_trees.py", 5), ("recurrent.py", 25)])
def test_an_example_is_as_short_as_promised(name, most):
    lines = blocks("model", "python")[name].splitlines()
    counted = [x for x in map(str.strip, lines) if x and not x.startswith(("#", "import ", "from "))]
    assert len(counted) <= most


# --- hooks: each has an example that is tested, a page with the exact signature, and a built-in that uses it

TINY = {
    "name": "tiny",
    "data": {"source": "simulated", "n_bars": 700},
    "holdout": {"fraction": 0.2},
    "features": {"use": ["return_1", "return_5", "rsi_5"]},
    "folds": {"initial": 300, "test": 100},
    "models": {"logistic": {}},
    "threshold": {"min_bars": 50},
}
# Of each hook: the plugin of its docstring, what a recipe changes to use it, and where the report shows that it did.
USES = {
    "quorate_models": ("my-ridge", {}, lambda r: [s["name"] for s in part(r)["series"] if s["role"] == "member"]),
    "quorate_features": ("overnight", {}, lambda r: r.provenance["features"]),
    "quorate_transforms": (
        "centred",
        {"features": {"use": ["return_1", "return_5"], "transforms": {"*": {"name": "centred", "share": 0.5}}}},
        lambda r: [step["name"] for step in r.provenance["recipe"]["features"]["transforms"]["*"]],
    ),
    "quorate_labels": (
        "large-rise",
        {"labels": {"name": "large-rise", "params": {"size": 0.0}}},
        lambda r: [r.provenance["recipe"]["labels"]["name"]],
    ),
    "quorate_weights": (
        "half-life",
        {"labels": {"weights": {"name": "half-life", "days": 200.0}}},
        lambda r: [one["name"] for one in r.provenance["recipe"]["labels"]["weights"]],
    ),
    "quorate_splitters": (
        "yearly",
        {"folds": {"splitter": "yearly", "initial": 300}},
        # Every fold after the first begins in another year.
        lambda r: (
            ["yearly"] if len({f["test_first"][:4] for f in part(r)["folds"]}) == len(part(r)["folds"]) > 1 else []
        ),
    ),
    "quorate_ensemblers": (
        "best-brier",
        {"models": {"logistic": {}, "ridge": {}}, "ensemble": {"method": "best-brier"}},
        lambda r: [part(r)["series"][0]["name"]],
    ),
    "quorate_strategies": (
        "sized",
        {"strategy": {"name": "sized"}},
        lambda r: [part(r)["series"][0]["strategy"]],
    ),
    "quorate_costs": (
        "by-price",
        {"costs": {"model": "by-price", "per_share": 0.1, "slippage": 0.0}},
        # 10 cents a share of about 100 a piece: the fees are near a thousandth of what was traded.
        lambda r: ["by-price"] if 0.0005 < fee_share(r) < 0.002 else [],
    ),
    "quorate_metrics": (
        "worst-bar",
        {},
        lambda r: [k for k, v in part(r)["series"][0]["metrics"].items() if v is not None],
    ),
    "quorate_gates": ("exposure", {}, lambda r: [g["gate"] for g in part(r)["gates"]]),
    "quorate_samplers": (
        "near-the-best",
        {"tuning": {"sampler": "near-the-best", "sampler_options": {"every": 3}, "trials": 4, "folds": 2}},
        lambda s: [s.document["recipe"]["tuning"]["sampler"]] if len(s.trials) == 4 else [],
    ),
    "quorate_sources": (
        "staircase",
        {"data": {"source": "staircase", "n_bars": 700}},
        lambda r: [r.provenance["data"]["source"]],
    ),
    "quorate_alerts": (
        "to-a-folder",
        {"alerts": {"to-a-folder": {"on": ["run-finished"]}}},
        lambda r: [
            name for name in r.provenance["recipe"]["alerts"] if list(Path("alerts").glob("run-finished-*.txt"))
        ],
    ),
    "quorate_recipes": ("weekly", {}, lambda r: [r.provenance["recipe"]["name"]]),
}


def part(report):
    return report.results["development"]


def fee_share(report):
    trades = report.trades
    return float((trades["fees"] / (trades["size"] * (trades["entry_price"] + trades["exit_price"]))).mean())


def code_of(kind):
    return generate.example(kind).partition("\n")[2].rpartition("\n")[0]


def lacking(hook, kind, uses, pages, registry):
    """Return what a hook lacks: a tested example, its exact signature on its page, a built-in."""
    spec = KINDS.get(kind)
    missing = []
    if hook not in uses:
        missing.append("no test: its docstring's example is not among USES")
    exact = [f"`{hook}()`", f"`quorate.{spec.__name__}`", f"`{generate.signature(spec)}`"] if spec else [f"`{hook}()`"]
    if not all(text in pages.get(kind, "") for text in exact):
        missing.append(f"no documentation: docs/plugins/{kind}.md does not say {' and '.join(exact)}")
    if not any(p.kind == kind and p.provider.distribution == "quorate" for p in registry):
        missing.append("no built-in uses it")
    return missing


@pytest.mark.parametrize("hook", hooks.HOOKS)
def test_a_hook_is_tested_documented_and_used(hook):
    assert lacking(hook, hooks.HOOKS[hook], USES, PAGES, Registry.load(environment=False)) == []


def test_a_hook_without_test_page_or_built_in_is_noticed():
    told = lacking("quorate_brokers", "broker", USES, PAGES, Registry.load(environment=False))
    assert [t.partition(":")[0] for t in told] == ["no test", "no documentation", "no built-in uses it"]


def test_each_of_the_three_is_noticed_by_itself():
    registry = Registry.load(environment=False)
    without = {name: use for name, use in USES.items() if name != "quorate_costs"}
    assert [t[:7] for t in lacking("quorate_costs", "cost", without, PAGES, registry)] == ["no test"]
    other = {**PAGES, "cost": PAGES["cost"].replace("function(bars, **options)", "function(bars)")}
    assert [t[:16] for t in lacking("quorate_costs", "cost", USES, other, registry)] == ["no documentation"]
    assert lacking("quorate_costs", "cost", USES, PAGES, Registry()) == ["no built-in uses it"]


def test_every_example_here_belongs_to_a_hook():
    assert set(USES) == set(hooks.HOOKS)


@pytest.mark.parametrize("hook", hooks.HOOKS)
def test_the_example_of_a_hook_keeps_every_rule_and_takes_part_in_a_run(hook, shown, tmp_path):
    kind, (name, changes, used) = hooks.HOOKS[hook], USES[hook]
    shown("recipe")
    file = tmp_path / f"my_{kind}.py"
    file.write_text(code_of(kind), encoding="utf-8")
    registry = Registry.load([file])
    registry.check()
    assert [(p.kind, p.name) for p in registry if p.provider.local] == [(kind, name)]
    assert said(check(file, isolate=False)) == []
    small = {"overrides": ["data.n_bars=900", *QUICK, "models.gradient-boosting=false", "models.lightgbm=false"]}
    recipe, more = (name, small) if kind == "recipe" else ({**TINY, **changes}, {})
    start = quorate.sweep if kind == "sampler" else quorate.run
    found = start(recipe, home=tmp_path / "home", plugins=[file], **more)
    assert name in used(found)
    if kind != "recipe":
        told = found.document if kind == "sampler" else found.provenance
        files = {(p["kind"], p["name"]): p["file"] for p in told["plugins"]}
        assert files[kind, name] == str(file)

"""Writes pages, and generated parts of other pages in place: ``python docs/generate.py [--check]``.

Those stand between ``<!-- generated: PART -->`` and ``<!-- end -->``. What they say is taken from the recipe's schema,
the specs, the hooks, the rules and the registry, so that a page cannot say something else than the code. ``--check``
writes nothing, names the stale pages and exits 1 if there are any.
"""

import dataclasses
import inspect
import itertools
import json
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

import quorate
from quorate.bars.rules import RULES
from quorate.plugins import hooks
from quorate.plugins.documented import Told, documented
from quorate.plugins.registry import Registry
from quorate.plugins.specs import KINDS, Spec
from quorate.recipe import explained
from quorate.report import columns, glossary, sql_columns
from quorate.report.schema import json_schema
from quorate.testing import rules

DOCS = Path(__file__).parent
PAGES = DOCS / "plugins"
WHOLE = {  # pages of which nothing is written by hand
    DOCS / "glossary.md": glossary.page,
    DOCS / "tables.md": columns.page,
    DOCS / "sql.md": sql_columns.page,
    DOCS / "report.schema.json": lambda: json.dumps(json_schema(), indent=2) + "\n",
}
MARKED = [DOCS / name for name in ("recipe.md", "data.md")]  # pages with generated parts
PART = re.compile(r"(<!-- generated: (\w+)(?: ([\w.]+))? -->\n).*?(<!-- end -->)", re.DOTALL)
MANY = 20


def render(text: str, kind: str) -> str:
    """Return a page with its generated parts written anew; `kind` is that of the plugins it is about."""

    def part(match: re.Match[str]) -> str:
        name, argument = match[2], match[3]
        body = WRITERS[name](argument) if argument else WRITERS[name](kind)
        return f"{match[1]}\n{body.strip()}\n\n{match[4]}"

    return PART.sub(part, text)


def hook_of(kind: str) -> str:
    """Return the name of the hook that yields plugins of a kind."""
    return next(hook for hook, k in hooks.HOOKS.items() if k == kind)


def signature(spec: type[Spec]) -> str:
    """Return how the platform calls the function, as the first line of the spec's docstring has it."""
    return re.search(r"``(function\(.*?\))``", inspect.getdoc(spec))[1]


def contract(kind: str) -> str:
    """Return what the spec's docstring says before its parameters."""
    spec = KINDS[kind]
    prose = inspect.getdoc(spec).partition("\nParameters\n")[0]
    called = f"the platform calls its function as `{signature(spec)}`"
    head = f"The hook `{hook_of(kind)}()` yields `quorate.{spec.__name__}`; {called}."
    return f"{head}\n\n{_marked(prose)}"


def example(kind: str) -> str:
    """Return the plugin in the hook's docstring, as a file."""
    code = inspect.getdoc(getattr(hooks.Hooks, hook_of(kind))).partition("::\n")[2]
    return f"```python\n# my_{kind}.py\n{textwrap.dedent(code).strip()}\n```"


def fields(kind: str) -> str:
    """Return a table of the spec's own fields, then those that every spec has."""
    spec = KINDS[kind]
    given = {field.name: field for field in dataclasses.fields(spec)}
    cells = [f"| `{n}` | {_cell(t)} | {_default(given[n])} | {_cell(text)} |" for n, (t, text) in told_of(spec).items()]
    return "\n".join(["| field | type | default | meaning |", "|---|---|---|---|", *cells])


def attributes(name: str) -> str:
    """Return a table of what an object that the platform passes holds."""
    told = told_of(getattr(quorate, name.removeprefix("quorate.")))
    together = [([*names], *one) for one, names in itertools.groupby(told, told.__getitem__)]
    cells = [f"| `{'`, `'.join(names)}` | {_cell(type_)} | {_cell(text)} |" for names, type_, text in together]
    return "\n".join(["| attribute | type | meaning |", "|---|---|---|", *cells])


def constructor(name: str) -> str:
    """Return how an object is made, with its defaults."""
    cls = getattr(quorate, name.removeprefix("quorate."))
    cells = [f.name if f.default is f.default_factory is dataclasses.MISSING else f"{f.name}={_default(f).strip('`')}"
             for f in dataclasses.fields(cls)]  # fmt: skip
    return "```python\n" + textwrap.fill(f"{name}({', '.join(cells)})", 100, subsequent_indent="    ") + "\n```"


def rule_table(kind: str) -> str:
    """Return a table of the rules of a kind; those that no known gap excuses are in bold."""
    rows = [f"| {'**' if r.causal else ''}`{r.name}`{'**' if r.causal else ''} | {_cell(r.summary)} |"
            for r in rules(kind)]  # fmt: skip
    return "\n".join(["| rule | what it asks |", "|---|---|", *rows])


def built_ins(kind: str) -> str:
    """Return the built-in plugins of a kind; where there are many, their names by group."""
    specs = _specs(kind)
    if len(specs) <= MANY or not hasattr(specs[0], "group"):
        return "\n".join(["| name | |", "|---|---|", *(f"| `{s.name}` | {_cell(s.description)} |" for s in specs)])
    groups: dict[str, list[str]] = {}
    for spec in specs:
        groups.setdefault(spec.group, []).append(f"`{spec.name}`")
    return "\n".join(["| group | |", "|---|---|", *(f"| `{g}` | {', '.join(names)} |" for g, names in groups.items())])


def _specs(kind: str) -> list[Spec]:
    """Return the specs of the built-in plugins of a kind."""
    found = Registry.load(environment=False)
    return [p.spec for p in found if p.kind == kind and p.provider.distribution == "quorate"]


def recipe(_: str) -> str:
    """Return every table of a recipe with its keys, and after each the options of the built-in plugins it may name."""
    parts = []
    for table in explained.tables():
        path = ".".join(table.path)
        parts += [f"## `[{path}]`" if path else "## The top level", _marked(table.text)]
        parts += [_keys(table.keys)] if table.keys else []
        parts += [_options_of(table.kind)] if table.kind and table.kind not in ("model", "source") else []
        parts += [APART[table.kind]] if table.kind in APART else []
    for kind, place in (("transform", "features.transforms"), ("weight", "labels.weights"), ("label", "labels.params"),
                        ("ensembler", "ensemble.params"), ("strategy", "strategy.params"),
                        ("sampler", "tuning.sampler_options")):  # fmt: skip
        at = next(i for i, part in enumerate(parts) if part == f"## `[{place.partition('.')[0]}]`")
        parts.insert(at + 3, _options_of(kind).replace("Options by", f"In `[{place}]`, by", 1))
    return "\n\n".join(parts)


APART = {
    "source": "The options of sources that read files: [bars from files](data.md#options). Of others: "
    "`quorate plugins show NAME`.",
    "model": "The parameters of a model, and what a sweep tries of them: `quorate plugins show NAME`; "
    "all models: `quorate plugins --kind model`.",
}


def _options_of(kind: str) -> str:
    """Return a table of the options of all built-in plugins of a kind."""
    cells = [
        f"| `{spec.name}` | `{key.name}` | {_takes(key)} | {_value(key)} | {_cell(key.meaning)} |"
        for spec in _specs(kind)
        for key in explained.options(spec)
    ]
    head = [f"| {kind} | option | takes | default | meaning |", "|---|---|---|---|---|"]
    return "\n".join([f"Options by {kind}, of the built-in ones that have any:\n", *head, *cells])


def readers(_: str) -> str:
    """Return a table of the options of the sources that read files, and who has them."""
    files = [spec for spec in _specs("source") if "columns" in {key.name for key in explained.options(spec)}]
    have = {spec.name: {key.name: key for key in explained.options(spec)} for spec in files}
    every = {**have["csv"], **{name: key for keys in have.values() for name, key in keys.items()}, **have["csv"]}
    for name, key in every.items():
        meanings = {source: told[name].meaning for source, told in have.items() if name in told}
        alike = {
            meaning: [source for source in meanings if meanings[source] == meaning] for meaning in meanings.values()
        }
        if len(alike) > 1:
            told = " ".join(f"{', '.join(sources)}: {meaning}" for meaning, sources in alike.items())
            every[name] = key._replace(meaning=told)
    common = next(table for table in explained.tables() if table.path == ("data",)).keys
    rows = [(key, "all") for key in common]
    rows += [(key, ", ".join(name for name in have if key.name in have[name])) for key in every.values()]
    cells = [f"| `{key.name}` | {of} | {_takes(key)} | {_value(key)} | {_cell(key.meaning)} |" for key, of in rows]
    return "\n".join(["| option | of | takes | default | meaning |", "|---|---|---|---|---|", *cells])


def vendors(_: str) -> str:
    """Return a table of the options of the sources that ask vendors, and who has them."""
    have = {name: explained.options(next(s for s in _specs("source") if s.name == name)) for name in VENDORS}
    found: dict[explained.Key, list[str]] = {}
    for name, keys in have.items():
        for key in keys:
            found.setdefault(key, []).append(name)
    cells = [
        f"| `{key.name}` | {', '.join(of)} | {_takes(key)} | {_value(key)} | {_cell(key.meaning)} |"
        for key, of in sorted(found.items(), key=lambda row: -len(row[1]))
    ]
    return "\n".join(["| option | of | takes | default | meaning |", "|---|---|---|---|---|", *cells])


def checks(_: str) -> str:
    """Return a table of the rules that look at bars."""
    cells = [
        f"| `{name}` | {rule.asks} | {'' if rule.limit is None else f'{rule.limit:g} {rule.unit}'} | `{rule.then}` | "
        f"{'yes' if rule.apart else ''} |"
        for name, rule in RULES.items()
    ]
    head = "| rule | finds | limit | a run without `[data.checks]` | sets bars apart |"
    return "\n".join([head, "|---|---|---|---|---|", *cells])


def _keys(keys: list[explained.Key]) -> str:
    cells = [f"| `{key.name}` | {_takes(key)} | {_value(key)} | {_cell(key.meaning)} |" for key in keys]
    return "\n".join(["| key | takes | default | meaning |", "|---|---|---|---|", *cells])


def _takes(key: explained.Key) -> str:
    return _cell(re.sub(r'("[^"]*")', r"`\1`", key.takes))


def _value(key: explained.Key) -> str:
    return f"`{key.default}`" if key.default else ""


VENDORS = ("yfinance", "ccxt", "databento", "dbn")
WRITERS = {
    "recipe": recipe,
    "readers": readers,
    "vendors": vendors,
    "checks": checks,
    "contract": contract,
    "example": example,
    "fields": fields,
    "attributes": attributes,
    "constructor": constructor,
    "rules": rule_table,
    "builtins": built_ins,
}


def told_of(cls: type) -> dict[str, Told]:
    """Return what is told of each parameter, by name, of a class and then of its bases."""
    found: dict[str, Told] = {}
    for one in cls.__mro__[:-1]:
        found = {**found, **{name: told for name, told in documented(one.__doc__).items() if name not in found}}
    return found


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        return f"`{field.default!r}`"
    return "`{}`" if field.default_factory is not dataclasses.MISSING else "required"


def _marked(text: str) -> str:
    return text.replace("``", "`")


def _cell(text: str) -> str:
    return _marked(text).replace("|", "\\|")


def kind_of(page: Path) -> str:
    """Return the kind that a page is about; that of the first page is none."""
    return page.stem if page.stem in KINDS else ""


def stale() -> dict[Path, str]:
    """Return the pages whose generated parts are not what they should be, with the new text."""
    texts = {page: page.read_text(encoding="utf-8") for page in (*sorted(PAGES.glob("*.md")), *MARKED)}
    fresh = {page: render(text, kind_of(page)) for page, text in texts.items()}
    for page, write in WHOLE.items():
        texts[page] = page.read_text(encoding="utf-8") if page.exists() else ""
        fresh[page] = write()
    return {page: text for page, text in fresh.items() if text != texts[page]}


def main(check: bool) -> int:
    """Write or check all pages; return the exit code."""
    changed = stale()
    for page, text in changed.items():
        if not check:
            page.write_text(text, encoding="utf-8")
        print(f"{page.relative_to(PAGES.parent.parent)} {'is stale: python docs/generate.py' if check else 'written'}")
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))

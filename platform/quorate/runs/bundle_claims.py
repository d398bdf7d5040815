"""What the parts of a bundle say of each other: whether its report, recipe, plugin files and fits belong together."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from quorate.errors import QuorateError
from quorate.recipe.digest import APART
from quorate.recipe.resolve import to_toml
from quorate.report.report import PARTS, Report
from quorate.runs.bundle_file import RECIPE, REPORT, Contents
from quorate.runs.reproduce import differences_of
from quorate.runs.session import Session
from quorate.store.documents import REPORT_VERSION

_ID = re.compile(r"[\w][\w.+-]{0,200}")
_HASH = re.compile(r"[0-9a-f]{64}")


def claims(contents: Contents, document: Mapping[str, Any]) -> list[str]:
    """Return what in a bundle does not belong together; what is told by hashes is known to be right."""
    if not document:
        return [f"the bundle has no {REPORT}"]
    try:
        return list(_claims(contents, document))
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as e:
        return [f"{REPORT} holds what quorate does not write: {type(e).__name__} at {e!s:.80}"]


def _claims(contents: Contents, document: Mapping[str, Any]) -> Iterator[str]:
    version = document["schema_version"]
    if type(version) is not int or not 0 < version <= REPORT_VERSION:
        yield f"{REPORT} has schema version {version!r:.20}; this quorate reads up to {REPORT_VERSION}: upgrade quorate"
        return
    report = Report(document)
    told = report.provenance
    if document["seal"] != report.seal:
        yield f"{REPORT} was changed after the run: it has another seal"
    if told["results_digest"] != report.digest:
        yield f"the results in {REPORT} were changed after the run: they have another digest"
    report.typed  # raises ValueError, where it has another shape  # noqa: B018
    if report.run_id != contents.run or not _ID.fullmatch(report.run_id):
        yield f"the bundle is of run {contents.run!r:.80}, and its report of run {report.run_id!r:.80}"
    hashes = [told["data"]["fingerprint"], *(p["sha256"] for p in told["plugins"] if p["sha256"])]
    if not all(_HASH.fullmatch(one) for one in hashes):
        yield f"a fingerprint or the hash of a plugin file in {REPORT} is none"
    yield from _of_sources(contents, told)
    fingerprint = told["data"]["fingerprint"]
    held = f"bars/{fingerprint}.parquet" in contents.files
    if held != (contents.bars == "included"):
        there = "them" if held else "none of that fingerprint"
        yield f"the bundle says of its bars {contents.bars!r:.20}, and has {there}"
    yield from _of_fits(contents, report)


def _of_sources(contents: Contents, told: Mapping[str, Any]) -> Iterator[str]:
    needed = {f"sources/{p['sha256']}.py": f"{p['kind']} {p['name']!r}" for p in told["plugins"] if p["sha256"]}
    there = {name for name in contents.files if name.startswith("sources/")}
    yield from (f"the plugin file of {needed[name]} is not in the bundle" for name in sorted(needed.keys() - there))
    yield from (f"{name} is in the bundle, and the run used no such plugin" for name in sorted(there - needed.keys()))
    for name in sorted(there & needed.keys()):
        if name != f"sources/{contents.hashes[name]}.py":
            yield f"the plugin file of {needed[name]} was changed: its hash is {contents.hashes[name][:12]}"


def _of_fits(contents: Contents, report: Report) -> Iterator[str]:
    """Yield the fits that are missing, double or too many: one there must be for each member and fold of a part."""
    members = list(report.provenance["recipe"]["models"])
    counted = Counter((fit.part, fit.model, fit.fold) for fit in contents.fits)
    needed = {
        (part, model, fold["fold"])
        for part in PARTS
        if report.results[part]
        for model in members
        for fold in report.results[part]["folds"]
    }
    for part, model, fold in sorted(needed - counted.keys()):
        yield f"a fit is missing: {part}, model {model!r} on fold {fold}"
    for part, model, fold in sorted(counted.keys() - needed):
        yield f"a fit was added that the report knows nothing of: {part}, model {model!r} on fold {fold}"
    for (part, model, fold), count in counted.items():
        if count > 1:
            yield f"a fit is in the tree {count} times: {part}, model {model!r} on fold {fold}"
    for part in (part for part in PARTS if report.results[part]):
        rows = {fold["fold"]: fold["test_rows"] for fold in report.results[part]["folds"]}
        if rows != dict(contents.folds[part]):
            yield f"the rows of the folds of the {part} are not those of the report"


def check_recipe(contents: Contents, session: Session) -> list[str]:
    """Return how the recipe for people is other than that of the report, but for what changes no result."""
    try:
        told = tomllib.loads(contents.files[RECIPE].decode())
    except (KeyError, ValueError, RecursionError) as e:
        return [f"{RECIPE} is missing or no TOML: {e!s:.80}"]
    try:
        real = tomllib.loads(to_toml(session.recipe, session.registry))
    except QuorateError:  # told elsewhere
        return []
    now, then = ({k: v for k, v in table.items() if k not in APART} for table in (real, told))
    return [f"{RECIPE} is not the recipe of the report: {line}" for line in differences_of(now, then, "recipe")]

"""`quorate bundle` and `quorate verify`: a run for others, honest and forged in every way."""

from __future__ import annotations

import json
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import quorate
from quorate.recipe.canonical import digest
from quorate.recipe.schema import READ
from quorate.report.report import Report
from quorate.runs.bundle_bars import bars_of
from quorate.runs.bundle_file import Contents, digest_of, read, write
from quorate.store import Home
from quorate.store.parquet import write_parquet
from quorate.store.trust import trust
from support import homes
from support.command import call, message_of

OWN = """
import os
import quorate

if "EXECUTED" in os.environ:
    open(os.environ["EXECUTED"], "w").close()

@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("own-ridge", "sklearn.linear_model:Ridge", task="regression", params={"alpha": 2.0})
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, _homes: homes.Homes) -> tuple[Path, Path, str]:
    """A home with a promoted run that has a plugin file, its bundle, and the root of that."""
    folder = tmp_path_factory.mktemp("bundle")
    home, file = folder / "home", folder / "own.py"
    homes.Homes.copy_known(_homes.warm, home)
    trust(home)
    file.write_text(OWN)
    recipe = homes.recipe("tiny")
    recipe["models"] = {**recipe["models"], "own-ridge": {}}
    run = quorate.run(recipe, home=home, plugins=[file]).run_id
    quorate.promote(run, home=home)
    bundled = quorate.bundle(run, folder / "run.zip", bars=True, home=home)
    return home, folder / "run.zip", bundled.root


@pytest.fixture
def forget_plugins() -> None:
    """What was imported of plugin files before is imported anew."""
    for name in [name for name in sys.modules if name.startswith("quorate_local_")]:
        del sys.modules[name]


def verified(file: Path, *arguments: object, code: int = 0) -> dict[str, Any]:
    result = call("verify", file, "--json", *arguments)
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)  # type: ignore[no-any-return]


def forged(file: Path, to: Path, change: Callable[[Contents], Contents]) -> Path:
    """Change a bundle and hash all anew, as somebody does who forges one."""
    contents, _ = read(file)
    write(change(replace(contents, files=dict(contents.files))), to)
    return to


def resealed(change: Callable[[dict[str, Any]], object]) -> Callable[[Contents], Contents]:
    """Change the report, and its digests with it."""

    def changed(contents: Contents) -> Contents:
        document = json.loads(contents.files["report.json"])
        change(document)
        document["provenance"]["results_digest"] = digest(document["results"])
        document["seal"] = Report(document).seal
        return replace(contents, files={**contents.files, "report.json": json.dumps(document).encode()})

    return changed


def with_predictions(contents: Contents, part: str, model: str, fold: int, add: float) -> Contents:
    """Change the predictions of one fit, and all hashes with them."""
    start = 0
    for index, rows in contents.folds[part]:
        if index == fold:
            break
        start += rows
    columns = contents.columns[part]
    size = sum(n for _, n in contents.folds[part])
    values = np.frombuffer(contents.files[f"predictions/{part}.f64"]).reshape(len(columns), size).copy()
    values[columns.index(model), start : start + rows] += add
    files = {**contents.files, f"predictions/{part}.f64": values.tobytes()}
    other = replace(contents, files=files)
    fits = [replace(fit, sha256=digest_of(other.values(fit))) for fit in contents.fits]
    return replace(other, fits=fits)


def test_a_bundle_says_what_is_in_it_and_is_the_same_bytes_again(made: tuple[Path, Path, str], tmp_path: Path) -> None:
    home, file, root = made
    result = call("bundle", "latest", "--home", home, "--bars", "--out", tmp_path / "again.zip")
    assert result.exit_code == 0
    assert f"root {root}" in result.stdout
    assert "1 plugin file" in result.stdout
    assert "make sure that you may pass them on" in result.stdout
    assert (tmp_path / "again.zip").read_bytes() == file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names} >= {"bundle.json", "report.json", "recipe.toml", "sources", "bars"}
    assert "lies in the home" in message_of(call("bundle", "--home", home, "--out", home / "x.zip"), 1)
    assert "there is no run" in message_of(call("bundle", "none", "--home", home), 1)


def test_an_honest_bundle_is_verified_with_its_plugin_where_that_is_trusted(
    made: tuple[Path, Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forget_plugins: None
) -> None:
    _, file, root = made
    monkeypatch.setenv("EXECUTED", str(tmp_path / "executed"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    without = verified(file, "--spot", 4, code=11)
    assert not (tmp_path / "executed").exists()  # what a bundle brings is not executed unasked
    assert without["verdict"] == "INSUFFICIENT"
    assert without["faults"] == []
    assert "own-ridge" in without["unchecked"][0]
    assert "--trust" in without["unchecked"][0]
    assert {spot["model"] for spot in without["spots"]} <= {"logistic", "ridge", "majority", "persistence"}

    found = verified(file, "--spot", 30, "--trust", "--root", root[:16])
    assert (tmp_path / "executed").exists()
    assert (found["verdict"], found["unchecked"], found["faults"]) == ("VERIFIED", [], [])
    assert found["keys"] == found["fits"] == len(found["spots"])
    assert {spot["model"] for spot in found["spots"]} >= {"logistic", "ridge", "own-ridge"}
    assert {spot["part"] for spot in found["spots"]} == {"development", "holdout"}
    assert all(spot["agrees"] and spot["exact"] and not spot["differing"] for spot in found["spots"])
    assert found["figures"] == ["development", "holdout"]
    assert found["chance"] == 1.0
    left = [path.name for path in tmp_path.rglob("*") if path.is_file() or path.name.startswith("quorate-verify-")]
    assert left == ["executed"]  # neither its home nor that it was trusted


def test_hashes_alone_are_said_to_be_that_and_another_root_is_told(made: tuple[Path, Path, str]) -> None:
    _, file, root = made
    result = call("verify", file, "--spot", 0)
    assert result.exit_code == 0
    assert "VERIFIED" in result.stdout
    assert "not that it is true" in " ".join(result.stdout.split())
    assert "was to be" in verified(file, "--spot", 0, "--root", "0" * 64, code=1)["faults"][0]
    assert "12 digits" in verified(file, "--spot", 0, "--root", root[:4], code=1)["faults"][0]


def test_a_source_that_takes_environment_variables_is_asked_only_where_it_is_trusted(
    made: tuple[Path, Path, str], tmp_path: Path
) -> None:
    report = quorate.load_report(home=made[0])
    for table in READ:
        recipe = SimpleNamespace(**{**dict.fromkeys(READ), table: {"url": "${KEY}"}})
        opened = SimpleNamespace(home=Home(tmp_path), recipe=recipe)
        for given, ask in ((None, True), (tmp_path / "bars.csv", False)):
            assert "environment variables (KEY)" in str(bars_of(report, opened, given, ask, trusted=False))


def test_without_bars_they_must_be_given_and_must_be_those(made: tuple[Path, Path, str], tmp_path: Path) -> None:
    home, _, _ = made
    call("bundle", "latest", "--home", home, "--out", tmp_path / "small.zip")
    found = verified(tmp_path / "small.zip", "--spot", 2, "--trust", code=11)
    assert "--bars" in found["unchecked"][0]
    assert (found["spots"], found["figures"], found["keys"]) == ([], [], 0)
    for where in (("--bars", home), ("--ask-source",)):
        found = verified(tmp_path / "small.zip", "--spot", 1, "--trust", *where)
        assert (found["verdict"], len(found["spots"])) == ("VERIFIED", 1)
    bars = quorate.load_report(home=home).source.home.bars(
        quorate.load_report(home=home).provenance["data"]["fingerprint"]
    )
    frame = bars.to_frame()
    frame.assign(close=frame["close"] * (1 + 1e-9)).to_csv(tmp_path / "SIM001.csv", index=False)
    found = verified(tmp_path / "small.zip", "--spot", 1, "--trust", "--bars", tmp_path / "SIM001.csv", code=11)
    assert "are not those of the run" in found["unchecked"][0] or "cannot be read" in found["unchecked"][0]
    found = verified(tmp_path / "small.zip", "--spot", 1, "--trust", "--bars", tmp_path / "no.csv", code=11)
    assert "there is no file" in found["unchecked"][0]


def set_sharpe(document: dict[str, Any]) -> None:
    document["results"]["development"]["series"][0]["metrics"]["sharpe"] = 9.0


def drop(contents: Contents) -> Contents:
    return replace(contents, fits=contents.fits[1:])


def other_plugin(contents: Contents) -> Contents:
    name = next(name for name in contents.files if name.startswith("sources/"))
    return replace(contents, files={**contents.files, name: contents.files[name] + b"\n# more\n"})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (drop, "a fit is missing: development, model 'logistic' on fold 0"),
        (lambda c: replace(c, fits=[*c.fits, c.fits[0]]), "a fit is in the tree 2 times"),
        (other_plugin, "the plugin file of model 'own-ridge' was changed"),
        (lambda c: replace(c, run="other"), "and its report of run"),
        (lambda c: replace(c, bars="fingerprint"), "the bundle says of its bars 'fingerprint'"),
        (lambda c: replace(c, files={**c.files, "report.json": b"{}"}), "report.json"),
        (resealed(lambda d: d["provenance"]["plugins"][0].update(sha256="../" * 9)), "is none"),
        (resealed(lambda d: d["provenance"].update(run="../../x")), "and its report of run"),
        (resealed(lambda d: d.update(schema_version=99)), "upgrade quorate"),
        (resealed(lambda d: d["results"].update(development=3)), "holds what quorate does not write"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_does_not_belong_together_is_named_without_computing(
    made: tuple[Path, Path, str], tmp_path: Path, change: Callable[[Contents], Contents], said: str
) -> None:
    found = verified(forged(made[1], tmp_path / "f.zip", change), code=1)
    assert said in "\n".join(found["faults"])
    assert found["spots"] == []


def test_an_added_fit_is_named(made: tuple[Path, Path, str], tmp_path: Path) -> None:
    contents, _ = read(made[1])
    folds = {**contents.folds, "development": [*contents.folds["development"], (99, 0)]}
    first = contents.fits[0]
    more = replace(first, fold=99, rows=0, sha256=digest_of({first.model: np.empty(0)}))
    write(replace(contents, folds=folds, fits=[*contents.fits, more]), tmp_path / "f.zip")
    faults = verified(tmp_path / "f.zip", code=1)["faults"]
    assert f"a fit was added that the report knows nothing of: development, model {first.model!r} on fold 99" in faults


def test_a_forged_figure_is_named_though_all_hashes_are_right(made: tuple[Path, Path, str], tmp_path: Path) -> None:
    file = forged(made[1], tmp_path / "f.zip", resealed(set_sharpe))
    found = verified(file, "--spot", 1, "--trust", code=1)
    assert len(found["faults"]) == 1
    said = "the report is not what its predictions come to: development.series[0].metrics.sharpe: 9.0"
    assert said in found["faults"][0]
    assert verified(file, "--spot", 0)["faults"] == []  # hashes cannot know


def test_forged_predictions_and_keys_are_named_though_all_hashes_are_right(
    made: tuple[Path, Path, str], tmp_path: Path
) -> None:
    def change(contents: Contents) -> Contents:
        contents = with_predictions(contents, "development", "ridge", 2, 1e-12)
        return replace(contents, fits=[replace(contents.fits[0], key="0" * 64), *contents.fits[1:]])

    file = forged(made[1], tmp_path / "f.zip", change)
    found = verified(file, "--spot", 99, "--trust", code=1)
    told = "\n".join(found["faults"])
    assert "development, model 'ridge' on fold 2 gives other predictions" in told
    assert "on fold 0 has the key 000000000000, and by its bars and recipe it is" in told
    assert [spot["fold"] for spot in found["spots"] if not spot["agrees"]] == [2]
    told = "\n".join(verified(file, "--spot", 1, "--trust", code=1)["faults"])  # if it is found in no spot
    assert "the report is not what its predictions come to: development.digests.predictions" in told


def test_other_bars_and_another_recipe_for_people_are_named(made: tuple[Path, Path, str], tmp_path: Path) -> None:
    def recipe(contents: Contents) -> Contents:
        text = contents.files["recipe.toml"].replace(b"signal = 0.4", b"signal = 0.5")
        assert text != contents.files["recipe.toml"]
        return replace(contents, files={**contents.files, "recipe.toml": text})

    found = verified(forged(made[1], tmp_path / "f.zip", recipe), "--spot", 1, "--trust", code=1)
    assert found["faults"] == ["recipe.toml is not the recipe of the report: recipe.data.signal: 0.4 -> 0.5"]

    def bars(contents: Contents) -> Contents:
        name = next(name for name in contents.files if name.endswith(".parquet"))
        frame = quorate.read_parquet(_laid(contents.files[name], tmp_path / "b.parquet"))
        write_parquet(frame.assign(volume=frame["volume"] + 1), tmp_path / "c.parquet")
        return replace(contents, files={**contents.files, name: (tmp_path / "c.parquet").read_bytes()})

    found = verified(forged(made[1], tmp_path / "g.zip", bars), "--spot", 1, "--trust", code=1)
    assert "bars in the bundle" in found["faults"][0]


def _laid(content: bytes, path: Path) -> Path:
    path.write_bytes(content)
    return path


def test_elsewhere_predictions_may_differ_within_what_is_said(
    made: tuple[Path, Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {"system": "Linux", "machine": "x", "cpu": "other"}
    monkeypatch.setattr("quorate.execution.machine.machine", lambda: here)

    def change(contents: Contents) -> Contents:
        contents = with_predictions(contents, "development", "ridge", 1, 1e-9)
        return with_predictions(contents, "development", "ridge", 2, 0.1)

    found = verified(forged(made[1], tmp_path / "f.zip", change), "--spot", 99, "--trust", code=1)
    assert any("cpu" in line for line in found["changed"])
    assert found["keys"] == 0
    spots = {(s["part"], s["model"], s["fold"]): s for s in found["spots"]}
    near, far = spots["development", "ridge", 1], spots["development", "ridge", 2]
    assert near["agrees"]
    assert near["differing"] == near["rows"]
    assert not far["agrees"]
    assert sum(not s["agrees"] for s in found["spots"]) == 1


def test_a_plugin_that_was_given_in_python_cannot_be_bundled(
    made: tuple[Path, Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = quorate.load_report(home=made[0])
    document = json.loads(json.dumps(report.document))
    next(one for one in document["provenance"]["plugins"] if one["name"] == "own-ridge")["inline"] = True
    monkeypatch.setattr("quorate.runs.bundle.load_report", lambda *_, **__: Report(document, report.source))
    message = message_of(call("bundle", "--home", made[0], "--out", tmp_path / "x.zip"), 1)
    assert "inline plugin model 'own-ridge'" in message
    assert not (tmp_path / "x.zip").exists()


def test_figures_of_another_version_are_unchecked_and_not_forged(
    made: tuple[Path, Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {**quorate.load_report(home=made[0]).provenance["libraries"], "quorate": "9.0"}
    monkeypatch.setattr("quorate.execution.machine.libraries", lambda: here)
    file = forged(made[1], tmp_path / "f.zip", resealed(set_sharpe))
    found = verified(file, "--spot", 1, "--trust", code=11)
    assert found["faults"] == []
    assert "reckoned by another version of quorate: 1 are others by this one" in found["unchecked"][0]
    assert "metrics.sharpe: 9.0" in found["unchecked"][0]

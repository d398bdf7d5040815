"""Under which licences packages are, by whatever they say of themselves."""

from __future__ import annotations

import importlib.metadata
import json

import pytest

from quorate.runs import licences as of
from quorate.runs.licences import GROUPS, group_of
from support.command import call

APACHE = "Apache License\nVersion 2.0, January 2004"


def package(folder, name, metadata="", files=()):
    info = folder / f"{name}-1.0.dist-info"
    (info / "licenses").mkdir(parents=True)
    for path, text in files:
        metadata += f"License-File: {path}\n"
        (info / "licenses" / path).write_text(text)
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{metadata}")
    return importlib.metadata.PathDistribution(info)


@pytest.mark.parametrize(
    "licence, group",
    [
        ("MIT", "permissive"), ("BSD-3-Clause", "permissive"), ("Apache-2.0 WITH LLVM-exception", "permissive"),
        ("PSF-2.0", "permissive"), ("BSD License", "permissive"), ("Apache", "permissive"), ("NCSA", "permissive"),
        ("BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0", "permissive"),
        ("Mozilla Public License 2.0 (MPL 2.0)", "copyleft"), ("LGPL-3.0-only", "copyleft"), ("GPLv3", "copyleft"),
        ("MPL-2.0 AND MIT", "copyleft"), ("GPL-2.0-only OR MIT", "permissive"),
        ("GPL-3.0-only AND (MIT OR BSD-3-Clause)", "copyleft"), ("MIT AND (Apache-2.0 OR BSD-2-Clause)", "permissive"),
        ("Apache-2.0 WITH Commons-Clause-1.0", "restricted"), ("Proprietary", "restricted"),
        ("MIT OR Commons-Clause", "permissive"), ("", "unknown"), ("Dual License", "unknown"), ("see file", "unknown"),
        ("Permit", "unknown"),
    ],
)  # fmt: skip
def test_a_licence_is_of_the_group_of_what_it_asks(licence, group):
    assert group_of(licence) == group


@pytest.mark.parametrize(
    "metadata, files, wanted",
    [
        ("License-Expression: MIT\n", (), ("MIT", "permissive", "License-Expression")),
        ("License: Apache 2.0\n", (), ("Apache 2.0", "permissive", "License")),
        ("License: Dual License\nClassifier: License :: OSI Approved :: BSD License\n", (),
         ("BSD License", "permissive", "classifiers")),
        ("Classifier: License :: OSI Approved\n", (), ("", "unknown", "")),
        ("License: UNKNOWN\n", (("LICENSE", APACHE),), ("Apache-2.0", "permissive", "licence file")),
        # A condition that the metadata keep quiet about.
        ("License-Expression: Apache-2.0\n", (("LICENSE.md", f'"Commons Clause" License Condition\n{APACHE}'),),
         ("Apache-2.0 WITH Commons-Clause", "restricted", "licence file")),
        ("", (("COPYING", "GNU LESSER GENERAL PUBLIC LICENSE"),), ("LGPL", "copyleft", "licence file")),
        ("", (("LICENSE", "All is ours."),), ("", "unknown", "")),
    ],
)  # fmt: skip
def test_a_package_is_asked_for_its_licence_in_turn(tmp_path, monkeypatch, metadata, files, wanted):
    found = package(tmp_path, "thing", metadata, files)
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: found)
    one = of._licence("thing", "quorate")
    assert (one.licence, one.group, one.told_by) == wanted


def test_what_is_needed_and_offered_is_listed_and_what_asks_for_something_comes_first():
    found = json.loads(call("licences", "--json").stdout)
    assert [group["name"] for group in found["groups"]] == list(GROUPS)
    by_name = {one["name"]: one for group in found["groups"] for one in group["packages"]}
    assert by_name["vectorbt"]["group"] == by_name["vectorbt-rust"]["group"] == "restricted"
    assert by_name["numpy"] | {"version": "", "licence": "", "told_by": ""} == {
        "name": "numpy", "version": "", "licence": "", "group": "permissive", "told_by": "", "needed_for": "quorate"
    }  # fmt: skip
    assert by_name["python-calamine"]["needed_for"] == "excel"  # offered
    assert "threadpoolctl" in by_name
    assert "pytest" not in by_name  # of those who work on this platform
    assert "takes away the right to sell" in found["notes"][0]
    text = call("licences").stdout
    assert text.index("restricted:") < text.index("permissive:")
    assert "no legal advice" in text


def test_what_is_offered_and_not_installed_is_named(monkeypatch):
    real = importlib.metadata.distribution

    def gone(name):
        if name == "python-calamine":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "distribution", gone)
    found = of.licences()
    assert "python-calamine" in found["missing"]
    assert "python-calamine" not in {one["name"] for group in found["groups"] for one in group["packages"]}

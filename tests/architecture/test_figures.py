"""The table of figures in the README is the one that the benchmarks wrote, and they name what became worse."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))
import figures  # noqa: E402


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Return where figures are kept, in a house of its own with a README."""
    (tmp_path / "README.md").write_text("before\n" + "\n".join(figures.MARKS) + "\nafter\n")
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    monkeypatch.setattr(figures, "KEPT", tmp_path / "kept.json")
    monkeypatch.setattr(figures, "commit", lambda: "abc1234")
    monkeypatch.setattr(figures, "reference", lambda: 1.0)
    return tmp_path / "kept.json"


def measure(seconds: float, times: float, accept: bool = False, reference: float = 1.0) -> figures.Figures:
    figures.reference = lambda: reference  # the fixture puts it back
    noted = figures.Figures()
    noted.title("a part")
    noted.add("a start", [seconds], "s", most=2)
    noted.add("a ratio", [times, times, times], least=5)
    noted.add("  beside it", [seconds], "s")
    noted.keep(accept)
    return noted


def test_the_readme_shows_what_is_kept():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text == figures.replaced(text, json.loads(figures.KEPT.read_text()))


def test_the_table_is_of_figures_with_an_aim(kept):
    measure(1.0, 4.0)
    told = (kept.parent / "README.md").read_text().splitlines()
    assert (told[0], told[-1]) == ("before", "after")
    assert "| a start | 1 s | at most 2 s |" in told
    assert "| a ratio | 4 (4 to 4) | at least 5: missed |" in told
    assert not any("beside" in line for line in told)
    assert any("abc1234" in line for line in told)


@pytest.mark.parametrize(
    ("seconds", "times", "reference", "named"),
    [
        (1.3, 4.0, 1.0, []),
        (1.4, 4.0, 1.0, ["a start"]),
        (1.4, 4.0, 1.2, []),  # the machine itself is slower
        (1.0, 3.1, 1.0, []),
        (1.0, 2.9, 1.0, ["a ratio"]),
        (0.5, 9.0, 1.0, []),
    ],
)
def test_what_became_worse_by_a_third_is_named_and_not_kept(kept, seconds, times, reference, named):
    measure(1.0, 4.0)
    noted = measure(seconds, times, reference=reference)
    assert [line.split(":")[0] for line in noted.worse] == named
    now = json.loads(kept.read_text())
    assert now["a start"]["median"] == (1.0 if "a start" in named else seconds)
    assert now["a ratio"]["median"] == (4.0 if "a ratio" in named else times)


def test_what_became_worse_is_kept_where_it_is_accepted(kept):
    measure(1.0, 4.0)
    measure(2.5, 4.0, accept=True)
    assert json.loads(kept.read_text())["a start"]["median"] == 2.5

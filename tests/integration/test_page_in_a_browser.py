"""The page of a report in a browser, where there is one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from quorate.runs.loaded import load_report
from quorate.store import Home

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr")


def opened(path: Path, profile: Path) -> tuple[str, list[str]]:
    """Return the page as it is after its script, and what the browser complained of."""
    command = [CHROMIUM, *OPTIONS, f"--user-data-dir={profile}", "--dump-dom", path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine")
def test_a_browser_runs_the_script_and_complains_of_nothing_but_what_the_page_forbids(
    finished: Home, tmp_path: Path
) -> None:
    text = load_report(home=finished.path).to_html()
    page, other = tmp_path / "page.html", tmp_path / "other.html"
    page.write_text(text, encoding="utf-8")
    shown, complaints = opened(page, tmp_path / "profile")
    assert shown.count("<button>") > 20  # headings that sort, which the script makes
    assert complaints == []
    other.write_text(text.replace("</h1>", '</h1><img src="http://localhost:9/a.png">', 1), encoding="utf-8")
    _, complaints = opened(other, tmp_path / "profile")
    assert any("Content Security Policy" in line for line in complaints)

"""A plain orchestrator: each block is one command, and its exit code says how it ended.

``python 13_blocks.py BARS RECIPE HOME`` takes bars to a registered version, or to an alert. A block of Airflow, Mage,
Argo or cron is one of these commands; all exit codes are in docs/operations.md. The recipe reads the collection
``market`` of the store.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DONE, FAIL, INSUFFICIENT = 0, 10, 11


def block(name: str, *words: str) -> int:
    """Run a command and say how it ended; what did not work ends everything."""
    code = subprocess.run([sys.executable, "-m", "quorate", *words], check=False).returncode
    print(f"{name}: exit {code}", flush=True)
    if code not in (DONE, FAIL, INSUFFICIENT):
        sys.exit(code)
    return code


def main(bars: str, recipe: str, home: str) -> int:
    """Take bars to a registered version (0), or to an alert (10 or 11)."""
    at = ("--home", home)
    block("data", "data", "add", bars, "--to", "market", "--set", "calendar=24x7", *at)
    block("run", "run", recipe, *at)
    code = block("validate", "gate", "latest", *at) or block("promote", "promote", "latest", *at)
    if code == DONE:
        return block("register", "registry", "check", Path(recipe).stem, *at)
    block("alert", "alerts", "--last", "1", *at)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))

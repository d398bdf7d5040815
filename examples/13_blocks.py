"""A plain orchestrator: each block is one command, and what it says is its exit code.

Any scheduler that runs commands does the same: a block of Airflow, Mage, Argo or cron is one of these lines.
``python examples/13_blocks.py RECIPE HOME`` runs it; the exit codes are in docs/operations.md.
"""

from __future__ import annotations

import subprocess
import sys

DONE, FAIL, INSUFFICIENT, INTEGRITY = 0, 10, 11, 12


def block(name: str, *words: str) -> int:
    """Run a command, and say how it ended; one that failed ends everything."""
    code = subprocess.run([sys.executable, "-m", "quorate", *words], check=False).returncode
    print(f"{name}: exit {code}", flush=True)
    if code not in (DONE, FAIL, INSUFFICIENT):
        sys.exit(code)  # it did not work, and `quorate alerts` has told so
    return code


def main(recipe: str, home: str) -> int:
    """Take a recipe from its bars to a version, or to an alert."""
    at = ("--home", home)
    block("doctor", "doctor", recipe, *at)
    block("run", "run", recipe, *at)
    if block("validate", "gate", "latest", *at) == DONE and block("promote", "promote", "latest", *at) == DONE:
        return block("register", "registry", "check", "@".join((recipe.split("/")[-1].removesuffix(".toml"), "latest")), *at)
    return block("alert", "alerts", "--last", "1", *at) or FAIL


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))

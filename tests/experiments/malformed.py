"""What is damaged or nonsense: a thousand recipes, homes, plugins and command lines, changed at random.

    python tests/experiments/malformed.py [--each 250] [--seed 7]

Each is put to commands that read it. None may end in a traceback, in the line for faults of quorate itself, or with
an exit code that is not one of its own; a run whose files were left alone stays readable; and what was stored before
is afterwards as it was. It takes some minutes.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1]))

import quorate
from quorate.cli._app import app
from quorate.store import Home
from support import homes

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "strategies/quorate_strategies/recipes/nasdaq.toml"
PLUGINS = ROOT / "tests/plugins/sound"
CODES = {0, 1, 2, 3, 10, 11, 12}
TYPED = """
run report gate predict ledger verify runs cache list prune data check recipe show plugins timeline cluster status new
model explain override audit --home --json --set --plugin --last -1 nan latest --older-than 1d seed=9 data.path = a=b=c
--chrome / noise ../.. --by zzz --top 0 --trust --run ~ --rules ${HOME}
"""
WORDS = (*TYPED.split(), "", "x" * 300, "\x1b[2J", "\udcff")
LONG = {"run", "predict", "explain", "new", "submit", "resume", "promote", "reproduce", "audit", "check"}
ASKED = (
    ["runs"], ["runs", "--json"], ["report", "latest"], ["gate", "latest"], ["ledger"], ["ledger", "verify"],
    ["cache", "list"], ["cache", "verify"], ["timeline", "latest"], ["resume"], ["cluster", "status"],
)  # fmt: skip
SWAPS = ((b"true", b"7"), (b'"', b""), (b"1", b"-1"), (b"0.", b"nan"), (b"{", b"["), (b"null", b"{}"))


class Trial:
    """Commands asked in this process, and what was wrong with their answers."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.runner = CliRunner()
        self.codes: Counter[int] = Counter()
        self.wrong: list[str] = []

    def ask(self, what: str, *command: object) -> Any:
        """Ask a command and note an answer that nobody should get."""
        done = self.runner.invoke(app, [str(word) for word in command])
        self.codes[done.exit_code] += 1
        raised = done.exception is not None and not isinstance(done.exception, SystemExit)
        told = "Traceback" in done.output or "a fault of quorate" in done.output
        if raised or told or done.exit_code not in CODES:
            self.wrong.append(f"{what}: {command} -> {done.exit_code} {done.exception!r} {done.output[-200:]!r}")
        return done

    def changed(self, text: bytes) -> bytes:
        """Return a text with one to four places cut, overwritten, doubled, or filled with what files are made of."""
        rng, found = self.rng, bytearray(text)
        for _ in range(rng.randint(1, 4)):
            kind, at = rng.randrange(6), rng.randrange(len(found) + 1)
            if kind == 0:
                del found[at : at + rng.randint(1, 30)]
            elif kind == 1:
                found[at:at] = bytes(rng.choices(b'[]{}=",.:-0e9nullTru\n\\\x00\xff\x1b', k=rng.randint(1, 6)))
            elif kind == 2 and at < len(found):
                found[at] = rng.randrange(256)
            elif kind == 3:
                start = rng.randrange(len(found) + 1)
                found[at:at] = found[start : start + rng.randint(1, 60)]
            elif kind == 4:
                del found[at:]
            else:
                old, new = rng.choice(SWAPS)
                found[:] = bytes(found).replace(old, new, 1)
        return bytes(found)


def recipes(trial: Trial, folder: Path, each: int) -> None:
    """Show recipes that were changed."""
    path = folder / "recipe.toml"
    for _ in range(each):
        path.write_bytes(trial.changed(RECIPE.read_bytes()))
        trial.ask("recipe", "recipe", "show", path)


def plugins(trial: Trial, folder: Path, each: int) -> None:
    """List plugin files that were changed, and show a recipe that names them."""
    sound = sorted(PLUGINS.glob("*.py"))
    for k in range(each):
        path = folder / f"changed_{k}.py"
        path.write_bytes(trial.changed(trial.rng.choice(sound).read_bytes()))
        trial.ask("plugin", "plugins", "--plugin", path)
        path.unlink()


def stored(trial: Trial, folder: Path, home: Path, each: int) -> None:
    """Read homes of which one file was changed; runs whose own files were left alone stay readable."""
    files = [p for p in home.rglob("*") if p.suffix in (".json", ".jsonl", ".toml", ".parquet", ".sqlite", ".npz")]
    ids = [run.id for run in Home(home).runs()]
    for _ in range(each):
        copy = folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(home, copy)
        path = trial.rng.choice(files).relative_to(home)
        (copy / path).write_bytes(trial.changed((home / path).read_bytes()))
        for command in trial.rng.sample(ASKED, 2):
            trial.ask(str(path), *command, "--home", copy)
        others = [one for one in ids if one not in path.parts]
        if path.parts[0] == "runs" and trial.ask(str(path), "report", others[-1], "--home", copy).exit_code:
            trial.wrong.append(f"{path}: the run {others[-1]} could not be read any more")


def lines(trial: Trial, folder: Path, each: int) -> None:
    """Type words at random; what would compute for long is shown instead."""
    os.environ["QUORATE_HOME"] = str(folder / "empty")
    for _ in range(each):
        words = trial.rng.choices(WORDS, k=trial.rng.randint(1, 5))
        trial.ask("line", *(["report"] if words[0] in LONG else []), *words)


def main() -> None:
    """Run all four and say what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=250)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    trial = Trial(asked.seed)
    with tempfile.TemporaryDirectory(prefix="malformed-") as name:
        folder, home = Path(name), Path(name) / "home"
        os.chdir(folder)
        for recipe in ("tiny", "small"):
            quorate.run(homes.recipe(recipe), home=home)
        before = {p: p.read_bytes() for p in home.rglob("*") if p.is_file()}
        recipes(trial, folder, asked.each)
        plugins(trial, folder, asked.each)
        stored(trial, folder, home, asked.each)
        lines(trial, folder, asked.each)
        lost = [p for p, content in before.items() if not p.exists() or p.read_bytes() != content]
    print(f"{4 * asked.each:,} changed at random; exit codes {dict(sorted(trial.codes.items()))}")
    for line in [*trial.wrong, *(f"{path} is not what it was" for path in lost)]:
        print(line)
    sys.exit(bool(trial.wrong or lost))


if __name__ == "__main__":
    main()

"""What ``quorate new`` prints."""

from __future__ import annotations

from pathlib import Path

from quorate.cli import scaffold
from quorate.cli._listing import print_json


def new(kind: str, name: str, folder: Path, package: bool, as_json: bool) -> None:
    """Write a plugin to start from and say what to type next."""
    files = scaffold.new(kind, name, folder, package)
    if as_json:
        print_json({"files": [str(path) for path in files]})
        return
    for path in files:
        print(f"wrote {path}")
    print("\nnext:\n")
    for line in scaffold.commands(kind, name, folder / name if package else files[0], package):
        print(f"  {line}")

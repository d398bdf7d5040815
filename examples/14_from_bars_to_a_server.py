"""From bars to a served champion, or to an alert: data, features, fits, judgement, registry, server, forward record.

``python 14_from_bars_to_a_server.py RECIPE HOME``. What fails its gates is not registered and cannot be served; the
home's alerts say why. What passes is served, asked for the next bar as a client would, and held against its backtest.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen

import quorate


def promoted(recipe: str, home: str) -> quorate.Version | None:
    """Run a recipe and open its holdout; return the version that it became, if it passed."""
    report = quorate.promote(quorate.run(recipe, home=home).run_id, home=home)
    print(f"{report.run_id}: {report.verdict}")
    if not report.promoted:
        return None
    return quorate.ModelRegistry(home).stage(report.provenance["recipe"]["name"], "champion")


@contextmanager
def serving(home: str) -> Iterator[str]:
    """Serve the champions of a home; yield the address."""
    command = [sys.executable, "-m", "quorate", "serve", "--port", "0", "--home", home]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    try:
        for line in server.stderr:
            if found := re.search(r"serving .* at (http\S+)", line):
                yield found[1]
                return
        sys.exit("the server did not start")
    finally:
        server.terminate()
        server.communicate()


def asked(address: str, bars: list[dict[str, object]]) -> dict[str, object]:
    """Return what the server forecasts at the last of some bars."""
    body = json.dumps({"bars": bars}).encode()
    with urlopen(Request(f"{address}/predict", body, {"Content-Type": "application/json"})) as answer:
        found: dict[str, object] = json.load(answer)
    return found


def main(recipe: str, home: str) -> int:
    """Return 0 if the ensemble is served, and 10 if it left an alert."""
    version = promoted(recipe, home)
    if version is None:
        subprocess.run([sys.executable, "-m", "quorate", "alerts", "--last", "1", "--home", home], check=True)
        return 10
    with serving(home) as address:
        for day, close in (("2030-01-02", 101.0), ("2030-01-03", 102.5)):
            bar = {"time": day, "open": 100.0, "high": 103.0, "low": 99.0, "close": close, "volume": 1e6}
            told = asked(address, [bar])
            print(f"{told['version']} at {told['time']}: {told['symbols'][0]['weight']}")  # type: ignore[index]
        replay = [sys.executable, "-m", "quorate", "replay", version.standing.run, "--url", address, "--home", home]
        same = subprocess.run(replay, check=False).returncode == 0
    for command in (["monitor"], ["ledger", "verify"]):  # what was forecast is on record, and the record holds
        subprocess.run([sys.executable, "-m", "quorate", *command, "--home", home], check=True)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))

"""Commands about the ledger of trials and openings."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from quorate.cli import options
from quorate.cli._base import command, show

ledger_app = typer.Typer(help="Look at what was tried, and check that record.", rich_markup_mode=None)

BROKEN = 3


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(ledger_app, name="ledger")
    app.command()(override)


@ledger_app.callback(invoke_without_command=True)
@command
def ledger(
    context: typer.Context,
    run: Annotated[str | None, typer.Option(help="Only entries of the runs with this in their id.")] = None,
    last: Annotated[int, typer.Option(min=0, help="How many, counted from the newest; 0 for all.")] = 40,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """List what was tried, newest last: candidates, opened holdouts, overrides."""
    if context.invoked_subcommand is not None:
        return
    from quorate.evidence.ledger import ledger_of, tried_so_far
    from quorate.report.views.ledger import render
    from quorate.store import Home

    record = ledger_of(Home(home))
    entries = record.entries()
    rows = [
        {**entry, "trials": number}  # that count against it by then
        for entry, number in zip(entries, tried_so_far(record, entries), strict=True)
        if run is None or run in str(entry.get("run", ""))
    ]
    chosen = rows[-last:] if last else rows
    document = {"file": str(record.path), "entries": chosen, "left_out": len(rows) - len(chosen)}
    show(document, as_json, lambda shown: render(shown, entries))


@command
def override(
    run: options.Run,
    reason: Annotated[str, typer.Option(help="Why the run is used in spite of its verdict.")],
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Use a run in spite of its verdict: the reason goes into the ledger and stays there."""
    from quorate.evidence.ledger import record_override
    from quorate.runs.loaded import load_report
    from quorate.store import Home

    report = load_report(run, home=home)
    head = record_override(Home(home), report.run_id, report.verdict, reason)
    document = {"run": report.run_id, "verdict": report.verdict, "reason": reason.strip(), **head._asdict()}
    told = f"{report.run_id}: {report.verdict} overridden, entry {head.seq} of the ledger"
    show(document, as_json, lambda _: print(told))


@ledger_app.command("verify")
@command
def ledger_verify(home: options.Home = None, as_json: options.Json = False) -> None:
    """Check the ledger, the files it stands for, and what runs saw of it; exits 3 if something does not hold."""
    from quorate.evidence.ledger import ledger_of
    from quorate.evidence.ledger.verify import verify
    from quorate.report.views.ledger import render_verification
    from quorate.store import Home

    place = Home(home)
    found = verify(place)
    document = {**asdict(found), "head": found.head._asdict(), "sound": found.sound}
    show(document, as_json, lambda _: render_verification(found, ledger_of(place).path))
    raise typer.Exit(0 if found.sound else BROKEN)

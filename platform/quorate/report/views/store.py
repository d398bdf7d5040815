"""The store of bars: its collections, what one holds, how it came there, and what an import has done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quorate.errors import DataError, IntegrityError, near_misses, plural
from quorate.report import console
from quorate.store.bars.noted import noted

if TYPE_CHECKING:
    from quorate.store.bars.collection import Collection

SHOWN = 50  # lines of one kind
LEFT, RIGHT, NAME = "left", "right", "name"
FROM: console.Column = ("from", LEFT, 0, lambda row: ", ".join(row["sources"]))


def summary(collection: Collection) -> dict[str, Any]:
    """Return what a collection holds in all; of a damaged one what is wrong."""
    try:
        held, imports = collection.holdings(), collection.imports()
    except IntegrityError as e:
        return {"collection": collection.name, "damaged": str(e)}
    return {
        "collection": collection.name,
        "symbols": len({one.symbol for one in held}),
        "frequencies": sorted({one.frequency for one in held}),
        "bars": sum(one.bars for one in held),
        "first": min((one.first for one in held), default=None),
        "last": max((one.last for one in held), default=None),
        "calendar": collection.calendar.name,
        "sources": sorted({one.source for one in imports if one.source}),
        "updated": max(one.loaded_at for one in imports).isoformat(timespec="seconds") if imports else None,
        "noted": dict(sorted(Counter(one["kind"] for one in noted(collection)).items())),
    }


def noted_text(one: Mapping[str, Any]) -> str:
    """Return a line of `noted`."""
    told = {
        "rename": lambda: f"called {one['new']} from then on",
        "delisting": lambda: (
            "its last session; " + ("pays by haircut" if one["payout"] is None else f"paid {one['payout']:g} a share")
        ),
    }
    what = told[one["kind"]]() if one["kind"] in told else f"{one['value']:g}"
    return f"{one['symbol']} {one['session']}: {one['kind']}{',' if one['kind'] in told else ''} {what}"


def holdings(collection: Collection, symbols: Sequence[str]) -> dict[str, Any]:
    """Return what a collection holds, by symbol and frequency.

    Raises
    ------
    DataError
        For a symbol that is not there.
    """
    held = collection.holdings()
    known = {one.symbol for one in held}
    if missing := [name for name in symbols if name not in known]:
        raise DataError(
            f"the collection {collection.name!r} has no bars of {missing[0]}{near_misses(missing[0], known)}"
        )
    chosen = [one._asdict() for one in held if not symbols or one.symbol in symbols]
    actions = noted(collection, [*symbols])
    return {**summary(collection), "holdings": chosen, "actions": actions}


def lineage(collection: Collection, symbols: Sequence[str]) -> list[dict[str, Any]]:
    """Return each import, oldest first: when, from where, by which version, and what it brought."""
    told = []
    for one in collection.imports():
        if symbols and not {*symbols} & one.symbols.keys():
            continue
        count = one.count()
        told.append(
            {
                "import": one.id,
                "known_at": one.known_at.isoformat(timespec="seconds"),
                "loaded_at": one.loaded_at.isoformat(timespec="seconds"),
                "source": one.source or "by hand",
                "options": dict(one.options),
                "files": one.files,
                "version": one.version,
                "frequency": one.frequency,
                "symbols": {name: brought._asdict() for name, brought in one.symbols.items()},
                "new": count.new,
                "rewritten": count.rewritten,
                "gone": count.gone,
                "examples": one.rewritten,
                "sha256": dict(one.sha256),
            }
        )
    return told


def render_list(rows: Sequence[Mapping[str, Any]], place: Path) -> None:
    """Print the collections, one per line."""
    target = console.out()
    if not rows:
        print(f"nothing in {place}: quorate data add PATH brings bars")
        return
    columns: list[console.Column] = [
        ("collection", NAME, 0, lambda row: row["collection"]),
        ("symbols", RIGHT, 60, lambda row: f"{row['symbols']:,}"),
        ("bars", RIGHT, 0, lambda row: f"{row['bars']:,}"),
        ("of", LEFT, 0, lambda row: ", ".join(row["frequencies"])),
        ("sessions", LEFT, 80, lambda row: f"{row['first']} to {row['last']}" if row["bars"] else "-"),
        ("last", RIGHT, 0, lambda row: row["last"] or "-") if target.width < 80 else FROM,
    ]
    if any(row.get("noted") for row in rows):
        columns.append(("noted", LEFT, 100, lambda row: ", ".join(plural(n, kind) for kind, n in row["noted"].items())))
    target.print(console.listing(columns, [[row for row in rows if "damaged" not in row]], target.width))
    for row in rows:
        if "damaged" in row:
            told = f"damaged: {row['collection']}: {row['damaged']}; quorate data remove {row['collection']} removes it"
            console.out().print(told, markup=False)


def render_holdings(found: Mapping[str, Any]) -> None:
    """Print what a collection holds: a line per symbol, and the splits and dividends that are known."""
    span = f", {found['first']} to {found['last']}" if found["bars"] else ""
    console.out().print(
        console.facts(
            [
                ("collection", found["collection"]),
                ("symbols", f"{found['symbols']:,}"),
                ("bars", f"{found['bars']:,}{span}, calendar {found['calendar']}"),
                ("from", f"{', '.join(found['sources'])}; last import {found['updated']}"),
            ]
        )
    )
    held = found["holdings"]
    columns: list[console.Column] = [
        ("symbol", NAME, 0, lambda one: one["symbol"]),
        ("of", LEFT, 0, lambda one: one["frequency"]),
        ("bars", RIGHT, 0, lambda one: f"{one['bars']:,}"),
        ("first", RIGHT, 56, lambda one: one["first"]),
        ("last", RIGHT, 0, lambda one: one["last"]),
    ]
    if any(one["rewritten"] for one in held):
        columns.append(("rewritten", RIGHT, 0, lambda one: f"{one['rewritten']:,}"))
    console.out().print(console.listing(columns, [held[:SHOWN]], console.out().width))
    if len(held) > SHOWN:
        print(f"and {len(held) - SHOWN:,} more: --symbol NAME, or --json, shows them")
    told = found["actions"]
    for one in told[-SHOWN:]:
        console.out().print(noted_text(one), markup=False)
    if len(told) > SHOWN:
        print(f"and {len(told) - SHOWN:,} before these: --json shows them")


def render_lineage(imports: Sequence[Mapping[str, Any]]) -> None:
    """Print each import, the last ones where there are many."""
    if len(imports) > SHOWN:
        print(f"the last {SHOWN} of {len(imports):,} imports; --json shows all")
    target, shown = console.out(), imports[-SHOWN:]
    wide = target.width >= 72  # else the day says enough of when, and in all how many bars are other now
    columns: list[console.Column] = [
        ("known at (UTC)", NAME, 72, lambda one: one["known_at"][:19].replace("T", " ")),
        *([] if wide else [("known at", NAME, 0, lambda one: one["known_at"][:10])]),
        ("source", NAME, 0, lambda one: one["source"]),
        ("symbols", RIGHT, 60, lambda one: f"{len(one['symbols']):,}"),
        ("new", RIGHT, 0, partial(_counted, ("new",))),
    ]
    if wide:
        columns += [(name, RIGHT, 0, partial(_counted, (name,))) for name in ("rewritten", "gone")]
    else:
        columns.append(("changed", RIGHT, 0, partial(_counted, ("rewritten", "gone"))))
    target.print(console.listing(columns, [shown], target.width))
    _examples([example for one in shown for example in one["examples"]][-20:])


def _counted(names: Sequence[str], one: Mapping[str, Any]) -> str:
    count = sum(one[name] for name in names)
    return f"{count:,}" if count else "-"


def render_summary(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the rows of each symbol, and on wide screens the files that they are written to."""
    columns: list[console.Column] = [
        ("symbol", NAME, 0, lambda row: row["symbol"]),
        ("latest_date", LEFT, 0, lambda row: row["latest_date"]),
        ("total_rows", RIGHT, 0, lambda row: f"{row['total_rows']:,}"),
        ("train_rows", RIGHT, 0, lambda row: f"{row['train_rows']:,}"),
        ("test_rows", RIGHT, 0, lambda row: f"{row['test_rows']:,}"),
        ("train_file", LEFT, 110, lambda row: row["train_file"]),
        ("test_file", LEFT, 110, lambda row: row["test_file"]),
    ]
    console.out().print(console.listing(columns, [rows], console.out().width))


def render_imported(found: Mapping[str, Any]) -> None:
    """Print what an import has done."""
    counts = [(found["parts"], "read"), (found["known"], "there already"), (len(found["failed"]), "failed")]
    read = ", ".join(f"{count:,} {what}" for count, what in counts if count or what == "read")
    rows = [
        ("collection", found["collection"]),
        ("parts", read),
        ("symbols", f"{found['symbols']:,}"),
        ("bars", f"{found['new']:,} new, {found['rewritten']:,} rewritten, {found['gone']:,} gone"),
        ("took", f"{found['seconds']:.1f} s"),
    ]
    console.out().print(console.facts(rows))
    _examples(found["examples"])
    warned = found["warnings"]
    for line in warned[:SHOWN]:
        console.out().print(f"? {line}", markup=False)
    if len(warned) > SHOWN:
        print(f"and {len(warned) - SHOWN:,} more to ask: quorate data check {found['collection']}")
    for name, reason in found["failed"][:SHOWN]:
        console.out().print(f"failed: {reason if name in reason else f'{name}: {reason}'}", markup=False)
    if len(found["failed"]) > SHOWN:
        print(f"and {len(found['failed']) - SHOWN:,} more failed: --json shows them")


def _examples(examples: Sequence[Mapping[str, Any]]) -> None:
    for one in examples:
        when = f"{one['session']} ({str(one['time'])[11:16]} UTC)"
        change = "is gone" if one["is"] == "gone" else f"{one['field']} was {one['was']}, is {one['is']}"
        console.out().print(f"~ {one['symbol']} {when}: {change}", markup=False)

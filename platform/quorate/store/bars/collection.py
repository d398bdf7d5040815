"""A collection of bars: symbols of one market's clock, from one or several sources, as they were known at any time."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import shutil
from collections.abc import Collection as Names
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from quorate.errors import DataError, StoreError, near_misses, one_of
from quorate.store.bars.imports import Holding, Import
from quorate.store.bars.locks import holding
from quorate.store.bars.longer import longer, stored_as
from quorate.store.bars.moments import day_of, end_of
from quorate.store.bars.noted import actions_of, adjusted_as_known, changes_of, noted_changes
from quorate.store.bars.packs import ENDING, Pack, rows_of
from quorate.store.bars.parts import check_hashes
from quorate.store.documents import read_sealed
from quorate.store.files import TEMPORARY

if TYPE_CHECKING:
    import pandas as pd

    from quorate.bars.actions import Adjust
    from quorate.bars.calendar import Calendar
    from quorate.bars.changes import Changes
    from quorate.bars.panel import Bars

IMPORTS, DOCUMENT, BORN = "imports", "collection.json", "born"


class Collection:
    """One collection.

    Parameters
    ----------
    folder : Path
        Its own; need not be there before the first import.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._imports: dict[str, Import] = {}  # by id
        self._packed: dict[str, Pack] = {}  # the same
        self._known: set[str] = set()  # documents that were read

    @property
    def name(self) -> str:
        """What it is called."""
        return self.folder.name

    @property
    def exists(self) -> bool:
        """Whether anything was imported."""
        return (self.folder / DOCUMENT).exists()

    @cached_property
    def calendar(self) -> Calendar:
        """The market's clock.

        Raises
        ------
        IntegrityError
            If the collection's document is damaged.
        """
        from quorate.bars.calendar import Calendar

        return Calendar(**read_sealed(self.folder / DOCUMENT)["calendar"])

    def imports(self) -> list[Import]:
        """Return all imports by when their bars count as known.

        Raises
        ------
        IntegrityError
            If one is damaged.
        """
        new = [path for path in (self.folder / IMPORTS).glob("*.json") if path.name not in self._known]
        for path in sorted(path for path in new if path.name.endswith(ENDING)):
            pack = Pack.load(path)
            if not self._packed.keys() & pack.place.keys():  # of two that were written at once the first counts
                self._packed |= dict.fromkeys(pack.place, pack)
                self._imports |= {one.id: one for one in pack.imports}
        for path in new:
            if not path.name.endswith(ENDING) and path.stem not in self._imports:
                self._imports[path.stem] = Import.load(path)
        self._known |= {path.name for path in new}  # none is ever changed
        return sorted(self._imports.values(), key=lambda one: (one.known_at, one.id))

    def frequencies(self) -> list[str]:
        """Return the frequencies of which there ever were bars."""
        return sorted({one.frequency for one in self.imports() if one.symbols})

    def symbols(self, frequency: str | None = None) -> set[str]:
        """Return the symbols of which there ever were bars, at one frequency or any."""
        imports = [one for one in self.imports() if frequency in (None, one.frequency)]
        return {name for one in imports for name, brought in one.symbols.items() if brought.new}

    def holdings(self) -> list[Holding]:
        """Return what there is now, by symbol and frequency."""
        found = []
        for frequency in self.frequencies():
            if not self.symbols(frequency):
                continue
            imports = [one for one in self.imports() if one.frequency == frequency]
            frame = self.frame(frequency=frequency, columns=("close",))
            frame["session"] = self.calendar.sessions(frame["time"].dt.tz_convert(None).to_numpy())
            for symbol, days in frame.groupby("symbol", observed=True)["session"]:
                told = [one for one in imports if one.source and symbol in one.symbols]
                first, last = (f"{day:%Y-%m-%d}" for day in (days.min(), days.max()))
                changed = sum(one.symbols[str(symbol)].rewritten for one in told)
                found.append(Holding(str(symbol), frequency, first, last, len(days), changed, told[-1].source))
        return sorted(found)

    def lacks(self, symbols: Names[str]) -> str:
        """Return what is said of symbols that are not there."""
        known, missing = self.symbols(), sorted(symbols)
        return (
            f"the collection {self.name!r} has no bars of {', '.join(missing[:5])}{near_misses(missing[0], known)}; "
            f"quorate data show {self.name} lists what it has"
        )

    def read(
        self,
        symbols: Sequence[str] | None = None,
        frequency: str | None = None,
        since: dt.date | None = None,
        until: dt.date | None = None,
        as_of: dt.date | dt.datetime | None = None,
        adjust: Adjust = "none",
    ) -> Bars:
        """Return bars as they are known now, or were known at a time.

        Parameters
        ----------
        symbols : sequence of str, optional
            These only.
        frequency : str, optional
            Needed where there are several. One that there is not is made of the longest shorter bars that it is a whole
            number of.
        since, until : date, optional
            First and last session; more may come, a few bars around them.
        as_of : date or datetime, optional
            What was known at the end of that day (UTC), or at that time: bars that had closed, each as the last import
            known by then has it. Where all imports of a bar came later, the first of them counts: nothing tells
            what it was before.
        adjust : {"none", "splits", "total"}
            What prices are adjusted for, as far as splits and dividends are known, or were known by `as_of`.

        Returns
        -------
        Bars
            Under the last names that companies have by the last bar, as far as ticker changes are known; with the
            delistings that are known, in `Bars.universe`.

        Raises
        ------
        DataError
            For a symbol or a frequency that is not there, or if nothing is left.
        IntegrityError
            If a file was changed.
        """
        from quorate.bars.panel import FIELDS, Bars

        stored = stored_as(frequency, self.frequencies(), self.name)
        if since is not None and stored != frequency:
            since -= dt.timedelta(days=31)  # the first bar is whole
        changes, named = self.changes(as_of), self.changes()  # a company may be meant by a name that it got later
        names = None if symbols is None else sorted(self._names(symbols, named, stored))
        frame = self.frame(names, stored, since, until, as_of)
        if since is None and until is None and as_of is None:
            left = {*frame["symbol"].unique()}
            if removed := {name for name in symbols or () if not named.names([name]) & left}:
                raise DataError(self.lacks(removed))
        if not len(frame):
            span = f"from {since or 'the first'} to {until or as_of or 'the last'}"
            raise DataError(f"the collection {self.name!r} has no bar {span}")
        categories = sorted({*map(str, frame)} - {"symbol", "time", *FIELDS})
        bars = changes.applied(Bars.from_frame(frame, self.calendar, categories), self.name)
        if symbols is not None and (chosen := named.chosen(symbols, bars.symbols)) != [*bars.symbols]:
            bars = bars.select(chosen)
        if adjust != "none":
            bars = adjusted_as_known(self, bars, changes, as_of, adjust)
        return bars if frequency is None or stored == frequency else longer(bars, frequency)

    def _names(self, symbols: Names[str], changes: Changes, frequency: str | None) -> set[str]:
        """Return symbols that are there with all names that their companies had."""
        there = self.symbols(frequency)
        lacking = {name for name in symbols if not changes.names([name]) & there}
        return (changes.names(symbols) & there) | lacking

    def frame(
        self,
        symbols: Sequence[str] | None = None,
        frequency: str | None = None,
        since: dt.date | None = None,
        until: dt.date | None = None,
        as_of: dt.date | dt.datetime | None = None,
        columns: Sequence[str] = ("*",),
    ) -> pd.DataFrame:
        """Return what `read` makes bars of: a long frame by symbol and time.

        Parameters
        ----------
        columns : sequence of str
            Beside symbol and time; ``filename`` tells the file in the store.
        """
        from quorate.store.bars.versions import latest, on_time

        imports, wanted = self._chosen(symbols, frequency)
        until_time = None if until is None else day_of(until) + dt.timedelta(days=2)
        if as_of is not None:
            moment = end_of(as_of)
            imports = [
                *reversed([i for i in imports if i.known_at > moment]),
                *(i for i in imports if i.known_at <= moment),
            ]
            until_time = min(until_time or moment, moment)
        chosen = [one for one in imports if one.bars and wanted & one.symbols.keys()]
        first = None if since is None else day_of(since) - dt.timedelta(days=2)
        folder, names = self.folder / IMPORTS, sorted(wanted)
        rows = rows_of(folder, chosen, self._packed, names, first, until_time, columns)
        daily = any(one.frequency == "1d" for one in chosen)
        return latest(on_time(rows, self.calendar) if daily else rows)

    def actions(
        self, symbols: Names[str], as_of: dt.date | dt.datetime | None = None, undone: bool = False
    ) -> pd.DataFrame:
        """Return splits and dividends as they are known now, or were known at a time; those noted by hand count most.

        Parameters
        ----------
        symbols : collection of str
            Whose.
        as_of : date or datetime, optional
            See `read`.
        undone : bool
            Also those that were taken back, with the value 0.

        Returns
        -------
        DataFrame
            ``symbol``, ``session``, ``kind``, ``value``, by symbol and session.
        """
        return actions_of(self, symbols, as_of, undone)

    def changes(self, as_of: dt.date | dt.datetime | None = None) -> Changes:
        """Return ticker changes and delistings as they are known now, or were known at a time; see `read`."""
        return changes_of(noted_changes(self, as_of))

    def quarantine(self) -> pd.DataFrame:
        """Return the bars that imports have set apart, each with the rule and the reason; of a bar the latest."""
        import pandas as pd

        from quorate.bars.quarantine import empty

        frames = [self.set_apart(one) for one in self.imports() if one.quarantine]
        return pd.concat(frames or [empty()]).drop_duplicates(["symbol", "time"], keep="last", ignore_index=True)

    def set_apart(self, one: Import) -> pd.DataFrame:
        """Return the bars that an import has set apart, which did."""
        from quorate.store.parquet import read_parquet

        check_hashes(self.folder / IMPORTS, [(name := str(one.quarantine), one.sha256[name])])
        return read_parquet(self.folder / IMPORTS / name)

    def check_writable(self) -> None:
        """Raise `StoreError`, if nothing can be written here; better before much is read than after it."""
        wanted = self.folder / IMPORTS
        there = next(folder for folder in (wanted, *wanted.parents) if folder.exists())
        if not os.access(there, os.W_OK):
            store = self.folder.parent
            raise StoreError(
                f"cannot write {there}: permission denied. Name a store that you may write with --store FOLDER or "
                "QUORATE_STORE, or a home with --home FOLDER; a recipe reads this one all the same, with "
                f'source = "store" and path = "{store}"'
            )

    def remove(self) -> None:
        """Remove the collection with all that it holds."""
        self.check_writable()
        aside = self.folder.with_name(f".{self.folder.name}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY}")
        with holding(self.folder, alone=True):  # what adds to it has added, or finds that it is gone
            try:
                os.replace(self.folder, aside)  # at once: nothing reads a half
            except OSError as e:
                raise StoreError(f"cannot remove {self.folder}: {e.strerror or e}") from e
        shutil.rmtree(aside, ignore_errors=True)

    def verify(self) -> list[str]:
        """Return what is damaged, a line each; nothing, if all is as it was written."""
        from quorate.store.bars.upkeep import damage

        return damage(self.folder / IMPORTS)

    @property
    def packed(self) -> Mapping[str, Pack]:
        """Imports whose bars lie in packs, by id, as far as `imports` has seen."""
        return self._packed

    def born(self, begin: bool = False) -> str | None:
        """Return a word that no other collection has or had, also of this name; None, if there is none.

        Parameters
        ----------
        begin : bool
            Whether there is one from now on.
        """
        path = self.folder / BORN
        if begin and not path.exists():
            with holding(self.folder):
                path.parent.mkdir(parents=True, exist_ok=True)
                mine = path.with_name(f".{BORN}.{secrets.token_hex(8)}{TEMPORARY}")
                mine.write_text(secrets.token_hex(16), encoding="utf-8")
                with suppress(FileExistsError):
                    os.link(mine, path)  # of two that begin at once, one does
                mine.unlink(missing_ok=True)
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def _chosen(self, symbols: Sequence[str] | None, frequency: str | None) -> tuple[list[Import], set[str]]:
        """Return the imports of a frequency, and the symbols that are wanted of them."""
        there = self.frequencies()
        if not there:
            raise DataError(f"the collection {self.name!r} is empty: quorate data add PATH --to {self.name} fills it")
        if frequency is None and len(there) > 1:
            raise DataError(f"the collection {self.name!r} has bars of {one_of(there)}: say which with data.frequency")
        frequency = frequency or there[0]
        if frequency not in there:
            raise DataError(
                f"the collection {self.name!r} has no bars of {frequency!r}: data.frequency must be {one_of(there)}"
            )
        known = self.symbols(frequency)
        wanted = known if symbols is None else {*symbols}
        if missing := wanted - known:
            raise DataError(self.lacks(missing))
        return [one for one in self.imports() if one.frequency == frequency], wanted

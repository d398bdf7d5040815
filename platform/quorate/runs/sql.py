"""One statement of SQL, asked of all runs of a home."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from quorate.report.sql_columns import OF_LEDGER, OF_STORE, VIEWS
from quorate.runs.sql_halves import reading
from quorate.store import Home
from quorate.store.sql import MEMORY, Answer, Database, name_of, written

if TYPE_CHECKING:
    import pandas as pd

SECONDS = 60.0  # that a statement may take


@contextmanager
def asking(
    statement: str,
    home: str | Path | None = None,
    *,
    seconds: float = SECONDS,
    memory: int = MEMORY,
    outputs: Sequence[Path] = (),
    warn: Callable[[str], object] = warnings.warn,
) -> Iterator[Answer]:
    """Yield what a statement comes to; what it names is read, and nothing else.

    Parameters
    ----------
    seconds : float
        After which it is given up; 0: never.
    memory : int
        Bytes that it may take.
    outputs : sequence of Path
        Files that the answer is written to.
    warn : callable
        Is told of each run that lacks something.

    Raises
    ------
    RecipeError
        If it does something else than read views, or cannot be answered.
    """
    place = Home(home)
    with reading(place.runs()) as gather, Database(seconds, memory) as database, written(outputs) as places:
        names = database.views_of(statement, list(VIEWS))
        gathered = gather(names, place.runs("sweep"))
        if set(OF_LEDGER) & set(names):
            from quorate.evidence.ledger import ledger_of

            gathered.add_ledger(ledger_of(place).entries())
        if set(OF_STORE) & set(names):
            from quorate.store.bars.store import BarStore

            gathered.add_imports(BarStore(home=place.path).collections())
        for name, view in gathered.views().items():
            for path, reason in database.define(name, view):
                gathered.leave_out(name_of(path), [name], reason)
        for text in gathered.warnings:
            warn(text)
        database.close(places)
        yield Answer(database, statement)


def sql(statement: str, *, home: str | Path | None = None, timeout: float = SECONDS) -> pd.DataFrame:
    """Return the answer to a statement of SQL over all runs of a home.

    Parameters
    ----------
    statement : str
        One that reads: ``"select run, sharpe from runs order by sharpe desc"``. ``docs/sql.md`` has the views, their
        columns and examples; the language is DuckDB's.
    home : path, optional
        Default ``QUORATE_HOME`` or ``.quorate``.
    timeout : float
        Seconds after which it is given up; 0: never.

    Returns
    -------
    DataFrame
        Times are UTC. A run that lacks something is left out of it, with a `UserWarning`.

    Raises
    ------
    RecipeError
        If the statement does something else than read the views, cannot be answered, or takes too much time or more
        than 2 GiB.
    IntegrityError
        If it names the ledger, and that was changed.
    """
    with asking(statement, home, seconds=timeout) as answer:
        return answer.frame()

"""What a configuration file and ``--db-url`` say of a database, as a recipe's table ``[data]``."""

from __future__ import annotations

from typing import Any

from quorate.errors import RecipeError, one_of
from quorate.pipeline.config import Database

SERVERS = ("postgresql", "postgres", "timescaledb")
FILES = ("sqlite", "duckdb")


def bars_of_url(url: str) -> dict[str, Any]:
    """Return the source of bars that a URL names; which table it is, ``--set data.table`` says."""
    return {"source": "postgresql" if url.startswith(("postgresql:", "postgres:")) else "sql", "url": url}


def bars_of_database(asked: Database) -> dict[str, Any]:
    """Return the source of bars that the section ``database`` names; what stands for a secret keeps standing for it.

    Raises
    ------
    RecipeError
        If it names no table, or a kind of database whose URL must be given.
    """
    table = ".".join(filter(None, (asked.db_schema, asked.table)))
    if not asked.table:
        raise RecipeError("database: it must say which table has the bars: database.table")
    kind, name = (asked.type or SERVERS[0]).lower(), asked.database or asked.name or ""
    if kind in FILES:
        return {"source": "sql", "url": f"{kind}:///{name}", "table": table}
    if kind not in SERVERS:
        raise RecipeError(
            f"database.type must be {one_of((*SERVERS, *FILES))}; it was {asked.type!r}: others are read by --data sql "
            "--set data.url=URL --set data.table=NAME"
        )
    given = [asked.credentials_env] if isinstance(asked.credentials_env, str) else asked.credentials_env or []
    variables = [f"${{{variable}}}" for variable in given]
    password = asked.password or (variables[-1] if variables else "")
    user = asked.user or (variables[0] if len(variables) > 1 else "")
    who = f"{user}{':' if password else ''}{password}@" if user or password else ""
    where = f"{asked.host or ''}{f':{asked.port}' if asked.port else ''}"
    return {"source": "postgresql", "url": f"postgresql://{who}{where}/{name}", "table": table}

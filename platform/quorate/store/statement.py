"""A statement of SQL, read before it is run: one that reads, and nothing but the views it may.

What DuckDB itself can do beyond that, read and write files, change settings, follow raw addresses, is refused here by
what stands in the statement's tree; that it could not reach a file all the same is `quorate.store.sql`'s to see to.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from quorate.errors import RecipeError, near_misses, one_of

if TYPE_CHECKING:
    import duckdb

LONGEST = 100_000  # characters of a statement
NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
# What stands after FROM and makes rows of its arguments alone.
TABLE_FUNCTIONS = {"generate_series", "json_each", "json_tree", "range", "repeat", "repeat_row", "unnest"}
# What tells of the process, keeps something, or waits.
REFUSED = {
    *("current_connection_id", "current_query", "current_query_id", "current_setting", "current_transaction_id"),
    *("currval", "get_block_size", "getenv", "getvariable", "json_deserialize_sql", "json_serialize_plan"),
    *("json_serialize_sql", "nextval", "parse_duckdb_log_message", "pg_get_viewdef", "pg_sleep", "setval", "sleep_ms"),
    *("stats", "txid_current", "vector_type", "write_log"),
}
REACHING = ("arrow_", "duckdb_", "pandas_", "parquet_", "pragma_", "python_", "read_")  # how others of these begin
READS = "it must be one that reads: select, from, with, values, describe or summarize"
TABLES = "quorate sql --tables shows what there is"


def views_of(connection: duckdb.DuckDBPyConnection, text: str, known: Collection[str]) -> list[str]:
    """Return the views that a statement reads, after checking that it does nothing else.

    Parameters
    ----------
    connection : DuckDBPyConnection
        What parses it; nothing is run.
    text : str
        The statement.
    known : collection of str
        The views that there are, in small letters.

    Raises
    ------
    RecipeError
        If it is no SQL, not one statement, or asks for something else than rows of these views.
    """
    tree = _parsed(connection, text)
    named = {str(pair["key"]).lower() for one in _parts(tree) for pair in (one.get("cte_map") or {}).get("map", ())}
    inside = {name for (name,) in connection.execute("SELECT view_name FROM duckdb_views() WHERE internal").fetchall()}
    if taken := sorted(named & inside):
        raise RecipeError(f"WITH cannot name something {taken[0]!r}: DuckDB has a view of its own of that name")
    found = set()
    for one in _parts(tree):
        kind = str(one.get("type"))
        if kind.endswith("_NODE") and kind not in NODES:
            what = kind.removesuffix("_NODE").removesuffix("_QUERY").replace("_", " ")
            raise RecipeError(f"the statement has {what} in it; {READS}")
        if kind == "BASE_TABLE":
            name = _table(text, one, {*known, *named})
            found.update({name} & set(known))
        elif kind == "SHOW_REF" and one.get("show_type") not in ("DESCRIBE", "SUMMARY"):
            raise RecipeError(f"SHOW is not answered; {TABLES}")
        elif kind == "TABLE_FUNCTION":
            _check_rows(text, one)
        elif kind == "FUNCTION" and _is_refused(str(one["function_name"]).lower()):
            raise RecipeError(f"the function {one['function_name']!r}{_place(text, one)} is not among those for data")
    return sorted(found)


def _is_refused(function: str) -> bool:
    return function in REFUSED or function.startswith(REACHING)


def _parsed(connection: duckdb.DuckDBPyConnection, text: str) -> Any:
    import duckdb

    if len(text) > LONGEST:
        raise RecipeError(f"a statement has at most {LONGEST:,} characters; it had {len(text):,}")
    try:
        text.encode()
        statements = connection.extract_statements(text)
        if not statements:
            raise RecipeError(f"the statement is empty; {READS}")
        if len(statements) > 1:
            raise RecipeError(f"there must be one statement; there were {len(statements)}")
        kind = statements[0].type
        if kind == duckdb.StatementType.MULTI:
            raise RecipeError("a PIVOT must name its values: ON column IN ('one', 'another')")
        if kind != duckdb.StatementType.SELECT:
            raise RecipeError(f"the statement is {kind.name.replace('_', ' ')}; {READS}")
        told = connection.execute("SELECT json_serialize_sql(?)", [text]).fetchone()
        tree = json.loads(told[0]) if told else {"error": True}
    except duckdb.Error as e:
        raise RecipeError(refused(e)) from e
    except RecursionError:
        raise RecipeError("the statement is nested too deeply") from None
    except (UnicodeError, ValueError) as e:
        raise RecipeError(f"the statement cannot be read: {e}") from e
    if tree["error"]:
        raise RecipeError(f"the statement cannot be read: {tree.get('error_message', 'it has no tree')}")
    return tree["statements"]


def refused(error: Exception) -> str:
    """Return what DuckDB says of a statement, with the line and the place in it, without what is about DuckDB."""
    lines = [line.rstrip() for line in str(error).splitlines() if line.strip()]
    told, *more = lines or ["it cannot be answered"]
    _, _, said = told.partition(" Error: ")
    said = said.partition(' Use "SET ')[0]  # no setting can be changed
    kept = [line for line in more if not line.startswith(("Possible solutions", "* ", "See https", "Database is"))]
    more = [f"{TABLES}, with columns"] if said.startswith("Referenced ") else []
    # All alike, so that the mark stays below its place.
    return "\n".join([f"the statement cannot be answered: {said or told}", *(f"  {line}" for line in (*kept, *more))])


def _parts(tree: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every object in a tree; a statement may be nested deeper than Python calls itself."""
    left = [tree]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            yield one
            left.extend(one.values())
        elif isinstance(one, list):
            left.extend(one)


def _table(text: str, one: Mapping[str, Any], known: Collection[str]) -> str:
    """Return the name of what stands after FROM, in small letters."""
    path = [str(part) for part in (one.get("qualified_name") or {}).get("path") or [one["table_name"]]]
    name = ".".join(path)
    if len(path) > 1 or name.lower() not in known:
        near = near_misses(path[-1].lower(), known)
        raise RecipeError(
            f"there is no view {name!r}{_place(text, one)}{near}; it must be one of {one_of(known)}; {TABLES}"
        )
    return name.lower()


def _check_rows(text: str, one: Mapping[str, Any]) -> None:
    """Raise `RecipeError` for a function after FROM that reads something else than its arguments."""
    function = one.get("function") or {}
    name = str(function.get("function_name"))
    if name.lower() not in TABLE_FUNCTIONS:
        raise RecipeError(
            f"the function {name!r}{_place(text, one)} is not among those that make rows: {one_of(TABLE_FUNCTIONS)}; "
            "what can be read are the views: quorate sql --tables"
        )


def _place(text: str, one: Mapping[str, Any]) -> str:
    """Return where in the statement something stands, as `` (line 1, column 15)``; nothing, if that is not known."""
    at = one.get("query_location")
    whole = text.encode()
    if not isinstance(at, int) or not 0 <= at < len(whole):
        return ""
    before = whole[:at].decode(errors="replace")
    return f" (line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))})"

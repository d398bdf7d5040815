"""A recipe as TOML in which each line says why its value was chosen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from quorate.errors import visible
from quorate.plugins.documented import as_toml, key_of

WIDEST = 60  # characters of a setting, beyond which its comment stands above it


def settings(table: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield section, key and value of what a recipe sets; the section of what stands in none is empty."""
    for section, values in table.items():
        if not isinstance(values, Mapping):
            yield "", section, values
    for section, values in table.items():
        if isinstance(values, Mapping):
            for key, value in values.items():
                yield section, key, value


def overrides(table: Mapping[str, Any]) -> list[str]:
    """Return what a recipe sets, as ``--set`` takes it."""
    return [f"{section}.{key}={as_toml(value)}" for section, key, value in settings(table) if section]


def to_commented(table: Mapping[str, Any], whys: Mapping[str, str], head: Iterable[str]) -> str:
    """Return a recipe as TOML.

    Parameters
    ----------
    table : mapping
        The recipe; tables within its sections are written on one line.
    whys : mapping
        By dotted key, what is said of it.
    head : iterable of str
        Comments above all.
    """
    lines = [f"# {_one_line(text)}" for text in head]
    open_section = None
    for section, key, value in settings(table):
        if section != open_section:
            lines += ["", *([f"[{key_of(section)}]"] if section else [])]
            open_section = section
        setting = f"{key_of(key)} = {as_toml(value)}"
        why = _one_line(whys.get(f"{section}.{key}" if section else key, ""))
        if not why:
            lines.append(setting)
        elif len(setting) > WIDEST:
            lines += [f"# {why}", setting]
        else:
            lines.append(f"{setting}  # {why}")
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    return " ".join(visible(text).split())

"""Fixtures for whoever installs quorate and pytest: small markets, and a home that is thrown away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from quorate.bars.panel import Bars


@pytest.fixture(scope="session")
def quorate_market() -> Bars:
    """Return one symbol, 300 daily bars of a deterministic simulated market."""
    from quorate.testing.markets import market

    return market()


@pytest.fixture(scope="session")
def quorate_panel() -> Bars:
    """Return two symbols, 300 daily bars; the second is listed 90 bars after the first."""
    from quorate.testing.markets import panel

    return panel()


@pytest.fixture
def quorate_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty home: runs of the test are stored there."""
    home = tmp_path / "quorate"
    monkeypatch.setenv("QUORATE_HOME", str(home))
    return home

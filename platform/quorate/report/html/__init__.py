"""The report as a page: one file that opens from disk and asks nobody for anything."""

from __future__ import annotations

from quorate.report.html.page import fragment, page

__all__ = ["fragment", "page"]

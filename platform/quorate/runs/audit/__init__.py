"""The audit of a pipeline: whether it looks ahead, and whether it finds something where nothing is to be found.

No detector sees everything. Cutting off the future shows what a value depends on; a market without
anything to find shows whatever makes money from noise; the stamps of the fills show how it was traded.
"""

from quorate.runs.audit._audit import Audit, audit, audit_session, find_audit, pipeline_key
from quorate.runs.audit.detectors import Finding
from quorate.runs.audit.null import null_bars

__all__ = ["Audit", "Finding", "audit", "audit_session", "find_audit", "null_bars", "pipeline_key"]

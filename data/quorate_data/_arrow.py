"""Arrow files as frames."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

import quorate

EXTRA = "pip install 'quorate[arrow]'"
_FILE, _OLD = b"ARROW1", b"FEA1"


def arrow_frame(path: Path) -> pd.DataFrame:
    """Return what an Arrow file or stream holds, what pandas kept as an index among its columns.

    Raises
    ------
    DataError
        If it is neither, or pyarrow is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError as e:
        raise quorate.DataError(f"{path}: Arrow files are read by pyarrow, which is not installed: {EXTRA}") from e
    try:
        with path.open("rb") as file:
            start = file.read(len(_FILE))
        if start.startswith(_OLD):
            raise quorate.DataError(f"{path}: a Feather file of version 1, which is not read; write it anew, version 2")
        with pa.memory_map(str(path)) as source:
            opened = pa.ipc.open_file(source) if start == _FILE else pa.ipc.open_stream(source)
            frame: pd.DataFrame = opened.read_all().to_pandas(ignore_metadata=False)
    except (pa.ArrowInvalid, OSError) as e:
        raise quorate.DataError(f"{path}: not a readable Arrow file: {str(e).splitlines()[0]}") from e
    if not isinstance(frame.index, pd.RangeIndex):
        names = ["" if name is None else str(name) for name in frame.index.names]
        frame = frame.reset_index(names=names if any(names) else None)
    for name, column in frame.items():
        if isinstance(column.dtype, pd.PeriodDtype):
            last = column.dt.to_timestamp(how="end")
            daily = (column.dt.to_timestamp() == column.dt.to_timestamp().dt.normalize()).all()
            frame[name] = last.dt.normalize() if daily else last + pd.Timedelta(1, "ns")
    return frame

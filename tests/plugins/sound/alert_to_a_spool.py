"""A file for each alert, in a folder that a pager empties."""

import quorate


def spool(alert, folder="spool", mode=0o600):
    import os
    import secrets
    from pathlib import Path

    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{alert.event}-{secrets.token_hex(8)}.txt"
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        os.write(file, f"{alert.subject}\n{alert.text}\n".encode())
    finally:
        os.close(file)


@quorate.hookimpl
def quorate_alerts():
    yield quorate.AlertSpec("zoo-spool", spool)

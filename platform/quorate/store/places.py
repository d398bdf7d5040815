"""Where files are brought to and taken from: a folder of this machine, or a place on S3 and its like.

::

    backups/quorate                 a folder
    s3://bucket/quorate             objects; also gs:// and az://, by obstore

Credentials come from the store's own variables (``AWS_ACCESS_KEY_ID``, ``AWS_ENDPOINT_URL``, ...), and stand nowhere
else.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from quorate.errors import RecipeError, StoreError
from quorate.store.files import io_reason, replacing

VARIABLES = {
    "AWS": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (AWS_ENDPOINT_URL, AWS_REGION)",
    "GOOGLE": "GOOGLE_SERVICE_ACCOUNT",
    "AZURE": "AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_ACCOUNT_KEY",
}
STORES = {"s3": "AWS", "s3a": "AWS", "gs": "GOOGLE", "az": "AZURE", "azure": "AZURE", "abfs": "AZURE", "abfss": "AZURE"}
_ADDRESS = re.compile(r"([a-z][a-z0-9+]+):/+", re.IGNORECASE)  # a path of it has one slash only
SILENT = dt.timedelta(seconds=60)
TRIES = 4


class Place(Protocol):
    """A folder, or objects below an address, by names such as ``runs/a/report.json``."""

    def names(self, below: str = "") -> set[str]:
        """Return the names of all files below a folder of the place."""
        ...

    def put(self, name: str, path: Path) -> None:
        """Bring a file there, whole or not at all; what had its name is replaced."""
        ...

    def get(self, name: str, path: Path) -> None:
        """Write a file of the place to a path here."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file of the place."""
        ...


def is_address(where: str | Path) -> bool:
    """Whether this names a place on another machine, and no folder."""
    return _ADDRESS.match(str(where)) is not None


def check_here(where: str | Path, what: str) -> None:
    """Raise `RecipeError`, if what must be a folder of this machine is an address."""
    if is_address(where):
        raise RecipeError(
            f"{what} must be a folder of this machine; it was {where}: quorate backup brings a home to s3:// and its "
            "like, quorate restore back, and bars are read from there by [data] path"
        )


def place_of(where: str | Path) -> Place:
    """Return a place by its path or address.

    Raises
    ------
    RecipeError
        If it is an address of a kind that cannot be written.
    StoreError
        If obstore is not installed, or does not take the address.
    """
    if not is_address(where):
        return _Folder(Path(where))
    scheme = str(where).partition(":")[0].lower()
    if scheme not in STORES:
        raise RecipeError(f"{where}: files are written to a folder, s3://, gs:// or az://; it began with {scheme}://")
    return _Objects(scheme, str(where).partition(":")[2].strip("/"))


@contextmanager
def outgoing(where: str | Path) -> Iterator[Path]:
    """Yield a folder to write into: the place itself or, of an address, one whose files are brought there at the end.

    Raises
    ------
    StoreError
        If there is something below the address already, or it cannot be written.
    """
    if not is_address(where):
        yield Path(where)
        return
    place = place_of(where)
    if place.names():
        raise StoreError(f"cannot write to {where}: it holds something already; name an empty place")
    with tempfile.TemporaryDirectory(prefix="quorate-") as folder:
        written = Path(folder, "files")
        yield written
        for path in sorted(p for p in written.rglob("*") if p.is_file()):
            place.put(path.relative_to(written).as_posix(), path)


class _Folder:
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self, below: str = "") -> set[str]:
        folder = self._path / below
        return {p.relative_to(self._path).as_posix() for p in folder.rglob("*") if p.is_file() and not p.is_symlink()}

    def put(self, name: str, path: Path) -> None:
        with replacing(self._path / name) as temporary:
            shutil.copyfile(path, temporary)

    def get(self, name: str, path: Path) -> None:
        try:
            shutil.copyfile(self._path / name, path)
        except OSError as e:
            raise StoreError(f"cannot read {self._path / name}: {e.strerror or e}") from e

    def remove(self, name: str) -> None:
        try:
            (self._path / name).unlink(missing_ok=True)
        except OSError as e:
            raise StoreError(io_reason(e, self._path / name)) from e


class _Objects:
    """Objects of a store, below an address."""

    def __init__(self, scheme: str, rest: str) -> None:
        self._scheme = scheme
        self._bucket, _, self._below = rest.partition("/")
        self._root = f"{scheme}://{self._bucket}"
        if not self._bucket:
            raise RecipeError(f"{scheme}:// must name a bucket, {scheme}://BUCKET/FOLDER")
        try:
            import obstore
            from obstore.store import from_url
        except ImportError as e:
            raise StoreError(f"{self._root}: needs obstore: pip install 'quorate[objects]'") from e
        self._obstore = obstore
        opening: Any = from_url
        with self._telling(""):
            self._store = opening(
                self._root,
                client_options={"allow_http": True, "timeout": SILENT},
                retry_config={"max_retries": TRIES - 1, "retry_timeout": SILENT},
            )

    def names(self, below: str = "") -> set[str]:
        prefix = "/".join(filter(None, (self._below, below)))
        skip = len(self._below) + 1 if self._below else 0
        with self._telling(below):
            return {one["path"][skip:] for chunk in self._obstore.list(self._store, prefix or None) for one in chunk}

    def put(self, name: str, path: Path) -> None:
        with self._telling(name):
            self._obstore.put(self._store, self._key(name), path)

    def get(self, name: str, path: Path) -> None:
        with self._telling(name), path.open("wb") as file:
            for block in self._obstore.get(self._store, self._key(name)).stream(min_chunk_size=1 << 20):
                file.write(block)

    def remove(self, name: str) -> None:
        with self._telling(name):
            self._obstore.delete(self._store, self._key(name))

    def _key(self, name: str) -> str:
        return "/".join(filter(None, (self._below, name)))

    @contextmanager
    def _telling(self, name: str) -> Iterator[None]:
        """Turn what a store says into a line, and what to do."""
        try:
            yield
        except Exception as e:  # the errors of all stores have nothing else in common
            where = f"{self._root}/{self._key(name)}".rstrip("/")
            raise StoreError(f"{where}: {_reason(e, self._bucket, VARIABLES[STORES[self._scheme]])}") from None


def _reason(error: Exception, bucket: str, variables: str) -> str:
    text, name = str(error), type(error).__name__
    if "NoSuchBucket" in text:
        return f"there is no bucket {bucket!r}"
    if "169.254.169.254" in text or "metadata.google" in text:
        return f"no credentials were found; they come from {variables}"
    denied = re.search(r"\b(?:401|403)\b|AccessDenied|SignatureDoesNotMatch|InvalidAccessKeyId", text)
    if denied or name in ("PermissionDeniedError", "UnauthenticatedError"):
        return f"access is denied; credentials come from {variables}"
    if isinstance(error, FileNotFoundError):
        return "there is no such object"
    first = re.sub(r"Error performing \w+ \S+ in \S+,? ?", "", (text.splitlines() or [name])[0])
    return re.sub(r"^Generic \w+ error: ", "", first)

"""A home that several users of a machine share: its group, and the rights of what is in it.

Files and folders are the group's, and folders hand that on (setgid). What is written later is writable for the group:
`Home` sees to that when it is opened, by the umask of the process. ``home.json`` has the group as ``shared``.
"""

from __future__ import annotations

import grp
import os
import pwd
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from quorate.errors import RecipeError, StoreError, near_misses
from quorate.store.files import write_json
from quorate.store.trust import ID, own_of

SHARED = "shared"
OWN = ("cluster",)  # of a home: what is of one user's processes, with its token
GROUP = 0o070
# Locks of files and the shared memory of SQLite hold between processes of one machine, not across these.
REMOTE = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "gpfs", "fuse.sshfs")


class Shared(NamedTuple):
    """What sharing a home has changed.

    Parameters
    ----------
    group : str
        Whose it is now.
    changed, files : int
        Files and folders whose rights were changed, of how many.
    """

    group: str
    changed: int
    files: int


def shared_with(home: Path) -> str:
    """Return the group that a home is shared with; empty, if it is not."""
    group = own_of(home).get(SHARED, "")
    return group if isinstance(group, str) else ""


def user_and_host() -> str:
    """Return who this process is, ``user@host``, by the system's own word."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"


def open_to_group(home: Path) -> None:
    """Have what this process writes from now on writable for the group, if the home is shared.

    That a file says so is not enough: it may come from elsewhere. The home's folder must have the rights, too.
    """
    group = shared_with(home)
    with suppress(KeyError, OSError):
        told = home.stat()
        if not group or told.st_mode & 0o2020 != 0o2020 or grp.getgrnam(group).gr_gid != told.st_gid:
            return
        before = os.umask(0o077)
        os.umask(before & ~GROUP)


def share(home: Path, group: str) -> Shared:
    """Share a home with a group; doing so again mends what has other rights.

    Parameters
    ----------
    group : str
        Name of a group of this machine.

    Raises
    ------
    RecipeError
        If there is no such group, or this user is not in it.
    StoreError
        If the home lies where locks do not hold, something in it is another user's, or there is none.
    """
    if not (home / ID).is_file():
        raise StoreError(f"there is no home at {home} to share, or it has no {ID}: give --trust to a command first")
    number = _group(group)
    if (kind := file_system(home)) in REMOTE:
        raise StoreError(
            f"cannot share {home}: it lies on {kind}, where the locks that keep two users apart, and SQLite's shared "
            "memory, do not hold between machines: put it on a disk of one machine, where all log in"
        )
    paths = list(_paths(home))
    told = [(path, path.lstat()) for path in paths]
    uid = os.geteuid()
    if others := [path for path, one in told if uid not in (0, one.st_uid)]:
        raise StoreError(
            f"cannot share {home}: {len(others):,} files and folders in it are of other users, the first {others[0]}; "
            f"its owner, or root, can: chown -R {pwd.getpwuid(home.stat().st_uid).pw_name} {home}"
        )
    changed = sum(_opened(path, one, number) for path, one in told)
    mode = stat.S_IMODE((home / ID).stat().st_mode)
    write_json(home / ID, {**own_of(home), SHARED: group})
    os.chown(home / ID, -1, number)
    (home / ID).chmod(mode)
    return Shared(group, changed, len(paths))


def file_system(path: Path) -> str:
    """Return the kind of file system that a path lies on; empty, where that is not known."""
    found: tuple[int, str] = (-1, "")
    real = path.resolve()
    with suppress(OSError):
        for line in Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
            _, at, kind, *_ = line.split(" ")
            mount = Path(at.encode().decode("unicode_escape"))
            if real.is_relative_to(mount):
                found = max(found, (len(mount.parts), kind), key=lambda one: one[0])
    return found[1]


def _group(name: str) -> int:
    known = {one.gr_name: one.gr_gid for one in grp.getgrall()}
    if name not in known:
        raise RecipeError(
            f"a home is shared with a group of this machine; there is no {name!r}{near_misses(name, known)}: "
            f"groupadd {name}, and usermod -aG {name} USER for each"
        )
    if os.geteuid() != 0 and known[name] not in (os.getegid(), *os.getgroups()):
        raise RecipeError(f"{user_and_host()} is not in the group {name!r}: usermod -aG {name} USER, and log in again")
    return known[name]


def _paths(home: Path) -> Iterator[Path]:
    """Yield all of a home that is shared, itself first; links are left as they are."""
    yield home
    for at, folders, files in os.walk(home):
        if Path(at) == home:
            folders[:] = [name for name in folders if name not in OWN]
        for name in (*folders, *files):
            path = Path(at, name)
            if not path.is_symlink():
                yield path


def _opened(path: Path, told: os.stat_result, group: int) -> bool:
    """Give a file or folder to the group; say whether that changed anything."""
    mode = stat.S_IMODE(told.st_mode)
    wanted = mode | (0o2070 if stat.S_ISDIR(told.st_mode) else 0o060)
    if (mode, told.st_gid) == (wanted, group):
        return False
    try:
        os.chown(path, -1, group)
        path.chmod(wanted)  # after chown, which takes setgid away
    except OSError as e:
        raise StoreError(f"cannot share {path}: {e.strerror or e}") from e
    return True

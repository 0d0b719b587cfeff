"""Is a path on a network file system?  SQLite's write-ahead log needs shared memory (https://www.sqlite.org/wal.html)."""

from __future__ import annotations

import re
from pathlib import Path

from seedance_async.errors import JournalError

__all__ = ["file_system_of", "refuse_network"]

_NETWORK = frozenset(
    {
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "davfs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
    }
    | {"ocfs2", "smb2", "smb3", "smbfs", "vboxsf"}
)
# A user-space file system is named after its program; these are the ones that stay on the machine.
_LOCAL_FUSE = frozenset({"fuse.fuse-overlayfs", "fuse.mergerfs", "fuse.gocryptfs", "fuse.ntfs-3g"})


def file_system_of(path: Path, mounts: str) -> str:
    """Give the type of the file system that holds an absolute path, "" when the table does not say.

    Args:
        path: absolute path without links.
        mounts: text of ``/proc/mounts``, in which spaces are written as octal escapes.
    """
    best, kind = -1, ""
    for line in mounts.splitlines():
        parts = line.split(" ")
        if len(parts) < 3:  # noqa: PLR2004 - device, place and type
            continue
        place = Path(re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), parts[1]))
        # The last of equal places is mounted over the ones before it.
        if path.is_relative_to(place) and len(place.parts) >= best:
            best, kind = len(place.parts), parts[2]
    return kind


def refuse_network(path: Path, *, mounts: Path = Path("/proc/mounts")) -> None:
    """Refuse a journal on a network file system; machines without a mount table are not checked.

    Raises:
        JournalError: two machines could write the journal without seeing each other's locks.
    """
    try:
        table = mounts.read_text(errors="surrogateescape")
    except OSError:
        return
    kind = file_system_of(path, table)
    if kind in _NETWORK or (kind.startswith("fuse.") and kind not in _LOCAL_FUSE):
        raise JournalError(
            f"The journal {path} would lie on a network file system ({kind}), whose locks and shared memory "
            "SQLite's write-ahead log cannot trust.",
            advice="Put it on a local disk; videos may go to the network.",
        )

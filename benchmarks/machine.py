"""The machine that figures come from, so that a reader can tell whether theirs is like it."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path


def machine() -> str:
    """Say processor, memory, operating system and Python in one line."""
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return ", ".join([
        f"{processor()} ({platform.machine()}), {os.cpu_count()} cores",
        f"{gib:.1f} GiB of memory",
        system(),
        f"{platform.python_implementation()} {platform.python_version()}",
    ])  # fmt: skip


def processor() -> str:
    """Name the processor's model as Linux does."""
    told = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", told.read_text(), re.MULTILINE) if told.exists() else None
    return found[1].strip() if found else platform.processor() or "a processor that does not say its model"


def system() -> str:
    """Name the distribution, or the kernel where none says its name."""
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return f"{platform.system()} {platform.release()}"

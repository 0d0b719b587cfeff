"""A real PostgreSQL for tests: one server per test process, begun when it is wanted; a database per test."""

from __future__ import annotations

import atexit
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest

__all__ = ["database", "dsn_of_server"]

_NAMES = itertools.count(1)
_START_SECONDS = 30.0


def _program(name: str) -> Path | None:
    """Find a program of the server: on the PATH, else the newest of Debian's folders."""
    found = shutil.which(name)
    if found is not None:
        return Path(found)
    folders = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    return max(folders, key=lambda path: float(path.parts[-3]), default=None)


def _need_programs() -> tuple[Path, Path]:
    """Find what a server is made with; a developer's machine may have none, CI must."""
    initdb, postgres = _program("initdb"), _program("postgres")
    if initdb is None or postgres is None:
        why = "PostgreSQL is not on this machine: apt-get install postgresql"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    return initdb, postgres


def _servant() -> dict[str, Any]:
    """Say as whom to run: PostgreSQL refuses root."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return pytest.skip("PostgreSQL refuses root, and there is no user postgres or nobody")


def _free_port() -> int:
    """Find a port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@cache
def dsn_of_server() -> str:
    """Start the server of this process, and give the address of its first database.

    It listens on 127.0.0.1, syncs as any server does, and ends with this process.
    """
    initdb, postgres = _need_programs()
    servant = _servant()
    folder = Path(tempfile.mkdtemp(prefix="seedance-postgres-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if servant:
        os.chown(folder, servant["user"], servant["group"])
    data, port = folder / "data", _free_port()
    subprocess.run(
        [initdb, "-D", data, "-U", "seedance", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"],
        check=True, stdout=subprocess.DEVNULL, cwd=folder, **servant,
    )  # fmt: skip
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [postgres, "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", "", "-c", "max_connections=200"],
            stdout=log, stderr=log, cwd=folder, **servant,
        )  # fmt: skip
    atexit.register(_end, server)
    dsn = f"postgresql://seedance@127.0.0.1:{port}/postgres"
    _wait_for(dsn, server, folder / "log")
    return dsn


def _wait_for(dsn: str, server: subprocess.Popen[Any], log: Path) -> None:
    """Wait until the server answers."""
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg.connect(dsn, connect_timeout=5).close()
            return
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(log.read_text(errors="replace")) from None
            time.sleep(0.02)


def _end(server: subprocess.Popen[Any]) -> None:
    """End a server, clients or not."""
    server.send_signal(2)  # SIGINT: a fast shutdown
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def database() -> str:
    """Make an empty database, and give its address."""
    server = dsn_of_server()
    name = f"test_{next(_NAMES)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"{server.rpartition('/')[0]}/{name}"

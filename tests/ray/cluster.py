"""Starts clusters for tests, all of it on loopback, and ends every process of them by its id."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import pytest
from attrs import define, field

if TYPE_CHECKING:
    from types import TracebackType

KEY: Final = "sk-test-0123456789abcdef"
ROOT: Final = Path(__file__).parents[2]
_NODES: Final = Path(__file__).with_name("nodes.py")
_DRIVER: Final = Path(__file__).with_name("driver.py")
_UP_SECONDS: Final = 90.0


def need_ray() -> None:
    """Skip on a desk without Ray; fail in CI, where it must be."""
    if importlib.util.find_spec("ray") is not None:
        return
    if os.environ.get("CI"):
        pytest.fail("Ray is not installed: CI runs `make ray` first.", pytrace=False)
    pytest.skip("Ray is not installed: run `make ray`")


@define(kw_only=True)
class LocalCluster:
    """A head and some worker nodes, which are processes of this machine.

    Attributes:
        env: what the workers find in their environment.
        workers: how many worker nodes there are.
        address: where drivers connect.
    """

    env: dict[str, str]
    workers: int = 2
    address: str = field(default="", init=False)
    _folder: str = field(default="", init=False)
    _program: asyncio.subprocess.Process | None = field(default=None, init=False)

    async def __aenter__(self) -> Self:
        # Short, because the paths of Ray's sockets may have 107 characters.
        self._folder = tempfile.mkdtemp(prefix="sd-ray-")
        Path(self._folder, "ray").mkdir()
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def environment(self) -> dict[str, str]:
        """What nodes and drivers run in."""
        # Ray's own processes are not what coverage is about; a worker's code is measured in test_maker.py.
        ours = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
        return {
            **ours,
            **self.env,
            "PYTHONPATH": str(ROOT),
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # keeps every node on 127.0.0.1
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_TMPDIR": self._folder,
            "RAY_worker_niceness": "0",  # else workers starve beside whatever else the machine does
        }

    async def start(self) -> None:
        """Start all nodes, in a session of their own: its number finds every process of them again."""
        self._program = await asyncio.create_subprocess_exec(
            sys.executable, str(_NODES), str(self.workers), start_new_session=True, env=self.environment,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert self._program.stdout is not None
        async with asyncio.timeout(_UP_SECONDS):
            self.address = (await self._program.stdout.readline()).decode().strip()
        assert self.address, "the cluster did not start"

    def pids(self) -> list[int]:
        """Give the ids of all processes of the cluster, orphans too."""
        session = self._program.pid if self._program is not None else -1
        return [pid for pid, its in _sessions() if its == session]

    def nodes(self) -> list[int]:
        """Give the ids of the processes that are worker nodes; the head's is the first and left out."""
        return sorted(pid for pid in self.pids() if _name(pid) == "raylet")[1:]

    async def kill(self) -> None:
        """End every process with SIGKILL, in no order, and wait until they are gone."""
        async with asyncio.timeout(_UP_SECONDS):
            while pids := self.pids():
                for pid in pids:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                await asyncio.sleep(0.05)
        if self._program is not None:
            await self._program.wait()

    async def drive(self, settings: dict[str, Any], *, seconds: float | None = None) -> list[dict[str, Any]]:
        """Run the pipeline of ``driver.py``; after ``seconds`` it is killed, and what it printed is given.

        Args:
            settings: what ``driver.py`` takes.
            seconds: its time; None lets it end.
        """
        program = await asyncio.create_subprocess_exec(
            sys.executable, str(_DRIVER), self.address, json.dumps(settings), env=self.environment,
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            out, words = await asyncio.wait_for(program.communicate(), seconds)
        except TimeoutError:
            program.kill()
            await program.wait()
            return []
        except asyncio.CancelledError:
            program.kill()
            await program.wait()
            raise
        assert program.returncode == 0, words.decode()[-4000:]
        return [json.loads(line) for line in out.decode().splitlines() if line.startswith("{")]


def _sessions() -> list[tuple[int, int]]:
    """Give the session of each process of this machine; what waits for its parent to look is left out."""
    found: list[tuple[int, int]] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, _, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
                if state != "Z":
                    found.append((int(entry.name), int(session)))
    return found


def _name(pid: int) -> str:
    """Give the name of a process's program."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""

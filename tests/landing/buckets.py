"""A real S3 server on loopback for tests and benchmarks, and what they ask it without any client library."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Generator

    import pytest

    from seedance_async.media.storage import Store

_SERVER = """
import logging, sys
from moto.server import ThreadedMotoServer
from werkzeug.serving import WSGIRequestHandler
# Else answers have two Server headers, moto's and werkzeug's, which aiohttp refuses under python -X dev.
WSGIRequestHandler.send_response = WSGIRequestHandler.send_response_only
logging.getLogger("werkzeug").disabled = True
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def s3_server() -> Generator[str]:
    """Run an S3 server in a process of its own; gives its address."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.terminate()


def way_to(server: str) -> dict[str, str]:
    """Give the environment that leads to a server."""
    return {
        "AWS_ENDPOINT": server,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


def lead_to(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the environment that leads to a server."""
    for key, value in way_to(server).items():
        monkeypatch.setenv(key, value)


async def call(method: str, path: str) -> bytes:
    """Speak to the S3 server that the environment leads to."""
    address = f"{os.environ['AWS_ENDPOINT']}/{path}"
    async with aiohttp.ClientSession() as http, http.request(method, address) as response:
        return await response.read()


async def dangling(bucket: str) -> bool:
    """Ask whether an unfinished upload lies at the server, which would bill for ever."""
    return b"<UploadId>" in await call("GET", f"{bucket}?uploads")


async def content(store: Store, name: str) -> bytes:
    """Read an object back through obstore."""
    import obstore

    raw = store._store  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - only tests read objects
    return bytes(await (await obstore.get_async(raw, name)).bytes_async())

"""The store that a test of claims is run over."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

import pytest

from tests.claims.stores import Stand
from tests.landing.buckets import s3_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """Run one S3 server with a bucket for all tests of this process."""
    pytest.importorskip("moto.server")
    with s3_server() as address:
        urlopen(Request(f"{address}/claims", method="PUT")).close()  # noqa: S310 - our own loopback address
        yield address


@pytest.fixture
def stand(request: pytest.FixtureRequest, tmp_path: Path) -> Stand:
    """Give the store that the test is parametrised with."""
    kind: str = request.param
    address: str = request.getfixturevalue("s3") if kind == "s3" else ""
    return Stand(kind, tmp_path, address)

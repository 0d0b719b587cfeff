"""The store that a test of claims is run over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.claims.stores import Stand, s3_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """Run one S3 server for all tests of this process."""
    pytest.importorskip("moto.server")
    with s3_server() as address:
        yield address


@pytest.fixture
def stand(request: pytest.FixtureRequest, tmp_path: Path) -> Stand:
    """Give the store that the test is parametrised with."""
    kind: str = request.param
    address: str = request.getfixturevalue("s3") if kind == "s3" else ""
    return Stand(kind, tmp_path, address)

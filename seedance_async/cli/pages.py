"""Writing pages: what the file system says is about a file of the caller's, and about no video."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from seedance_async.errors import DownloadFailed, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["page_written"]


@contextmanager
def page_written(field: str, place: str) -> Generator[None]:
    """Turn the error of a page into that of the option or argument that says where it goes.

    Raises:
        InvalidRequest: the page could not be written.
    """
    try:
        yield
    except DownloadFailed as error:
        refused = InvalidRequest(field=field, value=place, limit=error.message)
        refused.advice = error.advice
        raise refused from error

"""What a caller asks for, in any of the forms that are taken, as one VideoRequest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seedance_async.errors import InvalidRequest
from seedance_async.request import VideoRequest

__all__ = ["Asked", "as_request"]

Asked = VideoRequest | str | Mapping[str, Any]
"""A request, a prompt, or a mapping of a request's fields."""


def as_request(asked: Asked, /, **fields: Any) -> VideoRequest:
    """Make a request.

    Args:
        asked: a request, a prompt, or a mapping of fields.
        **fields: further fields; they replace those of ``asked``.

    Raises:
        InvalidRequest: it is always wrong, or a field is not one of a request.
    """
    if isinstance(asked, VideoRequest):
        return asked.evolve(**fields) if fields else asked
    if isinstance(asked, str):
        given: dict[str, Any] = {"prompt": asked, **fields}
    elif isinstance(asked, Mapping):
        given = {**asked, **fields}
    else:
        limit = "must be a VideoRequest, a prompt, or a mapping of request fields"
        raise InvalidRequest(field="request", value=asked, limit=limit)
    try:
        return VideoRequest(**given)
    except TypeError as error:
        raise InvalidRequest(str(error), field="request", value=sorted(map(str, given))) from error

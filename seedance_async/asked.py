"""What a caller asks for, in any of the forms that are taken, as one VideoRequest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from seedance_async.errors import InvalidRequest
from seedance_async.request import VideoRequest

__all__ = ["Asked", "as_request"]

_NAMES: Final = tuple(VideoRequest.__annotations__)

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
        _check_names(fields)
        return asked.evolve(**fields) if fields else asked
    if isinstance(asked, str):
        given: dict[str, Any] = {"prompt": asked, **fields}
    elif isinstance(asked, Mapping):
        given = {**asked, **fields}
    else:
        limit = "must be a VideoRequest, a prompt, or a mapping of request fields"
        raise InvalidRequest(field="request", value=asked, limit=limit)
    _check_names(given)
    return VideoRequest(**given)


def _check_names(given: Mapping[Any, Any]) -> None:
    """Refuse fields that a request does not have, with the one that was probably meant."""
    for name, value in given.items():
        if name in _NAMES:
            continue
        from difflib import get_close_matches

        meant = get_close_matches(str(name), _NAMES, n=1)
        hint = f" (did you mean {meant[0]}?)" if meant else ""
        limit = (
            f"there is no such field{hint}; body fields that this version does not know go into extra_body"
        )
        raise InvalidRequest(field=str(name), value=value, limit=limit)

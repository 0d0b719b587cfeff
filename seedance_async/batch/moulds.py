"""Requests that differ only in what no rule compares: the first is checked and built, the others are cast.

Checking a request takes longer than everything else that a finished job costs, and the rows of a long input
mostly say the same about everything but prompt, seed and picture. Whatever this module is not sure of it
leaves to the ordinary way.
"""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from json import dumps
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Any, Final, cast

from attrs import frozen

from seedance_async.asked import as_request
from seedance_async.request import VideoRequest
from seedance_async.rules import SCALARS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Moulds"]

_MOST: Final = 1000
_NAMES: Final = tuple(VideoRequest.__annotations__)
_PUT: Final = {name: VideoRequest.__dict__[name].__set__ for name in _NAMES}
"""What puts a value into a field of a request, which is frozen for everybody else."""

_PLAIN: Final = frozenset({str, int, bool, type(None)})
_FIXED: Final = frozenset({*SCALARS, "model"})


def _is_text(value: object) -> bool:
    """Tell a text that every rule for texts takes."""
    if type(value) is not str or not value or value.isspace():
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_name(value: object) -> bool:
    """Tell a text that is short enough for an identifier (api docs 1520757: 64 characters)."""
    return type(value) is str and len(value) <= 64 and _is_text(value)  # noqa: PLR2004 - said above


def _is_url(value: object) -> bool:
    """Tell an input that the server fetches."""
    return type(value) is str and value.startswith(("https://", "http://", "asset://"))


def _is_seed(value: object) -> bool:
    """Tell a seed that every model takes (api docs 1520757)."""
    return type(value) is int and -1 <= value < 1 << 32


_FREE: Final[Mapping[str, Callable[[object], bool]]] = {
    "prompt": _is_text,
    "seed": _is_seed,
    "image": _is_url,
    "first_frame": _is_url,
    "last_frame": _is_url,
    "callback_url": _is_text,
    "safety_identifier": _is_name,
}
"""Fields that are good or bad by themselves: the rules about several fields ask only whether they are set."""


@frozen(kw_only=True)
class _Mould:
    """All that requests of one shape have in common.

    Attributes:
        values: every field of a request.
        pieces: the canonical JSON text of its body between the free values, which stand in ``order``.
        order: names of the free fields.
    """

    values: Mapping[str, Any]
    pieces: tuple[str, ...]
    order: tuple[str, ...]

    def request(self, free: Mapping[str, Any]) -> VideoRequest:
        """Cast a request: fields that were checked already are put in place without asking the rules."""
        request = VideoRequest.__new__(VideoRequest)
        for name, value in self.values.items():
            _PUT[name](request, value)
        for name, value in free.items():
            _PUT[name](request, value)
        return request

    def digest(self, free: Mapping[str, Any]) -> str:
        """Give the digest of such a request."""
        text = self.pieces[0]
        for name, piece in zip(self.order, self.pieces[1:], strict=True):
            value = free[name]
            text += (encode_basestring_ascii(value) if isinstance(value, str) else str(value)) + piece
        return sha256(text.encode("ascii")).hexdigest()


class Moulds:
    """The shapes that one run has seen."""

    def __init__(self) -> None:
        self._known: dict[object, _Mould] = {}

    def make(self, fields: Mapping[str, Any]) -> tuple[VideoRequest, Callable[[], str]]:
        """Make a request of its fields; gives also what gives its digest.

        Raises:
            InvalidRequest: it is always wrong, or a field is not one of a request.
        """
        shape, free = _parted(fields)
        mould = self._known.get(shape) if shape is not None else None
        if mould is not None:
            return mould.request(free), partial(mould.digest, free)
        request = as_request(fields)
        if shape is not None and len(self._known) < _MOST:
            self._learn(shape, free, request)
        return request, request.digest

    def _learn(self, shape: object, free: Mapping[str, Any], request: VideoRequest) -> None:
        """Keep the shape of a request that was checked; a mould that does not give back its model is none."""
        mould = _mould(request, free)
        if mould is not None and mould.digest(free) == request.digest() and mould.request(free) == request:
            self._known[shape] = mould


def _parted(fields: Mapping[str, Any]) -> tuple[object, dict[str, Any]]:
    """Part fields into what makes the shape and what is free; the shape is None where they are unusual."""
    free: dict[str, Any] = {}
    fixed: list[object] = []
    for name, value in fields.items():
        good = _FREE.get(name)
        if good is not None and good(value):
            free[name] = value
        elif name in _FIXED and type(value) in _PLAIN:
            # With its type, for True equals 1, and no rule takes it for that.
            fixed.append((name, cast("object", type(value)), value))
        else:
            return None, free
    return (tuple(free), tuple(fixed)), free


def _mould(request: VideoRequest, free: Mapping[str, Any]) -> _Mould | None:
    """Make a mould, or None where the free values do not stand in the body once each."""
    values = {name: getattr(request, name) for name in _NAMES}
    marks = {name: f"mould://{name}" for name in free}
    blank = _Mould(values=values, pieces=(), order=()).request(marks)
    text = dumps(blank.to_body(), sort_keys=True, separators=(",", ":"))
    places = sorted((text.find(f'"{mark}"'), name) for name, mark in marks.items())
    pieces: list[str] = []
    for _, name in places:
        before, mark, text = text.partition(f'"{marks[name]}"')
        if not mark or f'"{marks[name]}"' in text:
            return None
        pieces.append(before)
    return _Mould(values=values, pieces=(*pieces, text), order=tuple(name for _, name in places))

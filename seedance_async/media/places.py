"""Who has which place in this process: a name is kept from before a submit until its video lies there.

What lies on disk already is seen there. This is about videos that were ordered, or are about to be, and are
not there yet: of two for one name the second would be paid for and have no place.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

from attrs import define, field

from seedance_async.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Places", "arriving"]

_ENDING: Final = re.compile(r"\.(mp4|mov)$", re.IGNORECASE)


@define(eq=False)
class _Tenant:
    """Who has a place: a job that keeps it, a task whose video is on the way there, or both."""

    name: str
    kept: bool
    task_id: str = ""


_tenants: Final[dict[str, _Tenant]] = {}
"""By place. One for the whole process: sessions and batches write into the same folders."""


@define(eq=False)
class Places:
    """The places that one run keeps for its jobs; the end of its block gives all of them back."""

    _kept: dict[str, tuple[str, _Tenant]] = field(factory=dict[str, tuple[str, _Tenant]], init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for key in list(self._kept):
            self.give_back(key)

    def keep(self, where: str, key: str, *, name: str) -> None:
        """Keep a place for a job; again for the same job does nothing.

        Args:
            where: folder and name of the video.
            key: the job.
            name: what the job is called in the errors of others.

        Raises:
            InvalidRequest: another has the place.
        """
        spot = _spot(where)
        if self._kept.get(key, ("", None))[0] == spot:
            return
        tenant = _Tenant(name, kept=True)
        if (other := _tenants.setdefault(spot, tenant)) is not tenant:
            limit = (
                f"is the place of {other.name}, whose video is not there yet, so nothing was sent: choose"
                " another name, or a template with {key} in it"
            )
            raise InvalidRequest(field="save_to", value=where, limit=limit)
        self._kept[key] = spot, tenant

    def give_back(self, key: str) -> None:
        """Let others have the place of a job: its video is there, or there will be none."""
        if key in self._kept:
            spot, tenant = self._kept.pop(key)
            tenant.kept = False
            _leave(spot, tenant)


@contextmanager
def arriving(where: str, task_id: str) -> Generator[str | None]:
    """Take a place for a video that is on its way there; one that is only expected comes after it.

    Yields:
        None, or the other task whose video is on its way there already.
    """
    spot = _spot(where)
    tenant = _tenants.setdefault(spot, _Tenant(f"task {task_id}", kept=False))
    if tenant.task_id:
        yield tenant.task_id if tenant.task_id != task_id else None
        return
    tenant.task_id = task_id
    try:
        yield None
    finally:
        tenant.task_id = ""
        _leave(spot, tenant)


def _leave(spot: str, tenant: _Tenant) -> None:
    """Free a place that nobody keeps and nothing arrives at."""
    if not tenant.kept and not tenant.task_id:
        del _tenants[spot]


def _spot(where: str) -> str:
    """Give a place without the ending of its file, which a job that is not ordered yet may not know."""
    return _ENDING.sub("", os.path.normpath(where))

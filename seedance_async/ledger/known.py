"""Which tasks are accounted for: searches drop them, and they bear witness that a list is alive."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from attrs import define, field

__all__ = ["KnownTasks"]

_KEPT: Final = 200_000


@define
class KnownTasks:
    """Ids of tasks whose submit is settled, the youngest last; the oldest are forgotten beyond 200,000.

    The server lists 7 days; at 600 creates a minute 200,000 are five and a half hours, and a search looks
    back minutes.
    """

    _ids: OrderedDict[str, None] = field(factory=OrderedDict)

    def add(self, task_id: str) -> None:
        """This task belongs to a submit."""
        self._ids[task_id] = None
        while len(self._ids) > _KEPT:
            self._ids.popitem(last=False)

    def __contains__(self, task_id: object) -> bool:
        return task_id in self._ids

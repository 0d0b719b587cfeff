"""Submits of this session that nobody waits for yet."""

from __future__ import annotations

from attrs import define, field

__all__ = ["Submit", "Submits"]

_REMEMBERED = 50_000


@define
class Submit:
    """When and for which tier a task was accepted, and whether a callback has told of it since."""

    at: float
    tier: str | None
    hinted: bool = False


@define
class Submits:
    """Remembers submits until somebody waits for their tasks; the oldest are forgotten first."""

    _submits: dict[str, Submit] = field(factory=dict[str, Submit], init=False)

    def note(self, task_id: str, tier: str | None, now: float) -> None:
        """Remember a task that was accepted just now."""
        self._submits[task_id] = Submit(now, tier)
        if len(self._submits) > _REMEMBERED:
            del self._submits[next(iter(self._submits))]

    def hint(self, task_id: str) -> None:
        """Note that a callback told of a task."""
        if task_id in self._submits:
            self._submits[task_id].hinted = True

    def take(self, task_id: str) -> Submit | None:
        """Give and forget the submit of a task."""
        return self._submits.pop(task_id, None)

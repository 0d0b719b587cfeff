"""Which tasks are accounted for: searches drop them, and they bear witness that a list is alive."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from attrs import define, field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seedance_async.ledger.intents import Intent

__all__ = ["KnownTasks", "tier_of"]

_KEPT: Final = 200_000


def tier_of(intent: Intent) -> str:
    """Give the service tier of a submit; ``default`` where none is named (api docs 1520757)."""
    return str(intent.facts.get("service_tier") or "default")


@frozen(kw_only=True)
class _Owner:
    """Whose task it is: the POST, named by key and moment; its tier, and when we learned of the task."""

    post: tuple[str, float]
    tier: str
    since: float


@define
class KnownTasks:
    """Tasks whose submit is settled, the youngest last; the oldest are forgotten beyond 200,000.

    The server lists 7 days; at 600 creates a minute 200,000 are five and a half hours, and a search looks
    back minutes.
    """

    _owners: OrderedDict[str, _Owner] = field(factory=OrderedDict[str, _Owner], init=False)
    _ids: dict[tuple[str, float], str] = field(factory=dict[tuple[str, float], str], init=False)

    def add(self, task_id: str, intent: Intent, *, now: float) -> None:
        """This task belongs to this POST; ``now`` is Unix seconds on our clock."""
        post = (intent.key, intent.sent_at)
        self._owners[task_id] = _Owner(post=post, tier=tier_of(intent), since=now)
        self._ids[post] = task_id
        while len(self._owners) > _KEPT:
            _, oldest = self._owners.popitem(last=False)
            self._ids.pop(oldest.post, None)

    def task_of(self, intent: Intent) -> str | None:
        """Give the task of this very POST, or None."""
        return self._ids.get((intent.key, intent.sent_at))

    def tier(self, task_id: str) -> str | None:
        """Give the service tier of a known task, or None."""
        owner = self._owners.get(task_id)
        return owner.tier if owner is not None else None

    def learned_between(self, since: float, until: float, *, tier: str) -> Iterator[str]:
        """Give the tasks of a tier that we learned of in this time (Unix seconds here), youngest first."""
        for task_id, owner in reversed(self._owners.items()):
            if owner.since < since:
                return
            if owner.since <= until and owner.tier == tier:
                yield task_id

    def __contains__(self, task_id: object) -> bool:
        return task_id in self._owners

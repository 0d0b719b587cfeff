"""Which tasks are accounted for: searches drop them, and they bear witness that a list is alive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import define, field

from seedance_async.ledger.window import SLACK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seedance_async.ledger.intents import Intent

__all__ = ["KnownTasks", "tier_of"]

_GENERATION: Final = 50_000
_DEFAULT: Final = "default"


def tier_of(intent: Intent) -> str:
    """Give the service tier of a submit; ``default`` where none is named (api docs 1520757)."""
    return str(intent.facts.get("service_tier") or _DEFAULT)


def _post(intent: Intent) -> int:
    """Name a POST by its key and moment; the number, because 100,000 pairs take three times the memory."""
    return hash((intent.key, intent.sent_at))


@define
class _Generation:
    """Tasks of one time, and no object per task: since when they are known, those that we learned of long
    after their POST, their POSTs, unusual tiers.
    """

    since: dict[str, float] = field(factory=dict[str, float])
    late: set[str] = field(factory=set[str])
    posts: dict[int, str] = field(factory=dict[int, str])
    tiers: dict[str, str] = field(factory=dict[str, str])


@define
class KnownTasks:
    """Tasks whose submit is settled: the youngest 50,000 at least, and 100,000 at most, in some 25 MB.

    At 600 creates a minute 50,000 are 83 minutes, and a search lasts half an hour
    (``RetryPolicy.reconcile_budget``). A fingerprint comes again after 21,600 others at the earliest, so a
    younger task with the fingerprint of one that is searched is still known.
    """

    _young: _Generation = field(factory=_Generation, init=False)
    _old: _Generation = field(factory=_Generation, init=False)

    def add(self, task_id: str, intent: Intent, *, now: float) -> None:
        """This task belongs to this POST; ``now`` is Unix seconds on our clock."""
        if len(self._young.since) >= _GENERATION and task_id not in self._young.since:
            # A task and its POST go together: a search for a POST without its task would not find it.
            self._young, self._old = _Generation(), self._young
        self._young.since[task_id] = now
        if not 0.0 <= now - intent.sent_at <= SLACK:
            self._young.late.add(task_id)
        self._young.posts[_post(intent)] = task_id
        tier = tier_of(intent)
        if tier != _DEFAULT:
            self._young.tiers[task_id] = tier

    def task_of(self, intent: Intent) -> str | None:
        """Give the task of this very POST, or None."""
        post = _post(intent)
        return self._young.posts.get(post) or self._old.posts.get(post)

    def created_about(self, task_id: str) -> float | None:
        """Give when a known task was created (Unix seconds here), or None when that is not known to SLACK."""
        for generation in (self._young, self._old):
            if task_id in generation.since:
                return None if task_id in generation.late else generation.since[task_id]
        return None

    def tier(self, task_id: str) -> str | None:
        """Give the service tier of a known task, or None."""
        if task_id in self._young.since:
            return self._young.tiers.get(task_id, _DEFAULT)
        return self._old.tiers.get(task_id, _DEFAULT) if task_id in self._old.since else None

    def learned_between(self, since: float, until: float, *, tier: str) -> Iterator[str]:
        """Give the tasks of a tier that we learned of in this time (Unix seconds here), youngest first."""
        for generation in (self._young, self._old):
            for task_id, learned in reversed(generation.since.items()):
                if learned < since:
                    return
                if learned <= until and generation.tiers.get(task_id, _DEFAULT) == tier:
                    yield task_id

    def __contains__(self, task_id: object) -> bool:
        return task_id in self._young.since or task_id in self._old.since

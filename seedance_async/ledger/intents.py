"""What must be durable about a submit: one interface for memory, the journal and shared stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from attrs import field, frozen

from seedance_async.errors import SubmitUncertain

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from seedance_async.errors import SeedanceError
    from seedance_async.models import VideoTask

__all__ = ["Intent", "IntentStore", "MemoryIntents", "SharedIntents", "uncertain_of"]


@frozen(kw_only=True)
class Intent:
    """One POST that is about to go out: all that is needed to find its task again.

    Attributes:
        key: the caller's (or a drawn) key of the submit; one key never has two tasks.
        attempt: 1 for the first POST of this key.
        fingerprint: the ``execution_expires_after`` that this POST carries, or None.
        facts: body fields that a task record may echo (model, seed, duration, ratio, ...).
        sent_at: Unix seconds on our wall clock, just before the POST.
        until: Unix seconds after which the POST cannot be accepted any more.
        clock_offset: the server's clock minus ours in seconds, as known when it was sent.
        elsewhere: it was sent with another key than this one: the list of another account need not show it,
            so that it can be found and never ruled out.
    """

    key: str
    attempt: int = 1
    fingerprint: int | None = None
    facts: Mapping[str, Any] = field(factory=dict[str, Any])
    sent_at: float = 0.0
    until: float = 0.0
    clock_offset: float = 0.0
    elsewhere: bool = False


def uncertain_of(intent: Intent, why: str, candidates: Sequence[VideoTask] = ()) -> SubmitUncertain:
    """Make the error that says all that is known of a submit whose end is not."""
    return SubmitUncertain(
        f"Submit {intent.key!r} may have been accepted: {why.rstrip('.')}.",
        key=intent.key,
        sent_at=intent.sent_at,
        until=intent.until,
        fingerprint=intent.fingerprint,
        facts=intent.facts,
        clock_offset=intent.clock_offset,
        candidates=candidates,
    )


class IntentStore(Protocol):
    """Keeps what became of each submit; a method returns when its fact is as durable as the store gets."""

    async def sending(self, intent: Intent) -> None:
        """A POST goes out next; after a crash in between, the key counts as uncertain."""

    async def accepted(self, key: str, task_id: str) -> None:
        """The server has this task for the key."""

    async def refused(self, key: str, error: SeedanceError) -> None:
        """The server said no, or the request surely never reached it; nothing exists, nothing is billed."""

    async def absent(self, key: str) -> None:
        """It is proven that the POST was not accepted: the key may be submitted again."""

    async def uncertain(self, key: str, error: SeedanceError) -> None:
        """It stays unknown whether a task exists."""

    async def find(self, key: str) -> Intent | None:
        """Give the last intent of a key that is not settled (sending or uncertain), or None."""

    async def owners(self, task_ids: Collection[str]) -> Mapping[str, str]:
        """Give the keys of those tasks that the store knows: a search must not take them for others'."""
        ...


@runtime_checkable
class SharedIntents(IntentStore, Protocol):
    """An intent store that several machines write: what others have open matters to a search here."""

    async def has_twin(self, intent: Intent) -> bool:
        """Tell whether an open submit of another key looks the same in a list."""
        ...


@frozen(kw_only=True)
class MemoryIntents:
    """Keeps open intents in memory, for sessions without a journal; gone with the process."""

    open: dict[str, Intent] = field(factory=dict[str, "Intent"])

    async def sending(self, intent: Intent) -> None:
        """Remember the intent until it is settled."""
        self.open[intent.key] = intent

    async def accepted(self, key: str, task_id: str) -> None:  # noqa: ARG002 - memory keeps open intents only
        """Forget the intent: the caller holds the task."""
        self.open.pop(key, None)

    async def refused(self, key: str, error: SeedanceError) -> None:  # noqa: ARG002 - as above
        """Forget the intent: nothing exists."""
        self.open.pop(key, None)

    async def absent(self, key: str) -> None:
        """Forget the intent: nothing exists."""
        self.open.pop(key, None)

    async def uncertain(self, key: str, error: SeedanceError) -> None:
        """Keep the intent, so that ``session.reconcile(key)`` can go on."""

    async def find(self, key: str) -> Intent | None:
        """Give the open intent of the key, or None."""
        return self.open.get(key)

    async def owners(self, task_ids: Collection[str]) -> Mapping[str, str]:  # noqa: ARG002 - as above
        """Give nothing: the session itself remembers the tasks of settled submits."""
        return {}

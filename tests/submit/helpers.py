"""A simulated server, a session that talks to it, and what the session said meanwhile."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import field, frozen

from seedance_async import AccountLimits, PollPolicy, RetryPolicy, SeedanceSession
from seedance_async.events import Event
from seedance_async.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

KEY = "sk-test-0123456789abcdef"

E = TypeVar("E", bound=Event)


@frozen(kw_only=True)
class Stand:
    """One server and one client.

    Attributes:
        sim: the server, with its ledger.
        session: the client.
        events: all that the client's observer was told.
    """

    sim: Simulator
    session: SeedanceSession
    events: list[Event] = field(factory=list[Event])

    def told(self, kind: type[E]) -> list[E]:
        """Give the events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    async def submit(self, prompt: str = "a cat surfing", **fields: Any) -> str:
        """Submit a cheap prompt and give the id of its task."""
        given: dict[str, Any] = {"duration": 4, "resolution": "480p", **fields}
        task = await self.session.submit(prompt, **given)
        return task.id


@asynccontextmanager
async def standing(
    *, prefix: str = "ark", session: dict[str, Any] | None = None, **sim: Any
) -> AsyncGenerator[Stand]:
    """Start both; no limits of ours, so that a test sees only what it asks for."""
    played: dict[str, Any] = {"work_seconds": 5.0, **sim}
    async with Simulator(**played) as server:
        events: list[Event] = []
        given: dict[str, Any] = {
            "limits": AccountLimits.unlimited(),
            "retry": RetryPolicy(),
            "poll": PollPolicy(interval=1.0),
            **(session or {}),
        }
        url = server.kkiai_url if prefix == "kkiai" else server.base_url
        async with SeedanceSession(KEY, url, observer=events.append, **given) as client:
            yield Stand(sim=server, session=client, events=events)

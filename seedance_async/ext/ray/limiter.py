"""The account's limiter: one named actor on the head node, and how a worker asks it."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from typing import TYPE_CHECKING, Any, Final

from seedance_async._wire import clock
from seedance_async.errors import InvalidRequest, LimiterUnavailable
from seedance_async.ext.ray.desk import RENEW_SECONDS, AccountDesk, numbers_of
from seedance_async.ext.ray.library import load_ray

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from seedance_async.settings import AccountLimits

__all__ = ["ClusterLimiter", "find_limiter", "limiter_for"]

NAMESPACE: Final = "seedance"
"""The Ray namespace of the limiter, whatever that of the driver: several pipelines share one account."""
_HEAD: Final = "node:__internal_head__"
_AT_ONCE: Final = 1000
_PATIENCE_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 0.5


class LimiterActor(AccountDesk):
    """The desk as an actor; it knows when Ray has started it anew."""

    def __init__(self, limits: AccountLimits, *, replacing: bool = False) -> None:
        restarted = bool(load_ray().get_runtime_context().was_current_actor_reconstructed)
        super().__init__(limits, replacing=replacing or restarted)


def find_limiter(account: str, limits: AccountLimits, *, replacing: bool = False) -> Any:
    """Give the handle of the account's limiter, starting it where there is none.

    It is put on the head node, and stays there: without that node there is no cluster. It lives as long as
    somebody holds a handle, and is started again when its process dies.

    Args:
        account: names the account on this cluster.
        limits: what the account may do, for a limiter that is started now.
        replacing: whether an earlier one was lost.
    """
    ray = load_ray()
    head = next(node["NodeID"] for node in ray.nodes() if node["Alive"] and _HEAD in node["Resources"])
    affinity = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(head, soft=False)
    actor = ray.remote(LimiterActor).options(
        name=f"seedance-limiter-{account}",
        namespace=NAMESPACE,
        get_if_exists=True,
        num_cpus=0,
        max_restarts=-1,
        max_task_retries=-1,
        max_concurrency=_AT_ONCE,
        scheduling_strategy=affinity,
    )
    return actor.remote(limits, replacing=replacing)


def limiter_for(account: str, limits: AccountLimits) -> Any:
    """Give the handle of the account's limiter, and make sure that it has these limits.

    Raises:
        InvalidRequest: another pipeline has started it with other limits: one of the two is wrong.
    """
    actor = find_limiter(account, limits)
    theirs, ours = load_ray().get(actor.limits.remote()), numbers_of(limits)
    if theirs != ours:
        limit = f"must be those that account {account!r} has on this cluster: {theirs}"
        raise InvalidRequest(field="limits", value=ours, limit=limit)
    return actor


class ClusterLimiter:
    """What a worker's session asks for permits: a ``SharedLimiter`` that speaks to the actor.

    Use it with ``async with``, on the loop of the session. While it is open it renews the worker's lease.

    Args:
        actor: handle of the limiter.
        account: names the account on this cluster.
        limits: what the account may do.
    """

    def __init__(self, actor: Any, account: str, limits: AccountLimits) -> None:
        self._actor = actor
        self._account = account
        self._limits = limits
        self._owner = uuid.uuid4().hex
        self._keys: set[str] = set()
        self._renewing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._renewing = asyncio.create_task(self._renew(), name="renew the lease at the limiter")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait([self._renewing])
        with contextlib.suppress(LimiterUnavailable):
            await self._ask("leave", self._owner)

    async def turn(self, route: str) -> float:
        """Take the account's next turn; gives the seconds until it."""
        seconds: float = await self._ask("turn", self._owner, route)
        return seconds

    async def slow_down(self, route: str, hold: float) -> None:
        """Tell all workers that a 429 came."""
        await self._ask("slow_down", route, hold)

    async def take_slot(self, key: str) -> bool:
        """Count a job as alive if the account has room."""
        given: bool = await self._ask("take_slot", self._owner, key)
        if given:
            self._keys.add(key)
        return given

    async def give_slot(self, key: str) -> None:
        """Count a job no longer."""
        self._keys.discard(key)
        await self._ask("give_slot", key)

    async def meet(self, place: str, word: str) -> str:
        """Agree with all workers on one word for a place."""
        agreed: str = await self._ask("meet", place, word)
        return agreed

    async def _renew(self) -> None:
        """Show that this worker lives, and what it holds."""
        while True:
            with contextlib.suppress(LimiterUnavailable):
                await self._ask("renew", self._owner, list(self._keys))
            await clock.sleep(RENEW_SECONDS)

    async def _ask(self, method: str, *args: Any) -> Any:
        """Call the actor; while it is being restarted its answers take a moment.

        Raises:
            LimiterUnavailable: it cannot be reached.
        """
        errors = load_ray().exceptions
        until = clock.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return await getattr(self._actor, method).remote(*args)
            except errors.RayError as error:
                if clock.monotonic() >= until or not isinstance(error, errors.RayActorError):
                    raise LimiterUnavailable(f"The limiter of {self._account!r}: {error}") from error
            await clock.sleep(_PAUSE_SECONDS)
            await self._find_again()

    async def _find_again(self) -> None:
        """Take the actor that is there now: the one that we knew may have ended with the pipeline before."""
        errors = load_ray().exceptions
        with contextlib.suppress(errors.RayError, ValueError, StopIteration):
            self._actor = await asyncio.to_thread(find_limiter, self._account, self._limits, replacing=True)

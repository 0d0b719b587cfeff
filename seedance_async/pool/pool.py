"""A pool of accounts: one batch over all of them, each job on one."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from seedance_async.batch.source import Source
from seedance_async.errors import InvalidRequest
from seedance_async.ledger.journal import Journal
from seedance_async.pool.accounts import Account, Lane
from seedance_async.pool.running import PooledRun

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, AsyncIterable, Collection, Iterable, Sequence
    from types import TracebackType

    from seedance_async.batch import Job, OnFailure, StopSwitch
    from seedance_async.outcomes import Outcome, OutcomeKind

__all__ = ["AccountPool"]


class AccountPool:
    """Several accounts as one: ``async with AccountPool([...]) as pool`` and then ``pool.run_many(...)``.

    Every account keeps what is its own: key, connections, limits, budget, breaker and journal. A task is only
    ever looked at, fetched or reconciled with the key of the account that made it.

    Attributes:
        accounts: the accounts.
    """

    def __init__(self, accounts: Iterable[Account]) -> None:
        """Take the accounts; their sessions are opened with the pool and closed with it.

        Raises:
            InvalidRequest: there is none, or two have the same name or the same session.
        """
        self.accounts: Sequence[Account] = tuple(accounts)
        self._stack = AsyncExitStack()
        if not self.accounts:
            raise InvalidRequest(field="accounts", limit="must hold at least one account")
        names = [account.name.lower() for account in self.accounts]
        sessions = [id(account.session) for account in self.accounts]
        for values, what in ((names, "names"), (sessions, "sessions")):
            if len(set(values)) != len(values):
                raise InvalidRequest(field="accounts", value=names, limit=f"must have different {what}")

    async def __aenter__(self) -> Self:
        for account in self.accounts:
            await self._stack.enter_async_context(account.session)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def run_many(
        self,
        requests: Iterable[Job] | AsyncIterable[Job],
        *,
        journals: str | os.PathLike[str] | None = None,
        save_to: str | os.PathLike[str] | None = None,
        concurrency: int | None = None,
        on_failure: OnFailure = None,
        retry_failed: bool | Collection[OutcomeKind | str] = False,
        stop: StopSwitch | None = None,
    ) -> AsyncGenerator[Outcome]:
        """Run many prompts on all accounts and give an Outcome for each as it ends.

        A job goes to the account that has room first, and stays with it: what an account has begun in an
        earlier run is gone on with there. An account whose key is refused (401), that is told to stop
        (arrears, quota) or has spent its budget gets no new jobs; those that it was given and never sent go
        to others. A job that may have been sent never does.

        Args:
            requests: as for :func:`seedance_async.batch.run_many`, without links of chains.
            journals: a folder with one journal for each account, ``<name>.db``; made when it does not exist.
                None keeps nothing. An account whose journal lies there must be in the pool.
            save_to: a folder or template as in ``run_many``; name videos by ``{key}`` or ``{task_id}``.
            concurrency: prompts worked on at once on each account.
            on_failure: as in ``run_many``, for each account by itself.
            retry_failed: as in ``run_many``.
            stop: stops all accounts.

        Yields:
            One Outcome per job that was read.

        Raises:
            InvalidRequest: an argument is not valid, or the folder holds the journal of a stranger.
            JournalLocked: another process owns a journal.
            JournalError: a journal cannot be opened.
        """
        if save_to is not None and "{index" in str(save_to):
            limit = "must name videos by {key} or {task_id}: each account counts its own jobs"
            raise InvalidRequest(field="save_to", value=str(save_to), limit=limit)
        how: dict[str, Any] = {"save_to": save_to, "on_failure": on_failure, "retry_failed": retry_failed}
        async with AsyncExitStack() as stack:
            source = await stack.enter_async_context(Source(requests))
            lanes = await self._lanes(stack, journals)
            run = PooledRun(source=source, lanes=lanes, how=how, concurrency=concurrency, stop=stop)
            outcomes = await stack.enter_async_context(aclosing(run.outcomes()))
            async for outcome in outcomes:
                yield outcome

    async def _lanes(self, stack: AsyncExitStack, journals: str | os.PathLike[str] | None) -> list[Lane]:
        """Open the journals."""
        if journals is None:
            return [Lane(account=account, journal=None) for account in self.accounts]
        folder = Path(journals)
        await asyncio.to_thread(self._check_folder, folder)
        lanes: list[Lane] = []
        for account in self.accounts:
            url = account.session.settings.base_url
            journal = Journal.open(folder / f"{account.name}.db", account=url)
            lanes.append(Lane(account=account, journal=await stack.enter_async_context(journal)))
        return lanes

    def _check_folder(self, folder: Path) -> None:
        """Make the folder; refuse one where somebody may have ordered what we would order again."""
        folder.mkdir(parents=True, exist_ok=True)
        names = {account.name for account in self.accounts}
        strangers = sorted(file.stem for file in folder.glob("*.db") if file.stem not in names)
        if strangers:
            limit = (
                "must hold journals of accounts in the pool only: what others began would be ordered again"
            )
            raise InvalidRequest(field="journals", value=strangers, limit=limit)

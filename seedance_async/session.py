"""The session: one account's key, connections, limits and watcher, held together. Wiring only."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedance_async.asked import as_request
from seedance_async.events import log_event
from seedance_async.ledger.intents import Intent, MemoryIntents
from seedance_async.looking import Looking
from seedance_async.media.inputs import resolve
from seedance_async.models import VideoTask
from seedance_async.ordering import free_place, paid_for, place, resume_search
from seedance_async.outcomes import Outcome, OutcomeKind
from seedance_async.settings import AccountLimits, PollPolicy, RetryPolicy, Timeouts
from seedance_async.waiting import wait_for
from seedance_async.watching.listeners import WaitLimits
from seedance_async.wiring import Settings, find_base_url, find_key, is_key_of_ark, warn_of_key_of_ark

if TYPE_CHECKING:
    import os
    from collections.abc import (
        AsyncGenerator,
        AsyncIterable,
        Callable,
        Collection,
        Container,
        Iterable,
    )

    import aiohttp

    from seedance_async import batch
    from seedance_async.callbacks import CallbackReceiver
    from seedance_async.carrier import Carrier
    from seedance_async.errors import SubmitUncertain
    from seedance_async.events import Observer
    from seedance_async.ledger.intents import IntentStore
    from seedance_async.ledger.journal import Journal
    from seedance_async.request import VideoRequest
    from seedance_async.settings import Budget

__all__ = ["SeedanceSession"]


class SeedanceSession(Looking):
    """Submits, watches and fetches Seedance videos on one account.

    Use it with ``async with``. Everything opens at the first call and closes with the block. One session
    belongs to one event loop; many coroutines may use it at once.
    """

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        http: aiohttp.ClientSession | None = None,
        transport: Carrier | None = None,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        poll: PollPolicy | None = None,
        limits: AccountLimits | None = None,
        observer: Observer | None = None,
        callbacks: CallbackReceiver | None = None,
    ) -> None:
        """Take the settings; nothing is opened or sent.

        Args:
            api_key: the key; else the environment variable SEEDANCE_API_KEY, else ARK_API_KEY (with a warning
                when no address is given either).
            base_url: address of the API without the route; else SEEDANCE_BASE_URL, else the gateway kkiai.
                :mod:`seedance_async.settings` has KKIAI, ARK and BYTEPLUS.
            http: an aiohttp session to borrow; it is never closed here. Without it the session owns its
                connections.
            transport: carries the requests in place of HTTP connections, and is closed with the session:
                one per session. See :class:`seedance_async.carrier.Carrier`.
            timeouts: see :class:`Timeouts`.
            retry: see :class:`RetryPolicy`.
            poll: see :class:`PollPolicy`.
            limits: see :class:`AccountLimits`; share one instance between sessions of one account.
            observer: called with every event; None logs them.
            callbacks: a receiver whose address every submit carries as ``callback_url``.

        Raises:
            MissingApiKey: there is no key.
            InvalidRequest: a setting is not valid, or both ``http`` and ``transport`` are given.
        """
        settings = Settings(
            api_key=find_key(api_key),
            base_url=find_base_url(base_url),
            http=http,
            transport=transport,
            timeouts=timeouts or Timeouts(),
            retry=retry or RetryPolicy(),
            poll=poll or PollPolicy(),
            limits=limits or AccountLimits(),
            observer=observer or log_event,
        )
        if is_key_of_ark(api_key, base_url):
            warn_of_key_of_ark()
        super().__init__(settings, callbacks)
        self._intents = MemoryIntents()

    # -- the paid call

    async def submit(
        self, request: VideoRequest | str, /, *, key: str | None = None, **fields: Any
    ) -> VideoTask:
        """Order one video; it is ordered once, whatever happens to the answer.

        Args:
            request: a VideoRequest, or a prompt with the request's other fields as keywords.
            key: names this submit in events, errors and :meth:`reconcile`; drawn when None.
            **fields: fields of VideoRequest; with a VideoRequest they replace its own.

        Returns:
            The task, as the server answered it: usually an id and a status that is not final.

        Raises:
            InvalidRequest: it is always wrong; nothing was sent.
            RequestRefused: the server said no; nothing is billed.
            ConnectionFailed: the server could not be reached; nothing is billed.
            SubmitUncertain: a task may exist and bill; see :meth:`reconcile`.
        """
        wanted = await self.prepare(request, **fields)
        return await self.order(wanted, key=key or secrets.token_hex(16), intents=self._intents)

    async def prepare(self, request: VideoRequest | str, /, **fields: Any) -> VideoRequest:
        """Check a request and turn its local files into what can be sent; nothing is sent.

        Raises:
            InvalidRequest: it is always wrong.
        """
        wanted = as_request(request, **fields)
        if not wanted.has_local_media:
            return wanted
        return await asyncio.to_thread(resolve, wanted)

    async def order(
        self, request: VideoRequest, *, key: str, intents: IntentStore, known: Container[str] = ()
    ) -> VideoTask:
        """Submit a prepared request under a key, made durable in ``intents``; what batches are built on."""
        core = self._core
        body = request.to_body()
        if self._callbacks is not None:
            body.setdefault("callback_url", self._callbacks.url_for(core.watcher))
        return await place(core, body, key=key, intents=intents, known=known)

    @property
    def uncertain(self) -> tuple[Intent, ...]:
        """Submits of this session whose end is unknown; :meth:`reconcile` goes on with each by its key."""
        return tuple(self._intents.open.values())

    async def reconcile(
        self, key_or_error: str | SubmitUncertain, *, intents: IntentStore | None = None
    ) -> VideoTask | None:
        """Go on looking for the task of an uncertain submit.

        Args:
            key_or_error: the key of the submit, or the error that it raised (also of another session or
                process).
            intents: where the submit was recorded; this session's memory when None.

        Returns:
            The task, or None when it is proven that none was created: then, and only then, submit again.

        Raises:
            SubmitUncertain: it still can be neither found nor ruled out.
            InvalidRequest: nothing is known of this key.
        """
        return await resume_search(self._core, key_or_error, intents or self._intents)

    # -- results

    async def download(
        self,
        task: VideoTask | str,
        save_to: str | os.PathLike[str] = "{task_id}.mp4",
        *,
        overwrite: bool = False,
    ) -> Path:
        """Fetch the video of a succeeded task; it lands whole or not at all.

        Args:
            task: a task, or an id.
            save_to: a file, a folder, or a template with ``{task_id}``.
            overwrite: replace an existing file.

        Raises:
            ResultMissing, TaskFailed, TaskExpired, TaskCancelled: there is no video.
            DownloadFailed: it could not be brought to disk (what arrived is kept and gone on with next time),
                or its name is taken.
        """
        from seedance_async.landing import land_video

        if isinstance(task, VideoTask):
            record = task if task.video_url else await self.get(task.id)
        else:
            record = await self.get(task)
        landed = await land_video(self, record, save_to, overwrite=overwrite)
        return Path(landed.path)

    async def run(
        self,
        request: VideoRequest | str,
        /,
        *,
        save_to: str | os.PathLike[str] | None = None,
        timeout: float | None = None,
        on_update: Callable[[VideoTask], Any] | None = None,
        key: str | None = None,
        **fields: Any,
    ) -> Outcome:
        """Submit, wait and (with ``save_to``) download: one video.

        Args:
            request: a VideoRequest, or a prompt with the request's other fields as keywords.
            save_to: a file, a folder, or a template; None downloads nothing.
            timeout: seconds to wait for the task; None for ever. The task goes on after it.
            on_update: called with every change of the task.
            key: names the submit.
            **fields: fields of VideoRequest.

        Returns:
            An Outcome with ``task`` and ``path``; everything but success raises, and once there is a task
            the error names it.

        Raises:
            InvalidRequest: among others because ``timeout`` is none, or because ``save_to`` is a file that
                exists already, or that another run is about to land; nothing was sent.
        """
        # Made for what it raises: the wait would refuse a wrong timeout only when the video is paid for.
        WaitLimits(total=timeout)
        async with free_place(save_to, key=key):
            wanted = await self.prepare(request, **fields)
            name = key or secrets.token_hex(16)
            task = await self.order(wanted, key=name, intents=self._intents)
            with paid_for(task):
                done = await wait_for(self, task, timeout=timeout, on_update=on_update)
            with paid_for(done):
                path = None if save_to is None else await self.download(done, save_to)
        return Outcome(key=name, kind=OutcomeKind.SUCCEEDED, request=wanted, task=done, path=path)

    def run_many(
        self,
        requests: Iterable[batch.Job] | AsyncIterable[batch.Job],
        *,
        journal: str | os.PathLike[str] | Journal | None = None,
        save_to: str | os.PathLike[str] | None = None,
        budget: Budget | None = None,
        concurrency: int | None = None,
        on_failure: batch.OnFailure = None,
        retry_failed: bool | Collection[OutcomeKind | str] = False,
        stop: batch.StopSwitch | None = None,
        gallery: bool = False,
    ) -> AsyncGenerator[Outcome]:
        """Run many prompts; see :func:`seedance_async.batch.run_many`."""
        from seedance_async import batch

        return batch.run_many(
            self,
            requests,
            journal=journal,
            save_to=save_to,
            budget=budget,
            concurrency=concurrency,
            on_failure=on_failure,
            retry_failed=retry_failed,
            stop=stop,
            gallery=gallery,
        )

    def rescue(
        self,
        *,
        save_to: str | os.PathLike[str],
        journal: str | os.PathLike[str] | Journal | None = None,
    ) -> AsyncGenerator[Outcome]:
        """Fetch paid videos that are not on disk; see :func:`seedance_async.batch.rescue`."""
        from seedance_async import batch

        return batch.rescue(self, save_to=save_to, journal=journal)

"""Callbacks inside your own aiohttp application: results without waiting for the next look.

The server must reach this process under PUBLIC_URL.  A callback only wakes the watcher, which then asks the
server itself, so forged, lost and repeated ones do no harm.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from aiohttp import web

from seedance_async import CallbackReceiver, SeedanceSession, WaitTimeout, wait_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SESSION = web.AppKey("session", SeedanceSession)


async def order(request: web.Request) -> web.Response:
    """POST {"prompt": ...} orders a video and answers with its id."""
    prompt = (await request.json())["prompt"]
    task = await request.app[SESSION].submit(prompt)
    return web.json_response({"id": task.id}, status=202)


async def look(request: web.Request) -> web.Response:
    """GET waits up to 25 seconds for the end; a client simply asks again."""
    try:
        done = await wait_for(
            request.app[SESSION], request.match_info["id"], timeout=25, raise_on_failure=False
        )
    except WaitTimeout:
        return web.json_response({"status": "not yet"}, status=202)
    return web.json_response({"status": done.status.value, "video_url": done.video_url})


def make_app(public_url: str) -> web.Application:
    """Put receiver, session and routes together."""
    app = web.Application()
    receiver = CallbackReceiver(public_url=public_url)
    receiver.add_to(app, "/hooks/seedance")

    async def session(app: web.Application) -> AsyncIterator[None]:
        async with SeedanceSession(callbacks=receiver) as app[SESSION]:
            yield

    app.cleanup_ctx.append(session)
    app.add_routes([web.post("/videos", order), web.get("/videos/{id}", look)])
    return app


if __name__ == "__main__":
    # No access log: it would print the secret path of the callbacks.
    web.run_app(make_app(os.environ["PUBLIC_URL"]), port=8080, access_log=None)

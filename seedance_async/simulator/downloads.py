"""The route of the videos: object storage with signed URLs, apart from the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seedance_async.simulator.exchange import SimAnswer, SimRequest
from seedance_async.simulator.footage import TYPES, Footage
from seedance_async.simulator.refusals import Refusal

if TYPE_CHECKING:
    from seedance_async.simulator.desk import Desk
    from seedance_async.simulator.requestlog import RequestLog
    from seedance_async.simulator.tasks import SimTask


def download(desk: Desk, log: RequestLog, request: SimRequest, name: str, now: float) -> SimAnswer:
    """Answer a request for a file, to be filled by whoever loads footage.

    Raises:
        Refusal: 400 for a request that carries a key, 403 for a bad or expired URL, 404 for an erased result.
    """
    if "authorization" in request.headers:
        log.leaks.append(request.path)
        message = (
            "Only one auth mechanism is allowed: the URL is signed, and there is an Authorization header."
        )
        raise Refusal(status=400, code="InvalidArgument", message=message)
    desk.signer.check(request, name, desk.clock.wall(now))
    stem, _, extension = name.rpartition(".")
    task = desk.world.tasks.get(stem)
    if task is None or task.status != "succeeded" or extension not in TYPES:
        raise Refusal(status=404, code="NoSuchKey", message="The specified key does not exist.")
    _check_ready(desk, task, now)
    wanted = request.headers.get("range", "")
    from_start = not wanted or wanted.startswith("bytes=0-")
    if request.method == "GET" and extension != "png" and from_start:
        _count(desk, task)
    footage = Footage(
        order=task.order,
        kind="still" if extension == "png" else "video",
        range_header=wanted,
        if_range=request.headers.get("if-range", ""),
    )
    return SimAnswer(status=200, headers={"Content-Type": TYPES[extension]}, footage=footage)


def _check_ready(desk: Desk, task: SimTask, now: float) -> None:
    """A fresh URL has answered this for a moment (seen on gateways)."""
    if now < task.changed + desk.world.behaviour.url_ready_seconds:
        raise Refusal(status=400, code="video_not_ready", message="The video is not ready yet.")


def _count(desk: Desk, task: SimTask) -> None:
    """Count a download from the start; 2.5 allows 100 of them (api docs 2607688)."""
    limit = task.order.model.downloads
    if limit is not None and desk.world.behaviour.download_limit and task.downloads >= limit:
        raise Refusal(status=403, code="AccessDenied", message=f"The file has been downloaded {limit} times.")
    task.downloads += 1

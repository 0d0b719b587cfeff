"""A server that repeats the key in what it answers gets it onto no screen, into no file and into no error."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import traceback
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from attrs import define, evolve

from seedance_async import AccountLimits, OutcomeKind, RetryPolicy, SeedanceError, SeedanceSession
from seedance_async._wire.secret import Screen
from seedance_async.errors import AnswerLost, RequestRefused
from seedance_async.events import log_event, together
from seedance_async.in_process import InProcess
from seedance_async.media.gallery import write_gallery
from seedance_async.simulator import Fault, Simulator
from tests.batch.stand import KEY, client, job, run
from tests.submit.helpers import standing

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from seedance_async.carrier import WireResponse
    from seedance_async.events import Event


def echo(route: str = "create", status: int = 400) -> Fault:
    """A refusal that repeats the key."""
    told = f"Incorrect parameter for key Bearer {KEY}"
    return Fault("status", route=route, status=status, message=told, times=None)  # type: ignore[arg-type]


@define(eq=False)
class Gateway(InProcess):
    """A way over a gateway that repeats the key in every answer: in a header, and in a field of its own."""

    async def carry(self, *args: Any, headers: Any, **named: Any) -> WireResponse:
        """Add the key to what the server says."""
        answer = await super().carry(*args, headers=headers, **named)
        key = str(headers["Authorization"])
        names = {**answer.headers, "x-request-id": f"for {key}"}
        body = json.dumps({**json.loads(answer.body or b"{}"), "asked_with": key}).encode()
        return evolve(answer, headers=names, body=body)


def on_disk(folder: Path) -> bytes:
    """Everything below a folder: journals, sidecars, pages, videos."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def told(error: BaseException) -> str:
    """All that an error can be made to say, the local variables of its frames included."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    return "".join([str(error), repr(error), repr(vars(error)), repr(pickle.dumps(error)), *shown])


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_refusal_that_repeats_the_key_leaves_no_trace_of_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Outcome, events, log, journal and gallery of a refused batch hold three stars instead."""
    caplog.set_level(logging.DEBUG)
    events: list[Event] = []
    how = {"journal": tmp_path / "run.db", "save_to": tmp_path}
    observer = together(events.append, log_event)
    async with Simulator(faults=[echo()]) as sim, client(sim, observer=observer) as session:
        outcome = (await run(session, [job("cat")], **how))["cat"]
    page = await write_gallery(tmp_path, journal=how["journal"])
    assert outcome.error is not None
    assert "Bearer ***" in str(outcome.error)
    assert "Bearer ***" in page.read_text(encoding="utf-8")
    logged = "".join(repr(vars(record)) for record in caplog.records)
    assert KEY not in told(outcome.error) + repr(outcome) + repr(events) + logged
    assert KEY.encode() not in on_disk(tmp_path)


@pytest.mark.asyncio
@pytest.mark.looptime
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
async def test_no_error_of_a_call_repeats_the_key(status: int) -> None:
    """Whatever class a status becomes, its text, its fields and its frames are without the key."""
    retry = {"retry": RetryPolicy(attempts=2, budget=5.0, on_uncertain="raise")}
    async with standing(faults=[echo("any", status)], session=retry) as stand:
        for call in (stand.submit(), stand.session.get("cgt-1"), stand.session.delete("cgt-1")):
            with pytest.raises(SeedanceError) as caught:
                await call
            assert KEY not in told(caught.value)
        assert KEY not in repr(stand.events)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_record_that_repeats_the_key_leaves_no_trace_of_it(tmp_path: Path) -> None:
    """A field that this library does not know is kept in record, journal and sidecar, without the key."""
    how = {"journal": tmp_path / "run.db", "save_to": tmp_path}
    limits = AccountLimits.unlimited()
    async with (
        Simulator() as sim,
        SeedanceSession(KEY, sim.base_url, transport=Gateway(sim), limits=limits) as session,
    ):
        outcome = (await run(session, [job("cat")], **how))["cat"]
        sim.add_fault(Fault("status", status=400))
        with pytest.raises(RequestRefused) as refused:
            await session.submit("a cat", duration=4)
    await write_gallery(tmp_path, journal=how["journal"])
    assert outcome.kind is OutcomeKind.SUCCEEDED
    assert outcome.task is not None
    assert outcome.task.raw["asked_with"] == "Bearer ***"
    assert refused.value.request_id == "for Bearer ***"
    assert KEY not in told(refused.value)
    assert b"Bearer ***" in (tmp_path / "cat.mp4.json").read_bytes()
    assert KEY.encode() not in on_disk(tmp_path)


@asynccontextmanager
async def babbling(line: str) -> AsyncGenerator[str]:
    """A server whose answers are no HTTP: they have a broken line among the headers."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\n{line}\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_broken_answer_that_repeats_the_key_is_not_told_as_the_cause() -> None:
    """Aiohttp's error for a line that is no header holds the line; where the key is in it, it goes."""
    retry = RetryPolicy(attempts=1)
    async with (
        babbling(f"no header Bearer {KEY}") as url,
        SeedanceSession(KEY, url, retry=retry) as session,
    ):
        with pytest.raises(AnswerLost) as lost:
            await session.get("cgt-1")
    assert KEY not in told(lost.value)


@pytest.mark.parametrize(
    ("key", "body", "seen"),
    [
        ("sk-0123456789", b'{"m":"sk-0123456789, sk-0123456789"}', b'{"m":"***, ***"}'),
        ("sk/012/3456789", rb'{"m":"sk\/012\/3456789"}', b'{"m":"***"}'),
        ("sk+012/345678=", b"key=sk%2B012%2F345678%3D", b"key=***"),
        ('sk"012345678', rb'{"m":"sk\"012345678"}', b'{"m":"***"}'),
        ("created", b'{"created": 1}', b'{"created": 1}'),
    ],
    ids=["as it is", "JSON of PHP", "in an address", "JSON", "too short"],
)
def test_a_key_is_found_as_servers_spell_it(key: str, body: bytes, seen: bytes) -> None:
    """Escaped by JSON or for an address it is the same key; one below 8 characters could be any word."""
    screen = Screen(key)
    assert screen.body(body) == seen
    assert screen.text(body.decode()) == seen.decode()
    assert key not in repr(screen)

"""The board: what goes on at the server, in a browser under `/_sim/`.

One page without any request to elsewhere. It asks `/_sim/board` again and again, and pushes tasks through the
door's other routes. Everything it shows is set as text, never as markup.
"""

from __future__ import annotations

import secrets
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import define, field

from seedance_async.simulator.data import to_data
from seedance_async.simulator.exchange import SimAnswer
from seedance_async.simulator.jsons import as_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seedance_async.simulator.exchange import SimRequest
    from seedance_async.simulator.requestlog import SeenRequest
    from seedance_async.simulator.server import SimulatedServer
    from seedance_async.simulator.tasks import LedgerEntry, SimTask

_FOLDER = Path(__file__).with_name("page")
_ROWS = 200
_REQUESTS = 100
_PROMPT = 300


@cache
def _file(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def wants_page(request: SimRequest) -> bool:
    """Whether this is a browser that opens the board; a program that asks the same path gets JSON."""
    return request.method == "GET" and "text/html" in request.headers.get("accept", "")


@define
class Page:
    """The page, and the secret that tells it from other pages."""

    token: str = field(factory=lambda: secrets.token_urlsafe(24), repr=False)

    def answer(self) -> SimAnswer:
        """The page, with its own style and script allowed and nothing else."""
        nonce = secrets.token_urlsafe(16)
        parts = {
            "style": _file("board.css"),
            "script": _file("board.js"),
            "token": self.token,
            "nonce": nonce,
        }
        text = _file("board.html")
        for name, part in parts.items():
            text = text.replace(f"<<{name}>>", part)
        return SimAnswer(status=200, headers=_headers(nonce), body=text.encode())


def _headers(nonce: str) -> Mapping[str, str]:
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }


def snapshot(server: SimulatedServer, now: float) -> dict[str, object]:
    """What the board shows: sums, and the newest rows of each table first."""
    world, log = server.world, server.log
    return {
        "scenario": {"name": server.scenario.name, "about": server.scenario.about},
        "sums": {**world.sums(), "leaks": len(log.leaks)},
        "counts": dict(log.counts),
        "tasks": [_task(server, one, now) for one in islice(reversed(world.tasks.values()), _ROWS)],
        "task_count": len(world.tasks),
        "ledger": [_entry(one) for one in islice(reversed(world.ledger), _ROWS)],
        "requests": [_request(one, now) for one in islice(reversed(log.last), _REQUESTS)],
        "faults": _faults(server),
    }


def _task(server: SimulatedServer, task: SimTask, now: float) -> dict[str, object]:
    record = server.desk.record(task, now)
    content = as_object(record.get("content")) or {}
    error = as_object(record.get("error")) or {}
    return {
        "id": task.id,
        "status": task.status,
        "ended": task.is_terminal,
        "age": round(now - task.accepted, 1),
        "model": task.order.model_id,
        "prompt": _short(task.order.prompt),
        "video": content.get("video_url", ""),
        "error": error.get("code", ""),
    }


def _entry(entry: LedgerEntry) -> dict[str, object]:
    billed = {True: "billed", False: "not billed", None: "open"}[entry.billed]
    return {
        "id": entry.id,
        "accepted_at": entry.accepted_at,
        "billed": billed,
        "tokens": entry.tokens,
        "fingerprint": entry.fingerprint,
        "prompt": _short(entry.prompt),
    }


def _request(seen: SeenRequest, now: float) -> dict[str, object]:
    """One request; the log has folded its key already, and a signature would only fill the line."""
    query = "&".join(f"{name}={value}" for name, value in seen.query if name != "X-Tos-Signature")
    return {
        "age": round(now - seen.at, 1),
        "route": seen.route or "unknown",
        "method": seen.method,
        "path": _short(f"{seen.path}?{query}" if query else seen.path),
        "status": seen.status,
        "key": seen.key,
        "fault": seen.fault,
    }


def _faults(server: SimulatedServer) -> list[dict[str, object]]:
    """The armed faults, each with how often it has fired."""
    book = server.faults
    armed = zip(book.armed, book.fired, strict=True)
    return [{**(as_object(to_data(fault)) or {}), "fired": fired} for fault, fired in armed]


def _short(text: str) -> str:
    return text if len(text) <= _PROMPT else f"{text[:_PROMPT]}…"

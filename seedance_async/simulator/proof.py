"""What a test wants to know at its end: was every order billed once, and was anything strange asked for?"""

from __future__ import annotations

from collections import Counter
from difflib import get_close_matches
from typing import TYPE_CHECKING

from seedance_async.simulator.links import VIDEO_PREFIX
from seedance_async.simulator.routes import TAIL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from seedance_async.simulator.requestlog import SeenRequest
    from seedance_async.simulator.service import Simulator
    from seedance_async.simulator.tasks import LedgerEntry


def assert_billed_once(sim: Simulator, *wanted: str) -> None:
    """Check the ledger: one paid task for each order, and none besides.

    A task that has not ended counts as paid: it will be. One that failed, expired or was cancelled costs
    nothing (api docs 1544106).

    Args:
        sim: The simulator that was ordered from.
        wanted: Prompts or task ids, one for each order that was meant to be paid; a prompt that was meant to
            be ordered twice is given twice. Without any: whatever was ordered, each prompt once.

    Raises:
        AssertionError: The ledger says otherwise; the message lists the tasks.
    """
    paid = [entry for entry in sim.ledger if entry.billed is not False]
    ids = frozenset(wanted)
    found = Counter(entry.id if entry.id in ids else entry.prompt for entry in paid)
    expected = Counter(wanted) if wanted else Counter(dict.fromkeys(found, 1) or {"any prompt": 1})
    wrong = [name for name in {**expected, **found} if found[name] != expected[name]]
    if wrong:
        lines = [f"{found[name]} paid task(s) for {name!r}, expected {expected[name]}" for name in wrong]
        raise AssertionError("\n".join([*lines, "the ledger:", *_ledger(sim.ledger)]))


def _ledger(entries: Iterable[LedgerEntry]) -> list[str]:
    """The ledger in lines."""
    lines = [
        f"  {entry.id}  {entry.status:9}  {entry.tokens:>9} tokens  {entry.prompt!r}" for entry in entries
    ]
    return lines or ["  nothing was accepted"]


def complaints(sim: Simulator) -> list[str]:
    """Requests that nobody can have meant: to no route of the API, or with the key to the video host.

    Returns:
        A line for each, with the nearest route; keys and query values are left out.
    """
    log = sim.server.log
    known = list(_routes(sim.server.world.behaviour.mounts))
    strange = [_complaint(seen, known) for seen in log.strangers]
    leaked = [f"GET {path} carried the API key to the video host" for path in log.leaks]
    return list(dict.fromkeys([*strange, *leaked]))


def _routes(mounts: Mapping[str, str]) -> Iterable[str]:
    """All routes, as method and path."""
    yield f"GET {VIDEO_PREFIX}{{task_id}}.mp4"
    for prefix in mounts:
        for method, rest in (("POST", ""), ("GET", ""), ("GET", "/{task_id}"), ("DELETE", "/{task_id}")):
            yield f"{method} {prefix}{TAIL}{rest}"


def _complaint(seen: SeenRequest, known: list[str]) -> str:
    """What was asked, and what may have been meant."""
    names = "&".join(f"{name}=…" for name, _ in seen.query)
    asked = f"{seen.method} {seen.path}"
    nearest = get_close_matches(asked, known, n=1, cutoff=0.0)
    shown = f"{asked}?{names}" if names else asked
    return f"{shown} ({seen.key or 'no key'}) is no route of the API; the nearest is {nearest[0]}"

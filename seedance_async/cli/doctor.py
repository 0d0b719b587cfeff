"""``seedance doctor``: whether a key, an address and an installation will do, without ordering anything."""

from __future__ import annotations

import os
import platform
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import click
from attrs import frozen

from seedance_async._wire.plain import in_one_line
from seedance_async._wire.refusals import NO_PATH
from seedance_async.cli.commands import command
from seedance_async.cli.exits import OK, code_of
from seedance_async.cli.opening import opened, server_options
from seedance_async.cli.profiles import config_file, key_of_profile
from seedance_async.cli.records import wants_json, write_json, write_text
from seedance_async.cli.reporting import advice_of
from seedance_async.cli.running import run_async
from seedance_async.errors import (
    AuthenticationFailed,
    InvalidRequest,
    MissingApiKey,
    RequestRefused,
    SeedanceError,
    TaskNotFound,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from seedance_async.session import SeedanceSession

__all__ = ["doctor_command", "findings"]

_EXTRAS: Final = {
    "simulator": ("av", "PIL"),
    "speed": ("orjson",),
    "storage": ("obstore",),
    "parquet": ("pyarrow",),
    "otel": ("opentelemetry",),
    "prometheus": ("prometheus_client",),
}
_NO_TASK: Final = "cgt-00000000000000-doctor"
_CLOCK_SECONDS: Final = 5.0


@frozen
class Finding:
    """One thing that was looked at; ``error`` is what is wrong with it, ``warning`` what may be."""

    check: str
    detail: str
    error: SeedanceError | None = None
    warning: str | None = None


@command("doctor")
@server_options
def doctor_command(**options: Any) -> int:
    """Check key, address, list, clock and installation. Orders nothing, and never shows the key."""
    return run_async(_doctor(options))


async def _doctor(options: dict[str, Any]) -> int:
    """Look at one thing after the other; the first that is wrong gives the exit code."""
    as_json, code = wants_json(options["as_json"]), OK
    async for finding in findings(options):
        if finding.error is not None and code == OK:
            code = code_of(finding.error)
        if as_json:
            facts = {"check": finding.check, "ok": finding.error is None, "detail": finding.detail}
            write_json({**facts, "advice": _advice(finding)})
            continue
        write_text(f"{_mark(finding)}  {finding.check:<8}  {in_one_line(finding.detail)}")
        if advice := _advice(finding):
            write_text(f"      {'':<8}  {advice}")
    return code


def _mark(finding: Finding) -> str:
    """Say in a word how a finding is."""
    if finding.error is not None:
        return click.style("FAIL", fg="red")
    return click.style("ok  ", fg="green") if finding.warning is None else click.style("warn", fg="yellow")


def _advice(finding: Finding) -> str | None:
    """Say what to do about a finding."""
    return finding.warning if finding.error is None else advice_of(finding.error) or None


async def findings(options: dict[str, Any]) -> AsyncGenerator[Finding]:
    """Look at this machine, then at the server."""
    yield Finding("python", f"{platform.python_version()} on {platform.system()}")
    yield Finding("extras", _extras())
    file = config_file(os.environ.get("SEEDANCE_CONFIG"))
    yield Finding("config", f"{file}{'' if file.is_file() else ' (not there, which is fine)'}")
    source = _key_source()
    if source is None:
        missing = MissingApiKey()
        yield Finding("key", missing.message, missing)
        return
    yield Finding("key", f"found in {source}")
    from seedance_async.settings import RetryPolicy
    from seedance_async.wiring import KEY_OF_ARK, is_key_of_ark

    # A check-up that waits for minutes is none.
    async with opened(options, retry=RetryPolicy(attempts=2, budget=5.0)) as session:
        mixed = is_key_of_ark(key_of_profile(), options["base_url"])
        yield Finding("address", session.settings.base_url, warning=KEY_OF_ARK if mixed else None)
        async for finding in _server(session):
            yield finding


def _extras() -> str:
    """Say which extras are installed."""
    there = [name for name, modules in _EXTRAS.items() if all(find_spec(module) for module in modules)]
    missing = [name for name in _EXTRAS if name not in there]
    return f"installed: cli {' '.join(there)}" + (f"; not installed: {' '.join(missing)}" if missing else "")


def _key_source() -> str | None:
    """Say where the key comes from, never what it is."""
    if os.environ.get("SEEDANCE_API_KEY", "").strip():
        return "SEEDANCE_API_KEY"
    if key_of_profile():
        return "the profile"
    return "ARK_API_KEY" if os.environ.get("ARK_API_KEY", "").strip() else None


async def _server(session: SeedanceSession) -> AsyncIterator[Finding]:
    """Ask the server for what costs nothing: a task that is not there, the list, the time."""
    try:
        await session.get(_NO_TASK)
    except TaskNotFound as error:
        if not _names_the_task(error):
            yield Finding("access", f"there is no such API: {error.message}", _wrong_address(session))
            return
        yield Finding("access", "the server answers and takes the key")
    except AuthenticationFailed as error:
        yield Finding("access", error.message, error)
        return
    except RequestRefused as error:
        yield Finding("access", f"the server answers: {error.message}")
    except SeedanceError as error:
        yield Finding("access", error.message, error)
        return
    yield await _list(session)
    yield await _clock(session)
    limits = session.settings.limits
    quotas = f"{limits.creates_per_minute:g} creates a minute, {limits.max_alive:g} tasks alive"
    yield Finding("quotas", f"kept: {quotas}; the server tells none of its own before they are reached")


def _names_the_task(error: TaskNotFound) -> bool:
    """Tell a server that does not know a task from one that does not know the address."""
    # Which of its codes Ark gives here is unconfirmed (api docs 1299023); those two are about ids, not paths.
    if error.code == "ResourceNotFound" or error.code.startswith("NotFound."):
        return True
    # An address that is repeated in the answer holds the words, too.
    words = f"{error.code} {error.server_message}".replace(f"tasks/{_NO_TASK}", "")
    return "task" in words.lower() or _NO_TASK in words


def _wrong_address(session: SeedanceSession) -> InvalidRequest:
    """Say what is wrong with an address where any other thing answers."""
    error = InvalidRequest(field="base_url", value=session.settings.base_url, limit="is not the API's")
    error.advice = NO_PATH
    return error


async def _list(session: SeedanceSession) -> Finding:
    """See whether tasks can be listed: without it, a lost answer cannot be cleared up."""
    try:
        page = await session.list(page_size=1)
    except SeedanceError as error:
        return Finding(
            "list", f"{error.message} Tasks are looked at one by one, a lost answer stays uncertain.", error
        )
    return Finding("list", f"works; {'?' if page.total is None else page.total} tasks in the last 7 days")


async def _clock(session: SeedanceSession) -> Finding:
    """Compare the clocks; the connection used carries no key."""
    from email.utils import parsedate_to_datetime

    import aiohttp

    from seedance_async._wire import clock

    try:
        async with session.http.get(session.settings.base_url, allow_redirects=False) as answer:
            date = answer.headers.get("Date")
            offset = parsedate_to_datetime(date or "").timestamp() - clock.wall()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return Finding("clock", "the server does not tell its time")
    if abs(offset) <= _CLOCK_SECONDS:
        return Finding("clock", "agrees with the server's")
    return Finding("clock", f"the server's is {offset:+.0f} s off this machine's; searches allow for it")
